/*
 * test_segment.c - heads and batches as bytes
 */
#include "ledger/segment.h"

#include "ledger/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct segment_head a_head = {512, 12345678901234567u, 1 << 20,
                                           SLICE_LITERAL("sluis.example/ledger")};

static void names_are_twenty_digits(void **state)
{
    (void)state;
    char name[SEGMENT_NAME_BYTES + 1];
    uint64_t index = 7;
    segment_name(0, name);
    assert_string_equal(name, "00000000000000000000.seg");
    assert_true(segment_name_parse(slice_of_str(name), &index));
    assert_int_equal(index, 0);
    segment_name(UINT64_MAX, name);
    assert_string_equal(name, "18446744073709551615.seg");
    assert_true(segment_name_parse(slice_of_str(name), &index));
    assert_true(index == UINT64_MAX);
    static const char *const wrong[] = {"",
                                        "next.tmp",
                                        "lock",
                                        "0.seg",
                                        "0000000000000000000.seg",
                                        "00000000000000000000.sig",
                                        "0000000000000000000x.seg",
                                        "18446744073709551616.seg",
                                        "000000000000000000000.seg"};
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_false(segment_name_parse(slice_of_str(wrong[i]), &index));
}

static void a_head_comes_back(void **state)
{
    (void)state;
    uint8_t block[SEGMENT_ALIGNMENT_MAX];
    char longest[NOTE_NAME_BYTES_MAX];
    memset(longest, 'o', sizeof longest);
    for (uint32_t alignment = 512; alignment <= 4096; alignment *= 2) {
        struct segment_head head = a_head, found;
        memset(block, 0xee, sizeof block);
        head.alignment_bytes = alignment;
        head.origin = slice_of(longest, sizeof longest);
        segment_head_write(&head, block);
        assert_int_equal(segment_head_parse(slice_of(block, sizeof block), &found), SL_OK);
        assert_int_equal(found.alignment_bytes, alignment);
        assert_int_equal(found.first_index, head.first_index);
        assert_int_equal(found.segment_bytes, head.segment_bytes);
        assert_true(slice_equals(found.origin, head.origin));
        if (alignment < 4096)
            assert_int_equal(block[alignment], 0xee); /* nothing beyond it is touched */
    }
}

static void no_byte_of_a_head_can_be_changed(void **state)
{
    (void)state;
    uint8_t block[SEGMENT_ALIGNMENT_MAX] = {0};
    struct segment_head head;
    segment_head_write(&a_head, block);
    for (size_t i = 0; i < a_head.alignment_bytes * 8; i++) {
        block[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(segment_head_parse(slice_of(block, sizeof block), &head), SL_EMALFORMED);
        block[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < a_head.alignment_bytes; n++)
        assert_int_equal(segment_head_parse(slice_of(block, n), &head), SL_EMALFORMED);
}

static void a_segment_has_at_most_segment_bytes(void **state)
{
    (void)state;
    uint8_t block[SEGMENT_ALIGNMENT_MAX] = {0};
    struct segment_head head = a_head, found;
    head.segment_bytes = LIMIT_MAX_segment_bytes;
    segment_head_write(&head, block);
    assert_int_equal(segment_head_parse(slice_of(block, sizeof block), &found), SL_OK);
    head.segment_bytes += head.alignment_bytes;
    segment_head_write(&head, block);
    assert_int_equal(segment_head_parse(slice_of(block, sizeof block), &found), SL_EMALFORMED);
}

/* Changed by somebody who knows how to compute a CRC. */
static void a_head_with_values_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t bytes[8];
        size_t n;
    } changes[] = {
        {8, {2}, 1},              /* version */
        {24, {0, 0, 0, 0}, 4},    /* no bytes at all */
        {24, {1, 0, 16, 0}, 4},   /* not a multiple */
        {24, {0, 0, 0, 0, 1}, 5}, /* 4 GiB */
        {32, {0, 0}, 2},          /* no origin */
        {32, {0xff, 0xff}, 2},    /* an origin beyond the block */
        {34, {' '}, 1},           /* an origin that is no name */
        {400, {1}, 1},            /* something in the zeros */
    };
    for (size_t i = 0; i < SL_LENGTH(changes); i++) {
        uint8_t block[SEGMENT_ALIGNMENT_MAX] = {0};
        struct segment_head head;
        segment_head_write(&a_head, block);
        memcpy(block + changes[i].at, changes[i].bytes, changes[i].n);
        struct writer crc = writer_over(block + 508, 4);
        write_u32(&crc, crc32c_of(slice_of(block, 508)));
        assert_int_equal(segment_head_parse(slice_of(block, sizeof block), &head), SL_EMALFORMED);
    }
}

/* ---------------------------------------------------------------------------------- batches -- */

struct made {
    uint8_t *block;
    size_t padded;
    uint32_t total;
};

static struct made make_batch(uint32_t n_receipts, size_t leaf_bytes, size_t checkpoint_bytes,
                              uint32_t alignment)
{
    static struct batch_builder builder;
    static uint8_t checkpoint[CHECKPOINT_BYTES_MAX];
    uint8_t leaf[LEAF_BYTES_MAX];
    struct made made = {.block = malloc(BATCH_PADDED_BYTES_MAX)};
    assert_non_null(made.block);
    memset(made.block, 0xee, BATCH_PADDED_BYTES_MAX);
    memset(checkpoint, 'c', sizeof checkpoint);
    batch_begin(&builder, made.block, 1000);
    for (uint32_t i = 0; i < n_receipts; i++) {
        memset(leaf, (int)('a' + i % 26), sizeof leaf);
        uint64_t bound = batch_padded_bytes_with(&builder, leaf_bytes, alignment);
        batch_add(&builder, slice_of(leaf, leaf_bytes));
        assert_true(bound >= builder.n_bytes);
        if (i + 1 == n_receipts && checkpoint_bytes == CHECKPOINT_BYTES_MAX)
            made.padded = (size_t)bound;
    }
    size_t expected = made.padded;
    made.padded = batch_finish(&builder, -5, slice_of(checkpoint, checkpoint_bytes), alignment);
    if (checkpoint_bytes == CHECKPOINT_BYTES_MAX)
        assert_int_equal(made.padded, expected); /* the bound is exact for the longest */
    assert_int_equal(batch_length(slice_of(made.block, BATCH_HEAD_BYTES), &made.total), SL_OK);
    return made;
}

static void a_batch_comes_back(void **state)
{
    (void)state;
    struct made made = make_batch(3, 100, 200, 512);
    struct batch batch;
    struct slice leaf;
    assert_int_equal(made.padded % 512, 0);
    assert_int_equal(batch_parse(slice_of(made.block, made.total), &batch), SL_OK);
    assert_int_equal(batch.first_index, 1000);
    assert_int_equal(batch.n_receipts, 3);
    assert_int_equal(batch.newest_time_ms, -5);
    assert_int_equal(batch.checkpoint.n, 200);
    struct batch_cursor cursor = batch_cursor_over(&batch);
    for (uint8_t i = 0; i < 3; i++) {
        assert_true(batch_next_leaf(&cursor, &leaf));
        assert_int_equal(leaf.n, 100);
        assert_int_equal(leaf.p[0], 'a' + i);
    }
    assert_false(batch_next_leaf(&cursor, &leaf));
    for (size_t i = made.total; i < made.padded; i++)
        assert_int_equal(made.block[i], 0);
    assert_int_equal(made.block[made.padded], 0xee);
    free(made.block);
}

static void no_byte_of_a_batch_can_be_changed(void **state)
{
    (void)state;
    struct made made = make_batch(2, 60, 100, 512);
    struct batch batch;
    for (size_t i = 0; i < made.total * 8; i++) {
        made.block[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(batch_parse(slice_of(made.block, made.total), &batch), SL_EMALFORMED);
        made.block[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t n = 0; n < made.total; n++)
        assert_int_equal(batch_parse(slice_of(made.block, n), &batch), SL_EMALFORMED);
    assert_int_equal(batch_parse(slice_of(made.block, made.total), &batch), SL_OK);
    free(made.block);
}

static void a_changed_receipt_is_found_by_its_own_checksum(void **state)
{
    (void)state;
    struct made made = make_batch(5, 60, 100, 512);
    struct batch batch;
    struct slice leaf;
    for (uint32_t i = 0; i < 5; i++) {
        size_t at = BATCH_HEAD_BYTES + i * 62u + 30;
        made.block[at] ^= 1;
        assert_int_equal(batch_parse_unchecked(slice_of(made.block, made.total), &batch), SL_OK);
        struct batch_cursor cursor = batch_cursor_over(&batch);
        uint32_t n_good = 0;
        while (batch_next_leaf(&cursor, &leaf))
            n_good++;
        assert_int_equal(n_good, i);
        made.block[at] ^= 1;
    }
    free(made.block);
}

static void the_largest_batch_fits_the_block(void **state)
{
    (void)state;
    struct batch batch;
    struct made made = make_batch(LIMIT_MAX_batch_receipts, LEAF_BYTES_MAX, CHECKPOINT_BYTES_MAX,
                                  SEGMENT_ALIGNMENT_MAX);
    assert_int_equal(made.total, BATCH_BYTES_MAX);
    assert_int_equal(made.padded, BATCH_PADDED_BYTES_MAX);
    assert_int_equal(batch_parse(slice_of(made.block, made.total), &batch), SL_OK);
    free(made.block);
}

static void lengths_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct made made = make_batch(1, 60, 100, 512);
    uint32_t total = 99;
    static const uint32_t wrong[] = {0, 43, BATCH_BYTES_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct writer writer = writer_over(made.block + 4, 4);
        write_u32(&writer, wrong[i]);
        assert_int_equal(batch_length(slice_of(made.block, BATCH_HEAD_BYTES), &total),
                         SL_EMALFORMED);
    }
    assert_int_equal(total, 99);
    free(made.block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_twenty_digits),
        cmocka_unit_test(a_head_comes_back),
        cmocka_unit_test(no_byte_of_a_head_can_be_changed),
        cmocka_unit_test(a_segment_has_at_most_segment_bytes),
        cmocka_unit_test(a_head_with_values_that_cannot_be_is_refused),
        cmocka_unit_test(a_batch_comes_back),
        cmocka_unit_test(no_byte_of_a_batch_can_be_changed),
        cmocka_unit_test(a_changed_receipt_is_found_by_its_own_checksum),
        cmocka_unit_test(the_largest_batch_fits_the_block),
        cmocka_unit_test(lengths_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
