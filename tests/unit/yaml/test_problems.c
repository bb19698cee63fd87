/*
 * test_problems.c - the list of problems, unknown keys, and suggestions
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "yaml/yaml.h"

static void texts_are_safe_to_show_in_a_terminal(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    yaml_error_at(&problems, 1, 1, "found \"%s\"", "a\x1b[31m\nb\xe2\x80\xae");
    assert_string_equal(problems.list[0].text, "found \"a\\x1b[31m\\x0ab\\xe2\\x80\\xae\"");
    yaml_problems_deinit(&problems);
}

static void warnings_are_no_errors(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    yaml_warning_at(&problems, 1, 2, "careful");
    assert_int_equal(problems.n, 1);
    assert_int_equal(problems.n_errors, 0);
    assert_true(problems.list[0].warning);
    yaml_problems_deinit(&problems);
    assert_int_equal(problems.n, 0);
}

static void sorting_is_by_place_and_keeps_the_order_in_one_place(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    yaml_error_at(&problems, 3, 1, "d");
    yaml_error_at(&problems, 1, 9, "b");
    yaml_error_at(&problems, 1, 9, "c");
    yaml_error_at(&problems, 1, 2, "a");
    yaml_problems_sort(&problems);
    char order[5] = "";
    for (size_t i = 0; i < problems.n; i++)
        order[i] = problems.list[i].text[0];
    assert_string_equal(order, "abcd");
    yaml_problems_deinit(&problems);
}

static void problems_beyond_the_most_are_still_counted(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    for (int i = 0; i < YAML_PROBLEMS_MAX + 1; i++)
        yaml_error_at(&problems, 1, 1, "%d", i);
    assert_int_equal(problems.n, YAML_PROBLEMS_MAX);
    assert_int_equal(problems.n_errors, YAML_PROBLEMS_MAX + 1);
    yaml_problems_deinit(&problems);
}

static void long_texts_are_cut_not_overrun(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    char text[5000];
    memset(text, 1, sizeof text - 1);
    text[sizeof text - 1] = 0;
    yaml_error_at(&problems, 1, 1, "%s", text);
    assert_true(strlen(problems.list[0].text) < 2000);
    yaml_problems_deinit(&problems);
}

static void nearest_word_is_within_two_edits(void **state)
{
    (void)state;
    static const char *const words[] = {"purpose", "partner", "app", "id"};
    assert_string_equal(yaml_nearest(slice_of_str("prupose"), words, 4), "purpose");
    assert_string_equal(yaml_nearest(slice_of_str("purpse"), words, 4), "purpose");
    assert_string_equal(yaml_nearest(slice_of_str("ppurposee"), words, 4), "purpose");
    assert_string_equal(yaml_nearest(slice_of_str("partnet"), words, 4), "partner");
    assert_string_equal(yaml_nearest(slice_of_str("ap"), words, 4), "app");
    assert_null(yaml_nearest(slice_of_str("purp"), words, 4));
    assert_null(
        yaml_nearest(slice_of_str("xy"), words, 4)); /* two edits from "id", but no relation */
    assert_null(yaml_nearest(slice_of_str(""), words, 4));
    assert_null(yaml_nearest(slice_of_str("purpose"), words, 0));
    char long_word[66];
    memset(long_word, 'x', 65);
    long_word[65] = 0;
    const char *const long_words[] = {long_word};
    assert_null(yaml_nearest(slice_of_str(long_word), long_words, 1));
    assert_string_equal(
        yaml_nearest(slice_of(long_word, 64), (const char *const[]){long_word + 1}, 1),
        long_word + 1);
}

static void check_keys_reports_each_unknown_key(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "purpose", NULL};
    struct yaml_problems problems;
    yaml_problems_init(&problems, "f");
    struct yaml_document *document = NULL;
    assert_int_equal(yaml_parse(slice_of_str("id: 1\nprupose: 2\nzzz: 3\n"),
                                (struct yaml_limits){100, 4}, &problems, &document),
                     SL_OK);
    assert_true(yaml_check_keys(yaml_root(document), "a consent", keys, &problems));
    assert_int_equal(problems.n_errors, 2);
    assert_string_equal(problems.list[0].text,
                        "unknown key \"prupose\" in a consent; did you mean \"purpose\"?");
    assert_string_equal(problems.list[1].text,
                        "unknown key \"zzz\" in a consent; expected one of id, purpose");
    assert_int_equal(problems.list[1].line, 3);
    assert_false(yaml_check_keys(yaml_root(document)->first, "a grant", keys, &problems));
    assert_string_equal(problems.list[2].text, "a single value for a grant; expected a mapping");
    yaml_document_free(document);
    yaml_problems_deinit(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_safe_to_show_in_a_terminal),
        cmocka_unit_test(warnings_are_no_errors),
        cmocka_unit_test(sorting_is_by_place_and_keeps_the_order_in_one_place),
        cmocka_unit_test(problems_beyond_the_most_are_still_counted),
        cmocka_unit_test(long_texts_are_cut_not_overrun),
        cmocka_unit_test(nearest_word_is_within_two_edits),
        cmocka_unit_test(check_keys_reports_each_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
