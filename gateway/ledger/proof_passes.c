/*
 * proof_passes.c - the tree above tiles of 256 leaves, and one tile
 *
 *      level 8 and above    all of them, in one list for each level     from the first pass
 *      level 0 to 7         of the tile that goes by                    from the second
 *
 *      level 0 to 7         of the rest: the last tile, when it is not full     from the first
 *
 * A proof asks for complete subtrees only. Above the tiles these are kept; below, they lie in the
 * leaf's own tile, or at the right edge of the tree, in the rest. Each complete tile of the second
 * pass must have the hash that it had in the first, and each leaf of the rest, too.
 */
#include "ledger/proof_passes.h"

#include "ledger/tree.h"

#include <stdlib.h>
#include <string.h>

enum { TILE_LEVELS = 8 };
_Static_assert(1 << TILE_LEVELS == PROOF_PASSES_LEAVES, "a tile is a complete subtree");

struct hash_list {
    uint8_t (*hashes)[SHA256_BYTES];
    size_t n, cap;
};

struct tile_hashes {
    uint64_t tile;
    unsigned n_leaves;
    uint8_t within[TILE_LEVELS + 1][PROOF_PASSES_LEAVES][SHA256_BYTES];
};

struct proof_passes {
    uint64_t size;    /* of the first pass */
    uint64_t n_again; /* leaves of the second */
    bool has_turned;
    struct hash_list above[TREE_LEVELS - TILE_LEVELS]; /* [0] is level 8 */
    struct tile_hashes now, rest;
};

enum sl_err proof_passes_new(struct proof_passes **out)
{
    struct proof_passes *passes = calloc(1, sizeof *passes);
    if (!passes)
        return SL_EINTERNAL;
    *out = passes;
    return SL_OK;
}

void proof_passes_free(struct proof_passes *passes)
{
    if (!passes)
        return;
    for (size_t i = 0; i < SL_LENGTH(passes->above); i++)
        free(passes->above[i].hashes);
    free(passes);
}

static enum sl_err list_add(struct hash_list *list, const uint8_t hash[SHA256_BYTES])
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 16;
        uint8_t(*hashes)[SHA256_BYTES] = reallocarray(list->hashes, cap, sizeof *hashes);
        if (!hashes)
            return SL_EINTERNAL;
        list->hashes = hashes;
        list->cap = cap;
    }
    memcpy(list->hashes[list->n++], hash, SHA256_BYTES);
    return SL_OK;
}

/* The leaf, and every subtree of the tile that is complete with it. */
static void add_within(struct tile_hashes *tile, const uint8_t leaf_hash[SHA256_BYTES])
{
    unsigned at = tile->n_leaves++;
    memcpy(tile->within[0][at], leaf_hash, SHA256_BYTES);
    for (unsigned level = 0; at & 1; level++, at >>= 1)
        tree_node_hash(tile->within[level][at - 1], tile->within[level][at],
                       tile->within[level + 1][at >> 1]);
}

static bool is_full(const struct tile_hashes *tile)
{
    return tile->n_leaves == PROOF_PASSES_LEAVES;
}

/* The full tile's hash, and every subtree above that is complete with it. */
static enum sl_err add_above(struct proof_passes *passes)
{
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, passes->now.within[TILE_LEVELS][0], sizeof hash);
    for (size_t i = 0; i < SL_LENGTH(passes->above); i++) {
        struct hash_list *list = &passes->above[i];
        SL_TRY(list_add(list, hash));
        if (list->n & 1)
            break;
        tree_node_hash(list->hashes[list->n - 2], list->hashes[list->n - 1], hash);
    }
    return SL_OK;
}

enum sl_err proof_passes_add(struct proof_passes *passes, const uint8_t leaf_hash[SHA256_BYTES])
{
    SL_ASSERT(!passes->has_turned);
    add_within(&passes->now, leaf_hash);
    passes->size++;
    if (!is_full(&passes->now))
        return SL_OK;
    passes->now.n_leaves = 0;
    return add_above(passes);
}

void proof_passes_turn(struct proof_passes *passes)
{
    SL_ASSERT(!passes->has_turned);
    passes->has_turned = true;
    passes->rest = passes->now;
    passes->rest.tile = passes->size / PROOF_PASSES_LEAVES;
    passes->now.n_leaves = 0;
}

uint64_t proof_passes_size(const struct proof_passes *passes)
{
    return passes->size;
}

/* Is what goes by a second time the same as the first? */
static bool is_same(const struct proof_passes *passes)
{
    const struct tile_hashes *now = &passes->now;
    if (now->tile < passes->rest.tile)
        return !is_full(now) || memcmp(now->within[TILE_LEVELS][0],
                                       passes->above[0].hashes[now->tile], SHA256_BYTES) == 0;
    return memcmp(now->within[0][now->n_leaves - 1], passes->rest.within[0][now->n_leaves - 1],
                  SHA256_BYTES) == 0;
}

enum sl_err proof_passes_again(struct proof_passes *passes, const uint8_t leaf_hash[SHA256_BYTES],
                               bool *is_ready)
{
    SL_ASSERT(passes->has_turned && passes->n_again < passes->size);
    if (is_full(&passes->now))
        passes->now.n_leaves = 0;
    passes->now.tile = passes->n_again / PROOF_PASSES_LEAVES;
    add_within(&passes->now, leaf_hash);
    passes->n_again++;
    *is_ready = is_full(&passes->now) || passes->n_again == passes->size;
    return is_same(passes) ? SL_OK : SL_ESTORE;
}

static enum sl_err find_subtree(void *context, unsigned level, uint64_t index,
                                uint8_t hash[SHA256_BYTES])
{
    const struct proof_passes *passes = context;
    const uint8_t *found = NULL;
    if (level >= TILE_LEVELS) {
        const struct hash_list *list = &passes->above[level - TILE_LEVELS];
        found = index < list->n ? list->hashes[index] : NULL;
    } else {
        const uint64_t tile = index >> (TILE_LEVELS - level);
        const uint64_t at = index & ((1U << (TILE_LEVELS - level)) - 1);
        if (tile == passes->now.tile)
            found = passes->now.within[level][at];
        else if (tile == passes->rest.tile)
            found = passes->rest.within[level][at];
    }
    if (!found)
        return SL_EINTERNAL;
    memcpy(hash, found, SHA256_BYTES);
    return SL_OK;
}

enum sl_err proof_passes_make(struct proof_passes *passes, uint64_t index, struct proof *out)
{
    SL_ASSERT(index / PROOF_PASSES_LEAVES == passes->now.tile && index < passes->n_again);
    return proof_inclusion_make((struct proof_source){find_subtree, passes}, index, passes->size,
                                out);
}
