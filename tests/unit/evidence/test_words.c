/*
 * test_words.c - the first word that differs, by the name a reader would look for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "evidence/words.h"

#include <string.h>

static void expect(const char *found, const char *expected, const char *difference)
{
    char text[1024];
    struct writer writer = writer_over(text, sizeof text - 1);
    json_t *left = json_loads(found, JSON_DECODE_ANY, NULL);
    json_t *right = json_loads(expected, JSON_DECODE_ANY, NULL);
    assert_non_null(left);
    assert_non_null(right);
    bool differ = words_differ(left, right, &writer);
    text[writer.n] = 0;
    assert_int_equal(differ, difference != NULL);
    assert_string_equal(text, difference ? difference : "");
    json_decref(left);
    json_decref(right);
}

static void the_same_words_in_another_order_are_the_same(void **state)
{
    (void)state;
    expect("{\"a\":1,\"b\":[true,null,\"x\"]}", "{\"b\":[true,null,\"x\"],\"a\":1}", NULL);
}

static void a_word_is_named_by_its_way(void **state)
{
    (void)state;
    expect("{\"a\":{\"b\":[1,{\"c\":\"x\"}]}}", "{\"a\":{\"b\":[1,{\"c\":\"y\"}]}}",
           "\"a.b[1].c\" is \"x\"; expected \"y\"");
    expect("[1]", "[2]", "\"[0]\" is 1; expected 2");
    expect("1", "\"1\"", "\"\" is 1; expected \"1\"");
}

static void another_kind_of_value_is_another_word(void **state)
{
    (void)state;
    expect("{\"a\":[]}", "{\"a\":{}}", "\"a\" is []; expected {}");
    expect("{\"a\":1}", "{\"a\":1.0}", "\"a\" is 1; expected 1.0");
    expect("{\"a\":null}", "{\"a\":false}", "\"a\" is null; expected false");
}

static void what_is_missing_and_what_is_too_much_is_said(void **state)
{
    (void)state;
    expect("{}", "{\"a\":1}", "\"a\" is not there; expected 1");
    expect("{\"a\":1}", "{}", "\"a\" is 1; expected not there");
    expect("[1]", "[1,2]", "\"[1]\" is not there; expected 2");
    expect("[1,2]", "[1]", "\"[1]\" is 2; expected not there");
}

static void a_long_word_is_cut_between_characters(void **state)
{
    (void)state;
    char found[600], difference[600];
    /* A quote and 80 characters of two bytes are 161 bytes: the last one does not fit in 160. */
    strcpy(found, "\"");
    for (size_t i = 0; i < 100; i++)
        strcat(found, "\xc3\xa9");
    strcat(found, "\"");
    strcpy(difference, "\"\" is \"");
    for (size_t i = 0; i < 79; i++)
        strcat(difference, "\xc3\xa9");
    strcat(difference, " ..; expected 1");
    expect(found, "1", difference);
}

static void a_writer_without_room_does_not_hide_that_they_differ(void **state)
{
    (void)state;
    char text[4];
    struct writer writer = writer_over(text, sizeof text);
    json_t *one = json_integer(1), *two = json_integer(2);
    assert_true(words_differ(one, two, &writer));
    json_decref(one);
    json_decref(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_words_in_another_order_are_the_same),
        cmocka_unit_test(a_word_is_named_by_its_way),
        cmocka_unit_test(another_kind_of_value_is_another_word),
        cmocka_unit_test(what_is_missing_and_what_is_too_much_is_said),
        cmocka_unit_test(a_long_word_is_cut_between_characters),
        cmocka_unit_test(a_writer_without_room_does_not_hide_that_they_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
