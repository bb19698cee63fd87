/*
 * Where a body ends, whatever pieces it comes in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forward/body.h"

#include <string.h>

enum { DROPPED_MAX = 64 };

struct reading {
    char content[512];
    size_t n_content;
    enum body_step step;
    size_t n_left_over;
};

static struct body begin(enum body_framing framing, uint64_t length)
{
    struct head head = {.facts = {.status = 200}};
    head.is_chunked = framing == BODY_CHUNKED;
    head.facts.has_length = framing == BODY_LENGTH;
    head.facts.content_length = length;
    struct body body;
    body_begin(&body, &head, false, DROPPED_MAX);
    assert_int_equal(body.framing, framing);
    return body;
}

static void feed(struct body *body, struct slice bytes, struct reading *reading)
{
    struct slice piece = {NULL, 0};
    while ((reading->step = body_read(body, &bytes, &piece)) == BODY_PIECE) {
        assert_true(piece.n > 0 && reading->n_content + piece.n <= sizeof reading->content);
        memcpy(reading->content + reading->n_content, piece.p, piece.n);
        reading->n_content += piece.n;
    }
    reading->n_left_over = bytes.n;
    if (reading->step == BODY_MORE)
        assert_int_equal(bytes.n, 0);
}

static struct reading read_in_two(struct body body, struct slice bytes, size_t n_first)
{
    struct reading reading = {.step = BODY_MORE};
    feed(&body, slice_of(bytes.p, n_first), &reading);
    if (reading.step == BODY_MORE)
        feed(&body, slice_of(bytes.p + n_first, bytes.n - n_first), &reading);
    else
        reading.n_left_over += bytes.n - n_first;
    return reading;
}

static void assert_reads(enum body_framing framing, uint64_t length, struct slice bytes,
                         const char *content, enum body_step step, size_t n_left_over)
{
    for (size_t n_first = 0; n_first <= bytes.n; n_first++) {
        struct reading reading = read_in_two(begin(framing, length), bytes, n_first);
        assert_int_equal(reading.step, step);
        if (step == BODY_MALFORMED)
            continue;
        assert_int_equal(reading.n_content, strlen(content));
        assert_memory_equal(reading.content, content, strlen(content));
        assert_int_equal(reading.n_left_over, n_left_over);
    }
}

static void assert_chunked(const char *text, const char *content, enum body_step step,
                           size_t n_left_over)
{
    assert_reads(BODY_CHUNKED, 0, slice_of_str(text), content, step, n_left_over);
}

static void chunks_split_at_every_byte_give_the_same_content(void **state)
{
    (void)state;
    assert_chunked("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", "hello, world", BODY_DONE, 0);
    assert_chunked("0\r\n\r\n", "", BODY_DONE, 0);
    assert_chunked("000\r\n\r\n", "", BODY_DONE, 0);
    assert_chunked("a\r\n0123456789\r\n00B\r\n0123456789\n\r\n0\r\n\r\n", "01234567890123456789\n",
                   BODY_DONE, 0);
}

static void an_unfinished_chunked_body_asks_for_more(void **state)
{
    (void)state;
    static const char whole[] = "2;x\r\nab\r\n0\r\nA: b\r\n\r\n";
    for (size_t n = 0; n < strlen(whole); n++) {
        struct body body = begin(BODY_CHUNKED, 0);
        struct reading reading = {.step = BODY_DONE};
        feed(&body, slice_of(whole, n), &reading);
        assert_int_equal(reading.step, BODY_MORE);
    }
}

static void what_follows_the_body_is_left_over(void **state)
{
    (void)state;
    assert_chunked("1\r\na\r\n0\r\n\r\nHTTP/1.1 200", "a", BODY_DONE, 12);
    assert_reads(BODY_LENGTH, 3, slice_of_str("abcde"), "abc", BODY_DONE, 2);
    assert_reads(BODY_LENGTH, 0, slice_of_str("x"), "", BODY_DONE, 1);
}

static void extensions_and_trailers_are_dropped(void **state)
{
    (void)state;
    assert_chunked("1;a=b;c=\"d e\"\r\nx\r\n0;z\r\nServer-Timing: user=lotte\r\nE:\r\n\r\n", "x",
                   BODY_DONE, 0);
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n\r\n",
        ";x\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "1\t;x\r\na\r\n",
        "1\na\r\n0\r\n\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "2\r\na\r\n0\r\n\r\n",
        "1\r\na0\r\n\r\n",
        "1\rx",
        "1;a\x01\r\n",
        "1;a\nb\r\n",
        "1;a\rb\r\n",
        "00000000000000001\r\na\r\n",
        "10000000000000000\r\na\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\n\n",
        "0\r\n: b\r\n\r\n",
        "0\r\n b\r\n\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\nA\r\n\r\n",
        "0\r\nA: b\x02\r\n\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\nA: b\r\n folded\r\n\r\n",
        "0\r\nA: b\rc\r\n\r\n",
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_chunked(bad[i], "", BODY_MALFORMED, 0);
}

static void the_largest_chunk_size_is_read_without_overflow(void **state)
{
    (void)state;
    struct body body = begin(BODY_CHUNKED, 0);
    struct reading reading = {.step = BODY_DONE};
    feed(&body, slice_of_str("FFFFFFFFFFFFFFFF\r\nabc"), &reading);
    assert_int_equal(reading.step, BODY_MORE);
    assert_int_equal(reading.n_content, 3);
    assert_int_equal(body.n_left, UINT64_MAX - 3);
}

/* "0" CR LF, then one trailer that makes `n_dropped` bytes, name and colon included. */
static enum body_step read_trailer_of(size_t n_dropped)
{
    char text[DROPPED_MAX + 32];
    memset(text, 'v', sizeof text);
    memcpy(text, "0\r\nA:", 5);
    memcpy(text + 3 + n_dropped, "\r\n\r\n", 4);
    struct body body = begin(BODY_CHUNKED, 0);
    struct reading reading = {.step = BODY_MORE};
    feed(&body, slice_of(text, 3 + n_dropped + 4), &reading);
    return reading.step;
}

static void trailers_of_exactly_the_limit_pass_and_one_more_byte_does_not(void **state)
{
    (void)state;
    assert_int_equal(read_trailer_of(DROPPED_MAX), BODY_DONE);
    assert_int_equal(read_trailer_of(DROPPED_MAX + 1), BODY_MALFORMED);
}

static void extensions_count_towards_the_same_limit_over_all_chunks(void **state)
{
    (void)state;
    struct body body = begin(BODY_CHUNKED, 0);
    struct reading reading = {.step = BODY_MORE};
    for (size_t i = 0; i < DROPPED_MAX / 4; i++) {
        feed(&body, slice_of_str("1;abcd\r\nx\r\n"), &reading);
        assert_int_equal(reading.step, BODY_MORE);
    }
    feed(&body, slice_of_str("1;a"), &reading);
    assert_int_equal(reading.step, BODY_MALFORMED);
}

static void a_length_counts_down_to_nothing(void **state)
{
    (void)state;
    assert_reads(BODY_LENGTH, 5, slice_of_str("hello"), "hello", BODY_DONE, 0);
    assert_reads(BODY_LENGTH, 6, slice_of_str("hello"), "hello", BODY_MORE, 0);
    assert_reads(BODY_LENGTH, 0, slice_of_str(""), "", BODY_DONE, 0);
}

static void without_framing_everything_is_content(void **state)
{
    (void)state;
    assert_reads(BODY_UNTIL_CLOSE, 0, slice_of_str("0\r\n\r\n"), "0\r\n\r\n", BODY_MORE, 0);
}

static void some_answers_have_no_body_whatever_their_head_says(void **state)
{
    (void)state;
    struct head head = {.facts = {.status = 200, .has_length = true, .content_length = 7}};
    struct body body;
    body_begin(&body, &head, true, DROPPED_MAX);
    assert_int_equal(body.framing, BODY_NONE);
    head.facts.status = 304;
    body_begin(&body, &head, false, DROPPED_MAX);
    assert_int_equal(body.framing, BODY_NONE);
    head.facts.status = 204;
    body_begin(&body, &head, false, DROPPED_MAX);
    assert_int_equal(body.framing, BODY_NONE);
    struct slice bytes = slice_of_str("x");
    struct slice piece;
    assert_int_equal(body_read(&body, &bytes, &piece), BODY_DONE);
    assert_int_equal(bytes.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_split_at_every_byte_give_the_same_content),
        cmocka_unit_test(an_unfinished_chunked_body_asks_for_more),
        cmocka_unit_test(what_follows_the_body_is_left_over),
        cmocka_unit_test(extensions_and_trailers_are_dropped),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(the_largest_chunk_size_is_read_without_overflow),
        cmocka_unit_test(trailers_of_exactly_the_limit_pass_and_one_more_byte_does_not),
        cmocka_unit_test(extensions_count_towards_the_same_limit_over_all_chunks),
        cmocka_unit_test(a_length_counts_down_to_nothing),
        cmocka_unit_test(without_framing_everything_is_content),
        cmocka_unit_test(some_answers_have_no_body_whatever_their_head_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
