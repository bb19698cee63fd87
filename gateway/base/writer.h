/*
 * writer.h - a cursor that writes text and binary formats into a block the caller owns
 *
 * Errors  sticky: what does not fit sets `overflow` and is left out, and nothing is written from
 *         then on. Check `overflow` once, at the end.
 * Units   integers are little-endian unless the name says `be`
 */
#ifndef SLUIS_BASE_WRITER_H
#define SLUIS_BASE_WRITER_H

#include "base/slice.h"

struct writer {
    uint8_t *block;
    size_t cap;
    size_t n;
    bool overflow;
};

struct writer writer_over(void *block, size_t cap);
struct slice writer_slice(const struct writer *writer);

void write_bytes(struct writer *writer, struct slice bytes);
void write_str(struct writer *writer, const char *text);
void write_zeros(struct writer *writer, size_t n_bytes);
void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_u64(struct writer *writer, uint64_t value);
void write_u16be(struct writer *writer, uint16_t value);
void write_u32be(struct writer *writer, uint32_t value);
void write_u64be(struct writer *writer, uint64_t value);

/* Decimal digits. */
void write_decimal(struct writer *writer, uint64_t value);
void write_signed_decimal(struct writer *writer, int64_t value);
/* Lower-case hexadecimal. */
void write_hex(struct writer *writer, struct slice bytes);
/* RFC 4648 section 4, padded; and section 5 (URL and file name safe), unpadded. */
void write_base64(struct writer *writer, struct slice bytes);
void write_base64url(struct writer *writer, struct slice bytes);
/*
 * A JSON string with its quotes, escaped per RFC 8259 section 7. Bytes that are not UTF-8 are
 * written as U+FFFD, so the outcome is always valid.
 */
void write_json_string(struct writer *writer, struct slice text);

#endif
