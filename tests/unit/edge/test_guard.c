/* Heads as libmicrohttpd hands them over: pieces of one buffer, separators overwritten with NUL. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/guard.h"

static struct limits limits;

/* Splits a well-formed head the way the parser does; `n` bytes, CRLF line ends. */
static void split(const char *text, size_t n, struct guard_head *head)
{
    const uint8_t *p = (const uint8_t *)text;
    memset(head, 0, sizeof *head);
    head->head_bytes = n;
    size_t at = 0;
    struct slice *parts[] = {&head->method, &head->target, &head->version};
    for (size_t i = 0; i < 3; i++) {
        size_t start = at;
        while (at < n && p[at] != ' ' && p[at] != '\r')
            at++;
        *parts[i] = slice_of(p + start, at - start);
        at += i < 2 ? 1 : 2;
    }
    while (at + 2 <= n && p[at] != '\r') {
        struct guard_field *field = &head->fields[head->n_fields++];
        size_t start = at;
        while (p[at] != ':')
            at++;
        field->name = slice_of(p + start, at - start);
        at++;
        while (p[at] == ' ' || p[at] == '\t')
            at++;
        start = at;
        while (p[at] != '\r')
            at++;
        field->value = slice_of(p + start, at - start);
        at += 2;
    }
}

static enum guard_fault check_bytes(const char *text, size_t n)
{
    struct guard_head head;
    split(text, n, &head);
    return guard_check(&head, head.target, &limits);
}

static enum guard_fault check(const char *text)
{
    return check_bytes(text, strlen(text));
}

static enum guard_fault check_target(const char *target)
{
    char text[16384];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    return check_bytes(text, (size_t)n);
}

static enum guard_fault check_field(const char *line)
{
    char text[16384];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", line);
    return check_bytes(text, (size_t)n);
}

static void plain_requests_pass(void **state)
{
    (void)state;
    assert_int_equal(check("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), GUARD_OK);
    assert_int_equal(check("GET /v1/a-b_c~d/e?x=1&y=2 HTTP/1.1\r\nHost:x\r\nAccept: \t */*\r\n"
                           "Authorization: Bearer t\r\nX-Empty:\r\n\r\n"),
                     GUARD_OK);
    assert_int_equal(check_field("Content-Length: 0"), GUARD_OK);
    assert_int_equal(check_field("Expect: 100-continue"), GUARD_OK);
}

static void bytes_that_are_not_accounted_for_are_refused(void **state)
{
    (void)state;
    const char text[] = "GET /a HTTP/1.1\r\nHost: x\r\nAccept: a\r\n\r\n";
    struct guard_head head;
    split(text, sizeof text - 1, &head);
    assert_int_equal(guard_check(&head, head.target, &limits), GUARD_OK);

    struct guard_head shorter_value = head; /* a NUL cut the value */
    shorter_value.fields[0].value.n = 0;
    assert_int_equal(guard_check(&shorter_value, head.target, &limits), GUARD_LAYOUT);

    struct guard_head dropped_field = head; /* a nameless line was dropped */
    dropped_field.fields[0] = head.fields[1];
    dropped_field.n_fields = 1;
    assert_int_equal(guard_check(&dropped_field, head.target, &limits), GUARD_LAYOUT);

    struct guard_head bare_lf = head; /* one byte fewer than CRLF CRLF at the end */
    bare_lf.head_bytes--;
    assert_int_equal(guard_check(&bare_lf, head.target, &limits), GUARD_LAYOUT);

    struct guard_head cut_target = head; /* a NUL cut the target */
    cut_target.target.n = 1;
    assert_int_equal(guard_check(&cut_target, cut_target.target, &limits), GUARD_LAYOUT);

    char elsewhere[] = "Xb"; /* obs-fold: the name was built in other memory */
    struct guard_head folded = head;
    folded.fields[1].name = slice_of_str(elsewhere);
    assert_int_equal(guard_check(&folded, head.target, &limits), GUARD_LAYOUT);
}

static void only_http_1_1_and_known_methods(void **state)
{
    (void)state;
    assert_int_equal(check("GET / HTTP/1.0\r\nHost: x\r\n\r\n"), GUARD_VERSION);
    assert_int_equal(check("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), GUARD_VERSION);
    assert_int_equal(check("GET / http/1.1\r\nHost: x\r\n\r\n"), GUARD_VERSION);
    assert_int_equal(check("G@T / HTTP/1.1\r\nHost: x\r\n\r\n"), GUARD_METHOD);
    assert_int_equal(check("get / HTTP/1.1\r\nHost: x\r\n\r\n"), GUARD_METHOD);
    assert_int_equal(check("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), GUARD_METHOD);
}

static void targets_with_a_second_meaning_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "http://x/a", "x:80",   "*",      "/a//b",  "/a/./b", "/a/../b",  "/..",        "/a/..",
        "/a/.",       "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00",  "/a%2e%2e", "/a%252f",    "/a;b",
        "/a\\b",      "/a%",    "/a%4",   "/a%zz",  "/a#b",   "/a\x7f",   "/a\xc3\xa9", "/a\"b",
        "/a<b",       "/a^b",   "/a`b",   "/a{b",   "/a|b",   "/a?b#c",   "/a?%0",      "/a%0a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check_target(bad[i]), GUARD_TARGET);
    static const char *const good[] = {"/", "/a", "/a/", "/a%20b", "/a.b/..c", "/a?b=%2F", "/a?"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(check_target(good[i]), GUARD_OK);
}

static void field_names_are_tokens_and_values_have_no_controls(void **state)
{
    (void)state;
    assert_int_equal(check_field("Content-Length : 5"), GUARD_FIELD_NAME);
    assert_int_equal(check_field("X(Y: 5"), GUARD_FIELD_NAME);
    assert_int_equal(check_field(": 5"), GUARD_FIELD_NAME);
    assert_int_equal(check_field("X: a\x01"), GUARD_FIELD_VALUE);
    assert_int_equal(check_field("X: a\x7f"), GUARD_FIELD_VALUE);
    assert_int_equal(check_field("X: caf\xc3\xa9"), GUARD_FIELD_VALUE);
    assert_int_equal(check_field("X: a\nY: b"), GUARD_FIELD_VALUE);
    assert_int_equal(check_field("X: a\tb"), GUARD_OK);
}

static void exactly_one_host(void **state)
{
    (void)state;
    assert_int_equal(check("GET / HTTP/1.1\r\nAccept: a\r\n\r\n"), GUARD_HOST);
    assert_int_equal(check_field("Host: x"), GUARD_HOST);
    assert_int_equal(check_field("hOsT: y"), GUARD_HOST);
    assert_int_equal(check("GET / HTTP/1.1\r\nHost:\r\n\r\n"), GUARD_HOST);
}

static enum guard_fault check_host(const char *host)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    return check_bytes(text, (size_t)n);
}

static void host_is_a_name_or_an_address_and_perhaps_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {
        "x",
        "gateway.example",
        "gateway.example.",
        "Gateway_1-a~b",
        "127.0.0.1",
        "127.0.0.1:8460",
        "[::1]",
        "[::ffff:127.0.0.1]:8460",
        "x:",
        "x:80",
        "x \t",
        "xn--bcher-kva.example",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(check_host(good[i]), GUARD_OK);
    static const char *const bad[] = {
        " ",       ":80",     "a/b",  "a/b@c, d", "user@x",   "x, y",   "x,y",   "x y",
        "x:8o",    "x:80:80", "x:-1", "x: 80",    "http://x", "x?y",    "x#y",   "x\\y",
        "x%2fy",   "[]",      "[",    "[::1",     "::1",      "[::1]x", "[::g]", "[fe80::1%25lo]",
        "[[::1]]", "x]",      "<x>",  "\"x\"",    "x;y",      "x*",     "x\ty",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check_host(bad[i]), GUARD_HOST);
}

static void framing_is_unambiguous_and_carries_no_body(void **state)
{
    (void)state;
    assert_int_equal(check_field("Content-Length: 0\r\nContent-Length: 0"), GUARD_LENGTH);
    assert_int_equal(check_field("Content-Length: 0\r\nTransfer-Encoding: chunked"), GUARD_LENGTH);
    assert_int_equal(check_field("Content-Length: +0"), GUARD_LENGTH);
    assert_int_equal(check_field("Content-Length: 00"), GUARD_LENGTH);
    assert_int_equal(check_field("Transfer-Encoding: gzip, chunked"), GUARD_CODING);
    assert_int_equal(check_field("Transfer-Encoding: identity"), GUARD_CODING);
    assert_int_equal(check_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
                     GUARD_CODING);
    assert_int_equal(check_field("Transfer-Encoding: chunked"), GUARD_BODY);
    assert_int_equal(check_field("Content-Length: 1"), GUARD_BODY);
    assert_int_equal(check_field("Expect: foo"), GUARD_EXPECT);
}

static struct guard_body body_of(const char *lines)
{
    char text[256];
    int n = snprintf(text, sizeof text, "PUT / HTTP/1.1\r\nHost: x\r\n%s\r\n", lines);
    struct guard_head head;
    split(text, (size_t)n, &head);
    head.takes_body = true;
    assert_int_equal(guard_check(&head, head.target, &limits), GUARD_OK);
    return guard_body(&head);
}

static void a_head_tells_how_long_its_body_is(void **state)
{
    (void)state;
    assert_false(body_of("").has_length);
    assert_true(body_of("Content-Length: 0\r\n").has_length);
    assert_int_equal(body_of("Content-Length: 0\r\n").length, 0);
    assert_int_equal(body_of("content-length: 18446744073709551615\r\n").length, UINT64_MAX);
    assert_false(body_of("Content-Length: 7\r\n").is_chunked);
    assert_true(body_of("Transfer-Encoding: Chunked\r\n").is_chunked);
    assert_true(body_of("Transfer-Encoding: chunked\r\n").has_length);
}

static void what_decides_stands_once(void **state)
{
    (void)state;
    assert_int_equal(check_field("Authorization: a\r\nAuthorization: a"), GUARD_REPEATED);
    assert_int_equal(check_field("Sluis-Purpose: a\r\nsluis-purpose: b"), GUARD_REPEATED);
    assert_int_equal(check_field("Content-Type: a\r\nContent-Type: a"), GUARD_REPEATED);
    assert_int_equal(check_field("Content-Encoding: a\r\nContent-Encoding: b"), GUARD_REPEATED);
    assert_int_equal(check_field("Idempotency-Key: a\r\nIdempotency-Key: a"), GUARD_REPEATED);
}

static void target_may_have_exactly_request_target_bytes(void **state)
{
    (void)state;
    char target[LIMIT_MAX_request_target_bytes + 2];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[limits.request_target_bytes] = 0;
    assert_int_equal(check_target(target), GUARD_OK);
    target[limits.request_target_bytes] = 'a';
    target[limits.request_target_bytes + 1] = 0;
    assert_int_equal(check_target(target), GUARD_TARGET_TOO_LONG);
}

static void head_may_have_exactly_request_head_bytes(void **state)
{
    (void)state;
    size_t n = limits.request_head_bytes;
    char *text = malloc(n + 2);
    int n_start = snprintf(text, n, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
    memset(text + n_start, 'a', n + 2 - (size_t)n_start);
    memcpy(text + n - 4, "\r\n\r\n", 4);
    assert_int_equal(check_bytes(text, n), GUARD_OK);
    memcpy(text + n - 4, "aa\r\n\r\n", 5);
    memcpy(text + n - 3, "\r\n\r\n", 4);
    assert_int_equal(check_bytes(text, n + 1), GUARD_HEAD_TOO_LARGE);
    free(text);
}

static void head_may_have_exactly_request_fields(void **state)
{
    (void)state;
    char text[4096] = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (size_t i = 1; i < limits.request_fields; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    struct guard_head head;
    split(text, strlen(text), &head);
    assert_int_equal(head.n_fields, limits.request_fields);
    assert_int_equal(head.n_fields, sizeof head.fields / sizeof *head.fields);
    assert_int_equal(guard_check(&head, head.target, &limits), GUARD_OK);
    head.too_many_fields = true; /* what the connection says of one more */
    assert_int_equal(guard_check(&head, head.target, &limits), GUARD_HEAD_TOO_LARGE);
}

static void fields_are_found_by_any_case_and_trimmed(void **state)
{
    (void)state;
    const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nSLUIS-PURPOSE: \t billing \t\r\n\r\n";
    struct guard_head head;
    split(text, sizeof text - 1, &head);
    assert_int_equal(guard_check(&head, head.target, &limits), GUARD_OK);
    assert_true(slice_equals_str(guard_field_get(&head, "sluis-purpose"), "billing"));
    assert_int_equal(guard_field_get(&head, "authorization").n, 0);
}

static int set_limits(void **state)
{
    (void)state;
    limits = limits_default();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_pass),
        cmocka_unit_test(bytes_that_are_not_accounted_for_are_refused),
        cmocka_unit_test(only_http_1_1_and_known_methods),
        cmocka_unit_test(targets_with_a_second_meaning_are_refused),
        cmocka_unit_test(field_names_are_tokens_and_values_have_no_controls),
        cmocka_unit_test(exactly_one_host),
        cmocka_unit_test(host_is_a_name_or_an_address_and_perhaps_a_port),
        cmocka_unit_test(framing_is_unambiguous_and_carries_no_body),
        cmocka_unit_test(a_head_tells_how_long_its_body_is),
        cmocka_unit_test(what_decides_stands_once),
        cmocka_unit_test(target_may_have_exactly_request_target_bytes),
        cmocka_unit_test(head_may_have_exactly_request_head_bytes),
        cmocka_unit_test(head_may_have_exactly_request_fields),
        cmocka_unit_test(fields_are_found_by_any_case_and_trimmed),
    };
    return cmocka_run_group_tests(tests, set_limits, NULL);
}
