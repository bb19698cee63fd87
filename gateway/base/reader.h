/*
 * reader.h - a cursor over bytes that reads binary formats straight down
 *
 * Errors  sticky: a read past the end sets `bad`, and from then on everything reads as zero or
 *         empty. Check `bad` once, at the end.
 * Units   integers are little-endian unless the name says `be`
 */
#ifndef SLUIS_BASE_READER_H
#define SLUIS_BASE_READER_H

#include "base/slice.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static inline struct reader reader_over(struct slice bytes)
{
    return (struct reader){bytes.p, bytes.p ? bytes.p + bytes.n : bytes.p, false};
}

static inline size_t reader_left(const struct reader *reader)
{
    return reader->bad ? 0 : (size_t)(reader->end - reader->at);
}

static inline struct slice read_bytes(struct reader *reader, size_t n_bytes)
{
    if (n_bytes > reader_left(reader)) {
        reader->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice bytes = {reader->at, n_bytes};
    if (n_bytes > 0)
        reader->at += n_bytes;
    return bytes;
}

uint8_t read_u8(struct reader *reader);
uint16_t read_u16(struct reader *reader);
uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
uint16_t read_u16be(struct reader *reader);
uint32_t read_u32be(struct reader *reader);
uint64_t read_u64be(struct reader *reader);
/* Up to, not including, `delimiter`, which is consumed. Bad when there is none. */
struct slice read_until(struct reader *reader, uint8_t delimiter);

#endif
