/*
 * proof_catch.c - one pass over the leaves instead of a tree in memory
 *
 * A proof is made of hashes beside one way from a leaf to the root:
 *
 *            o              leaf 5, size 7: beside its way are leaf 4 (level 0), leaf 6 (the right
 *          /   \            edge, so it is among the final tree's own subtrees), and the subtree
 *        o       o          of leaves 0 to 3 (level 2).
 *       / \     / \
 *      o   o   o   6        For a consistency proof the way is that of the old tree's last leaf,
 *     01   23  4(5)         and the old tree's own last subtree comes in addition.
 *
 * Everything complete that can be asked for is therefore a sibling on that way, one of the old
 * tree's subtrees, or one of the final tree's.
 */
#include "ledger/proof_catch.h"

#include <string.h>

void proof_catch_leaf(struct proof_catch *caught, uint64_t leaf)
{
    memset(caught, 0, sizeof *caught);
    caught->leaf = leaf;
    tree_init(&caught->old_tree);
    tree_init(&caught->tree);
}

void proof_catch_size(struct proof_catch *caught, uint64_t old_size)
{
    SL_ASSERT(old_size > 0);
    proof_catch_leaf(caught, old_size - 1);
    caught->old_size = old_size;
}

static void keep_sibling(struct proof_catch *caught, unsigned level, uint64_t index,
                         const uint8_t hash[SHA256_BYTES])
{
    if (index != (caught->leaf >> level ^ 1))
        return;
    memcpy(caught->siblings[level], hash, SHA256_BYTES);
    caught->beside |= UINT64_C(1) << level;
}

/* As tree_append(), looking at every subtree that becomes complete. */
void proof_catch_add(struct proof_catch *caught, const uint8_t leaf_hash[SHA256_BYTES])
{
    struct tree *tree = &caught->tree;
    SL_ASSERT(tree->size < UINT64_MAX);
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, leaf_hash, sizeof hash);
    unsigned level = 0;
    keep_sibling(caught, level, tree->size, hash);
    for (; tree->size >> level & 1; level++) {
        tree_node_hash(tree->subtree[level], hash, hash);
        keep_sibling(caught, level + 1, tree->size >> (level + 1), hash);
    }
    memcpy(tree->subtree[level], hash, sizeof hash);
    tree->size++;
    if (tree->size == caught->old_size)
        caught->old_tree = *tree;
}

/* Is (level, index) one of the subtrees that this tree keeps? */
static bool tree_has(const struct tree *tree, unsigned level, uint64_t index)
{
    return (tree->size >> level & 1) && index == (tree->size >> level) - 1;
}

static enum sl_err caught_subtree(void *context, unsigned level, uint64_t index,
                                  uint8_t hash[SHA256_BYTES])
{
    const struct proof_catch *caught = context;
    const uint8_t *found = NULL;
    if (tree_has(&caught->tree, level, index))
        found = caught->tree.subtree[level];
    else if (tree_has(&caught->old_tree, level, index))
        found = caught->old_tree.subtree[level];
    else if ((caught->beside >> level & 1) && index == (caught->leaf >> level ^ 1))
        found = caught->siblings[level];
    if (!found)
        return SL_EINTERNAL;
    memcpy(hash, found, SHA256_BYTES);
    return SL_OK;
}

struct proof_source proof_catch_source(struct proof_catch *caught)
{
    return (struct proof_source){caught_subtree, caught};
}
