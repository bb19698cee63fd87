/*
 * crc32c.c - the processor's instruction where it has one, a table of sixteen entries elsewhere
 *
 * The polynomial is the reflected 0x82F63B78. The table holds the remainders of the sixteen
 * half-bytes, so that no 1 KiB of constants stands here; it is slow (about 250 MB/s) and only
 * used where SSE 4.2 is missing.
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
__attribute__((target("sse4.2"))) static uint32_t extend_by_instruction(uint32_t state,
                                                                        struct slice bytes)
{
    size_t i = 0;
    uint64_t wide = state;
    for (; bytes.n - i >= sizeof wide; i += sizeof wide) {
        uint64_t word;
        memcpy(&word, bytes.p + i, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    state = (uint32_t)wide;
    for (; i < bytes.n; i++)
        state = __builtin_ia32_crc32qi(state, bytes.p[i]);
    return state;
}
#endif

uint32_t crc32c_extend(uint32_t crc, struct slice bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~extend_by_instruction(~crc, bytes);
#endif
    return ~extend_by_table(~crc, bytes);
}

uint32_t crc32c_of(struct slice bytes)
{
    return crc32c_extend(0, bytes);
}
