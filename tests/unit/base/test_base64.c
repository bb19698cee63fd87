/*
 * One text for each value: everything else is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

static void vectors_of_the_rfc_decode(void **state)
{
    (void)state;
    uint8_t out[6];
    assert_true(base64_decode(slice_of_str("Zm9vYmFy"), out, 6));
    assert_memory_equal(out, "foobar", 6);
    assert_true(base64_decode(slice_of_str("Zm9vYmE="), out, 5));
    assert_memory_equal(out, "fooba", 5);
    assert_true(base64_decode(slice_of_str("Zm9vYg=="), out, 4));
    assert_memory_equal(out, "foob", 4);
    assert_true(base64_decode(slice_of_str(""), out, 0));
    assert_true(base64url_decode(slice_of_str("-__-_w"), out, 4));
    assert_memory_equal(out, "\xfb\xff\xfe\xff", 4);
}

static void texts_that_are_not_canonical_are_refused(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL("Zh=="),     SLICE_LITERAL("Zg"),      SLICE_LITERAL("Zg="),
        SLICE_LITERAL("Zg==="),    SLICE_LITERAL("Zg==\n"),  SLICE_LITERAL(" Zg=="),
        SLICE_LITERAL("Z g="),     SLICE_LITERAL("Z==="),    SLICE_LITERAL("===="),
        SLICE_LITERAL("Zg=A"),     SLICE_LITERAL("=Zg="),    SLICE_LITERAL("Z\0=="),
        SLICE_LITERAL("Zg==Zg=="), SLICE_LITERAL("Z\xe9=="), SLICE_LITERAL("_g=="),
    };
    uint8_t out[8];
    size_t n = 77;
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        assert_false(base64_decode(bad[i], out, 1));
        assert_false(base64_decode_any(bad[i], out, sizeof out, &n));
    }
    assert_false(base64_decode(slice_of_str("Zm9="), out, 2));
    assert_int_equal(n, 77);
}

static void the_alphabets_do_not_mix(void **state)
{
    (void)state;
    uint8_t out[3];
    assert_true(base64_decode(slice_of_str("+//+"), out, 3));
    assert_true(base64url_decode(slice_of_str("-__-"), out, 3));
    assert_false(base64_decode(slice_of_str("-__-"), out, 3));
    assert_false(base64url_decode(slice_of_str("+//+"), out, 3));
    assert_false(base64url_decode(slice_of_str("Zg=="), out, 1));
}

static void the_length_must_be_the_expected_one(void **state)
{
    (void)state;
    uint8_t out[8];
    assert_false(base64_decode(slice_of_str("Zm9vYmFy"), out, 5));
    assert_false(base64_decode(slice_of_str("Zm9vYmFy"), out, 7));
    assert_false(base64url_decode(slice_of_str("Zg"), out, 2));
    assert_false(base64url_decode(slice_of_str("Z"), out, 0));
    assert_false(hex_decode(slice_of_str("00"), out, 2));
    assert_false(hex_decode(slice_of_str("000"), out, 1));
}

/* Every text of up to two characters, and every change of one character in a longer one. */
static void what_decodes_is_canonical_and_nothing_else_is(void **state)
{
    (void)state;
    uint8_t out[32];
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t text[] = {(uint8_t)a, (uint8_t)b};
            for (size_t n = 0; n <= 2; n++)
                assert_int_equal(base64url_is_canonical(slice_of(text, 2), n),
                                 base64url_decode(slice_of(text, 2), out, n));
        }
    static const char whole[] = "J0va5t2aESdDCusmTLAiI31CDE88GuhndwfhUkXeiY8";
    assert_true(base64url_is_canonical(slice_of_str(whole), sizeof out));
    for (size_t at = 0; at < sizeof whole - 1; at++)
        for (unsigned c = 0; c < 256; c++) {
            char text[sizeof whole];
            memcpy(text, whole, sizeof whole);
            text[at] = (char)c;
            struct slice changed = slice_of(text, sizeof whole - 1);
            assert_int_equal(base64url_is_canonical(changed, sizeof out),
                             base64url_decode(changed, out, sizeof out));
        }
    assert_true(base64url_is_canonical(slice_of(NULL, 0), 0));
    assert_false(base64url_is_canonical(slice_of_str(whole), sizeof out - 1));
    assert_false(base64url_is_canonical(slice_of_str(whole), sizeof out + 1));
}

static void any_length_up_to_the_cap_is_told(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t n = 0;
    assert_true(base64_decode_any(slice_of_str("Zm9vYg=="), out, 4, &n));
    assert_int_equal(n, 4);
    assert_false(base64_decode_any(slice_of_str("Zm9vYmE="), out, 4, &n));
    assert_int_equal(n, 4);
    assert_true(base64_decode_any(slice_of_str(""), out, 0, &n));
    assert_int_equal(n, 0);
}

static void hex_is_lower_case_only(void **state)
{
    (void)state;
    uint8_t out[3];
    assert_true(hex_decode(slice_of_str("009aff"), out, 3));
    assert_memory_equal(out, "\x00\x9a\xff", 3);
    assert_false(hex_decode(slice_of_str("009AFF"), out, 3));
    assert_false(hex_decode(slice_of_str("0g"), out, 1));
    assert_false(hex_decode(slice_of_str("0:"), out, 1));
}

static void what_the_writer_wrote_decodes_and_no_changed_text_does_so_too(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int round = 0; round < 500; round++) {
        uint8_t bytes[40];
        size_t n = 1 + (size_t)rand_r(&seed) % (sizeof bytes - 1);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)rand_r(&seed);
        char text[64];
        struct writer writer = writer_over(text, sizeof text);
        write_base64(&writer, slice_of(bytes, n));
        uint8_t out[sizeof bytes];
        assert_true(base64_decode(writer_slice(&writer), out, n));
        assert_memory_equal(out, bytes, n);

        size_t at = (size_t)rand_r(&seed) % writer.n;
        text[at] = (char)(text[at] ^ (1 << rand_r(&seed) % 8));
        if (base64_decode(writer_slice(&writer), out, n))
            assert_memory_not_equal(out, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc_decode),
        cmocka_unit_test(texts_that_are_not_canonical_are_refused),
        cmocka_unit_test(the_alphabets_do_not_mix),
        cmocka_unit_test(the_length_must_be_the_expected_one),
        cmocka_unit_test(what_decodes_is_canonical_and_nothing_else_is),
        cmocka_unit_test(any_length_up_to_the_cap_is_told),
        cmocka_unit_test(hex_is_lower_case_only),
        cmocka_unit_test(what_the_writer_wrote_decodes_and_no_changed_text_does_so_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
