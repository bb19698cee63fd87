/*
 * reader.c - the sticky cursor for reading
 */
#include "base/reader.h"

#include <string.h>

struct slice read_until(struct reader *reader, uint8_t delimiter)
{
    size_t left = reader_left(reader);
    const uint8_t *found = left > 0 ? memchr(reader->at, delimiter, left) : NULL;
    if (!found) {
        reader->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice bytes = read_bytes(reader, (size_t)(found - reader->at));
    reader->at++;
    return bytes;
}

static uint64_t read_little(struct reader *reader, size_t n_bytes)
{
    struct slice bytes = read_bytes(reader, n_bytes);
    uint64_t value = 0;
    for (size_t i = bytes.n; i > 0; i--)
        value = value << 8 | bytes.p[i - 1];
    return value;
}

static uint64_t read_big(struct reader *reader, size_t n_bytes)
{
    struct slice bytes = read_bytes(reader, n_bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.n; i++)
        value = value << 8 | bytes.p[i];
    return value;
}

uint8_t read_u8(struct reader *reader)
{
    return (uint8_t)read_little(reader, 1);
}

uint16_t read_u16(struct reader *reader)
{
    return (uint16_t)read_little(reader, 2);
}

uint32_t read_u32(struct reader *reader)
{
    return (uint32_t)read_little(reader, 4);
}

uint64_t read_u64(struct reader *reader)
{
    return read_little(reader, 8);
}

uint16_t read_u16be(struct reader *reader)
{
    return (uint16_t)read_big(reader, 2);
}

uint32_t read_u32be(struct reader *reader)
{
    return (uint32_t)read_big(reader, 4);
}

uint64_t read_u64be(struct reader *reader)
{
    return read_big(reader, 8);
}
