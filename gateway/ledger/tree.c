/*
 * tree.c - appending to a Merkle tree without keeping it
 *
 * A tree of 11 = 8 + 2 + 1 leaves:
 *
 *                root
 *              /      \
 *         [3]          o          subtree[3], subtree[1] and subtree[0] are kept;
 *        8 leaves     / \         appending a leaf is counting in binary: it merges with
 *                  [1]   [0]      subtree[0], the outcome with subtree[1], and rests at [2]
 */
#include "ledger/tree.h"

#include "base/err.h"
#include "base/sha256_many.h"

#include <string.h>

void tree_init(struct tree *tree)
{
    memset(tree, 0, sizeof *tree);
}

void tree_leaf_hash(struct slice leaf, uint8_t hash[SHA256_BYTES])
{
    static const uint8_t prefix = 0x00;
    struct sha256 sha;
    sha256_begin(&sha);
    sha256_add(&sha, slice_of(&prefix, 1));
    sha256_add(&sha, leaf);
    sha256_end(&sha, hash);
}

void tree_node_hash(const uint8_t left[SHA256_BYTES], const uint8_t right[SHA256_BYTES],
                    uint8_t out[SHA256_BYTES])
{
    uint8_t node[1 + 2 * SHA256_BYTES];
    node[0] = 0x01;
    memcpy(node + 1, left, SHA256_BYTES);
    memcpy(node + 1 + SHA256_BYTES, right, SHA256_BYTES);
    sha256_of(slice_of(node, sizeof node), out);
}

/* A perfect subtree of 2^level leaves, at most a tile, at a place for one. */
static bool append_subtree(struct tree *tree, size_t level, const uint8_t root[SHA256_BYTES],
                           uint8_t tile[SHA256_BYTES])
{
    uint64_t n_leaves = UINT64_C(1) << level;
    SL_ASSERT(level <= TREE_TILE_LEVEL && tree->size % n_leaves == 0);
    SL_ASSERT(tree->size <= UINT64_MAX - n_leaves);
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, root, sizeof hash);
    for (; tree->size >> level & 1; level++) {
        if (level == TREE_TILE_LEVEL)
            memcpy(tile, hash, sizeof hash);
        tree_node_hash(tree->subtree[level], hash, hash);
    }
    if (level == TREE_TILE_LEVEL)
        memcpy(tile, hash, sizeof hash);
    memcpy(tree->subtree[level], hash, sizeof hash);
    tree->size += n_leaves;
    return level >= TREE_TILE_LEVEL;
}

bool tree_append_tile(struct tree *tree, const uint8_t leaf_hash[SHA256_BYTES],
                      uint8_t tile[SHA256_BYTES])
{
    return append_subtree(tree, 0, leaf_hash, tile);
}

void tree_append(struct tree *tree, const uint8_t leaf_hash[SHA256_BYTES])
{
    uint8_t tile[SHA256_BYTES];
    (void)tree_append_tile(tree, leaf_hash, tile);
}

void tree_root(const struct tree *tree, uint8_t root[SHA256_BYTES])
{
    if (tree->size == 0) {
        sha256_of(slice_of(NULL, 0), root);
        return;
    }
    size_t level = (size_t)__builtin_ctzll(tree->size);
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, tree->subtree[level], sizeof hash);
    for (level++; level < TREE_LEVELS; level++)
        if (tree->size >> level & 1)
            tree_node_hash(tree->subtree[level], hash, hash);
    memcpy(root, hash, sizeof hash);
}

/* --------------------------------------------------------------------------------- runs -- */

static void add_part(struct tree_run *run, size_t level, const uint8_t root[SHA256_BYTES])
{
    SL_ASSERT(run->n_parts < TREE_RUN_PARTS_MAX);
    run->parts[run->n_parts].level = (uint8_t)level;
    memcpy(run->parts[run->n_parts++].root, root, SHA256_BYTES);
}

/* hashes[i] becomes that of the node over hashes[2i] and hashes[2i + 1]. */
static void hash_pairs(uint8_t (*hashes)[SHA256_BYTES], size_t n_pairs)
{
    struct slice pairs[TREE_RUN_LEAVES_MAX / 2];
    uint8_t nodes[TREE_RUN_LEAVES_MAX / 2][SHA256_BYTES];
    for (size_t i = 0; i < n_pairs; i++)
        pairs[i] = slice_of(hashes[2 * i], 2 * SHA256_BYTES);
    sha256_of_many(0x01, pairs, n_pairs, nodes);
    memcpy(hashes, nodes, n_pairs * SHA256_BYTES);
}

/*
 * Level by level, as long as there are hashes. One at the left that is a right child, and one at
 * the right that is a left child, have no sibling in this run and are parts of it:
 *
 *     level 2                 o                 leaves 3 to 8: part 3 (level 0) has its sibling
 *     level 1             o       o             before the run; 4 to 7 (level 2) too; and 8 (level
 *     level 0         3   4   5   6   7   8     0) has its sibling after it
 */
void tree_run_hash(struct tree_run *run, uint64_t first, const struct slice *leaves, size_t n)
{
    SL_ASSERT(n > 0 && n <= TREE_RUN_LEAVES_MAX);
    uint8_t block[TREE_RUN_LEAVES_MAX][SHA256_BYTES];
    uint8_t right[TREE_TILE_LEVEL][SHA256_BYTES];
    uint32_t has_right = 0; /* bit l: right[l] holds */
    uint8_t(*hashes)[SHA256_BYTES] = block;
    run->first = first;
    run->n_leaves = (uint32_t)n;
    run->n_parts = 0;
    sha256_of_many(0x00, leaves, n, hashes);
    size_t level = 0;
    for (; level < TREE_TILE_LEVEL && n > 0; level++) {
        if (first >> level & 1) {
            add_part(run, level, *hashes++);
            n--;
            first += UINT64_C(1) << level;
        }
        if (n & 1) {
            memcpy(right[level], hashes[--n], SHA256_BYTES);
            has_right |= UINT32_C(1) << level;
        }
        n /= 2;
        hash_pairs(hashes, n);
    }
    for (size_t i = 0; i < n; i++)
        add_part(run, level, hashes[i]);
    while (level-- > 0)
        if (has_right >> level & 1)
            add_part(run, level, right[level]);
}

size_t tree_append_run(struct tree *tree, const struct tree_run *run,
                       uint8_t (*tiles)[SHA256_BYTES])
{
    SL_ASSERT(tree->size == run->first);
    size_t n_tiles = 0;
    for (size_t i = 0; i < run->n_parts; i++)
        n_tiles += append_subtree(tree, run->parts[i].level, run->parts[i].root, tiles[n_tiles]);
    return n_tiles;
}
