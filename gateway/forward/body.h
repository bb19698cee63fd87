/*
 * body.h - finds where an answer's body ends, and takes its framing off
 *
 * Shape   a state machine over whatever bytes there are: it can be left and resumed at any byte
 * Owns    nothing: pieces point into the bytes it was given
 * Spec    RFC 9112 sections 6.3 and 7.1. Chunk extensions and trailers are checked, bounded and
 *         dropped.
 */
#ifndef SLUIS_FORWARD_BODY_H
#define SLUIS_FORWARD_BODY_H

#include "forward/head.h"

enum body_framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

/* One for each place of the chunked grammar where input can stop. */
enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_END,
};

struct body {
    enum body_framing framing;
    enum chunk_state state;
    uint64_t n_left; /* of the body, or of this chunk */
    unsigned n_size_digits;
    size_t n_dropped; /* bytes of extensions and trailers */
    size_t n_dropped_max;
};

enum body_step { BODY_MORE, BODY_PIECE, BODY_DONE, BODY_MALFORMED };

/* By the rules of section 6.3; `n_dropped_max` bounds extensions and trailers together. */
void body_begin(struct body *body, const struct head *head, bool is_answer_to_head,
                size_t n_dropped_max);
/*
 * Consumes from the front of `*bytes`. BODY_PIECE: `*piece` is content, call again. BODY_MORE: all
 * was consumed. BODY_DONE: what is left in `*bytes` does not belong to this answer.
 */
SL_NODISCARD enum body_step body_read(struct body *body, struct slice *bytes, struct slice *piece);

#endif
