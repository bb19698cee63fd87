/*
 * segment.c - writing and reading heads and batches, in memory
 *
 * Nothing here touches a file. A batch carries more than its receipts need, on purpose:
 *
 *  - a CRC of the whole tells a batch that was torn by a crash (nobody has seen it) from one that
 *    was written and does not add up (somebody has touched it);
 *  - a CRC of each receipt lets an auditor name the receipt that was damaged, where the tree can
 *    only say that the batch is not what was signed;
 *  - everything starts at a multiple of the device's sector, so that a write never shares one
 *    with bytes that were promised before.
 */
#include "ledger/segment.h"

#include "ledger/crc32c.h"

#include <string.h>

static const struct slice segment_magic = SLICE_LITERAL("SLUISSEG");
static const struct slice batch_magic = SLICE_LITERAL("SLB1");
static const struct slice name_suffix = SLICE_LITERAL(".seg");

enum { NAME_DIGITS = 20, HEAD_CRC_BYTES = 4 };

uint64_t align_up(uint64_t n, uint32_t alignment)
{
    return (n + alignment - 1) / alignment * alignment;
}

void segment_name(uint64_t first_index, char name[SEGMENT_NAME_BYTES + 1])
{
    for (size_t i = NAME_DIGITS; i > 0; i--) {
        name[i - 1] = (char)('0' + first_index % 10);
        first_index /= 10;
    }
    memcpy(name + NAME_DIGITS, name_suffix.p, name_suffix.n);
    name[SEGMENT_NAME_BYTES] = '\0';
}

bool segment_name_parse(struct slice name, uint64_t *first_index)
{
    if (name.n != SEGMENT_NAME_BYTES ||
        !slice_equals(slice_of(name.p + NAME_DIGITS, name_suffix.n), name_suffix))
        return false;
    size_t n_zeros = 0;
    while (n_zeros < NAME_DIGITS - 1 && name.p[n_zeros] == '0')
        n_zeros++;
    return slice_to_u64(slice_of(name.p + n_zeros, NAME_DIGITS - n_zeros), UINT64_MAX, first_index);
}

/* -------------------------------------------------------------------------------- heads -- */

static bool alignment_is_valid(uint32_t alignment)
{
    return alignment >= SEGMENT_ALIGNMENT_MIN && alignment <= SEGMENT_ALIGNMENT_MAX &&
           (alignment & (alignment - 1)) == 0;
}

void segment_head_write(const struct segment_head *head, uint8_t *block)
{
    SL_ASSERT(alignment_is_valid(head->alignment_bytes));
    SL_ASSERT(head->origin.n > 0 && head->origin.n <= NOTE_NAME_BYTES_MAX);
    struct writer writer = writer_over(block, head->alignment_bytes);
    write_bytes(&writer, segment_magic);
    write_u32(&writer, SEGMENT_VERSION);
    write_u32(&writer, head->alignment_bytes);
    write_u64(&writer, head->first_index);
    write_u64(&writer, head->segment_bytes);
    write_u16(&writer, (uint16_t)head->origin.n);
    write_bytes(&writer, head->origin);
    write_zeros(&writer, head->alignment_bytes - HEAD_CRC_BYTES - writer.n);
    write_u32(&writer, crc32c_of(writer_slice(&writer)));
    SL_ASSERT(!writer.overflow && writer.n == head->alignment_bytes);
}

enum sl_err segment_head_parse(struct slice bytes, struct segment_head *out)
{
    struct reader reader = reader_over(bytes);
    struct segment_head head = {0};
    bool magic = slice_equals(read_bytes(&reader, segment_magic.n), segment_magic);
    uint32_t version = read_u32(&reader);
    head.alignment_bytes = read_u32(&reader);
    head.first_index = read_u64(&reader);
    head.segment_bytes = read_u64(&reader);
    head.origin = read_bytes(&reader, read_u16(&reader));
    if (reader.bad || !magic || version != SEGMENT_VERSION ||
        !alignment_is_valid(head.alignment_bytes) || head.alignment_bytes > bytes.n)
        return SL_EMALFORMED;
    if (head.segment_bytes < 2 * SEGMENT_ALIGNMENT_MAX ||
        head.segment_bytes % head.alignment_bytes != 0 ||
        head.segment_bytes > LIMIT_MAX_segment_bytes || !note_name_is_valid(head.origin))
        return SL_EMALFORMED;

    size_t n_used = (size_t)(reader.at - bytes.p);
    struct slice before_crc = slice_of(bytes.p, head.alignment_bytes - HEAD_CRC_BYTES);
    if (n_used > before_crc.n ||
        !slice_is_zero(slice_of(before_crc.p + n_used, before_crc.n - n_used)))
        return SL_EMALFORMED;
    struct reader crc = reader_over(slice_of(before_crc.p + before_crc.n, HEAD_CRC_BYTES));
    if (read_u32(&crc) != crc32c_of(before_crc))
        return SL_EMALFORMED;
    *out = head;
    return SL_OK;
}

/* -------------------------------------------------------------------- reading a batch -- */

enum sl_err batch_length(struct slice head, uint32_t *total_bytes)
{
    struct reader reader = reader_over(head);
    bool magic = slice_equals(read_bytes(&reader, batch_magic.n), batch_magic);
    uint32_t total = read_u32(&reader);
    if (reader.bad || !magic || total < BATCH_HEAD_BYTES + BATCH_CRC_BYTES ||
        total > BATCH_BYTES_MAX)
        return SL_EMALFORMED;
    *total_bytes = total;
    return SL_OK;
}

enum sl_err batch_parse_unchecked(struct slice bytes, struct batch *out)
{
    struct batch batch;
    SL_TRY(batch_length(bytes, &batch.total_bytes));
    struct reader reader = reader_over(bytes);
    (void)read_bytes(&reader, batch_magic.n + sizeof batch.total_bytes);
    batch.first_index = read_u64(&reader);
    batch.n_receipts = read_u32(&reader);
    uint32_t receipts_bytes = read_u32(&reader);
    batch.newest_time_ms = (int64_t)read_u64(&reader);
    uint32_t checkpoint_bytes = read_u32(&reader);
    uint32_t reserved = read_u32(&reader);
    if (batch.total_bytes != bytes.n || reserved != 0 || batch.n_receipts == 0 ||
        batch.n_receipts > LIMIT_MAX_batch_receipts || checkpoint_bytes == 0 ||
        checkpoint_bytes > CHECKPOINT_BYTES_MAX)
        return SL_EMALFORMED;
    batch.receipts = read_bytes(&reader, receipts_bytes);
    batch.checksums = read_bytes(&reader, (size_t)batch.n_receipts * sizeof(uint32_t));
    batch.checkpoint = read_bytes(&reader, checkpoint_bytes);
    if (reader.bad || reader_left(&reader) != BATCH_CRC_BYTES)
        return SL_EMALFORMED;
    *out = batch;
    return SL_OK;
}

enum sl_err batch_parse(struct slice bytes, struct batch *out)
{
    struct batch batch;
    SL_TRY(batch_parse_unchecked(bytes, &batch));
    struct slice before_crc = slice_of(bytes.p, bytes.n - BATCH_CRC_BYTES);
    struct reader crc = reader_over(slice_of(before_crc.p + before_crc.n, BATCH_CRC_BYTES));
    if (read_u32(&crc) != crc32c_of(before_crc))
        return SL_EMALFORMED;
    *out = batch;
    return SL_OK;
}

struct batch_cursor batch_cursor_over(const struct batch *batch)
{
    return (struct batch_cursor){reader_over(batch->receipts), reader_over(batch->checksums)};
}

bool batch_next_leaf(struct batch_cursor *cursor, struct slice *leaf)
{
    const uint8_t *entry = cursor->receipts.at;
    uint16_t n = read_u16be(&cursor->receipts);
    struct slice bytes = read_bytes(&cursor->receipts, n);
    uint32_t checksum = read_u32(&cursor->checksums);
    if (cursor->receipts.bad || cursor->checksums.bad || n == 0 || n > LEAF_BYTES_MAX ||
        checksum != crc32c_of(slice_of(entry, sizeof n + (size_t)n)))
        return false;
    *leaf = bytes;
    return true;
}

bool batch_next_proven_leaf(struct batch_cursor *cursor, struct slice *leaf)
{
    uint16_t n = read_u16be(&cursor->receipts);
    *leaf = read_bytes(&cursor->receipts, n);
    return !cursor->receipts.bad;
}

bool batch_skip_leaves(struct batch_cursor *cursor, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        (void)read_bytes(&cursor->receipts, read_u16be(&cursor->receipts));
    (void)read_bytes(&cursor->checksums, n * sizeof(uint32_t));
    return !cursor->receipts.bad && !cursor->checksums.bad;
}

/* --------------------------------------------------------------------- making a batch -- */

void batch_begin(struct batch_builder *builder, uint8_t *block, uint64_t first_index)
{
    builder->block = block;
    builder->first_index = first_index;
    builder->n_receipts = 0;
    builder->n_bytes = BATCH_HEAD_BYTES;
}

uint64_t batch_padded_bytes_with(const struct batch_builder *builder, size_t leaf_bytes,
                                 uint32_t alignment)
{
    uint64_t n = builder->n_bytes + builder->n_receipts * sizeof(uint32_t) +
                 BATCH_RECEIPT_EXTRA_BYTES + leaf_bytes + CHECKPOINT_BYTES_MAX + BATCH_CRC_BYTES;
    return align_up(n, alignment);
}

void batch_add(struct batch_builder *builder, struct slice leaf)
{
    SL_ASSERT(builder->n_receipts < LIMIT_MAX_batch_receipts);
    SL_ASSERT(leaf.n > 0 && leaf.n <= LEAF_BYTES_MAX);
    struct writer writer =
        writer_over(builder->block + builder->n_bytes, sizeof(uint16_t) + LEAF_BYTES_MAX);
    write_u16be(&writer, (uint16_t)leaf.n);
    write_bytes(&writer, leaf);
    builder->checksums[builder->n_receipts++] = crc32c_of(writer_slice(&writer));
    builder->n_bytes += writer.n;
}

size_t batch_finish(struct batch_builder *builder, int64_t newest_time_ms, struct slice checkpoint,
                    uint32_t alignment)
{
    SL_ASSERT(builder->n_receipts > 0 && checkpoint.n > 0);
    size_t checksums_bytes = builder->n_receipts * sizeof(uint32_t);
    size_t total = builder->n_bytes + checksums_bytes + checkpoint.n + BATCH_CRC_BYTES;
    SL_ASSERT(total <= BATCH_BYTES_MAX);

    struct writer head = writer_over(builder->block, BATCH_HEAD_BYTES);
    write_bytes(&head, batch_magic);
    write_u32(&head, (uint32_t)total);
    write_u64(&head, builder->first_index);
    write_u32(&head, builder->n_receipts);
    write_u32(&head, (uint32_t)(builder->n_bytes - BATCH_HEAD_BYTES));
    write_u64(&head, (uint64_t)newest_time_ms);
    write_u32(&head, (uint32_t)checkpoint.n);
    write_u32(&head, 0);

    size_t padded = (size_t)align_up(total, alignment);
    struct writer rest = writer_over(builder->block + builder->n_bytes, padded - builder->n_bytes);
    for (uint32_t i = 0; i < builder->n_receipts; i++)
        write_u32(&rest, builder->checksums[i]);
    write_bytes(&rest, checkpoint);
    write_u32(&rest, crc32c_of(slice_of(builder->block, total - BATCH_CRC_BYTES)));
    write_zeros(&rest, padded - total);
    SL_ASSERT(!head.overflow && !rest.overflow);
    return padded;
}
