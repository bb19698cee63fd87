/*
 * base64.c - decoding that accepts one text for each value
 *
 * A lenient decoder makes two texts name one value, and a token or a signature line could then be
 * rewritten without notice. So padding, alphabet and the unused low bits are all checked.
 */
#include "base/base64.h"

#include <string.h>

static int digit_of(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
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
