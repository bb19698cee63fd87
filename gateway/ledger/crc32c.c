/*
 * crc32c.c - the processor's instruction where it has one, a table of sixteen entries elsewhere
 *
 * The polynomial is the reflected 0x82F63B78. The table holds the remainders of the sixteen
 * half-bytes, so that no 1 KiB of constants stands here; it is slow (about 250 MB/s) and only
 * used where SSE 4.2 is missing.
 *
 * The instruction takes eight bytes, and three cycles until the next one can use its outcome. Three
 * stretches side by side fill the cycles between:
 *
 *     | 64 bytes | 64 bytes | 64 bytes |       state = first << 128 bytes
 *       first      second     third                  ^ second << 64 bytes ^ third
 *
 * where "<< n bytes" means followed by n zero bytes: a product with x^(8n) modulo the polynomial.
 */
#include "ledger/crc32c.h"

#include <string.h>

static const uint32_t half_byte_remainder[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t extend_by_table(uint32_t state, struct slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        state ^= bytes.p[i];
        state = state >> 4 ^ half_byte_remainder[state & 15];
        state = state >> 4 ^ half_byte_remainder[state & 15];
    }
    return state;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define CRC_CODE __attribute__((target("sse4.2,pclmul")))
#define CRC_PART CRC_CODE __attribute__((always_inline)) static inline

enum { STRETCH_BYTES = 64, WORD_BYTES = 8 };

/* x^(8 * 128 - 33) and x^(8 * 64 - 33) modulo the polynomial, reflected: the instruction below adds
 * 32, and that the product of two reflected numbers lies one bit lower adds 1. */
static const uint32_t two_stretches = 0x0d3b6092, one_stretch = 0x9e4addf8;

CRC_PART uint64_t followed_by_zeros(uint64_t state, uint32_t power)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi32_si128((int)power), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

CRC_PART uint64_t extend_by_word(uint64_t state, const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return _mm_crc32_u64(state, word);
}

CRC_CODE static uint32_t extend_by_instruction(uint32_t state, struct slice bytes)
{
    uint64_t first = state;
    const uint8_t *at = bytes.p;
    size_t n = bytes.n;
    for (; n >= 3 * STRETCH_BYTES; n -= 3 * STRETCH_BYTES, at += 3 * STRETCH_BYTES) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < STRETCH_BYTES; i += WORD_BYTES) {
            first = extend_by_word(first, at + i);
            second = extend_by_word(second, at + STRETCH_BYTES + i);
            third = extend_by_word(third, at + 2 * STRETCH_BYTES + i);
        }
        first = followed_by_zeros(first, two_stretches) ^ followed_by_zeros(second, one_stretch) ^
                third;
    }
    for (; n >= WORD_BYTES; n -= WORD_BYTES, at += WORD_BYTES)
        first = extend_by_word(first, at);
    for (; n > 0; n--)
        first = _mm_crc32_u8((uint32_t)first, *at++);
    return (uint32_t)first;
}
#endif

uint32_t crc32c_extend(uint32_t crc, struct slice bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
        return ~extend_by_instruction(~crc, bytes);
#endif
    return ~extend_by_table(~crc, bytes);
}

uint32_t crc32c_of(struct slice bytes)
{
    return crc32c_extend(0, bytes);
}
