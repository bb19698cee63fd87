/*
 * writer.c - the sticky cursor for writing, with the encodings that receipts and headers use
 */
#include "base/writer.h"

#include "base/utf8.h"

#include <string.h>

struct writer writer_over(void *block, size_t cap)
{
    return (struct writer){block, cap, 0, false};
}

struct slice writer_slice(const struct writer *writer)
{
    return slice_of(writer->block, writer->n);
}

/* Room for n_bytes at the end, or NULL. */
static uint8_t *writer_extend(struct writer *writer, size_t n_bytes)
{
    if (writer->overflow || n_bytes > writer->cap - writer->n) {
        writer->overflow = true;
        return NULL;
    }
    uint8_t *room = writer->block + writer->n;
    writer->n += n_bytes;
    return room;
}

void write_bytes(struct writer *writer, struct slice bytes)
{
    uint8_t *room = writer_extend(writer, bytes.n);
    if (room && bytes.n > 0)
        memcpy(room, bytes.p, bytes.n);
}

void write_str(struct writer *writer, const char *text)
{
    write_bytes(writer, slice_of_str(text));
}

void write_zeros(struct writer *writer, size_t n_bytes)
{
    uint8_t *room = writer_extend(writer, n_bytes);
    if (room && n_bytes > 0)
        memset(room, 0, n_bytes);
}

static void write_little(struct writer *writer, uint64_t value, size_t n_bytes)
{
    uint8_t *room = writer_extend(writer, n_bytes);
    for (size_t i = 0; room && i < n_bytes; i++)
        room[i] = (uint8_t)(value >> (8 * i));
}

static void write_big(struct writer *writer, uint64_t value, size_t n_bytes)
{
    uint8_t *room = writer_extend(writer, n_bytes);
    for (size_t i = 0; room && i < n_bytes; i++)
        room[i] = (uint8_t)(value >> (8 * (n_bytes - 1 - i)));
}

void write_u8(struct writer *writer, uint8_t value)
{
    write_little(writer, value, 1);
}

void write_u16(struct writer *writer, uint16_t value)
{
    write_little(writer, value, 2);
}

void write_u32(struct writer *writer, uint32_t value)
{
    write_little(writer, value, 4);
}

void write_u64(struct writer *writer, uint64_t value)
{
    write_little(writer, value, 8);
}

void write_u16be(struct writer *writer, uint16_t value)
{
    write_big(writer, value, 2);
}

void write_u32be(struct writer *writer, uint32_t value)
{
    write_big(writer, value, 4);
}

void write_u64be(struct writer *writer, uint64_t value)
{
    write_big(writer, value, 8);
}

void write_decimal(struct writer *writer, uint64_t value)
{
    uint8_t digits[20];
    size_t n_digits = 0;
    do {
        digits[sizeof digits - ++n_digits] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    write_bytes(writer, slice_of(digits + sizeof digits - n_digits, n_digits));
}

void write_signed_decimal(struct writer *writer, int64_t value)
{
    if (value < 0)
        write_u8(writer, '-');
    write_decimal(writer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static const char hex_digits[] = "0123456789abcdef";

void write_hex(struct writer *writer, struct slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        write_u8(writer, (uint8_t)hex_digits[bytes.p[i] >> 4]);
        write_u8(writer, (uint8_t)hex_digits[bytes.p[i] & 15]);
    }
}

static void write_base64_with(struct writer *writer, struct slice bytes, const char *alphabet,
                              bool padded)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t n_group = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t group = (uint32_t)bytes.p[i] << 16;
        if (n_group > 1)
            group |= (uint32_t)bytes.p[i + 1] << 8;
        if (n_group > 2)
            group |= bytes.p[i + 2];
        for (size_t j = 0; j < 4; j++) {
            if (j <= n_group)
                write_u8(writer, (uint8_t)alphabet[group >> (18 - 6 * j) & 63]);
            else if (padded)
                write_u8(writer, '=');
        }
    }
}

void write_base64(struct writer *writer, struct slice bytes)
{
    write_base64_with(writer, bytes,
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void write_base64url(struct writer *writer, struct slice bytes)
{
    write_base64_with(writer, bytes,
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

static void write_json_control(struct writer *writer, uint8_t c)
{
    write_str(writer, "\\u00");
    write_hex(writer, slice_of(&c, 1));
}

void write_json_string(struct writer *writer, struct slice text)
{
    write_u8(writer, '"');
    for (size_t i = 0; i < text.n;) {
        uint8_t c = text.p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            write_u8(writer, c);
            i++;
        } else if (c == '"' || c == '\\') {
            write_u8(writer, '\\');
            write_u8(writer, c);
            i++;
        } else if (c < 0x20 || c == 0x7f) {
            write_json_control(writer, c);
            i++;
        } else {
            size_t n_sequence = utf8_sequence_bytes(slice_of(text.p + i, text.n - i));
            if (n_sequence == 0)
                write_str(writer, "\xef\xbf\xbd");
            else
                write_bytes(writer, slice_of(text.p + i, n_sequence));
            i += n_sequence == 0 ? 1 : n_sequence;
        }
    }
    write_u8(writer, '"');
}
