/*
 * Strict UTF-8 against a decoder that counts bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include <string.h>

/* RFC 3629 read literally: decode by the bits, then refuse what a shorter form could hold. */
static size_t naive_sequence_bytes(const uint8_t *p, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n_sequence = 0;
    uint32_t code = 0;
    if (n == 0)
        return 0;
    if (p[0] >> 7 == 0)
        return 1;
    if (p[0] >> 5 == 6) {
        n_sequence = 2;
        code = p[0] & 0x1f;
    } else if (p[0] >> 4 == 14) {
        n_sequence = 3;
        code = p[0] & 0x0f;
    } else if (p[0] >> 3 == 30) {
        n_sequence = 4;
        code = p[0] & 0x07;
    }
    if (n_sequence == 0 || n < n_sequence)
        return 0;
    for (size_t i = 1; i < n_sequence; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool valid = code >= least[n_sequence] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? n_sequence : 0;
}

static void compare(const uint8_t *p, size_t n)
{
    size_t expected = naive_sequence_bytes(p, n);
    if (utf8_sequence_bytes(slice_of(p, n)) != expected)
        fail_msg("%02x %02x %02x %02x in %zu bytes", p[0], p[1], p[2], p[3], n);
}

static void every_start_of_text_is_judged_as_by_the_naive_decoder(void **state)
{
    (void)state;
    static const uint8_t fourths[] = {0x00, 0x7f, 0x80, 0x9f, 0xbf, 0xc0, 0xff};
    for (uint32_t start = 0; start < 0x1000000; start++) {
        uint8_t p[4] = {(uint8_t)(start >> 16), (uint8_t)(start >> 8), (uint8_t)start, 0x80};
        if (p[0] < 0xf0) {
            compare(p, 3);
            continue;
        }
        for (size_t i = 0; i < sizeof fourths; i++) {
            p[3] = fourths[i];
            compare(p, 4);
        }
    }
}

static void sequences_cut_short_are_refused(void **state)
{
    (void)state;
    static const uint8_t car[] = {0xf0, 0x9f, 0x9a, 0x97};
    for (size_t n = 0; n < sizeof car; n++)
        assert_int_equal(utf8_sequence_bytes(slice_of(car, n)), 0);
    assert_int_equal(utf8_sequence_bytes(slice_of(car, 4)), 4);
    assert_int_equal(utf8_sequence_bytes(slice_of("\xe2\x82", 2)), 0);
    assert_int_equal(utf8_sequence_bytes(slice_of("\xc3", 1)), 0);
}

static void a_text_is_valid_when_all_of_it_is(void **state)
{
    (void)state;
    assert_true(utf8_is_valid((struct slice){NULL, 0}));
    assert_true(utf8_is_valid(slice_of("a\0\xc3\xa9\xf0\x9f\x9a\x97", 8)));
    assert_false(utf8_is_valid(slice_of_str("caf\xc3")));
    assert_false(utf8_is_valid(slice_of_str("caf\xe9")));
    assert_false(utf8_is_valid(slice_of_str("\xc0\xaf")));
    assert_false(utf8_is_valid(slice_of_str("\xed\xa0\x80")));
    assert_false(utf8_is_valid(slice_of_str("\xf4\x90\x80\x80")));
}

static void printable_text_has_no_controls(void **state)
{
    (void)state;
    assert_true(utf8_is_printable(slice_of_str("caf\xc3\xa9 ~")));
    assert_true(utf8_is_printable((struct slice){NULL, 0}));
    assert_false(utf8_is_printable(slice_of_str("a\tb")));
    assert_false(utf8_is_printable(slice_of_str("a\nb")));
    assert_false(utf8_is_printable(slice_of("a\0b", 3)));
    assert_false(utf8_is_printable(slice_of_str("a\x1f")));
    assert_false(utf8_is_printable(slice_of_str("a\x7f")));
    assert_false(utf8_is_printable(slice_of_str("caf\xe9")));
}

/* Every byte at every place of every short text, before and after every kind of byte. */
static void plain_text_ends_at_the_first_special_byte(void **state)
{
    (void)state;
    static const uint8_t others[] = {'a', ' ', '~', 0x00, 0x1f, '"', '\\', 0x7f, 0x80, 0xff};
    for (size_t n = 0; n <= 20; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned c = 0; c < 256; c++)
                for (size_t other = 0; other < sizeof others; other++) {
                    uint8_t text[20];
                    memset(text, 'x', sizeof text);
                    memset(text + at, others[other], n - at);
                    text[at] = (uint8_t)c;
                    size_t expected = 0;
                    while (expected < n && text[expected] >= 0x20 && text[expected] < 0x7f &&
                           text[expected] != '"' && text[expected] != '\\')
                        expected++;
                    assert_int_equal(utf8_plain_bytes(slice_of(text, n)), expected);
                }
    assert_int_equal(utf8_plain_bytes(slice_of(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start_of_text_is_judged_as_by_the_naive_decoder),
        cmocka_unit_test(sequences_cut_short_are_refused),
        cmocka_unit_test(a_text_is_valid_when_all_of_it_is),
        cmocka_unit_test(printable_text_has_no_controls),
        cmocka_unit_test(plain_text_ends_at_the_first_special_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
