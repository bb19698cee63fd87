/*
 * base64.c - decoding that accepts one text for each value
 *
 * A lenient decoder makes two texts name one value, and a token or a signature line could then be
 * rewritten without notice. So padding, alphabet and the unused low bits are all checked.
 */
#include "base/base64.h"

#include <string.h>

/* The digit that a character of the URL alphabet stands for, plus one; 0: none. */
static const uint8_t digit_plus_one[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static int digit_of(uint8_t c, bool url)
{
    if (!url && (c == '-' || c == '_'))
        return -1;
    if (!url && c == '+')
        c = '-';
    if (!url && c == '/')
        c = '_';
    return digit_plus_one[c] - 1;
}

/* `text` without padding; n_out must be the only length it can have. */
static bool decode(struct slice text, uint8_t *out, size_t n_out, bool url)
{
    if (text.n != (n_out * 8 + 5) / 6)
        return false;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(text.p[i], url);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (uint8_t)(bits >> n_bits);
            bits &= (1u << n_bits) - 1;
        }
    }
    return bits == 0;
}

bool base64url_decode(struct slice text, uint8_t *out, size_t n_out)
{
    return decode(text, out, n_out, true);
}

/* Sixteen characters at once; the compiler has instructions for that. */
typedef uint8_t characters __attribute__((vector_size(16)));

static bool are_url_digits(const uint8_t *at)
{
    characters c;
    memcpy(&c, at, sizeof c);
    characters digits = (characters)((c | 0x20) - 'a' < 26) | (characters)(c - '0' < 10) |
                        (characters)(c == '-') | (characters)(c == '_');
    uint64_t halves[2];
    memcpy(halves, &digits, sizeof halves);
    return (halves[0] & halves[1]) == UINT64_MAX;
}

bool base64url_is_canonical(struct slice text, size_t n_bytes)
{
    enum { STEP = sizeof(characters) };
    if (text.n != (n_bytes * 8 + 5) / 6)
        return false;
    size_t at = 0;
    for (; text.n - at >= STEP; at += STEP)
        if (!are_url_digits(text.p + at))
            return false;
    if (at > 0 && at < text.n) { /* the rest, together with some that were looked at already */
        if (!are_url_digits(text.p + text.n - STEP))
            return false;
        at = text.n;
    }
    for (; at < text.n; at++)
        if (digit_plus_one[text.p[at]] == 0)
            return false;
    unsigned last = text.n > 0 ? digit_plus_one[text.p[text.n - 1]] - 1u : 0;
    return (last & ((1u << (text.n * 6 - n_bytes * 8)) - 1)) == 0;
}

bool base64_decode_any(struct slice text, uint8_t *out, size_t cap, size_t *n_out)
{
    if (text.n % 4 != 0)
        return false;
    size_t n_padding = 0;
    while (n_padding < 2 && n_padding < text.n && text.p[text.n - 1 - n_padding] == '=')
        n_padding++;
    size_t n = text.n / 4 * 3 - n_padding;
    if (n > cap || !decode(slice_of(text.p, text.n - n_padding), out, n, false))
        return false;
    *n_out = n;
    return true;
}

bool base64_decode(struct slice text, uint8_t *out, size_t n_out)
{
    size_t n = 0;
    return base64_decode_any(text, out, n_out, &n) && n == n_out;
}

static int hex_digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool hex_decode(struct slice text, uint8_t *out, size_t n_out)
{
    if (text.n != n_out * 2)
        return false;
    for (size_t i = 0; i < n_out; i++) {
        int high = hex_digit_of(text.p[2 * i]);
        int low = hex_digit_of(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
