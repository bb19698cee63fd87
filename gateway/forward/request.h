/*
 * request.h - the text of a request, written anew from typed fields
 *
 * Shape   what is the same for every request to an app is prepared once, in two parts
 * Owns    its text, which holds the app's token: wiped on request_deinit()
 */
#ifndef SLUIS_FORWARD_REQUEST_H
#define SLUIS_FORWARD_REQUEST_H

#include "base/err.h"
#include "base/writer.h"

struct request_text {
    uint8_t *block;
    size_t n_block;
    struct slice before_accept, after_accept;
};

/* SL_EMALFORMED when host or token hold a byte that a header can't carry. */
SL_NODISCARD enum sl_err request_init(struct request_text *text, struct slice host,
                                      struct slice token);
void request_deinit(struct request_text *text);

/* What is different from one to the next. A body follows when it has a type. */
struct request_parts {
    struct slice method, target, accept;
    struct slice body_type;
    size_t body_bytes;
    struct slice receipt; /* of what is sent: "Sluis-Receipt"; empty: none */
};

/*
 * False when a part can't be sent as it is: no origin-form target, or a byte that would end a
 * line or a word.
 */
bool request_is_sound(const struct request_parts *parts);
/* Of the head. */
size_t request_bytes(const struct request_text *text, const struct request_parts *parts);
void request_write(const struct request_text *text, const struct request_parts *parts,
                   struct writer *writer);

#endif
