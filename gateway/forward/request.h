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

/*
 * False when a part can't be sent as it is: no origin-form target, or a byte that would end a
 * line or a word.
 */
bool request_is_sound(struct slice method, struct slice target, struct slice accept);
size_t request_bytes(const struct request_text *text, struct slice method, struct slice target,
                     struct slice accept);
void request_write(const struct request_text *text, struct slice method, struct slice target,
                   struct slice accept, struct writer *writer);

#endif
