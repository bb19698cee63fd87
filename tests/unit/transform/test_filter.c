/* The grammar, the limits, and the life of a filter. What is kept: test_structure, test_field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
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

static void after_a_fault_nothing_is_read_and_nothing_comes_out(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
    assert_int_equal(filter_feed(fixture.filter, slice_of_str("{\"k\":1,]")), SL_EMALFORMED);
    assert_int_equal(filter_feed(fixture.filter, slice_of_str("}")), SL_EMALFORMED);
    assert_int_equal(filter_finish(fixture.filter), SL_EMALFORMED);
    assert_int_equal(filter_fault_at(fixture.filter), 7);
    assert_int_equal(filter_output(fixture.filter).n, 0);
    expect_output(&fixture, "{\"k\":2}", "{\"k\":2}");
    fixture_end(&fixture);
}

static void nothing_comes_out_before_the_answer_is_whole(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
    assert_int_equal(filter_feed(fixture.filter, slice_of_str("{\"k\":1}")), SL_OK);
    assert_int_equal(filter_output(fixture.filter).n, 0);
    assert_int_equal(filter_finish(fixture.filter), SL_OK);
    assert_int_equal(filter_output(fixture.filter).n, 7);
    filter_wipe(fixture.filter);
    assert_int_equal(filter_output(fixture.filter).n, 0);
    fixture_end(&fixture);
}

static void an_answer_given_up_half_way_leaves_no_trace_in_the_next(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    static const char answer[] = "{\"k\":\"abc\",\"d\":{\"e\":[1.5,\"x\\n\"]}}";
    for (size_t n = 0; n < sizeof answer; n++) {
        filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
        assert_int_equal(filter_feed(fixture.filter, slice_of(answer, n)), SL_OK);
        expect_output(&fixture, "{\"d\":{\"e\":1},\"k\":2}", "{\"k\":2}");
    }
    fixture_end(&fixture);
}

static void empty_pieces_change_nothing(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
    assert_int_equal(filter_feed(fixture.filter, slice_of(NULL, 0)), SL_OK);
    assert_int_equal(filter_feed(fixture.filter, slice_of_str("{\"k\":1")), SL_OK);
    assert_int_equal(filter_feed(fixture.filter, slice_of(NULL, 0)), SL_OK);
    assert_int_equal(filter_feed(fixture.filter, slice_of_str("2}")), SL_OK);
    assert_int_equal(filter_finish(fixture.filter), SL_OK);
    assert_true(slice_equals_str(filter_output(fixture.filter), "{\"k\":12}"));
    fixture_end(&fixture);
}

/* json_depth */
static void depth_64_passes_and_65_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    for (size_t n_inner = 63; n_inner <= 64; n_inner++) {
        struct text arrays = {0};
        text_add(&arrays, "{\"k\":1,\"d\":");
        text_add_times(&arrays, "[", n_inner);
        text_add_times(&arrays, "]", n_inner);
        text_add(&arrays, "}");
        struct text objects = {0};
        text_add(&objects, "{\"k\":1,\"d\":");
        text_add_times(&objects, "{\"d\":", n_inner - 1);
        text_add(&objects, "{}");
        text_add_times(&objects, "}", n_inner);
        if (n_inner == 63) {
            expect_output_bytes(&fixture, text_slice(&arrays), slice_of_str("{\"k\":1}"));
            expect_output_bytes(&fixture, text_slice(&objects), slice_of_str("{\"k\":1}"));
        } else {
            expect_fault_bytes(&fixture, text_slice(&arrays), FILTER_DEPTH);
            expect_fault_bytes(&fixture, text_slice(&objects), FILTER_DEPTH);
        }
        free(arrays.p);
        free(objects.p);
    }
    fixture_end(&fixture);
}

/* json_token_bytes: `n_token` bytes, of which the text between `open` and `close` is filled up */
static struct text token_answer(const char *frame, const char *open, const char *fill,
                                const char *close, size_t n_token)
{
    struct text text = {0};
    text_add(&text, frame);
    text_add(&text, open);
    text_add_times(&text, fill, n_token - strlen(open) - strlen(close));
    text_add(&text, close);
    return text;
}

static void a_token_of_json_token_bytes_passes_and_one_more_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, kept_field, SL_LENGTH(kept_field));
    fixture.limits.json_token_bytes = 256;
    fixture_start(&fixture);
    static const char *const frames[] = {"{\"k\":", "{\"d\":", "{\"k\":1,"};
    for (size_t i = 0; i < SL_LENGTH(frames); i++) {
        bool is_key = i == 2;
        for (size_t n_token = 255; n_token <= 257; n_token++) {
            struct text string = token_answer(frames[i], "\"", "x", "\"", n_token);
            struct text number = token_answer(frames[i], "1", "0", "", n_token);
            text_add(&string, is_key ? ":1}" : "}");
            text_add(&number, "}");
            if (n_token == 257) {
                expect_fault_bytes(&fixture, text_slice(&string), FILTER_TOKEN);
                assert_int_equal(filter_fault_at(fixture.filter), strlen(frames[i]));
            } else {
                struct slice output = i == 0   ? text_slice(&string)
                                      : i == 1 ? slice_of_str("{}")
                                               : slice_of_str("{\"k\":1}");
                expect_output_bytes(&fixture, text_slice(&string), output);
            }
            if (!is_key && n_token == 257)
                expect_fault_bytes(&fixture, text_slice(&number), FILTER_TOKEN);
            else if (!is_key)
                expect_output_bytes(&fixture, text_slice(&number),
                                    i == 0 ? text_slice(&number) : slice_of_str("{}"));
            free(string.p);
            free(number.p);
        }
    }
    fixture_end(&fixture);
}

static void a_number_alone_keeps_to_json_token_bytes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, root_field, SL_LENGTH(root_field));
    fixture.limits.json_token_bytes = 256;
    fixture_start(&fixture);
    struct text text = {0};
    text_add_times(&text, "7", 256);
    expect_output_bytes(&fixture, text_slice(&text), text_slice(&text));
    text_add(&text, "7");
    expect_fault_bytes(&fixture, text_slice(&text), FILTER_TOKEN);
    free(text.p);
    fixture_end(&fixture);
}

static void an_escape_across_the_token_limit_is_refused_in_all_pieces(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, kept_field, SL_LENGTH(kept_field));
    fixture.limits.json_token_bytes = 256;
    fixture_start(&fixture);
    static const char *const ends[] = {"\\u0041\"}", "\\ud83d\\ude00\"}", "\u20ac\"}", "\\x\"}",
                                       "\xff\"}"};
    for (size_t i = 0; i < SL_LENGTH(ends); i++)
        for (size_t n_before = 240; n_before < 260; n_before++) {
            struct text text = token_answer("{\"k\":", "\"", "x", "", n_before);
            text_add(&text, ends[i]);
            size_t n_token = text.n - strlen("{\"k\":") - 1;
            /* What is wrong within the limit is told before the length. */
            bool is_wrong = i >= 3 && n_before + (i == 3 ? 2 : 1) <= 257;
            enum filter_fault wrong = i == 3 ? FILTER_SYNTAX : FILTER_UTF8;
            if (is_wrong)
                expect_fault_bytes(&fixture, text_slice(&text), wrong);
            else if (n_token > 256)
                expect_fault_bytes(&fixture, text_slice(&text), FILTER_TOKEN);
            else
                expect_output_bytes(&fixture, text_slice(&text), text_slice(&text));
            free(text.p);
        }
    fixture_end(&fixture);
}

/* json_members */
static struct text object_of(size_t n_members, const char *before, const char *after)
{
    struct text text = {0};
    text_add(&text, before);
    for (size_t i = 0; i < n_members; i++) {
        char member[32];
        snprintf(member, sizeof member, "%s\"m%zu\":0", i ? "," : "", i);
        text_add(&text, member);
    }
    text_add(&text, after);
    return text;
}

static void json_members_members_pass_and_one_more_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, kept_field, SL_LENGTH(kept_field));
    fixture.limits.json_members = 16;
    fixture_start(&fixture);
    struct text passes = object_of(16, "{\"k\":1,\"d\":{", "},\"e\":{\"m0\":1}}");
    struct text refused_one = object_of(17, "{\"k\":1,\"d\":{", "}}");
    struct text root_passes = object_of(15, "{\"k\":1,", "}");
    struct text root_refused = object_of(16, "{\"k\":1,", "}");
    expect_output_bytes(&fixture, text_slice(&passes), slice_of_str("{\"k\":1}"));
    expect_output_bytes(&fixture, text_slice(&root_passes), slice_of_str("{\"k\":1}"));
    expect_fault_bytes(&fixture, text_slice(&refused_one), FILTER_MEMBERS);
    expect_fault_bytes(&fixture, text_slice(&root_refused), FILTER_MEMBERS);
    free(passes.p);
    free(refused_one.p);
    free(root_passes.p);
    free(root_refused.p);
    fixture_end(&fixture);
}

static void a_duplicate_among_a_thousand_keys_is_found(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    struct text fine = object_of(1022, "{\"k\":1,", ",\"last\":1}");
    struct text duplicate = object_of(1022, "{\"k\":1,", ",\"m511\":1}");
    expect_output_bytes(&fixture, text_slice(&fine), slice_of_str("{\"k\":1}"));
    expect_fault_bytes(&fixture, text_slice(&duplicate), FILTER_DUPLICATE_KEY);
    expect_output_bytes(&fixture, text_slice(&fine), slice_of_str("{\"k\":1}"));
    free(fine.p);
    free(duplicate.p);
    fixture_end(&fixture);
}

static void members_of_arrays_are_not_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, kept_field, SL_LENGTH(kept_field));
    fixture.limits.json_members = 16;
    fixture_start(&fixture);
    struct text text = {0};
    text_add(&text, "{\"k\":1,\"d\":[0");
    text_add_times(&text, ",0", 100);
    text_add(&text, "]}");
    expect_output_bytes(&fixture, text_slice(&text), slice_of_str("{\"k\":1}"));
    free(text.p);
    fixture_end(&fixture);
}

/* answer_bytes */
static void an_answer_of_answer_bytes_passes_and_one_more_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, kept_field, SL_LENGTH(kept_field));
    fixture.limits.answer_bytes = 1024;
    fixture_start(&fixture);
    struct text text = {0};
    text_add(&text, "{\"k\":1");
    text_add_times(&text, " ", 1024 - 7);
    text_add(&text, "}");
    assert_int_equal(text.n, 1024);
    expect_output_bytes(&fixture, text_slice(&text), slice_of_str("{\"k\":1}"));
    text_add(&text, "\n");
    expect_fault_bytes(&fixture, text_slice(&text), FILTER_TOO_LARGE);
    assert_int_equal(filter_fault_at(fixture.filter), 1024);
    free(text.p);
    fixture_end(&fixture);
}

static void an_output_of_answer_bytes_passes_and_one_more_is_refused(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$[*]", FIELD_SUBJECT, 0}};
    struct fixture fixture;
    fixture_init(&fixture, fields, SL_LENGTH(fields));
    fixture.limits.answer_bytes = 1024;
    fixture_start(&fixture);
    struct text pseudonym = {0};
    text_add_times(&pseudonym, "p", 1020);
    struct text output = {0};
    text_add(&output, "[\"");
    text_add(&output, pseudonym.p);
    text_add(&output, "\"]");
    assert_int_equal(output.n, 1024);

    fixture.reduction.pseudonym = text_slice(&pseudonym);
    expect_output_bytes(&fixture, slice_of_str("[\"lotte\"]"), text_slice(&output));
    text_add(&pseudonym, "p");
    fixture.reduction.pseudonym = text_slice(&pseudonym);
    expect_fault(&fixture, "[\"lotte\"]", FILTER_TOO_LARGE);
    free(pseudonym.p);
    free(output.p);
    fixture_end(&fixture);
}

static void a_large_answer_is_kept_whole_and_a_small_one_after_it_too(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$[*]", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    struct text text = {0};
    text_add(&text, "[\"0123456789abcdef\"");
    for (size_t i = 0; i < 20000; i++) {
        char element[32];
        snprintf(element, sizeof element, ",\"\u20ac%zu\"", i);
        text_add(&text, element);
    }
    text_add(&text, "]");
    assert_true(text.n > 200000);
    for (int repeat = 0; repeat < 2; repeat++) {
        expect_output_bytes(&fixture, text_slice(&text), text_slice(&text));
        expect_output(&fixture, "[1]", "[1]");
    }
    free(text.p);
    fixture_end(&fixture);
}

static void a_token_of_the_largest_size_survives_single_bytes(void **state)
{
    (void)state;
    FIXTURE(fixture, kept_field);
    struct text text = {0};
    text_add(&text, "{\"k\":\"");
    text_add_times(&text, "\\u00e9\u20acabcdefg", 16383);
    text_add_times(&text, "x", 14);
    assert_int_equal(text.n - strlen("{\"k\":") + 1, fixture.limits.json_token_bytes);
    text_add(&text, "\"}");
    expect_output_bytes(&fixture, text_slice(&text), text_slice(&text));
    free(text.p);
    fixture_end(&fixture);
}

static void each_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = FILTER_OK; a <= FILTER_SHAPE; a++)
        for (int b = FILTER_OK; b < a; b++)
            assert_string_not_equal(filter_fault_name((enum filter_fault)a),
                                    filter_fault_name((enum filter_fault)b));
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
        cmocka_unit_test(after_a_fault_nothing_is_read_and_nothing_comes_out),
        cmocka_unit_test(nothing_comes_out_before_the_answer_is_whole),
        cmocka_unit_test(an_answer_given_up_half_way_leaves_no_trace_in_the_next),
        cmocka_unit_test(empty_pieces_change_nothing),
        cmocka_unit_test(depth_64_passes_and_65_is_refused),
        cmocka_unit_test(a_token_of_json_token_bytes_passes_and_one_more_is_refused),
        cmocka_unit_test(a_number_alone_keeps_to_json_token_bytes),
        cmocka_unit_test(an_escape_across_the_token_limit_is_refused_in_all_pieces),
        cmocka_unit_test(json_members_members_pass_and_one_more_is_refused),
        cmocka_unit_test(a_duplicate_among_a_thousand_keys_is_found),
        cmocka_unit_test(members_of_arrays_are_not_counted),
        cmocka_unit_test(an_answer_of_answer_bytes_passes_and_one_more_is_refused),
        cmocka_unit_test(an_output_of_answer_bytes_passes_and_one_more_is_refused),
        cmocka_unit_test(a_large_answer_is_kept_whole_and_a_small_one_after_it_too),
        cmocka_unit_test(a_token_of_the_largest_size_survives_single_bytes),
        cmocka_unit_test(each_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
