/*
 * test_mean.c - means that nobody can move further than the bounds
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"
#include "transform/mean.h"

#include <stdio.h>

static void assert_mean(const struct mean *mean, const char *expected)
{
    char text[32];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_mean(&writer, mean);
    text[writer.n] = 0;
    assert_string_equal(text, expected);
}

static bool add(struct mean *mean, const char *record)
{
    return mean_add(mean, slice_of_str(record));
}

static void numbers_are_added_up_and_divided(void **state)
{
    (void)state;
    struct mean mean = {.low = 0, .high = 130000};
    assert_true(add(&mean, "{\"kmh\":48}"));
    assert_mean(&mean, "48");
    assert_true(add(&mean, "{\"kmh\":51.5}"));
    assert_mean(&mean, "49.75");
    assert_true(add(&mean, "{\"a:b\":{\"}\":1e1}}"));
    assert_mean(&mean, "36.5");
    assert_int_equal(mean.n, 3);
}

static void one_number_moves_the_mean_no_further_than_a_bound(void **state)
{
    (void)state;
    struct mean mean = {.low = -2000, .high = 10000};
    assert_true(add(&mean, "{\"v\":1e15}") && add(&mean, "{\"v\":-99999}"));
    assert_int_equal(mean.sum, 8000);
    assert_mean(&mean, "4");
}

static void what_is_rounded_is_rounded_down(void **state)
{
    (void)state;
    struct mean mean = {.low = -5000, .high = 5000};
    assert_true(add(&mean, "{\"v\":-1}") && add(&mean, "{\"v\":-1}") && add(&mean, "{\"v\":0}"));
    assert_mean(&mean, "-0.667");
    assert_true(add(&mean, "{\"v\":4}"));
    assert_mean(&mean, "0.5");
    assert_true(add(&mean, "{\"v\":0.0009}"));
    assert_int_equal(mean.sum, 2000);
}

static void what_is_no_number_adds_nothing(void **state)
{
    (void)state;
    static const char *const records[] = {
        "{}",           "{\"v\":null}",    "{\"v\":\"48\"}", "{\"v\":true}",
        "{\"v\":}",     "{\"v\":\"a:5\"}", "{\"a\":{}}",     "",
        "{\"v\":1e99}",
    };
    struct mean mean = {.low = 0, .high = 10000};
    for (size_t i = 0; i < SL_LENGTH(records); i++)
        assert_false(add(&mean, records[i]));
    assert_int_equal(mean.n, 0);
    assert_int_equal(mean.sum, 0);
}

static void the_largest_sum_fits(void **state)
{
    (void)state;
    const int64_t bound = MEAN_BOUND_MAX * INT64_C(1000);
    struct mean mean = {.low = -bound, .high = bound};
    for (int i = 0; i < LIMIT_MAX_records; i++)
        assert_true(add(&mean, "{\"v\":1e12}"));
    assert_mean(&mean, "1000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_added_up_and_divided),
        cmocka_unit_test(one_number_moves_the_mean_no_further_than_a_bound),
        cmocka_unit_test(what_is_rounded_is_rounded_down),
        cmocka_unit_test(what_is_no_number_adds_nothing),
        cmocka_unit_test(the_largest_sum_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
