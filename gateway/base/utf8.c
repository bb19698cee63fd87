/*
 * utf8.c - the table of RFC 3629 section 4, read off as ranges of the second byte
 */
#include "base/utf8.h"

#include <endian.h>
#include <string.h>

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

size_t utf8_sequence_bytes(struct slice text)
{
    if (text.n == 0)
        return 0;
    uint8_t first = text.p[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || text.n < 2)
        return 0;

    uint8_t second = text.p[1];
    if (first < 0xe0)
        return is_tail(second) ? 2 : 0;

    uint8_t second_min = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t second_max = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < second_min || second > second_max || text.n < 3 || !is_tail(text.p[2]))
        return 0;
    if (first < 0xf0)
        return 3;
    return text.n >= 4 && is_tail(text.p[3]) ? 4 : 0;
}

uint32_t utf8_code_point(struct slice text, size_t *n_bytes)
{
    const size_t n = utf8_sequence_bytes(text);
    uint32_t c = text.p[0];
    *n_bytes = n > 0 ? n : 1;
    if (n < 2)
        return c;
    c &= 0xffU >> (n + 1);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (text.p[i] & 0x3fU);
    return c;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that is zero, right up to and with the lowest that is. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* The same for bytes that are not plain. The lowest byte is the first. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t control = (word - EACH_BYTE(0x20)) & ~word;
    return ((control | word) & EACH_BYTE(0x80)) | zero_bytes(word ^ EACH_BYTE('"')) |
           zero_bytes(word ^ EACH_BYTE('\\')) | zero_bytes(word ^ EACH_BYTE(0x7f));
}

size_t utf8_plain_bytes(struct slice text)
{
    size_t n = 0;
    uint64_t word = 0;
    for (; text.n - n >= sizeof word; n += sizeof word) {
        memcpy(&word, text.p + n, sizeof word);
        uint64_t special = special_bytes(le64toh(word));
        if (special != 0)
            return n + (size_t)__builtin_ctzll(special) / 8;
    }
    /* Fewer than eight are left; the zeros after them are not plain. */
    word = 0;
    if (text.n > n)
        memcpy(&word, text.p + n, text.n - n);
    return n + (size_t)__builtin_ctzll(special_bytes(le64toh(word))) / 8;
}

bool utf8_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n_sequence = utf8_sequence_bytes(slice_of(text.p + i, text.n - i));
        if (n_sequence == 0)
            return false;
        i += n_sequence;
    }
    return true;
}

bool utf8_is_printable(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return utf8_is_valid(text);
}
