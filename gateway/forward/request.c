/*
 * request.c - one request line and at most eight fields, nothing of the partner's own
 *
 * The target is built by the gateway from a route and a subject, so a blank or a control byte in
 * it is somebody's mistake upstream of here. It is refused again all the same: this is the last
 * place where one request could become two.
 */
#include "forward/request.h"

#include "forward/head.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static bool is_word(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
            return false;
    return text.n > 0;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!http_is_token_byte(text.p[i]))
            return false;
    return text.n > 0;
}

static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!http_is_value_byte(text.p[i]))
            return false;
    return text.n > 0;
}

enum sl_err request_init(struct request_text *text, struct slice host, struct slice token)
{
    enum { FIXED_BYTES = 256 };
    if (!is_word(host) || (token.n > 0 && !is_word(token)))
        return SL_EMALFORMED;
    size_t n_block = FIXED_BYTES + host.n + token.n;
    uint8_t *block = malloc(n_block);
    if (!block)
        return SL_EINTERNAL;

    struct writer writer = writer_over(block, n_block);
    write_str(&writer, " HTTP/1.1\r\nHost: ");
    write_bytes(&writer, host);
    write_str(&writer, "\r\nAccept: ");
    size_t n_before = writer.n;
    write_str(&writer, "\r\nAccept-Encoding: identity\r\nUser-Agent: sluis\r\n");
    if (token.n > 0) {
        write_str(&writer, "Authorization: Bearer ");
        write_bytes(&writer, token);
        write_str(&writer, "\r\n");
    }
    SL_ASSERT(!writer.overflow);

    text->block = block;
    text->n_block = n_block;
    text->before_accept = slice_of(block, n_before);
    text->after_accept = slice_of(block + n_before, writer.n - n_before);
    return SL_OK;
}

void request_deinit(struct request_text *text)
{
    if (text->block)
        OPENSSL_cleanse(text->block, text->n_block);
    free(text->block);
    *text = (struct request_text){0};
}

bool request_is_sound(const struct request_parts *parts)
{
    return is_token(parts->method) && is_word(parts->target) && parts->target.p[0] == '/' &&
           is_value(parts->accept) && (parts->body_type.n == 0 || is_value(parts->body_type)) &&
           (parts->receipt.n == 0 || is_word(parts->receipt));
}

static const char receipt_field[] = "Sluis-Receipt: ";
static const char type_field[] = "Content-Type: ";
static const char length_field[] = "Content-Length: ";
static const char line_end[] = "\r\n";

static size_t field_bytes(const char *name, size_t n_value)
{
    return strlen(name) + n_value + strlen(line_end);
}

static size_t decimal_chars(uint64_t number)
{
    size_t n = 1;
    for (; number > 9; number /= 10)
        n++;
    return n;
}

size_t request_bytes(const struct request_text *text, const struct request_parts *parts)
{
    size_t n = parts->method.n + 1 + parts->target.n + text->before_accept.n + parts->accept.n +
               text->after_accept.n + strlen(line_end);
    if (parts->receipt.n > 0)
        n += field_bytes(receipt_field, parts->receipt.n);
    if (parts->body_type.n > 0)
        n += field_bytes(type_field, parts->body_type.n) +
             field_bytes(length_field, decimal_chars(parts->body_bytes));
    return n;
}

void request_write(const struct request_text *text, const struct request_parts *parts,
                   struct writer *writer)
{
    write_bytes(writer, parts->method);
    write_u8(writer, ' ');
    write_bytes(writer, parts->target);
    write_bytes(writer, text->before_accept);
    write_bytes(writer, parts->accept);
    write_bytes(writer, text->after_accept);
    if (parts->receipt.n > 0) {
        write_str(writer, receipt_field);
        write_bytes(writer, parts->receipt);
        write_str(writer, line_end);
    }
    if (parts->body_type.n > 0) {
        write_str(writer, type_field);
        write_bytes(writer, parts->body_type);
        write_str(writer, line_end);
        write_str(writer, length_field);
        write_decimal(writer, parts->body_bytes);
        write_str(writer, line_end);
    }
    write_str(writer, line_end);
}
