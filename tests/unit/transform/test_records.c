/*
 * test_records.c - an answer about many people, taken apart into what is each one's
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/filter.h"
#include "transform/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct limits limits;
    struct path_trie *around;
    struct filter *filter;
    struct record_list list;
};

static void fixture_init(struct fixture *fixture, const char *records, const char *subject,
                         const char *structure)
{
    size_t at;
    fixture->limits = limits_default();
    fixture->limits.records = 4;
    assert_int_equal(path_trie_new(&fixture->around), SL_OK);
    const struct path_field whose = {FIELD_SUBJECT, 0}, plain = {FIELD_STRUCTURE, 0};
    assert_int_equal(path_trie_add(fixture->around, slice_of_str(subject), whose, &at), PATH_OK);
    if (structure)
        assert_int_equal(path_trie_add(fixture->around, slice_of_str(structure), plain, &at),
                         PATH_OK);
    assert_true(path_trie_set_records(fixture->around, slice_of_str(records)));
    assert_int_equal(path_trie_finish(fixture->around), PATH_OK);
    assert_int_equal(filter_new(&fixture->limits, &fixture->filter), SL_OK);
    assert_int_equal(record_list_init(&fixture->list, &fixture->limits), SL_OK);
}

static void fixture_deinit(struct fixture *fixture)
{
    record_list_deinit(&fixture->list);
    filter_free(fixture->filter);
    path_trie_free(fixture->around);
}

static enum filter_fault split_in(struct fixture *fixture, const char *answer, size_t n_piece)
{
    struct slice all = slice_of_str(answer);
    record_list_wipe(&fixture->list);
    filter_begin_records(fixture->filter, fixture->around, &fixture->list);
    enum sl_err err = SL_OK;
    for (size_t at = 0; err == SL_OK && at < all.n; at += n_piece) {
        size_t n = n_piece < all.n - at ? n_piece : all.n - at;
        err = filter_feed(fixture->filter, slice_of(all.p + at, n));
    }
    if (err == SL_OK)
        err = filter_finish(fixture->filter);
    assert_int_equal(err == SL_OK, filter_fault(fixture->filter) == FILTER_OK);
    return filter_fault(fixture->filter);
}

/* Whole, and byte by byte. */
static void expect_fault(struct fixture *fixture, const char *answer, enum filter_fault fault)
{
    assert_int_equal(split_in(fixture, answer, strlen(answer)), fault);
    uint64_t at = filter_fault_at(fixture->filter);
    assert_int_equal(split_in(fixture, answer, 1), fault);
    assert_int_equal(filter_fault_at(fixture->filter), at);
}

/* The records as "user=bytes;" in the order of the answer, then what is around them. */
static void expect_parts(struct fixture *fixture, const char *answer, const char *expected)
{
    for (size_t n_piece = strlen(answer); n_piece > 0; n_piece = n_piece > 1 ? 1 : 0) {
        assert_int_equal(split_in(fixture, answer, n_piece), FILTER_OK);
        char found[512];
        size_t n = 0;
        for (size_t i = 0; i < fixture->list.n; i++) {
            const struct record_place *place = &fixture->list.places[i];
            struct slice record = slice_of(answer + place->from, place->to - place->from);
            n += (size_t)snprintf(found + n, sizeof found - n, "%.*s=%.*s;",
                                  SLICE_PRINTF(record_list_user(&fixture->list, i)),
                                  SLICE_PRINTF(record));
        }
        struct slice around = filter_output(fixture->filter);
        size_t at = fixture->list.list_at;
        snprintf(found + n, sizeof found - n, "%.*s^%.*s", (int)at, (const char *)around.p,
                 (int)(around.n - at), (const char *)around.p + at);
        assert_string_equal(found, expected);
    }
}

static void each_record_is_found_with_the_name_in_it(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "$.items[*]", "$.items[*].of.user", "$.type");
    expect_parts(&fixture,
                 "{\"type\":\"people\", \"n\":2, \"items\":[ {\"of\":{\"user\":\"b\"},\"x\":[1,2]} "
                 ",{\"y\":{},\"of\":{\"user\":\"a\\u0062\"}}], \"z\":[[]]}",
                 "b={\"of\":{\"user\":\"b\"},\"x\":[1,2]};ab={\"y\":{},\"of\":{\"user\":\"a"
                 "\\u0062\"}};{\"type\":\"people\",\"items\":[^]}");
    expect_parts(&fixture, "{\"items\":[],\"type\":\"none\"}", "{\"items\":[^],\"type\":\"none\"}");
    expect_parts(&fixture, "{\"items\":[{\"of\":{\"user\":7}}]}",
                 "7={\"of\":{\"user\":7}};{\"items\":[^]}");
    fixture_deinit(&fixture);
}

static void the_answer_itself_may_be_the_list(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "$[*]", "$[*][1]", NULL);
    expect_parts(&fixture, "[[0,\"a\"], [9,\"b\",[\"c\"]]]", "a=[0,\"a\"];b=[9,\"b\",[\"c\"]];[^]");
    expect_parts(&fixture, "[]", "[^]");
    expect_fault(&fixture, "{}", FILTER_RECORD);
    expect_fault(&fixture, "[{\"1\":\"a\"}]", FILTER_RECORD);
    fixture_deinit(&fixture);
}

static void a_record_that_does_not_say_whose_it_is_makes_the_answer_malformed(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "{\"items\":[{\"x\":1}]}",
        "{\"items\":[{\"user\":\"a\"},{\"x\":{\"user\":\"b\"}}]}",
        "{\"items\":[{\"user\":null}]}",
        "{\"items\":[{\"user\":\"\"}]}",
        "{\"items\":[{\"user\":true}]}",
        "{\"items\":[{\"user\":1.5}]}",
        "{\"items\":[{\"user\":1e2}]}",
        "{\"items\":[null]}",
        "{\"items\":[\"a\"]}",
        "{\"items\":[[]]}",
        "{\"items\":null}",
        "{\"items\":{}}",
        "{\"items\":7}",
        "{}",
    };
    struct fixture fixture;
    fixture_init(&fixture, "$.items[*]", "$.items[*].user", "$.type");
    for (size_t i = 0; i < SL_LENGTH(answers); i++)
        expect_fault(&fixture, answers[i], FILTER_RECORD);
    expect_fault(&fixture, "{\"items\":[{\"user\":{}}]}", FILTER_RECORD);
    expect_fault(&fixture, "{\"items\":[{\"user\":\"a\",\"user\":\"a\"}]}", FILTER_DUPLICATE_KEY);
    expect_fault(&fixture, "[]", FILTER_SHAPE);
    fixture_deinit(&fixture);
}

static void around_the_records_only_text_passes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "$.items[*]", "$.items[*].user", "$.info.kind");
    expect_parts(&fixture, "{\"info\":{\"kind\":\"x\",\"n\":3},\"items\":[]}",
                 "{\"info\":{\"kind\":\"x\"},\"items\":[^]}");
    expect_parts(&fixture, "{\"info\":null,\"items\":[]}", "{\"items\":[^]}");
    expect_fault(&fixture, "{\"info\":{\"kind\":3},\"items\":[]}", FILTER_RECORD);
    expect_fault(&fixture, "{\"info\":{\"kind\":true},\"items\":[]}", FILTER_RECORD);
    expect_fault(&fixture, "{\"info\":{\"kind\":null},\"items\":[]}", FILTER_RECORD);
    fixture_deinit(&fixture);
}

static void one_record_more_than_the_limit_is_too_many(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "$[*]", "$[*].u", NULL);
    expect_parts(&fixture, "[{\"u\":1},{\"u\":2},{\"u\":3},{\"u\":4}]",
                 "1={\"u\":1};2={\"u\":2};3={\"u\":3};4={\"u\":4};[^]");
    expect_fault(&fixture, "[{\"u\":1},{\"u\":2},{\"u\":3},{\"u\":4},{\"u\":5}]", FILTER_TOO_LARGE);
    fixture_deinit(&fixture);
}

static void sorting_finds_who_comes_twice(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "$[*]", "$[*].u", NULL);
    expect_parts(&fixture, "[{\"u\":\"c\"},{\"u\":\"a\"},{\"u\":\"b\"}]",
                 "c={\"u\":\"c\"};a={\"u\":\"a\"};b={\"u\":\"b\"};[^]");
    assert_false(record_list_sort(&fixture.list));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(record_list_user(&fixture.list, i).p[0], 'a' + i);
    assert_int_equal(split_in(&fixture, "[{\"u\":7},{\"u\":\"a\"},{\"u\":\"\\u0037\"}]", 99),
                     FILTER_OK);
    assert_true(record_list_sort(&fixture.list));
    fixture_deinit(&fixture);
}

static void a_filter_reduces_again_after_it_has_taken_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t at;
    fixture_init(&fixture, "$[*]", "$[*].u", NULL);
    struct path_trie *trie = NULL;
    assert_int_equal(path_trie_new(&trie), SL_OK);
    assert_int_equal(
        path_trie_add(trie, slice_of_str("$.u"), (struct path_field){FIELD_SUBJECT, 0}, &at),
        PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    const struct reduction reduction = {.user = slice_of_str("7"), .pseudonym = slice_of_str("p")};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(split_in(&fixture, "[{\"u\":7}", 3), FILTER_TRUNCATED);
        filter_begin(fixture.filter, trie, &reduction);
        assert_int_equal(filter_feed(fixture.filter, slice_of_str("{\"u\":7}")), SL_OK);
        assert_int_equal(filter_finish(fixture.filter), SL_OK);
        assert_true(slice_equals_str(filter_output(fixture.filter), "{\"u\":\"p\"}"));
    }
    path_trie_free(trie);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_is_found_with_the_name_in_it),
        cmocka_unit_test(the_answer_itself_may_be_the_list),
        cmocka_unit_test(a_record_that_does_not_say_whose_it_is_makes_the_answer_malformed),
        cmocka_unit_test(around_the_records_only_text_passes),
        cmocka_unit_test(one_record_more_than_the_limit_is_too_many),
        cmocka_unit_test(sorting_finds_who_comes_twice),
        cmocka_unit_test(a_filter_reduces_again_after_it_has_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
