/* Tokens, whole and resumed. The filter's tests have the long list of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/scan.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* Memory of exactly the text's size, so that a read beyond it is seen. */
static uint8_t *exact_copy(const char *text, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    return copy;
}

/* `text` follows the opening quote; the scan must stand `n_read` bytes further. */
static void check_string(const char *text, enum scan_result result, size_t n_read)
{
    size_t n = strlen(text);
    uint8_t *copy = exact_copy(text, n);
    struct scan scan = {.at = copy, .end = copy + n};
    assert_int_equal(scan_string(&scan), result);
    assert_int_equal(scan.at - copy, n_read);
    free(copy);
}

static void a_string_ends_behind_its_quote(void **state)
{
    (void)state;
    check_string("\"", SCAN_DONE, 1);
    check_string("abc\" ,", SCAN_DONE, 4);
    check_string("0123456789abcdef\"", SCAN_DONE, 17);
    check_string("0123456789abcdefg\\\"\"x", SCAN_DONE, 20);
    check_string("\u20ac\u20ac\"", SCAN_DONE, 7);
}

static void a_cut_string_stands_before_the_character_that_is_not_whole(void **state)
{
    (void)state;
    check_string("", SCAN_MORE, 0);
    check_string("abc", SCAN_MORE, 3);
    check_string("abc\\", SCAN_MORE, 3);
    check_string("abc\\u", SCAN_MORE, 3);
    check_string("abc\\u00e", SCAN_MORE, 3);
    check_string("abc\\u00e9", SCAN_MORE, 9);
    check_string("abc\\ud83d", SCAN_MORE, 3);
    check_string("abc\\ud83d\\", SCAN_MORE, 3);
    check_string("abc\\ud83d\\ude0", SCAN_MORE, 3);
    check_string("abc\\ud83d\\ude00", SCAN_MORE, 15);
    check_string("a\xe2", SCAN_MORE, 1);
    check_string("a\xe2\x82", SCAN_MORE, 1);
    check_string("a\xe2\x82\xac", SCAN_MORE, 4);
    check_string("a\xf0\x9f\x98", SCAN_MORE, 1);
}

static void what_is_wrong_is_told_before_the_rest_has_come(void **state)
{
    (void)state;
    check_string("a\x01", SCAN_SYNTAX, 1);
    check_string("a\\x", SCAN_SYNTAX, 1);
    check_string("a\\u00g", SCAN_SYNTAX, 1);
    check_string("a\\udc00", SCAN_SURROGATE, 1);
    check_string("a\\ud800x", SCAN_SURROGATE, 1);
    check_string("a\\ud800\\n", SCAN_SURROGATE, 1);
    check_string("a\\ud800\\ug", SCAN_SYNTAX, 1);
    check_string("a\\ud800\\u0041", SCAN_SURROGATE, 1);
    check_string("a\xff", SCAN_UTF8, 1);
    check_string("a\x80", SCAN_UTF8, 1);
    check_string("a\xc0", SCAN_UTF8, 1);
    check_string("a\xe2\x28", SCAN_UTF8, 1);
    check_string("a\xf0\x9f\x28", SCAN_UTF8, 1);
    check_string("a\u20ac\xed\xa0\x80", SCAN_UTF8, 4);
}

static void each_byte_is_judged_alike_at_each_place_of_a_block(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++)
        for (size_t at = 0; at < 40; at++) {
            char text[48];
            memset(text, 'x', sizeof text - 1);
            text[sizeof text - 1] = 0;
            text[at] = (char)c;
            if (c == '"')
                check_string(text, SCAN_DONE, at + 1);
            else if (c < 0x20 || c == '\\')
                check_string(text, SCAN_SYNTAX, at);
            else if (c >= 0x80)
                check_string(text, SCAN_UTF8, at);
            else
                check_string(text, SCAN_MORE, 47);
        }
}

static void a_string_tells_whether_it_has_escapes(void **state)
{
    (void)state;
    struct slice plain = slice_of_str("abc\u20ac\"");
    struct scan scan = {.at = plain.p, .end = plain.p + plain.n};
    assert_int_equal(scan_string(&scan), SCAN_DONE);
    assert_false(scan.escaped);
    struct slice escaped = slice_of_str("abc\\n\"");
    scan = (struct scan){.at = escaped.p, .end = escaped.p + escaped.n};
    assert_int_equal(scan_string(&scan), SCAN_DONE);
    assert_true(scan.escaped);
}

/* In two pieces at each place; both must come to the same end. */
static void check_number(const char *text, enum scan_result result, size_t n_read)
{
    size_t n = strlen(text);
    for (size_t n_first = 0; n_first <= n; n_first++) {
        uint8_t *copy = exact_copy(text, n);
        struct scan scan = {.at = copy, .end = copy + n_first};
        enum scan_result first = scan_number(&scan);
        if (first == SCAN_MORE) {
            assert_int_equal(scan.at - copy, n_first);
            scan.end = copy + n;
            assert_int_equal(scan_number(&scan), result);
        } else {
            assert_int_equal(first, result);
        }
        assert_int_equal(scan.at - copy, n_read);
        free(copy);
    }
}

static void a_number_ends_before_what_is_not_its_own(void **state)
{
    (void)state;
    check_number("0,", SCAN_DONE, 1);
    check_number("-0]", SCAN_DONE, 2);
    check_number("01", SCAN_DONE, 1);
    check_number("120.50e-10}", SCAN_DONE, 10);
    check_number("1E+5 ", SCAN_DONE, 4);
    check_number("1.5.", SCAN_DONE, 3);
    check_number("0e0e", SCAN_DONE, 3);
    check_number("1-", SCAN_DONE, 1);
    check_number("123", SCAN_MORE, 3);
}

static void a_number_that_is_none_is_told_at_its_byte(void **state)
{
    (void)state;
    check_number("-a", SCAN_SYNTAX, 1);
    check_number("--", SCAN_SYNTAX, 1);
    check_number("1.,", SCAN_SYNTAX, 2);
    check_number("1.e", SCAN_SYNTAX, 2);
    check_number("1e,", SCAN_SYNTAX, 2);
    check_number("1e+-", SCAN_SYNTAX, 3);
    check_number("0.-", SCAN_SYNTAX, 2);
}

static void a_cut_number_knows_whether_it_could_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
    } cases[] = {
        {"-", false},  {"0", true},    {"-1", true},   {"1.", false}, {"1.0", true},
        {"1e", false}, {"1e-", false}, {"1e-1", true}, {"", false},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        struct slice text = slice_of_str(cases[i].text);
        struct scan scan = {.at = text.p, .end = text.p + text.n};
        assert_int_equal(scan_number(&scan), SCAN_MORE);
        assert_int_equal(scan_number_is_whole(&scan), cases[i].whole);
    }
}

static void a_literal_is_known_or_wrong_at_its_first_wrong_byte(void **state)
{
    (void)state;
    struct slice literal = slice_of_str("true");
    static const struct {
        const char *text;
        enum scan_result result;
        size_t n_read;
    } cases[] = {
        {"true", SCAN_DONE, 4}, {"true,", SCAN_DONE, 4},  {"tru", SCAN_MORE, 0},
        {"t", SCAN_MORE, 0},    {"trUe", SCAN_SYNTAX, 2}, {"tru ", SCAN_SYNTAX, 3},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        size_t n = strlen(cases[i].text);
        uint8_t *copy = exact_copy(cases[i].text, n);
        struct scan scan = {.at = copy, .end = copy + n};
        assert_int_equal(scan_literal(&scan, literal), cases[i].result);
        assert_int_equal(scan.at - copy, cases[i].n_read);
        free(copy);
    }
}

static void escapes_resolve_to_their_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *plain;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u007f\\u0080\\u07ff\\u0800\\uFFFF", "A\x7f\xc2\x80\u07ff\u0800\uffff"},
        {"\\ud800\\udc00\\uDBFF\\uDFFF", "\U00010000\U0010ffff"},
        {"x\\u00e9y\u20acz", "x\u00e9y\u20acz"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        struct slice text = slice_of_str(cases[i].text);
        uint8_t *out = malloc(text.n ? text.n : 1);
        assert_non_null(out);
        size_t n = scan_unescape(text, out);
        assert_true(slice_equals_str(slice_of(out, n), cases[i].plain));
        free(out);
    }
    uint8_t nul[6];
    assert_int_equal(scan_unescape(slice_of_str("\\u0000"), nul), 1);
    assert_int_equal(nul[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_ends_behind_its_quote),
        cmocka_unit_test(a_cut_string_stands_before_the_character_that_is_not_whole),
        cmocka_unit_test(what_is_wrong_is_told_before_the_rest_has_come),
        cmocka_unit_test(each_byte_is_judged_alike_at_each_place_of_a_block),
        cmocka_unit_test(a_string_tells_whether_it_has_escapes),
        cmocka_unit_test(a_number_ends_before_what_is_not_its_own),
        cmocka_unit_test(a_number_that_is_none_is_told_at_its_byte),
        cmocka_unit_test(a_cut_number_knows_whether_it_could_end),
        cmocka_unit_test(a_literal_is_known_or_wrong_at_its_first_wrong_byte),
        cmocka_unit_test(escapes_resolve_to_their_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
