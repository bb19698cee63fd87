/*
 * tree.h - the Merkle tree over receipts, as the little that appending needs
 *
 * Shape   leaf = SHA-256(0x00 || bytes), node = SHA-256(0x01 || left || right), empty =
 *         SHA-256(""). Kept is one hash for each bit that is set in the size: the roots of the
 *         perfect subtrees, largest on the left. A plain value: copying it copies the tree.
 * Units   size counts leaves; indices start at 0
 * Owns    nothing
 * Spec    RFC 9162 section 2.1 (the same as RFC 6962)
 */
#ifndef SLUIS_LEDGER_TREE_H
#define SLUIS_LEDGER_TREE_H

#include "base/sha256.h"

enum {
    TREE_LEVELS = 64,
    TREE_TILE_LEVEL = 8,
    TREE_TILE_LEAVES = 1 << TREE_TILE_LEVEL,
    TREE_RUN_LEAVES_MAX = 1024,
    /* A part for each level on the way up and down, and the tiles between. */
    TREE_RUN_PARTS_MAX = 2 * TREE_TILE_LEVEL + TREE_RUN_LEAVES_MAX / TREE_TILE_LEAVES,
};

struct tree {
    uint64_t size;
    uint8_t subtree[TREE_LEVELS][SHA256_BYTES]; /* [l] of 2^l leaves; holds when bit l is set */
};

void tree_init(struct tree *tree);
void tree_leaf_hash(struct slice leaf, uint8_t hash[SHA256_BYTES]);
/* The hash of a node over its children; `out` may be one of the two. */
void tree_node_hash(const uint8_t left[SHA256_BYTES], const uint8_t right[SHA256_BYTES],
                    uint8_t out[SHA256_BYTES]);
/* O(log n) at worst, two hashes on average with that of the leaf. */
void tree_append(struct tree *tree, const uint8_t leaf_hash[SHA256_BYTES]);
/*
 * The same. True when a tile became complete, that is TREE_TILE_LEAVES leaves from a multiple of
 * that number on; `tile` is then its root, and untouched otherwise.
 */
bool tree_append_tile(struct tree *tree, const uint8_t leaf_hash[SHA256_BYTES],
                      uint8_t tile[SHA256_BYTES]);
void tree_root(const struct tree *tree, uint8_t root[SHA256_BYTES]);

/*
 * Leaves that follow one another, hashed as far as that goes without knowing what comes before:
 * the perfect subtrees that they are made of, from the left, none larger than a tile. Many leaves
 * at once take half the time of one after the other, and any thread can do it.
 */
struct tree_run {
    uint64_t first;
    uint32_t n_leaves, n_parts;
    struct {
        uint8_t level;
        uint8_t root[SHA256_BYTES];
    } parts[TREE_RUN_PARTS_MAX];
};

/* Leaves [first, first + n), 1 to TREE_RUN_LEAVES_MAX of them. */
void tree_run_hash(struct tree_run *run, uint64_t first, const struct slice *leaves, size_t n);
/*
 * Appends them; run->first must be tree->size. Returns how many tiles became complete, with their
 * roots in `tiles`: room for one in TREE_TILE_LEAVES leaves, and one more.
 */
size_t tree_append_run(struct tree *tree, const struct tree_run *run,
                       uint8_t (*tiles)[SHA256_BYTES]);

#endif
