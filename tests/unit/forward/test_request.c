/*
 * The text of a request: exactly what was decided, and one request only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "forward/request.h"

#include <stdio.h>
#include <string.h>

static const struct slice get = SLICE_LITERAL("GET");
static const struct slice target = SLICE_LITERAL("/v1/drivers/lotte/position?fields=all");
static const struct slice json = SLICE_LITERAL("application/json");

static const struct request_parts plain = {
    .method = SLICE_LITERAL("GET"),
    .target = SLICE_LITERAL("/v1/drivers/lotte/position?fields=all"),
    .accept = SLICE_LITERAL("application/json"),
};

static bool is_sound(struct slice method, struct slice path, struct slice accept)
{
    const struct request_parts parts = {.method = method, .target = path, .accept = accept};
    return request_is_sound(&parts);
}

static void a_request_is_written_byte_for_byte(void **state)
{
    (void)state;
    struct request_text text;
    assert_int_equal(request_init(&text, slice_of_str("waze.example:8080"), (struct slice){0}),
                     SL_OK);
    char block[512];
    struct writer writer = writer_over(block, sizeof block);
    request_write(&text, &plain, &writer);
    assert_true(slice_equals_str(writer_slice(&writer),
                                 "GET /v1/drivers/lotte/position?fields=all HTTP/1.1\r\n"
                                 "Host: waze.example:8080\r\n"
                                 "Accept: application/json\r\n"
                                 "Accept-Encoding: identity\r\n"
                                 "User-Agent: sluis\r\n"
                                 "\r\n"));
    assert_int_equal(writer.n, request_bytes(&text, &plain));
    request_deinit(&text);
}

static void a_body_is_announced_with_its_type_length_and_receipt(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 9, 10, 262144};
    struct request_text text;
    assert_int_equal(request_init(&text, slice_of_str("a"), (struct slice){0}), SL_OK);
    for (size_t i = 0; i < SL_LENGTH(lengths); i++) {
        struct request_parts parts = plain;
        parts.method = slice_of_str("POST");
        parts.body_type = json;
        parts.body_bytes = lengths[i];
        parts.receipt = slice_of_str("gateway.example/1/17");
        char block[512], expected[128];
        struct writer writer = writer_over(block, sizeof block - 1);
        request_write(&text, &parts, &writer);
        block[writer.n] = 0;
        snprintf(expected, sizeof expected,
                 "User-Agent: sluis\r\nSluis-Receipt: gateway.example/1/17\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 lengths[i]);
        assert_string_equal(strstr(block, "User-Agent"), expected);
        assert_int_equal(writer.n, request_bytes(&text, &parts));
        assert_true(request_is_sound(&parts));
        parts.receipt = slice_of_str("a b");
        assert_false(request_is_sound(&parts));
        parts.receipt = slice_of(NULL, 0);
        parts.body_type = slice_of_str("a/b\r\nX: y");
        assert_false(request_is_sound(&parts));
    }
    request_deinit(&text);
}

static void the_token_is_sent_as_a_bearer_token(void **state)
{
    (void)state;
    struct request_text text;
    assert_int_equal(request_init(&text, slice_of_str("a"), slice_of_str("s3cret")), SL_OK);
    assert_true(slice_equals_str(text.after_accept, "\r\nAccept-Encoding: identity\r\n"
                                                    "User-Agent: sluis\r\n"
                                                    "Authorization: Bearer s3cret\r\n"));
    request_deinit(&text);
    assert_null(text.block);
}

static void hosts_and_tokens_that_break_a_line_are_malformed(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL("a\r\nX: y"), SLICE_LITERAL("a b"),      SLICE_LITERAL("a\0b"),
        SLICE_LITERAL("a\x7f"),     SLICE_LITERAL("\xc3\xa9"), SLICE_LITERAL("\n"),
    };
    struct request_text text = {0};
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        assert_int_equal(request_init(&text, bad[i], (struct slice){0}), SL_EMALFORMED);
        assert_int_equal(request_init(&text, slice_of_str("a"), bad[i]), SL_EMALFORMED);
    }
    assert_int_equal(request_init(&text, slice_of_str(""), (struct slice){0}), SL_EMALFORMED);
    assert_null(text.block);
}

static void a_target_can_not_become_a_second_request(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL(""),      SLICE_LITERAL("v1"),        SLICE_LITERAL("http://a/"),
        SLICE_LITERAL("*"),     SLICE_LITERAL("/a b"),      SLICE_LITERAL("/a\r\n\r\nGET /b"),
        SLICE_LITERAL("/a\nb"), SLICE_LITERAL("/a\0"),      SLICE_LITERAL("/a\tb"),
        SLICE_LITERAL("/\x7f"), SLICE_LITERAL("/\xc3\xa9"),
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(is_sound(get, bad[i], json));
    assert_true(is_sound(get, target, json));
    assert_true(is_sound(get, slice_of_str("/"), json));
}

static void methods_are_tokens_and_accept_is_a_value(void **state)
{
    (void)state;
    assert_false(is_sound(slice_of_str(""), target, json));
    assert_false(is_sound(slice_of_str("GET /x"), target, json));
    assert_false(is_sound(slice_of_str("GET\r\n"), target, json));
    assert_false(is_sound(get, target, slice_of_str("")));
    assert_false(is_sound(get, target, slice_of_str("a/b\r\nX: y")));
    assert_true(is_sound(get, target, slice_of_str("application/geo+json;q=1, */*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_byte_for_byte),
        cmocka_unit_test(a_body_is_announced_with_its_type_length_and_receipt),
        cmocka_unit_test(the_token_is_sent_as_a_bearer_token),
        cmocka_unit_test(hosts_and_tokens_that_break_a_line_are_malformed),
        cmocka_unit_test(a_target_can_not_become_a_second_request),
        cmocka_unit_test(methods_are_tokens_and_accept_is_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
