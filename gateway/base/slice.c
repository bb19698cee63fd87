/*
 * slice.c - comparing and reading bytes without str*()
 */
#include "base/slice.h"

#include <openssl/crypto.h>
#include <string.h>

static uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool slice_equals_str_nocase(struct slice a, const char *text)
{
    struct slice b = slice_of_str(text);
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

bool slice_equals_constant_time(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

bool slice_is_zero(struct slice a)
{
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != 0)
            return false;
    return true;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t n_common = a.n < b.n ? a.n : b.n;
    int order = n_common == 0 ? 0 : memcmp(a.p, b.p, n_common);
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool slice_to_u64(struct slice text, uint64_t max, uint64_t *out)
{
    if (text.n == 0 || text.n > 20 || (text.n > 1 && text.p[0] == '0'))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}
