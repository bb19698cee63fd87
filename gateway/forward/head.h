/*
 * head.h - reads the head of an app's answer, strictly, as its bytes come in
 *
 * Shape   a cursor over one growing buffer: each call is given all bytes since the answer began,
 *         at the same address, and goes on at the first line that was not complete before
 * Owns    nothing: facts.content_type points into the buffer
 * Spec    RFC 9112 sections 2 to 6, without its permissions to be lenient
 */
#ifndef SLUIS_FORWARD_HEAD_H
#define SLUIS_FORWARD_HEAD_H

#include "forward/upstream.h"

enum head_step { HEAD_MORE, HEAD_DONE, HEAD_MALFORMED };

struct head {
    struct upstream_head facts;
    bool is_http_1_1;
    bool is_chunked;
    bool has_content_type;
    bool says_close; /* Connection: close */

    size_t n_read;    /* of whole lines; when done, the body starts here */
    size_t bytes_max; /* interim answers count */
    size_t n_searched;
    bool in_fields; /* the status line was read */
    bool done;
};

void head_begin(struct head *head, size_t bytes_max);
/* Malformed as soon as a complete line is, or when bytes_max is reached without an end. */
SL_NODISCARD enum head_step head_read(struct head *head, struct slice bytes);

/* The character classes of RFC 9110 section 5.5 and 5.6.2. */
bool http_is_token_byte(uint8_t c);
bool http_is_value_byte(uint8_t c);

#endif
