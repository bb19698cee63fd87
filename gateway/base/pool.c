/*
 * pool.c - a chain of chunks, each filled from its start
 *
 *     newest ──▶ chunk ──▶ chunk ──▶ NULL
 *                [used | free]
 *
 * An allocation that does not fit begins a new chunk of at least POOL_CHUNK_BYTES; what was left
 * in the old one is lost, which is little, because chunks are large against what is put in them.
 */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_CHUNK_BYTES = 8192, POOL_ALIGN = 16 };

struct pool_chunk {
    struct pool_chunk *older;
    size_t used, cap;
    _Alignas(POOL_ALIGN) uint8_t bytes[];
};

void pool_deinit(struct pool *pool)
{
    while (pool->newest) {
        struct pool_chunk *chunk = pool->newest;
        pool->newest = chunk->older;
        free(chunk);
    }
}

static void *fail(struct pool *pool)
{
    pool->failed = true;
    return NULL;
}

void *pool_alloc(struct pool *pool, size_t n_bytes)
{
    if (n_bytes > SIZE_MAX / 2)
        return fail(pool);
    size_t n = (n_bytes + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
    struct pool_chunk *chunk = pool->newest;
    if (!chunk || n > chunk->cap - chunk->used) {
        size_t cap = n > POOL_CHUNK_BYTES ? n : POOL_CHUNK_BYTES;
        chunk = calloc(1, sizeof *chunk + cap);
        if (!chunk)
            return fail(pool);
        chunk->cap = cap;
        chunk->older = pool->newest;
        pool->newest = chunk;
    }
    void *allocated = chunk->bytes + chunk->used;
    chunk->used += n;
    return allocated;
}

void *pool_array(struct pool *pool, size_t n, size_t item_bytes)
{
    if (item_bytes != 0 && n > SIZE_MAX / item_bytes)
        return fail(pool);
    return pool_alloc(pool, n * item_bytes);
}

struct slice pool_copy(struct pool *pool, struct slice bytes)
{
    uint8_t *copy = pool_alloc(pool, bytes.n + 1);
    if (!copy)
        return (struct slice){NULL, 0};
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    return slice_of(copy, bytes.n);
}
