/*
 * test_crc32c.c - published checksums, by the instruction and by the table
 */
#include "ledger/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The same file again, as a processor without the instruction sees it. */
#pragma push_macro("__x86_64__")
#undef __x86_64__
#define crc32c_of     table_crc32c_of
#define crc32c_extend table_crc32c_extend
uint32_t table_crc32c_of(struct slice bytes);
uint32_t table_crc32c_extend(uint32_t crc, struct slice bytes);
#include "ledger/crc32c.c"
#undef crc32c_of
#undef crc32c_extend
#pragma pop_macro("__x86_64__")

/* RFC 3720 appendix B.4, and the check value of the CRC catalogues. */
static void published_checksums_come_out(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < sizeof up; i++) {
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    const struct {
        struct slice bytes;
        uint32_t crc;
    } known[] = {
        {slice_of_str("123456789"), 0xe3069283}, {slice_of(zeros, 32), 0x8a9136aa},
        {slice_of(ones, 32), 0x62a8ab43},        {slice_of(up, 32), 0x46dd794e},
        {slice_of(down, 32), 0x113fdb5c},        {slice_of(NULL, 0), 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_int_equal(crc32c_of(known[i].bytes), known[i].crc);
        assert_int_equal(table_crc32c_of(known[i].bytes), known[i].crc);
    }
}

static void pieces_give_the_checksum_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[77];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    uint32_t whole = crc32c_of(slice_of(bytes, sizeof bytes));
    assert_int_equal(table_crc32c_of(slice_of(bytes, sizeof bytes)), whole);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct slice rest = slice_of(bytes + n, sizeof bytes - n);
        assert_int_equal(crc32c_extend(crc32c_of(slice_of(bytes, n)), rest), whole);
        assert_int_equal(table_crc32c_extend(table_crc32c_of(slice_of(bytes, n)), rest), whole);
    }
}

/* Lengths around one and two rounds of three stretches, from places that are not aligned. */
static void both_ways_agree_on_every_length(void **state)
{
    (void)state;
    static uint8_t bytes[8 + 1000];
    unsigned seed = 20261123;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand_r(&seed);
    for (size_t n = 0; n <= 1000; n++) {
        struct slice part = slice_of(bytes + n % 8, n);
        uint32_t before = (uint32_t)rand_r(&seed) * 0x9e3779b9u;
        assert_int_equal(crc32c_of(part), table_crc32c_of(part));
        assert_int_equal(crc32c_extend(before, part), table_crc32c_extend(before, part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_checksums_come_out),
        cmocka_unit_test(pieces_give_the_checksum_of_the_whole),
        cmocka_unit_test(both_ways_agree_on_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
