/*
 * buffer.c - growing without leaving copies behind
 *
 * What passes through a filter is personal data. A block that is given back to the heap is read
 * by the next one who gets it, and shows in a core dump; so each block is overwritten when it is
 * outgrown, when the next answer begins, and at the end. Only bytes that were written are
 * overwritten: wiping a fixed 16 KiB for an answer of 350 bytes would cost more than reading it.
 */
#include "transform/buffer.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* A block this many times its first size is given back when the buffer is wiped. */
enum { GROWTH_KEPT = 16 };

bool buffer_init(struct buffer *buffer, size_t cap_start, size_t cap_max)
{
    if (cap_start > cap_max)
        cap_start = cap_max;
    *buffer = (struct buffer){malloc(cap_start), 0, cap_start, cap_start, cap_max, 0};
    return buffer->p != NULL;
}

/* Overwrites what was written, and says how much that was. */
static void wipe_touched(struct buffer *buffer)
{
    buffer_cut(buffer, 0);
    if (buffer->n_touched > 0)
        OPENSSL_cleanse(buffer->p, buffer->n_touched);
    buffer->n_touched = 0;
}

void buffer_deinit(struct buffer *buffer)
{
    wipe_touched(buffer);
    free(buffer->p);
    *buffer = (struct buffer){0};
}

void buffer_wipe(struct buffer *buffer)
{
    wipe_touched(buffer);
    if (buffer->cap / GROWTH_KEPT <= buffer->cap_start)
        return;
    uint8_t *smaller = realloc(buffer->p, buffer->cap_start);
    if (smaller) {
        buffer->p = smaller;
        buffer->cap = buffer->cap_start;
    }
}

bool buffer_grow(struct buffer *buffer, size_t n_more)
{
    if (n_more > buffer->cap_max - buffer->n)
        return false;
    size_t cap = buffer->cap;
    while (cap < buffer->n + n_more)
        cap = cap > buffer->cap_max / 2 ? buffer->cap_max : cap * 2;

    uint8_t *block = malloc(cap);
    if (!block)
        return false;
    size_t n = buffer->n;
    memcpy(block, buffer->p, n);
    wipe_touched(buffer);
    free(buffer->p);
    buffer->p = block;
    buffer->n = n;
    buffer->cap = cap;
    return true;
}
