/*
 * buffer.h - bytes that grow up to a cap and are wiped before their memory is let go
 *
 * Shape   one block from the heap; growing copies into a new block and wipes the old one, which
 *         realloc() would not do
 * Owns    the block; slices over it die with the next buffer_reserve()
 * Errors  false: beyond the cap, or no memory; the buffer is unchanged
 */
#ifndef SLUIS_TRANSFORM_BUFFER_H
#define SLUIS_TRANSFORM_BUFFER_H

#include "base/slice.h"

#include <string.h>

struct buffer {
    uint8_t *p;
    size_t n;
    size_t cap;
    size_t cap_start; /* what buffer_wipe() shrinks to when the block has grown far beyond it */
    size_t cap_max;
    size_t n_touched; /* every byte from here on was never written */
};

bool buffer_init(struct buffer *buffer, size_t cap_start, size_t cap_max);
void buffer_deinit(struct buffer *buffer);
/* Empties the buffer and overwrites what it held. */
void buffer_wipe(struct buffer *buffer);
bool buffer_grow(struct buffer *buffer, size_t n_more);

static inline bool buffer_reserve(struct buffer *buffer, size_t n_more)
{
    return n_more <= buffer->cap - buffer->n || buffer_grow(buffer, n_more);
}

/* Adds `bytes`, for which room was reserved. */
static inline void buffer_put(struct buffer *buffer, struct slice bytes)
{
    if (bytes.n > 0)
        memcpy(buffer->p + buffer->n, bytes.p, bytes.n);
    buffer->n += bytes.n;
}

static inline bool buffer_append(struct buffer *buffer, struct slice bytes)
{
    if (!buffer_reserve(buffer, bytes.n))
        return false;
    buffer_put(buffer, bytes);
    return true;
}

/* Cuts the buffer to its first `n_bytes`. */
static inline void buffer_cut(struct buffer *buffer, size_t n_bytes)
{
    if (buffer->n > buffer->n_touched)
        buffer->n_touched = buffer->n;
    buffer->n = n_bytes;
}

#endif
