/*
 * body.c - Content-Length, chunked, or until the connection closes
 *
 *     chunk:    1*HEXDIG [ ";" extension ] CR LF  data  CR LF
 *     last:     1*"0"    [ ";" extension ] CR LF  *( name ":" value CR LF )  CR LF
 *
 * Framing bytes pass through a switch one at a time, data in one step for each chunk and buffer.
 * No blank may stand around the size, and sizes have at most 16 digits, so that none overflows:
 * both are places where parsers have been known to disagree.
 */
#include "forward/body.h"

#include <string.h>

enum { SIZE_DIGITS_MAX = 16 };

void body_begin(struct body *body, const struct head *head, bool is_answer_to_head,
                size_t n_dropped_max)
{
    memset(body, 0, sizeof *body);
    body->n_dropped_max = n_dropped_max;
    unsigned status = head->facts.status;
    if (is_answer_to_head || status == 204 || status == 304) {
        body->framing = BODY_NONE;
    } else if (head->is_chunked) {
        body->framing = BODY_CHUNKED;
    } else if (head->facts.has_length) {
        body->framing = BODY_LENGTH;
        body->n_left = head->facts.content_length;
    } else {
        body->framing = BODY_UNTIL_CLOSE;
    }
}

/* Up to `n_max` bytes of content from the front. */
static struct slice take_piece(struct slice *bytes, uint64_t n_max)
{
    size_t n = bytes->n < n_max ? bytes->n : (size_t)n_max;
    struct slice piece = slice_of(bytes->p, n);
    *bytes = slice_of(bytes->p + n, bytes->n - n);
    return piece;
}

static int hex_digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool take_size_byte(struct body *body, uint8_t c)
{
    int digit = hex_digit_of(c);
    if (digit >= 0) {
        body->n_left = body->n_left << 4 | (uint64_t)digit;
        return ++body->n_size_digits <= SIZE_DIGITS_MAX;
    }
    body->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return body->n_size_digits > 0 && (c == ';' || c == '\r');
}

/* Text that is dropped up to its CR. */
static bool drop_byte(struct body *body, uint8_t c, enum chunk_state after_cr)
{
    if (c == '\r') {
        body->state = after_cr;
        return true;
    }
    return http_is_value_byte(c) && ++body->n_dropped <= body->n_dropped_max;
}

static bool take_trailer_name_byte(struct body *body, uint8_t c)
{
    if (c == ':')
        body->state = CHUNK_TRAILER_VALUE;
    else if (!http_is_token_byte(c))
        return false;
    return ++body->n_dropped <= body->n_dropped_max;
}

static bool take_trailer_start(struct body *body, uint8_t c)
{
    body->state = c == '\r' ? CHUNK_END_LF : CHUNK_TRAILER_NAME;
    return c == '\r' || (c != ':' && take_trailer_name_byte(body, c));
}

static bool expect(struct body *body, uint8_t c, char expected, enum chunk_state next)
{
    body->state = next;
    return c == (uint8_t)expected;
}

static enum chunk_state state_after_size(const struct body *body)
{
    return body->n_left > 0 ? CHUNK_DATA : CHUNK_TRAILER_START;
}

/* One byte of framing; false when it may not stand here. */
static bool take_framing_byte(struct body *body, uint8_t c)
{
    switch (body->state) {
    case CHUNK_SIZE:
        return take_size_byte(body, c);
    case CHUNK_EXTENSION:
        return drop_byte(body, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        return expect(body, c, '\n', state_after_size(body));
    case CHUNK_DATA_CR:
        return expect(body, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        body->n_size_digits = 0;
        return expect(body, c, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER_START:
        return take_trailer_start(body, c);
    case CHUNK_TRAILER_NAME:
        return take_trailer_name_byte(body, c);
    case CHUNK_TRAILER_VALUE:
        return drop_byte(body, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        return expect(body, c, '\n', CHUNK_TRAILER_START);
    case CHUNK_END_LF:
        return expect(body, c, '\n', CHUNK_END);
    case CHUNK_DATA:
    case CHUNK_END:
        break;
    }
    return false;
}

static enum body_step read_chunked(struct body *body, struct slice *bytes, struct slice *piece)
{
    while (body->state != CHUNK_END) {
        if (bytes->n == 0)
            return BODY_MORE;
        if (body->state == CHUNK_DATA) {
            *piece = take_piece(bytes, body->n_left);
            body->n_left -= piece->n;
            if (body->n_left == 0)
                body->state = CHUNK_DATA_CR;
            return BODY_PIECE;
        }
        if (!take_framing_byte(body, bytes->p[0]))
            return BODY_MALFORMED;
        *bytes = slice_of(bytes->p + 1, bytes->n - 1);
    }
    return BODY_DONE;
}

enum body_step body_read(struct body *body, struct slice *bytes, struct slice *piece)
{
    switch (body->framing) {
    case BODY_NONE:
        return BODY_DONE;
    case BODY_CHUNKED:
        return read_chunked(body, bytes, piece);
    case BODY_LENGTH:
        if (body->n_left == 0)
            return BODY_DONE;
        if (bytes->n == 0)
            return BODY_MORE;
        *piece = take_piece(bytes, body->n_left);
        body->n_left -= piece->n;
        return BODY_PIECE;
    case BODY_UNTIL_CLOSE:
        if (bytes->n == 0)
            return BODY_MORE;
        *piece = take_piece(bytes, bytes->n);
        return BODY_PIECE;
    }
    return BODY_MALFORMED;
}
