/*
 * The table of limits keeps its own promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

#include <string.h>

static uint64_t value_of(const struct limits *limits, const struct limit_info *row)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)limits + row->offset, sizeof value);
    return value;
}

static void every_default_lies_within_its_bounds(void **state)
{
    (void)state;
    struct limits limits = limits_default();
    assert_int_equal(n_limits * sizeof(uint64_t), sizeof limits);
    for (size_t i = 0; i < n_limits; i++) {
        const struct limit_info *row = &limit_table[i];
        assert_true(row->min <= row->dflt && row->dflt <= row->max);
        assert_int_equal(value_of(&limits, row), row->dflt);
    }
}

static void every_row_says_what_it_is_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_limits; i++) {
        assert_true(strlen(limit_table[i].unit) > 0);
        assert_true(strlen(limit_table[i].beyond) > 0);
        assert_true(strlen(limit_table[i].why) > 0);
    }
}

static void every_row_is_found_by_its_whole_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_limits; i++) {
        const char *name = limit_table[i].name;
        assert_ptr_equal(limit_find(slice_of_str(name)), &limit_table[i]);
        assert_null(limit_find(slice_of(name, strlen(name) - 1)));
    }
    assert_null(limit_find(slice_of_str("")));
    assert_null(limit_find(slice_of_str("FLOW_MS")));
    assert_null(limit_find(slice_of("flow_ms\0", 8)));
}

static void a_row_can_be_set_to_its_bounds_and_changes_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_limits; i++) {
        const struct limit_info *row = &limit_table[i];
        struct limits limits = limits_default();
        limit_set(&limits, row, row->min);
        assert_int_equal(value_of(&limits, row), row->min);
        limit_set(&limits, row, row->max);
        assert_int_equal(value_of(&limits, row), row->max);
        for (size_t j = 0; j < n_limits; j++)
            if (j != i)
                assert_int_equal(value_of(&limits, &limit_table[j]), limit_table[j].dflt);
    }
}

static void the_compile_time_maximum_is_that_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(LIMIT_MAX_app_head_bytes, limit_find(slice_of_str("app_head_bytes"))->max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_lies_within_its_bounds),
        cmocka_unit_test(every_row_says_what_it_is_and_why),
        cmocka_unit_test(every_row_is_found_by_its_whole_name),
        cmocka_unit_test(a_row_can_be_set_to_its_bounds_and_changes_nothing_else),
        cmocka_unit_test(the_compile_time_maximum_is_that_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
