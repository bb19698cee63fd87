/*
 * What an answer's head may look like, and all the ways in which it may not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/writer.h"
#include "forward/head.h"

#include <string.h>

enum { HEAD_BYTES_MAX = 1024 };

#define OK "HTTP/1.1 200 OK\r\n"

static enum head_step read_whole(struct head *head, struct slice text)
{
    head_begin(head, HEAD_BYTES_MAX);
    return head_read(head, text);
}

/* The same, but with one more byte in each call. */
static enum head_step read_growing(struct head *head, struct slice text)
{
    enum head_step step = HEAD_MORE;
    head_begin(head, HEAD_BYTES_MAX);
    for (size_t n = 0; n <= text.n && step == HEAD_MORE; n++)
        step = head_read(head, slice_of(text.p, n));
    return step;
}

static struct head read_good(const char *text)
{
    struct head head;
    struct head growing;
    assert_int_equal(read_whole(&head, slice_of_str(text)), HEAD_DONE);
    assert_int_equal(read_growing(&growing, slice_of_str(text)), HEAD_DONE);
    assert_int_equal(growing.n_read, head.n_read);
    assert_int_equal(growing.facts.status, head.facts.status);
    assert_true(slice_equals(growing.facts.content_type, head.facts.content_type));
    return head;
}

static void malformed_heads_are_refused_at_once_or_byte_by_byte(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL("\r\nHTTP/1.1 200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1  200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 20 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 2000 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 +20 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 099 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 600 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 000 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.2 200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/2.0 200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/11 200 OK\r\n\r\n"),
        SLICE_LITERAL("http/1.1 200 OK\r\n\r\n"),
        SLICE_LITERAL(" HTTP/1.1 200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1\t200 OK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 O\x01K\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 O\x7fK\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\n\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\r\nA: b\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\r\n\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\rA: b\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 200 OK\r\r\n\r\n"),
        SLICE_LITERAL(OK "A: b\0c\r\n\r\n"),
        SLICE_LITERAL(OK "A\0: b\r\n\r\n"),
        SLICE_LITERAL(OK "A: b\x1b[2J\r\n\r\n"),
        SLICE_LITERAL(OK "A : b\r\n\r\n"),
        SLICE_LITERAL(OK "A\t: b\r\n\r\n"),
        SLICE_LITERAL(OK " A: b\r\n\r\n"),
        SLICE_LITERAL(OK "A: b\r\n c\r\n\r\n"),
        SLICE_LITERAL(OK "A: b\r\n\tc\r\n\r\n"),
        SLICE_LITERAL(OK ": b\r\n\r\n"),
        SLICE_LITERAL(OK "A\r\n\r\n"),
        SLICE_LITERAL(OK "A b: c\r\n\r\n"),
        SLICE_LITERAL(OK "A(b): c\r\n\r\n"),
        SLICE_LITERAL(OK "A\xc3\xa9: c\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 1\r\ncontent-length: 2\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 1, 1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: +1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: -1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 0x1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 01\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 1 1\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length:\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 9223372036854775808\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 18446744073709551617\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: identity\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: xchunked\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding: chunked;q=1\r\n\r\n"),
        SLICE_LITERAL(OK "Transfer-Encoding:\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n"),
        SLICE_LITERAL(OK "Content-Type:\r\nCONTENT-TYPE: a/b\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 204 \r\nContent-Length: 3\r\n\r\n"),
        SLICE_LITERAL("HTTP/1.1 100 \r\nContent-Length: 3\r\n\r\n" OK "\r\n"),
        SLICE_LITERAL("HTTP/1.1 100 \r\nTransfer-Encoding: chunked\r\n\r\n" OK "\r\n"),
        SLICE_LITERAL("HTTP/1.1 100 \r\n\r\nGarbage\r\n\r\n"),
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        struct head head;
        if (read_whole(&head, bad[i]) != HEAD_MALFORMED)
            fail_msg("whole head %zu was accepted", i);
        if (read_growing(&head, bad[i]) != HEAD_MALFORMED)
            fail_msg("growing head %zu was accepted", i);
    }
}

static void facts_are_read_with_any_case_and_blanks_around_values(void **state)
{
    (void)state;
    struct head head = read_good(OK "cOnTeNt-LeNgTh:\t 42 \t\r\n"
                                    "CONTENT-TYPE:application/json; charset=utf-8  \r\n\r\n");
    assert_int_equal(head.facts.status, 200);
    assert_true(head.facts.has_length);
    assert_int_equal(head.facts.content_length, 42);
    assert_true(slice_equals_str(head.facts.content_type, "application/json; charset=utf-8"));
    assert_true(head.is_http_1_1);
    assert_false(head.is_chunked || head.says_close);
    assert_false(head.facts.has_content_encoding || head.facts.has_content_range);
}

static void odd_but_lawful_heads_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(read_good("HTTP/1.1 204 \r\n\r\n").facts.status, 204);
    assert_int_equal(read_good("HTTP/1.1 599 \x80\xff \t x\r\n\r\n").facts.status, 599);
    assert_int_equal(read_good("HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n").facts.status, 204);
    assert_int_equal(read_good("HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n").facts.status, 304);
    assert_int_equal(read_good(OK "!#$%&'*+-.^_`|~09azAZ: \xe9\x80\r\nEmpty:\r\n\r\n").n_read, 54);
    assert_int_equal(
        read_good(OK "Content-Length: 9223372036854775807\r\n\r\n").facts.content_length,
        INT64_MAX);
    assert_true(read_good(OK "Transfer-Encoding: CHUNKED\r\n\r\n").is_chunked);
    assert_false(read_good("HTTP/1.0 200 OK\r\n\r\n").is_http_1_1);
}

static void close_is_found_in_lists_and_on_later_lines(void **state)
{
    (void)state;
    assert_true(read_good(OK "Connection: close\r\n\r\n").says_close);
    assert_true(read_good(OK "Connection: keep-alive ,\t CLOSE , x\r\n\r\n").says_close);
    assert_true(read_good(OK "Connection: x\r\nConnection: close\r\n\r\n").says_close);
    assert_true(read_good(OK "Connection: close\r\nConnection: x\r\n\r\n").says_close);
    assert_false(read_good(OK "Connection: keep-alive\r\n\r\n").says_close);
    assert_false(read_good(OK "Connection: closed, xclose\r\n\r\n").says_close);
    assert_false(read_good(OK "Connection: ,,\r\n\r\n").says_close);
}

static void encodings_other_than_identity_are_noticed(void **state)
{
    (void)state;
    assert_false(read_good(OK "Content-Encoding: identity\r\n\r\n").facts.has_content_encoding);
    assert_true(read_good(OK "Content-Encoding: gzip\r\n\r\n").facts.has_content_encoding);
    assert_true(read_good(OK "Content-Encoding: br\r\nContent-Encoding: identity\r\n\r\n")
                    .facts.has_content_encoding);
    assert_true(read_good(OK "Content-Range: bytes 0-1/2\r\n\r\n").facts.has_content_range);
}

static void interim_answers_are_skipped_with_their_fields(void **state)
{
    (void)state;
    struct head head = read_good("HTTP/1.1 100 Continue\r\n\r\n"
                                 "HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n"
                                 "Connection: close\r\nContent-Encoding: gzip\r\n\r\n" OK
                                 "Content-Type: a/b\r\n\r\n");
    assert_int_equal(head.facts.status, 200);
    assert_true(slice_equals_str(head.facts.content_type, "a/b"));
    assert_false(head.says_close || head.facts.has_content_encoding);
}

static void body_bytes_after_the_head_are_left_alone(void **state)
{
    (void)state;
    struct head head;
    struct slice text = slice_of_str(OK "\r\nbody\nbody");
    assert_int_equal(read_whole(&head, text), HEAD_DONE);
    assert_int_equal(head.n_read, strlen(OK "\r\n"));
    assert_int_equal(head_read(&head, text), HEAD_DONE);
}

/* A head of exactly `n` bytes. */
static struct slice head_of_bytes(char *block, size_t n)
{
    memset(block, 'x', n + 1);
    memcpy(block, OK "A: ", strlen(OK "A: "));
    memcpy(block + n - 4, "\r\n\r\n", 4);
    return slice_of(block, n);
}

static void a_head_of_exactly_the_limit_is_accepted_and_one_more_is_not(void **state)
{
    (void)state;
    char block[HEAD_BYTES_MAX + 16];
    struct head head;
    assert_int_equal(read_whole(&head, head_of_bytes(block, HEAD_BYTES_MAX)), HEAD_DONE);
    assert_int_equal(read_growing(&head, head_of_bytes(block, HEAD_BYTES_MAX)), HEAD_DONE);
    assert_int_equal(read_whole(&head, head_of_bytes(block, HEAD_BYTES_MAX + 1)), HEAD_MALFORMED);
    assert_int_equal(read_growing(&head, head_of_bytes(block, HEAD_BYTES_MAX + 1)), HEAD_MALFORMED);
}

static void body_bytes_do_not_count_towards_the_limit(void **state)
{
    (void)state;
    char block[3 * HEAD_BYTES_MAX];
    struct head head;
    head_of_bytes(block, HEAD_BYTES_MAX);
    memset(block + HEAD_BYTES_MAX, 'b', 2 * HEAD_BYTES_MAX);
    assert_int_equal(read_whole(&head, slice_of(block, sizeof block)), HEAD_DONE);
    assert_int_equal(head.n_read, HEAD_BYTES_MAX);
}

static void interim_answers_count_towards_the_limit(void **state)
{
    (void)state;
    char block[2 * HEAD_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    while (writer.n < HEAD_BYTES_MAX)
        write_str(&writer, "HTTP/1.1 100 \r\n\r\n");
    write_str(&writer, OK "\r\n");
    struct head head;
    assert_int_equal(read_whole(&head, writer_slice(&writer)), HEAD_MALFORMED);
    assert_int_equal(read_growing(&head, writer_slice(&writer)), HEAD_MALFORMED);
}

static void every_byte_is_classed_as_the_grammar_says(void **state)
{
    (void)state;
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int c = 0; c < 256; c++) {
        assert_int_equal(http_is_token_byte((uint8_t)c), c != 0 && strchr(token, c) != NULL);
        assert_int_equal(http_is_value_byte((uint8_t)c), c == '\t' || (c >= ' ' && c != 0x7f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_heads_are_refused_at_once_or_byte_by_byte),
        cmocka_unit_test(facts_are_read_with_any_case_and_blanks_around_values),
        cmocka_unit_test(odd_but_lawful_heads_are_accepted),
        cmocka_unit_test(close_is_found_in_lists_and_on_later_lines),
        cmocka_unit_test(encodings_other_than_identity_are_noticed),
        cmocka_unit_test(interim_answers_are_skipped_with_their_fields),
        cmocka_unit_test(body_bytes_after_the_head_are_left_alone),
        cmocka_unit_test(a_head_of_exactly_the_limit_is_accepted_and_one_more_is_not),
        cmocka_unit_test(body_bytes_do_not_count_towards_the_limit),
        cmocka_unit_test(interim_answers_count_towards_the_limit),
        cmocka_unit_test(every_byte_is_classed_as_the_grammar_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
