/*
 * test_describe.c - what is written reads back as the same value
 */
#include "help.h"

#include "policy/describe.h"
#include "policy/loading.h"

static char text[128];

static const char *ended(struct writer *writer)
{
    text[writer->n] = 0;
    return text;
}

static struct writer fresh(void)
{
    return writer_over(text, sizeof text - 1);
}

static struct yaml_node scalar(struct writer *writer)
{
    return (struct yaml_node){.kind = YAML_SCALAR, .text = writer_slice(writer)};
}

static void distances_and_durations_read_back(void **state)
{
    (void)state;
    static const uint32_t values[] = {1,    59,   60,    61,    999,    1000,    1001,
                                      3600, 5400, 86400, 90000, 604800, 1000000, 31536000};
    struct policy_loading loading = {.vocabulary = vocabulary, .problems = &problems};
    for (size_t i = 0; i < SL_LENGTH(values); i++) {
        uint32_t back = 0;
        struct writer writer = fresh();
        write_duration_s(&writer, values[i]);
        struct yaml_node node = scalar(&writer);
        assert_true(value_coarse(&loading, &node, COARSE_TIME, &back));
        assert_int_equal(back, values[i]);
        if (values[i] > coarse_max(COARSE_PRECISION))
            continue;
        writer = fresh();
        write_distance_m(&writer, values[i]);
        node = scalar(&writer);
        assert_true(value_coarse(&loading, &node, COARSE_PRECISION, &back));
        assert_int_equal(back, values[i]);
    }
    struct writer writer = fresh();
    write_duration_s(&writer, 5400);
    assert_string_equal(ended(&writer), "90min");
    writer = fresh();
    write_distance_m(&writer, 1500);
    assert_string_equal(ended(&writer), "1500m");
}

static void windows_are_written_short(void **state)
{
    (void)state;
    static const struct {
        struct policy_window window;
        const char *text;
    } cases[] = {
        {{0x1f, 360, 1200}, "mon-fri 06:00-20:00"},
        {{0x7f, 1320, 360}, "22:00-06:00"},
        {{0x7f, 0, 1440}, "always"},
        {{0x60, 0, 1440}, "sat, sun"},
        {{0x45, 0, 1440}, "mon, wed, sun"},
        {{0x77, 0, 1439}, "mon-wed, fri-sun 00:00-23:59"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        struct writer writer = fresh();
        write_window(&writer, cases[i].window);
        assert_string_equal(ended(&writer), cases[i].text);
    }
}

static void dates_and_quotas_are_written_as_in_a_policy(void **state)
{
    (void)state;
    struct writer writer = fresh();
    write_date(&writer, (struct civil_date){2026, 1, 9});
    assert_string_equal(ended(&writer), "2026-01-09");
    static const struct {
        uint32_t per_s;
        const char *text;
    } cases[] = {{3600, "7 per hour"},
                 {86400, "7 per day"},
                 {604800, "7 per week"},
                 {2592000, "7 per month"}};
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        writer = fresh();
        write_at_most(&writer, 7, cases[i].per_s);
        assert_string_equal(ended(&writer), cases[i].text);
    }
}

static void every_value_of_a_grant_reads_back(void **state)
{
    (void)state;
    struct policy_loading loading = {.vocabulary = vocabulary, .problems = &problems};
    for (unsigned i = 0; i < N_COARSE; i++) {
        const enum coarse_dimension dimension = (enum coarse_dimension)i;
        const uint32_t values[] = {1, 7, 60, 999, 1000, coarse_max(dimension)};
        for (size_t k = 0; dimension_key(dimension) && k < SL_LENGTH(values); k++) {
            uint32_t back = 0;
            struct writer writer = fresh();
            write_coarse(&writer, dimension, values[k]);
            struct yaml_node node = scalar(&writer);
            assert_true(value_coarse(&loading, &node, dimension, &back));
            assert_int_equal(back, values[k]);
        }
    }
}

static void what_was_done_to_a_class_is_said_in_words(void **state)
{
    (void)state;
    struct writer writer = fresh();
    write_coarseness_words(&writer, (struct coarseness){{5000, 900}});
    assert_string_equal(ended(&writer), "a grid of 5km and times in steps of 15min");
    writer = fresh();
    write_coarseness_words(&writer, (struct coarseness){{[COARSE_BUCKET] = 500}});
    assert_string_equal(ended(&writer), "numbers in steps of 0.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_and_durations_read_back),
        cmocka_unit_test(windows_are_written_short),
        cmocka_unit_test(dates_and_quotas_are_written_as_in_a_policy),
        cmocka_unit_test(every_value_of_a_grant_reads_back),
        cmocka_unit_test(what_was_done_to_a_class_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
