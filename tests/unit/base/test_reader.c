/*
 * Reading straight down, and what happens past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/reader.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8, 'a', ';', 'b'};

static struct reader over_bytes(void)
{
    return reader_over(slice_of(bytes, sizeof bytes));
}

static void integers_are_little_endian_unless_named_otherwise(void **state)
{
    (void)state;
    struct reader reader = over_bytes();
    assert_int_equal(read_u8(&reader), 0x01);
    reader = over_bytes();
    assert_int_equal(read_u16(&reader), 0x0201);
    reader = over_bytes();
    assert_int_equal(read_u32(&reader), 0x04030201);
    reader = over_bytes();
    assert_true(read_u64(&reader) == UINT64_C(0xf807060504030201));
    reader = over_bytes();
    assert_int_equal(read_u16be(&reader), 0x0102);
    reader = over_bytes();
    assert_int_equal(read_u32be(&reader), 0x01020304);
    reader = over_bytes();
    assert_true(read_u64be(&reader) == UINT64_C(0x01020304050607f8));
    assert_false(reader.bad);
    assert_int_equal(reader_left(&reader), 3);
}

static void a_read_to_the_last_byte_is_good_and_one_further_sticks(void **state)
{
    (void)state;
    struct reader reader = over_bytes();
    struct slice all = read_bytes(&reader, sizeof bytes);
    assert_ptr_equal(all.p, bytes);
    assert_false(reader.bad);
    assert_int_equal(read_u8(&reader), 0);
    assert_true(reader.bad);
    assert_int_equal(reader_left(&reader), 0);
}

static void after_a_bad_read_everything_reads_as_nothing(void **state)
{
    (void)state;
    struct reader reader = over_bytes();
    (void)read_bytes(&reader, sizeof bytes + 1);
    assert_true(reader.bad);
    assert_int_equal(read_u8(&reader), 0);
    assert_int_equal(read_u64be(&reader), 0);
    struct slice slice = read_bytes(&reader, 1);
    assert_true(slice.p == NULL && slice.n == 0);
    slice = read_until(&reader, 2);
    assert_true(slice.p == NULL && slice.n == 0);
}

static void a_number_cut_short_reads_as_zero(void **state)
{
    (void)state;
    struct reader reader = reader_over(slice_of(bytes, 7));
    assert_true(read_u64(&reader) == 0);
    assert_true(reader.bad);
}

static void a_huge_length_does_not_wrap_around(void **state)
{
    (void)state;
    struct reader reader = over_bytes();
    (void)read_u8(&reader);
    (void)read_bytes(&reader, SIZE_MAX);
    assert_true(reader.bad);
}

static void the_delimiter_is_consumed_and_not_part_of_it(void **state)
{
    (void)state;
    struct reader reader = over_bytes();
    (void)read_u64(&reader);
    assert_true(slice_equals_str(read_until(&reader, ';'), "a"));
    assert_int_equal(reader_left(&reader), 1);
    assert_int_equal(read_until(&reader, 'b').n, 0);
    assert_false(reader.bad);
    (void)read_until(&reader, 'b');
    assert_true(reader.bad);
}

static void nothing_can_be_read_from_nothing(void **state)
{
    (void)state;
    struct reader reader = reader_over((struct slice){NULL, 0});
    assert_int_equal(reader_left(&reader), 0);
    assert_int_equal(read_bytes(&reader, 0).n, 0);
    assert_false(reader.bad);
    (void)read_until(&reader, 0);
    assert_true(reader.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian_unless_named_otherwise),
        cmocka_unit_test(a_read_to_the_last_byte_is_good_and_one_further_sticks),
        cmocka_unit_test(after_a_bad_read_everything_reads_as_nothing),
        cmocka_unit_test(a_number_cut_short_reads_as_zero),
        cmocka_unit_test(a_huge_length_does_not_wrap_around),
        cmocka_unit_test(the_delimiter_is_consumed_and_not_part_of_it),
        cmocka_unit_test(nothing_can_be_read_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
