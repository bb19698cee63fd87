/*
 * pool.h - the memory of one loaded document: grows in chunks, freed at once
 *
 * Shape   zeroed, 16-byte aligned allocations; no single free; pointers stay valid until
 *         pool_deinit(). For what is loaded at start or reload; a request uses an arena.
 * Owns    its chunks
 * Errors  NULL when there is no memory; `failed` then stays true, so that a loader may check it
 *         once, at the end
 */
#ifndef SLUIS_BASE_POOL_H
#define SLUIS_BASE_POOL_H

#include "base/slice.h"

struct pool_chunk;

struct pool {
    struct pool_chunk *newest;
    bool failed;
};

/* An empty pool is all zeros: `struct pool pool = {0}`. */
void pool_deinit(struct pool *pool);
void *pool_alloc(struct pool *pool, size_t n_bytes);
/* As pool_alloc, for an array; NULL also when the product overflows. */
void *pool_array(struct pool *pool, size_t n, size_t item_bytes);
/* A copy of `bytes`, followed by a NUL that is not counted; p is NULL when there is no memory. */
struct slice pool_copy(struct pool *pool, struct slice bytes);

#endif
