/* What RFC 8259 allows and what it does not: by category as the known suites of JSON files have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const struct named_field kept_field[] = {{"$.k", FIELD_VALUE, 0}};
static const struct named_field root_field[] = {{"$", FIELD_VALUE, 0}};

/* Values, each written as a dropped member and as a kept element. */
static const char *const accepted[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "1.0",
    "1.10",
    "0.1",
    "-0.0",
    "1e1",
    "1E1",
    "1e+1",
    "1e-1",
    "0e0",
    "0.0e-0",
    "1e400",
    "-1e-400",
    "123456789012345678901234567890",
    "1.7976931348623157e308",
    "\"\"",
    "\"a\"",
    "\" \"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\/\"",
    "\"\\b\\f\\n\\r\\t\"",
    "\"\\u0000\"",
    "\"\\u0061\"",
    "\"\\uABCD\\uabcd\"",
    "\"\\ud83d\\ude00\"",
    "\"\\uDBFF\\uDFFF\"",
    "\"\\ud800\\udc00x\"",
    "\"\x7f\"",
    "\"\u00e9\"",
    "\"\u20ac\"",
    "\"\U0001F600\"",
    "\"\U0010FFFF\"",
    "\"\uFEFF\"",
    "\"\uFFFF\"",
    "\"\u2028\u2029\"",
    "\"0123456789abcde\"",
    "\"0123456789abcdef\"",
    "\"0123456789abcdef0123456789abcdef\u00e9\"",
    "\"0123456789abcd\\u0041\"",
    "\"\\\\u0041\"",
    "[]",
    "[ ]",
    "[1]",
    "[1,2]",
    "[[]]",
    "[[],[]]",
    "[ 1 , 2 ]",
    "[\n1\t,\r2 ]",
    "{}",
    "{ }",
    "{\"a\":1}",
    "{\"a\":1,\"b\":2}",
    "{\"\":0}",
    "{ \"a\" : { } }",
    "{\"a\":{\"a\":{\"a\":1}}}",
    "{\"a\":{\"b\":1},\"b\":{\"a\":1}}",
    "[{\"a\":1},{\"a\":2}]",
    "{\"\\u0000\":1}",
    "{\"a\\u0000\":1,\"a\":2}",
};

struct refusal {
    const char *value;
    enum filter_fault fault;
};

static const struct refusal refused[] = {
    /* numbers */
    {"01", FILTER_SYNTAX},
    {"-01", FILTER_SYNTAX},
    {"00", FILTER_SYNTAX},
    {"+1", FILTER_SYNTAX},
    {"-", FILTER_SYNTAX},
    {"--1", FILTER_SYNTAX},
    {".1", FILTER_SYNTAX},
    {"1.", FILTER_SYNTAX},
    {"-.1", FILTER_SYNTAX},
    {"1.e1", FILTER_SYNTAX},
    {"1e", FILTER_SYNTAX},
    {"1e+", FILTER_SYNTAX},
    {"1e1.0", FILTER_SYNTAX},
    {"1ee1", FILTER_SYNTAX},
    {"1e1e1", FILTER_SYNTAX},
    {"1.1.1", FILTER_SYNTAX},
    {"1-1", FILTER_SYNTAX},
    {"0x1", FILTER_SYNTAX},
    {"1a", FILTER_SYNTAX},
    {"1 000", FILTER_SYNTAX},
    {"NaN", FILTER_SYNTAX},
    {"Infinity", FILTER_SYNTAX},
    {"-Infinity", FILTER_SYNTAX},
    {"nan", FILTER_SYNTAX},
    {"inf", FILTER_SYNTAX},
    {"1_000", FILTER_SYNTAX},
    {"\uff11", FILTER_SYNTAX},
    {"0e", FILTER_SYNTAX},
    {"0e+-1", FILTER_SYNTAX},
    /* literals */
    {"nul", FILTER_SYNTAX},
    {"nulll", FILTER_SYNTAX},
    {"True", FILTER_SYNTAX},
    {"tru", FILTER_SYNTAX},
    {"truth", FILTER_SYNTAX},
    {"falsee", FILTER_SYNTAX},
    {"undefined", FILTER_SYNTAX},
    {"a", FILTER_SYNTAX},
    {"nu ll", FILTER_SYNTAX},
    {"truefalse", FILTER_SYNTAX},
    /* strings */
    {"\"\t\"", FILTER_SYNTAX},
    {"\"\n\"", FILTER_SYNTAX},
    {"\"\x01\"", FILTER_SYNTAX},
    {"\"\x1f\"", FILTER_SYNTAX},
    {"\"\\a\"", FILTER_SYNTAX},
    {"\"\\x41\"", FILTER_SYNTAX},
    {"\"\\'\"", FILTER_SYNTAX},
    {"\"\\0\"", FILTER_SYNTAX},
    {"\"\\U0041\"", FILTER_SYNTAX},
    {"\"\\u\"", FILTER_SYNTAX},
    {"\"\\u004\"", FILTER_SYNTAX},
    {"\"\\u004g\"", FILTER_SYNTAX},
    {"\"\\u 041\"", FILTER_SYNTAX},
    {"\"\\u+041\"", FILTER_SYNTAX},
    {"\"\\\t\"", FILTER_SYNTAX},
    {"\"\\\u00e9\"", FILTER_SYNTAX},
    {"'a'", FILTER_SYNTAX},
    {"\"a\"b", FILTER_SYNTAX},
    {"\"a\"\"b\"", FILTER_SYNTAX},
    {"\"0123456789abcdef\x02\"", FILTER_SYNTAX},
    /* surrogates */
    {"\"\\ud800\"", FILTER_SURROGATE},
    {"\"\\udfff\"", FILTER_SURROGATE},
    {"\"\\udc00\\ud800\"", FILTER_SURROGATE},
    {"\"\\ud800x\"", FILTER_SURROGATE},
    {"\"\\ud800\\n\"", FILTER_SURROGATE},
    {"\"\\ud800\\u0041\"", FILTER_SURROGATE},
    {"\"\\ud800\\ud800\\udc00\"", FILTER_SURROGATE},
    {"\"\\ud83d\\u\"", FILTER_SYNTAX},
    {"\"\\uDBFF\\uE000\"", FILTER_SURROGATE},
    /* UTF-8 */
    {"\"\x80\"", FILTER_UTF8},
    {"\"\xbf\"", FILTER_UTF8},
    {"\"\xc0\x80\"", FILTER_UTF8},
    {"\"\xc1\xbf\"", FILTER_UTF8},
    {"\"\xc3\"", FILTER_UTF8},
    {"\"\xc3(\"", FILTER_UTF8},
    {"\"\xe0\x80\x80\"", FILTER_UTF8},
    {"\"\xe0\x9f\xbf\"", FILTER_UTF8},
    {"\"\xe2\x82\"", FILTER_UTF8},
    {"\"\xe2(\xac\"", FILTER_UTF8},
    {"\"\xed\xa0\x80\"", FILTER_UTF8},
    {"\"\xed\xbf\xbf\"", FILTER_UTF8},
    {"\"\xf0\x80\x80\x80\"", FILTER_UTF8},
    {"\"\xf0\x9f\x98\"", FILTER_UTF8},
    {"\"\xf4\x90\x80\x80\"", FILTER_UTF8},
    {"\"\xf5\x80\x80\x80\"", FILTER_UTF8},
    {"\"\xfe\"", FILTER_UTF8},
    {"\"\xff\"", FILTER_UTF8},
    {"\"\xf8\x88\x80\x80\x80\"", FILTER_UTF8},
    {"\xe9", FILTER_SYNTAX},
    {"\"0123456789abcdef\xff\"", FILTER_UTF8},
    /* arrays */
    {"[,]", FILTER_SYNTAX},
    {"[1,]", FILTER_SYNTAX},
    {"[,1]", FILTER_SYNTAX},
    {"[1,,2]", FILTER_SYNTAX},
    {"[1 2]", FILTER_SYNTAX},
    {"[1:2]", FILTER_SYNTAX},
    {"[\"a\":1]", FILTER_SYNTAX},
    {"[1}", FILTER_SYNTAX},
    {"[}", FILTER_SYNTAX},
    {"[][]", FILTER_SYNTAX},
    {"[]]", FILTER_SYNTAX},
    {"[\f1]", FILTER_SYNTAX},
    {"[\v]", FILTER_SYNTAX},
    {"[\u00a0]", FILTER_SYNTAX},
    {"[\u2060]", FILTER_SYNTAX},
    {"[1/*c*/]", FILTER_SYNTAX},
    {"[//c\n1]", FILTER_SYNTAX},
    {"[#c\n1]", FILTER_SYNTAX},
    /* objects */
    {"{,}", FILTER_SYNTAX},
    {"{\"a\":1,}", FILTER_SYNTAX},
    {"{,\"a\":1}", FILTER_SYNTAX},
    {"{\"a\"}", FILTER_SYNTAX},
    {"{\"a\":}", FILTER_SYNTAX},
    {"{:1}", FILTER_SYNTAX},
    {"{\"a\" 1}", FILTER_SYNTAX},
    {"{\"a\"::1}", FILTER_SYNTAX},
    {"{\"a\",1}", FILTER_SYNTAX},
    {"{a:1}", FILTER_SYNTAX},
    {"{'a':1}", FILTER_SYNTAX},
    {"{1:1}", FILTER_SYNTAX},
    {"{null:1}", FILTER_SYNTAX},
    {"{[]:1}", FILTER_SYNTAX},
    {"{\"a\":1 \"b\":2}", FILTER_SYNTAX},
    {"{\"a\":1;\"b\":2}", FILTER_SYNTAX},
    {"{\"a\":1]", FILTER_SYNTAX},
    {"{]", FILTER_SYNTAX},
    {"{\"a\":1,,\"b\":2}", FILTER_SYNTAX},
    {"{\"a\":1}}", FILTER_SYNTAX},
    {"{\"a\":1}{}", FILTER_SYNTAX},
    {"{\"a\":1/**/}", FILTER_SYNTAX},
    {"{\"\xff\":1}", FILTER_UTF8},
    {"{\"\\ud800\":1}", FILTER_SURROGATE},
    /* keys that repeat, however they are spelled */
    {"{\"a\":1,\"a\":1}", FILTER_DUPLICATE_KEY},
    {"{\"a\":1,\"b\":2,\"a\":3}", FILTER_DUPLICATE_KEY},
    {"{\"a\":1,\"\\u0061\":2}", FILTER_DUPLICATE_KEY},
    {"{\"\\/\":1,\"/\":2}", FILTER_DUPLICATE_KEY},
    {"{\"\":1,\"\":2}", FILTER_DUPLICATE_KEY},
    {"{\"\U0001F600\":1,\"\\ud83d\\ude00\":2}", FILTER_DUPLICATE_KEY},
    {"{\"\\u0000\":1,\"\\u0000\":2}", FILTER_DUPLICATE_KEY},
    {"{\"a\":{\"b\":1,\"c\":{},\"b\":1}}", FILTER_DUPLICATE_KEY},
    {"[[{\"a\":{\"a\":1},\"a\":1}]]", FILTER_DUPLICATE_KEY},
};

static void each_value_of_rfc_8259_is_accepted(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    for (size_t i = 0; i < SL_LENGTH(accepted); i++) {
        char answer[256];
        snprintf(answer, sizeof answer, "{\"dropped\":%s,\"k\":1}", accepted[i]);
        expect_output(&fixture, answer, "{\"k\":1}");
        snprintf(answer, sizeof answer, "{\"k\":1 ,\"dropped\" : [ %s ] } ", accepted[i]);
        expect_output(&fixture, answer, "{\"k\":1}");
    }
    fixture_end(&fixture);
}

static void each_scalar_of_rfc_8259_is_kept_byte_for_byte(void **state)
{
    (void)state;
    FIXTURE(member, kept_field);
    FIXTURE(root, root_field);
    for (size_t i = 0; i < SL_LENGTH(accepted); i++) {
        if (accepted[i][0] == '[' || accepted[i][0] == '{')
            continue;
        char answer[256];
        char output[256];
        snprintf(answer, sizeof answer, " { \"k\" : %s } ", accepted[i]);
        snprintf(output, sizeof output, "{\"k\":%s}", accepted[i]);
        expect_output(&member, answer, output);
        snprintf(answer, sizeof answer, "\n%s\t", accepted[i]);
        expect_output(&root, answer, accepted[i]);
        expect_output(&root, accepted[i], accepted[i]);
    }
    fixture_end(&member);
    fixture_end(&root);
}

static void what_breaks_the_grammar_is_refused_in_dropped_parts_too(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        char answer[256];
        snprintf(answer, sizeof answer, "{\"k\":1,\"dropped\":%s}", refused[i].value);
        expect_fault(&fixture, answer, refused[i].fault);
        snprintf(answer, sizeof answer, "{\"dropped\":[[%s]],\"k\":1}", refused[i].value);
        expect_fault(&fixture, answer, refused[i].fault);
    }
    fixture_end(&fixture);
}

static void what_breaks_the_grammar_is_refused_as_the_kept_value(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        char answer[256];
        snprintf(answer, sizeof answer, "{\"k\":%s}", refused[i].value);
        expect_fault(&fixture, answer, refused[i].fault);
    }
    fixture_end(&fixture);
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    static const char answer[] = "{\"k\":\"abc\",\"d\":[1, true]} ";
    for (size_t i = 0; i < sizeof answer; i++) {
        uint8_t bytes[sizeof answer + 1];
        memcpy(bytes, answer, i);
        bytes[i] = 0;
        memcpy(bytes + i + 1, answer + i, sizeof answer - i);
        expect_fault_bytes(&fixture, slice_of(bytes, sizeof answer), FILTER_SYNTAX);
    }
    fixture_end(&fixture);
}

static void a_byte_order_mark_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    expect_fault_at(&fixture, "\uFEFF{\"k\":1}", FILTER_SYNTAX, 0);
    expect_fault(&fixture, "{\"k\":1}\uFEFF", FILTER_SYNTAX);
    expect_fault_bytes(&fixture, slice_of("\xff\xfe{\0", 4), FILTER_SYNTAX);
    expect_fault_bytes(&fixture, slice_of("\0{\0\"", 4), FILTER_SYNTAX);
    fixture_end(&fixture);
}

static void only_white_space_may_follow_the_root(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    expect_output(&fixture, " \t\r\n{\"k\":1} \t\r\n", "{\"k\":1}");
    expect_fault_at(&fixture, "{\"k\":1} x", FILTER_SYNTAX, 8);
    expect_fault_at(&fixture, "{\"k\":1},", FILTER_SYNTAX, 7);
    expect_fault_at(&fixture, "{\"k\":1}{\"k\":1}", FILTER_SYNTAX, 7);
    expect_fault_at(&fixture, "{\"k\":1}\"", FILTER_SYNTAX, 7);
    expect_fault_at(&fixture, "{\"k\":1}1", FILTER_SYNTAX, 7);
    expect_fault_at(&fixture, "{\"k\":1}]", FILTER_SYNTAX, 7);
    fixture_end(&fixture);
}

static void each_prefix_of_an_answer_is_truncated(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    static const char answer[] =
        "{\"k\":\"a\\u00e9\\ud83d\\ude00\u20ac\",\"d\":[-1.5e+3,true,false,null,{\"x\":{}}]}";
    for (size_t n = 0; n < sizeof answer - 1; n++) {
        expect_fault_bytes(&fixture, slice_of(answer, n), FILTER_TRUNCATED);
        assert_int_equal(filter_fault_at(fixture.filter), n);
    }
    expect_fault(&fixture, " \n ", FILTER_TRUNCATED);
    fixture_end(&fixture);
}

static void a_number_alone_must_be_whole_at_the_end(void **state)
{
    (void)state;
    FIXTURE(fixture, root_field);
    expect_output(&fixture, "12", "12");
    expect_output(&fixture, "-1.25e3", "-1.25e3");
    expect_fault(&fixture, "-", FILTER_TRUNCATED);
    expect_fault(&fixture, "1.", FILTER_TRUNCATED);
    expect_fault(&fixture, "1e", FILTER_TRUNCATED);
    expect_fault(&fixture, "1e+", FILTER_TRUNCATED);
    expect_fault(&fixture, "12 3", FILTER_SYNTAX);
    fixture_end(&fixture);
}

static void a_fault_tells_where(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    expect_fault_at(&fixture, "{\"k\":[1,]}", FILTER_SYNTAX, 8);
    expect_fault_at(&fixture, "{\"k\":\"abc\\x\"}", FILTER_SYNTAX, 9);
    expect_fault_at(&fixture, "{\"k\":\"abc\xff\"}", FILTER_UTF8, 9);
    expect_fault_at(&fixture, "{\"k\":truth}", FILTER_SYNTAX, 8);
    expect_fault_at(&fixture, "{\"k\":-x}", FILTER_SYNTAX, 6);
    expect_fault_at(&fixture, "{\"k\":1,\"a\":1,\"\\u0061\":1}", FILTER_DUPLICATE_KEY, 13);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_of_rfc_8259_is_accepted),
        cmocka_unit_test(each_scalar_of_rfc_8259_is_kept_byte_for_byte),
        cmocka_unit_test(what_breaks_the_grammar_is_refused_in_dropped_parts_too),
        cmocka_unit_test(what_breaks_the_grammar_is_refused_as_the_kept_value),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(a_byte_order_mark_is_refused),
        cmocka_unit_test(only_white_space_may_follow_the_root),
        cmocka_unit_test(each_prefix_of_an_answer_is_truncated),
        cmocka_unit_test(a_number_alone_must_be_whole_at_the_end),
        cmocka_unit_test(a_fault_tells_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
