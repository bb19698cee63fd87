/*
 * Writing straight down: integers, text, encodings, JSON strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/reader.h"
#include "base/writer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char block[4096];

static struct writer begin(void)
{
    memset(block, '#', sizeof block);
    return writer_over(block, sizeof block);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_u8(&writer, 0xfe);
    write_u16(&writer, 0xfedc);
    write_u32(&writer, 0xfedcba98);
    write_u64(&writer, UINT64_C(0xfedcba9876543210));
    write_u16be(&writer, 0xfedc);
    write_u32be(&writer, 0xfedcba98);
    write_u64be(&writer, UINT64_C(0xfedcba9876543210));
    write_zeros(&writer, 3);
    write_str(&writer, "end");
    struct reader reader = reader_over(writer_slice(&writer));
    assert_int_equal(read_u8(&reader), 0xfe);
    assert_int_equal(read_u16(&reader), 0xfedc);
    assert_int_equal(read_u32(&reader), 0xfedcba98);
    assert_true(read_u64(&reader) == UINT64_C(0xfedcba9876543210));
    assert_int_equal(read_u16be(&reader), 0xfedc);
    assert_int_equal(read_u32be(&reader), 0xfedcba98);
    assert_true(read_u64be(&reader) == UINT64_C(0xfedcba9876543210));
    assert_memory_equal(read_bytes(&reader, 3).p, "\0\0\0", 3);
    assert_true(slice_equals_str(read_bytes(&reader, 3), "end"));
    assert_false(reader.bad || writer.overflow);
    assert_int_equal(reader_left(&reader), 0);
}

static void the_byte_order_is_as_named(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_u32(&writer, 0x01020304);
    write_u32be(&writer, 0x01020304);
    assert_memory_equal(block, "\4\3\2\1\1\2\3\4", 8);
}

static void exactly_the_cap_fits_and_one_more_sticks(void **state)
{
    (void)state;
    (void)begin();
    struct writer writer = writer_over(block, 4);
    write_u32(&writer, 1);
    assert_false(writer.overflow);
    write_u8(&writer, 1);
    assert_true(writer.overflow);
    assert_int_equal(writer.n, 4);
    assert_int_equal(block[4], '#');
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    (void)begin();
    struct writer writer = writer_over(block, 4);
    write_u8(&writer, 'a');
    write_str(&writer, "bcde");
    assert_true(writer.overflow);
    write_u8(&writer, 'f'); /* would fit, but nothing is written from then on */
    assert_true(slice_equals_str(writer_slice(&writer), "a"));
    assert_int_equal(block[1], '#');
}

static void decimals_have_no_more_digits_than_needed(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_decimal(&writer, 0);
    write_u8(&writer, ' ');
    write_decimal(&writer, 9);
    write_u8(&writer, ' ');
    write_decimal(&writer, 10);
    write_u8(&writer, ' ');
    write_decimal(&writer, UINT64_MAX);
    write_u8(&writer, ' ');
    write_signed_decimal(&writer, INT64_MIN);
    write_u8(&writer, ' ');
    write_signed_decimal(&writer, -1);
    write_u8(&writer, ' ');
    write_signed_decimal(&writer, 1);
    assert_true(slice_equals_str(writer_slice(&writer),
                                 "0 9 10 18446744073709551615 -9223372036854775808 -1 1"));
}

/* RFC 4648 section 10. */
static void base64_writes_the_vectors_of_its_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+"},
    };
    for (size_t i = 0; i < SL_LENGTH(vectors); i++) {
        struct writer writer = begin();
        write_base64(&writer, slice_of_str(vectors[i][0]));
        assert_true(slice_equals_str(writer_slice(&writer), vectors[i][1]));
    }
    struct writer writer = begin();
    write_base64url(&writer, slice_of_str("\xfb\xff\xfe\xff"));
    assert_true(slice_equals_str(writer_slice(&writer), "-__-_w"));
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_hex(&writer, slice_of("\x00\x9a\xff", 3));
    assert_true(slice_equals_str(writer_slice(&writer), "009aff"));
}

static void json_strings_are_escaped_no_more_than_needed(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_json_string(&writer, slice_of("a\"b\\c/\0\x1f\n\x7f\xc3\xa9\xf0\x9f\x9a\x97", 16));
    assert_true(
        slice_equals_str(writer_slice(&writer),
                         "\"a\\\"b\\\\c/\\u0000\\u001f\\u000a\\u007f\xc3\xa9\xf0\x9f\x9a\x97\""));
}

static void bytes_that_are_not_utf_8_become_replacement_characters(void **state)
{
    (void)state;
    struct writer writer = begin();
    write_json_string(&writer, slice_of_str("\xff"
                                            "a\xc3(\xed\xa0\x80\xe2\x82"));
    assert_true(slice_equals_str(writer_slice(&writer), "\"\xef\xbf\xbd"
                                                        "a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"
                                                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
}

/* Another library reads every outcome, and reads valid text back as it was. */
static void any_bytes_make_a_json_string(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64];
        size_t n = (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(rand_r(&seed) % (round % 2 ? 128 : 256));
        struct writer writer = begin();
        write_json_string(&writer, slice_of(bytes, n));
        json_t *value = json_loadb(block, writer.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        if (round % 2) {
            assert_int_equal(json_string_length(value), n);
            assert_memory_equal(json_string_value(value), bytes, n);
        }
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_byte_order_is_as_named),
        cmocka_unit_test(exactly_the_cap_fits_and_one_more_sticks),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(decimals_have_no_more_digits_than_needed),
        cmocka_unit_test(base64_writes_the_vectors_of_its_rfc),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(json_strings_are_escaped_no_more_than_needed),
        cmocka_unit_test(bytes_that_are_not_utf_8_become_replacement_characters),
        cmocka_unit_test(any_bytes_make_a_json_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
