/* The limits, and the life of a filter. What is accepted: test_grammar; kept: test_structure. */
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
