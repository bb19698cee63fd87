/*
 * Answers of witnesses, status by status: nothing counts but a cosignature that holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "signing.h"
#include "submit/reply.h"

#include <stdio.h>
#include <string.h>

#define TEXT       "log.example/1\n9\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
#define OTHER_TEXT "log.example/1\n8\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"

enum { NOW_S = 1700000000 };

static struct signing witness, stranger;
static struct reply reply;

static int setup(void **state)
{
    (void)state;
    signing_init(&witness, "north.example/w", VKEY_COSIGNATURE, 5);
    signing_init(&stranger, "south.example/w", VKEY_COSIGNATURE, 6);
    return 0;
}

static enum reply_kind read_it(unsigned status, const char *content_type, struct slice body)
{
    const struct reply_question question = {
        .witness = &witness.vkey,
        .text = slice_of_str(TEXT),
        .old_size = 4,
        .size = 9,
        .now_s = NOW_S,
    };
    const struct reply_http http = {status, slice_of_str(content_type), body};
    reply_read(&question, &http, &reply);
    assert_true((reply.kind == REPLY_FAILED || reply.kind == REPLY_DISAGREES) ==
                (reply.why[0] != 0));
    return reply.kind;
}

static enum reply_kind read_line(const struct signing *signing, const char *text, uint64_t time_s)
{
    uint8_t line[COSIGNATURE_LINE_BYTES_MAX];
    struct writer writer = writer_over(line, sizeof line);
    signing_write_line(signing, slice_of_str(text), time_s, &writer);
    enum reply_kind kind = read_it(200, "text/plain", writer_slice(&writer));
    if (kind == REPLY_COSIGNED)
        assert_true(slice_equals(slice_of(reply.line, reply.line_n), writer_slice(&writer)));
    return kind;
}

static void a_cosignature_of_the_key_over_the_text_counts(void **state)
{
    (void)state;
    assert_int_equal(read_line(&witness, TEXT, NOW_S), REPLY_COSIGNED);
    assert_int_equal(read_line(&witness, OTHER_TEXT, NOW_S), REPLY_FAILED);
    assert_int_equal(read_line(&stranger, TEXT, NOW_S), REPLY_FAILED);
    assert_int_equal(read_it(200, "", slice_of(NULL, 0)), REPLY_FAILED);
}

static void its_time_is_within_five_minutes(void **state)
{
    (void)state;
    const int64_t limit = LIMIT_MAX_witness_clock_s;
    assert_int_equal(read_line(&witness, TEXT, NOW_S + limit), REPLY_COSIGNED);
    assert_int_equal(read_line(&witness, TEXT, NOW_S - limit), REPLY_COSIGNED);
    assert_int_equal(read_line(&witness, TEXT, NOW_S + limit + 1), REPLY_FAILED);
    assert_non_null(strstr(reply.why, "301 s after now"));
    assert_int_equal(read_line(&witness, TEXT, NOW_S - limit - 1), REPLY_FAILED);
    assert_non_null(strstr(reply.why, "301 s before now"));
    assert_int_equal(read_line(&witness, TEXT, 0), REPLY_FAILED);
    assert_int_equal(read_line(&witness, TEXT, INT64_MAX), REPLY_FAILED);
}

static void lines_of_others_are_ignored_but_must_be_lines(void **state)
{
    (void)state;
    uint8_t body[2048];
    struct writer writer = writer_over(body, sizeof body);
    signing_write_line(&stranger, slice_of_str(OTHER_TEXT), 1, &writer);
    signing_write_line(&witness, slice_of_str(TEXT), NOW_S, &writer);
    signing_write_line(&stranger, slice_of_str(TEXT), 2, &writer);
    assert_int_equal(read_it(200, "text/plain", writer_slice(&writer)), REPLY_COSIGNED);
    assert_non_null(memmem(reply.line, reply.line_n, "north", 5));
    size_t n = writer.n;
    write_str(&writer, "\n");
    assert_int_equal(read_it(200, "text/plain", writer_slice(&writer)), REPLY_FAILED);
    assert_int_equal(read_it(200, "text/plain", slice_of(body, n - 1)), REPLY_FAILED);
}

static void one_line_of_the_key_that_does_not_hold_spoils_the_answer(void **state)
{
    (void)state;
    uint8_t body[2048];
    struct writer writer = writer_over(body, sizeof body);
    signing_write_line(&witness, slice_of_str(TEXT), NOW_S, &writer);
    signing_write_line(&witness, slice_of_str(OTHER_TEXT), NOW_S, &writer);
    assert_int_equal(read_it(200, "text/plain", writer_slice(&writer)), REPLY_FAILED);
    assert_non_null(strstr(reply.why, "something else"));
}

static void no_flipped_bit_of_a_line_counts(void **state)
{
    (void)state;
    uint8_t line[COSIGNATURE_LINE_BYTES_MAX];
    struct writer writer = writer_over(line, sizeof line);
    signing_write_line(&witness, slice_of_str(TEXT), NOW_S, &writer);
    for (size_t i = 0; i < 8 * writer.n; i++) {
        line[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(read_it(200, "text/plain", writer_slice(&writer)), REPLY_FAILED);
        line[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(read_it(200, "text/plain", writer_slice(&writer)), REPLY_COSIGNED);
}

static enum reply_kind conflict(const char *body)
{
    return read_it(409, "text/x.tlog.size", slice_of_str(body));
}

static void a_conflict_names_a_size_in_one_form(void **state)
{
    (void)state;
    assert_int_equal(conflict("7\n"), REPLY_SIZE);
    assert_int_equal(reply.size, 7);
    assert_int_equal(conflict("0\n"), REPLY_SIZE);
    assert_int_equal(conflict("18446744073709551615\n"), REPLY_SIZE);
    assert_int_equal(reply.size, UINT64_MAX);
    assert_int_equal(conflict("4\n"), REPLY_FAILED); /* what it was asked from */
    static const char *const wrong[] = {"",
                                        "\n",
                                        "7",
                                        "07\n",
                                        "+7\n",
                                        "-7\n",
                                        "7 \n",
                                        " 7\n",
                                        "7\r\n",
                                        "7\n\n",
                                        "18446744073709551616\n"};
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_int_equal(conflict(wrong[i]), REPLY_FAILED);
    assert_int_equal(read_it(409, "Text/X.Tlog.Size", slice_of_str("7\n")), REPLY_SIZE);
    assert_int_equal(read_it(409, "text/plain", slice_of_str("7\n")), REPLY_FAILED);
    assert_int_equal(read_it(409, "", slice_of_str("7\n")), REPLY_FAILED);
}

/* In v1.0.0 of the specification this was 409, with or without the size. */
static void another_root_at_the_same_size_is_a_disagreement_however_it_is_said(void **state)
{
    (void)state;
    const struct reply_question question = {
        .witness = &witness.vkey, .text = slice_of_str(TEXT), .old_size = 9, .size = 9};
    const struct reply_http old_way = {409, slice_of_str("text/plain"), slice_of_str("no\n")};
    const struct reply_http with_size = {409, slice_of_str("text/x.tlog.size"),
                                         slice_of_str("9\n")};
    const struct reply_http new_way = {422, slice_of(NULL, 0), slice_of(NULL, 0)};
    reply_read(&question, &old_way, &reply);
    assert_int_equal(reply.kind, REPLY_DISAGREES);
    reply_read(&question, &with_size, &reply);
    assert_int_equal(reply.kind, REPLY_DISAGREES);
    reply_read(&question, &new_way, &reply);
    assert_int_equal(reply.kind, REPLY_DISAGREES);
}

static void other_statuses_fail_and_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *part;
    } cases[] = {{403, "ledger.vkey"}, {404, "does not watch"},
                 {301, "redirects"},   {307, "redirects"},
                 {400, "400"},         {500, "500"},
                 {503, "503"},         {201, "201"},
                 {204, "204"},         {0, "0"},
                 {999, "999"}};
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        assert_int_equal(read_it(cases[i].status, "text/plain", slice_of_str("x")), REPLY_FAILED);
        assert_non_null(strstr(reply.why, cases[i].part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cosignature_of_the_key_over_the_text_counts),
        cmocka_unit_test(its_time_is_within_five_minutes),
        cmocka_unit_test(lines_of_others_are_ignored_but_must_be_lines),
        cmocka_unit_test(one_line_of_the_key_that_does_not_hold_spoils_the_answer),
        cmocka_unit_test(no_flipped_bit_of_a_line_counts),
        cmocka_unit_test(a_conflict_names_a_size_in_one_form),
        cmocka_unit_test(another_root_at_the_same_size_is_a_disagreement_however_it_is_said),
        cmocka_unit_test(other_statuses_fail_and_say_what_to_do),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
