/*
 * Comparing bytes, and reading a number from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/slice.h"

static const struct slice nothing = {NULL, 0};

static void equal_means_the_same_bytes(void **state)
{
    (void)state;
    assert_true(slice_equals(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    assert_false(slice_equals(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    assert_false(slice_equals(slice_of("ab", 2), slice_of("ab", 1)));
    assert_true(slice_equals(nothing, slice_of("x", 0)));
    assert_true(slice_equals(nothing, nothing));
    assert_false(slice_equals_str(slice_of("a\0", 2), "a"));
    assert_true(slice_equals_str(nothing, ""));
}

static void case_is_folded_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(slice_equals_str_nocase(slice_of_str("Content-LENGTH"), "content-length"));
    assert_false(slice_equals_str_nocase(slice_of_str("@[`{"), "`{@["));
    assert_false(slice_equals_str_nocase(slice_of_str("\xc3\x89"), "\xc3\xa9"));
    assert_false(slice_equals_str_nocase(slice_of_str("abc"), "ab"));
}

static void secrets_compare_like_other_bytes(void **state)
{
    (void)state;
    assert_true(slice_equals_constant_time(slice_of_str("s3cret"), slice_of_str("s3cret")));
    assert_false(slice_equals_constant_time(slice_of_str("s3cret"), slice_of_str("s3creT")));
    assert_false(slice_equals_constant_time(slice_of_str("s3cret"), slice_of_str("s3cre")));
    assert_true(slice_equals_constant_time(nothing, slice_of_str("")));
}

static void a_prefix_may_be_the_whole_or_nothing(void **state)
{
    (void)state;
    assert_true(slice_starts_with_str(slice_of_str("/v1/x"), "/v1/"));
    assert_true(slice_starts_with_str(slice_of_str("/v1/"), "/v1/"));
    assert_false(slice_starts_with_str(slice_of_str("/v1"), "/v1/"));
    assert_true(slice_starts_with_str(nothing, ""));
}

static void order_is_by_bytes_and_shorter_first(void **state)
{
    (void)state;
    static const struct slice ascending[] = {
        {NULL, 0},           SLICE_LITERAL("\0"), SLICE_LITERAL("a"),    SLICE_LITERAL("aa"),
        SLICE_LITERAL("ab"), SLICE_LITERAL("b"),  SLICE_LITERAL("\xff"),
    };
    for (size_t i = 0; i < SL_LENGTH(ascending); i++) {
        for (size_t j = 0; j < SL_LENGTH(ascending); j++) {
            int order = slice_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void a_missing_string_is_the_empty_slice(void **state)
{
    (void)state;
    assert_int_equal(slice_of_str(NULL).n, 0);
}

static void numbers_are_plain_digits_within_their_maximum(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(slice_to_u64(slice_of_str("0"), 0, &value));
    assert_int_equal(value, 0);
    assert_true(slice_to_u64(slice_of_str("255"), 255, &value));
    assert_int_equal(value, 255);
    assert_true(slice_to_u64(slice_of_str("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

static void anything_else_is_no_number_and_leaves_the_target_alone(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("-1"),
        SLICE_LITERAL("+1"),
        SLICE_LITERAL(" 1"),
        SLICE_LITERAL("1 "),
        SLICE_LITERAL("01"),
        SLICE_LITERAL("00"),
        SLICE_LITERAL("1a"),
        SLICE_LITERAL("0x1"),
        SLICE_LITERAL("1\0"),
        SLICE_LITERAL("1e2"),
        SLICE_LITERAL("1.0"),
        SLICE_LITERAL("18446744073709551616"),
        SLICE_LITERAL("99999999999999999999"),
        SLICE_LITERAL("111111111111111111111"),
        SLICE_LITERAL("\xd9\xa1"),
    };
    uint64_t value = 7;
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(slice_to_u64(bad[i], UINT64_MAX, &value));
    assert_false(slice_to_u64(slice_of_str("256"), 255, &value));
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_means_the_same_bytes),
        cmocka_unit_test(case_is_folded_for_ascii_letters_only),
        cmocka_unit_test(secrets_compare_like_other_bytes),
        cmocka_unit_test(a_prefix_may_be_the_whole_or_nothing),
        cmocka_unit_test(order_is_by_bytes_and_shorter_first),
        cmocka_unit_test(a_missing_string_is_the_empty_slice),
        cmocka_unit_test(numbers_are_plain_digits_within_their_maximum),
        cmocka_unit_test(anything_else_is_no_number_and_leaves_the_target_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
