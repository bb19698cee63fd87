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

bool tree_append_tile(struct tree *tree, const uint8_t leaf_hash[SHA256_BYTES],
                      uint8_t tile[SHA256_BYTES])
{
    SL_ASSERT(tree->size < UINT64_MAX);
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, leaf_hash, sizeof hash);
    size_t level = 0;
    for (; tree->size >> level & 1; level++) {
        if (level == TREE_TILE_LEVEL)
            memcpy(tile, hash, sizeof hash);
        tree_node_hash(tree->subtree[level], hash, hash);
    }
    if (level == TREE_TILE_LEVEL)
        memcpy(tile, hash, sizeof hash);
    memcpy(tree->subtree[level], hash, sizeof hash);
    tree->size++;
    return level >= TREE_TILE_LEVEL;
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
