/*
 * fuzz_segment.c - heads and batches of segments
 *
 * The checksums are made right first, or nothing would get past them. A head or batch that is
 * accepted then can be written again from what was read, byte for byte.
 */
#include "ledger/crc32c.h"
#include "ledger/segment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void put_crc(uint8_t *at, struct slice of)
{
    struct writer writer = writer_over(at, sizeof(uint32_t));
    write_u32(&writer, crc32c_of(of));
}

/* What came may be short: the rest of the block is zeros. */
static void try_head(struct slice bytes)
{
    uint8_t block[SEGMENT_ALIGNMENT_MAX] = {0}, again[SEGMENT_ALIGNMENT_MAX];
    memcpy(block, bytes.p, bytes.n < sizeof block ? bytes.n : sizeof block);
    for (uint32_t alignment = SEGMENT_ALIGNMENT_MIN; alignment <= sizeof block; alignment *= 2) {
        struct segment_head head;
        uint8_t kept[sizeof(uint32_t)];
        memcpy(kept, block + alignment - sizeof kept, sizeof kept);
        put_crc(block + alignment - sizeof kept, slice_of(block, alignment - sizeof kept));
        if (segment_head_parse(slice_of(block, sizeof block), &head) == SL_OK) {
            require(head.alignment_bytes == alignment);
            segment_head_write(&head, again);
            require(memcmp(again, block, alignment) == 0);
        }
        memcpy(block + alignment - sizeof kept, kept, sizeof kept);
    }
}

static void rebuild(const struct batch *batch, struct slice bytes)
{
    static uint8_t block[BATCH_PADDED_BYTES_MAX];
    static struct batch_builder builder;
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice leaf;
    uint32_t n = 0;
    batch_begin(&builder, block, batch->first_index);
    while (n < batch->n_receipts && batch_next_leaf(&cursor, &leaf)) {
        batch_add(&builder, leaf);
        n++;
    }
    if (n < batch->n_receipts || reader_left(&cursor.receipts) > 0)
        return; /* a checksum of one receipt does not fit: walk_prove() refuses that */
    size_t padded =
        batch_finish(&builder, batch->newest_time_ms, batch->checkpoint, SEGMENT_ALIGNMENT_MIN);
    require(padded == align_up(bytes.n, SEGMENT_ALIGNMENT_MIN));
    require(memcmp(block, bytes.p, bytes.n) == 0);
}

/* Makes each receipt's checksum right, as far as there are receipts. */
static void put_checksums(uint8_t *bytes, const struct batch *batch)
{
    struct reader receipts = reader_over(batch->receipts);
    uint8_t *at = bytes + (batch->checksums.p - bytes);
    for (uint32_t i = 0; i < batch->n_receipts; i++, at += sizeof(uint32_t)) {
        const uint8_t *entry = receipts.at;
        uint16_t n = read_u16be(&receipts);
        (void)read_bytes(&receipts, n);
        if (receipts.bad)
            return;
        put_crc(at, slice_of(entry, sizeof n + (size_t)n));
    }
}

static void try_batch(struct slice data)
{
    uint8_t *bytes = malloc(data.n);
    require(bytes != NULL);
    memcpy(bytes, data.p, data.n);
    struct slice whole = slice_of(bytes, data.n);
    struct batch batch;
    if (batch_parse_unchecked(whole, &batch) == SL_OK) {
        put_checksums(bytes, &batch);
        put_crc(bytes + whole.n - sizeof(uint32_t), slice_of(bytes, whole.n - sizeof(uint32_t)));
        require(batch_parse(whole, &batch) == SL_OK);
        rebuild(&batch, whole);
    } else {
        require(batch_parse(whole, &batch) != SL_OK);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice bytes = slice_of(data, size);
    try_head(bytes);
    try_batch(bytes);
    return 0;
}
