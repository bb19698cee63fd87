/*
 * arena.h - the memory of one request: one block, one cap, wiped when the request ends
 *
 * Shape   bump allocation from a block the caller provides; 16-byte aligned; no free
 * Owns    nothing: the block belongs to the caller and must outlive every pointer handed out
 * Errors  overflow is sticky: once an allocation did not fit, every later one returns NULL and
 *         `overflow` stays true until arena_reset(); the caller turns it into SL_ELIMIT
 */
#ifndef SLUIS_BASE_ARENA_H
#define SLUIS_BASE_ARENA_H

#include "base/slice.h"

struct arena {
    uint8_t *block;
    size_t cap;
    size_t used;
    bool overflow;
};

void arena_init(struct arena *arena, void *block, size_t cap);
/* Uninitialised bytes, or NULL on overflow. */
void *arena_alloc(struct arena *arena, size_t n_bytes);
/* A copy of `bytes` that lives as long as the arena; the empty slice on overflow. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
/* Wipes what was used (OPENSSL_cleanse) and starts again. */
void arena_reset(struct arena *arena);

#endif
