/*
 * arena.c - bump allocation with a sticky overflow
 */
#include "base/arena.h"

#include "base/err.h"

#include <openssl/crypto.h>
#include <string.h>

enum { ARENA_ALIGN = 16 };

void arena_init(struct arena *arena, void *block, size_t cap)
{
    SL_ASSERT(((uintptr_t)block % ARENA_ALIGN) == 0);
    *arena = (struct arena){.block = block, .cap = cap};
}

void *arena_alloc(struct arena *arena, size_t n_bytes)
{
    size_t start = (arena->used + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (arena->overflow || start > arena->cap || n_bytes > arena->cap - start) {
        arena->overflow = true;
        return NULL;
    }
    arena->used = start + n_bytes;
    return arena->block + start;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    uint8_t *copy = arena_alloc(arena, bytes.n);
    if (!copy)
        return (struct slice){NULL, 0};
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    return slice_of(copy, bytes.n);
}

void arena_reset(struct arena *arena)
{
    OPENSSL_cleanse(arena->block, arena->used);
    arena->used = 0;
    arena->overflow = false;
}
