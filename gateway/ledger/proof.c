/*
 * proof.c - Merkle proofs, checked and made
 *
 * Checking follows the two loops of RFC 9162 to the letter, because their way of counting levels
 * is also what refuses proofs that are too long or too short. `fn` and `sn` are the places of the
 * node we stand at and of the last node of its level; both move up together:
 *
 *     level 2          o               o          a right child, or the last node of its
 *                    /   \           /            level: the next hash is on its left.
 *     level 1      o       o       o              Any other: it is on its right. A last node
 *                 / \     / \     /               without a sibling moves up for free.
 *     level 0    0   1   2   3   4
 *
 * Making walks down from the root, splitting [lo, hi) as the tree does: the left part is the
 * largest power of two below its size. What is beside the way is a hash of the proof. All parts
 * that do not touch the right edge are complete subtrees; those that do are folded from complete
 * ones.
 */
#include "ledger/proof.h"

#include "ledger/tree.h"

#include <string.h>

/* The place of a node, and that of the last node of its level. */
struct place {
    uint64_t fn, sn;
};

/* To the level of the next sibling: RFC 9162 2.1.3.2, 4(b)(ii) and 4(c). */
static bool is_on_the_right(struct place *place)
{
    if ((place->fn & 1) == 0 && place->fn != place->sn)
        return false;
    while ((place->fn & 1) == 0 && place->fn != 0) {
        place->fn >>= 1;
        place->sn >>= 1;
    }
    return true;
}

static void move_up(struct place *place)
{
    place->fn >>= 1;
    place->sn >>= 1;
}

enum proof_check proof_inclusion_verify(const struct proof *proof, uint64_t index,
                                        const uint8_t leaf_hash[SHA256_BYTES],
                                        struct proof_head head)
{
    if (index >= head.size)
        return PROOF_IMPOSSIBLE;
    if (proof->n_hashes > PROOF_INCLUSION_HASHES_MAX)
        return PROOF_WRONG_LENGTH;
    struct place place = {index, head.size - 1};
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, leaf_hash, sizeof hash);
    for (size_t i = 0; i < proof->n_hashes; i++) {
        if (place.sn == 0)
            return PROOF_WRONG_LENGTH;
        if (is_on_the_right(&place))
            tree_node_hash(proof->hashes[i], hash, hash);
        else
            tree_node_hash(hash, proof->hashes[i], hash);
        move_up(&place);
    }
    if (place.sn != 0)
        return PROOF_WRONG_LENGTH;
    return memcmp(hash, head.root, sizeof hash) == 0 ? PROOF_HOLDS : PROOF_OTHER_ROOT;
}

static enum proof_check same_size_verify(const struct proof *proof, struct proof_head old_head,
                                         struct proof_head new_head)
{
    if (proof->n_hashes > 0)
        return PROOF_WRONG_LENGTH;
    bool same = memcmp(old_head.root, new_head.root, SHA256_BYTES) == 0;
    return same ? PROOF_HOLDS : PROOF_OTHER_ROOT;
}

enum proof_check proof_consistency_verify(const struct proof *proof, struct proof_head old_head,
                                          struct proof_head new_head)
{
    if (old_head.size == 0 || old_head.size > new_head.size)
        return PROOF_IMPOSSIBLE;
    if (old_head.size == new_head.size)
        return same_size_verify(proof, old_head, new_head);
    if (proof->n_hashes > PROOF_CONSISTENCY_HASHES_MAX)
        return PROOF_WRONG_LENGTH;

    struct place place = {old_head.size - 1, new_head.size - 1};
    while (place.fn & 1)
        move_up(&place);
    /* An old tree that is one complete subtree is not repeated: its root is the first hash. */
    bool is_complete = (old_head.size & (old_head.size - 1)) == 0;
    size_t next = is_complete ? 0 : 1;
    if (next >= proof->n_hashes)
        return PROOF_WRONG_LENGTH;
    uint8_t old_hash[SHA256_BYTES], new_hash[SHA256_BYTES];
    memcpy(old_hash, is_complete ? old_head.root : proof->hashes[0], sizeof old_hash);
    memcpy(new_hash, old_hash, sizeof new_hash);
    for (; next < proof->n_hashes; next++) {
        if (place.sn == 0)
            return PROOF_WRONG_LENGTH;
        if (is_on_the_right(&place)) {
            tree_node_hash(proof->hashes[next], old_hash, old_hash);
            tree_node_hash(proof->hashes[next], new_hash, new_hash);
        } else {
            tree_node_hash(new_hash, proof->hashes[next], new_hash);
        }
        move_up(&place);
    }
    if (place.sn != 0)
        return PROOF_WRONG_LENGTH;
    bool both = memcmp(old_hash, old_head.root, sizeof old_hash) == 0 &&
                memcmp(new_hash, new_head.root, sizeof new_hash) == 0;
    return both ? PROOF_HOLDS : PROOF_OTHER_ROOT;
}

/* ---------------------------------------------------------------------------------- making -- */

/* The leaves [lo, hi), a node of the tree; lo < hi. */
struct range {
    uint64_t lo, hi;
};

/* Where the left child of a range of at least two leaves ends: RFC 9162 2.1.1. */
static uint64_t split_of(struct range range)
{
    uint64_t last = range.hi - range.lo - 1;
    return range.lo + (UINT64_C(1) << (63 - __builtin_clzll(last)));
}

/* From the complete subtrees that its size has bits for, the smallest (rightmost) first. */
static enum sl_err range_hash(struct proof_source source, struct range range,
                              uint8_t hash[SHA256_BYTES])
{
    uint64_t size = range.hi - range.lo;
    uint64_t end = range.hi;
    bool first = true;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        uint64_t n_leaves = UINT64_C(1) << level;
        if ((size & n_leaves) == 0)
            continue;
        uint8_t left[SHA256_BYTES];
        end -= n_leaves;
        SL_TRY(source.subtree(source.context, level, end >> level, left));
        if (first)
            memcpy(hash, left, sizeof left);
        else
            tree_node_hash(left, hash, hash);
        first = false;
    }
    return SL_OK;
}

enum sl_err proof_root_make(struct proof_source source, uint64_t size, uint8_t root[SHA256_BYTES])
{
    SL_ASSERT(size > 0);
    return range_hash(source, (struct range){0, size}, root);
}

static enum sl_err add_range(struct proof *proof, struct proof_source source, struct range range)
{
    SL_ASSERT(proof->n_hashes < PROOF_CONSISTENCY_HASHES_MAX);
    SL_TRY(range_hash(source, range, proof->hashes[proof->n_hashes]));
    proof->n_hashes++;
    return SL_OK;
}

/* The walk finds the hash nearest the root first; a proof has it last. */
static void reverse(struct proof *proof)
{
    for (size_t i = 0; i < proof->n_hashes / 2; i++) {
        uint8_t *a = proof->hashes[i], *b = proof->hashes[proof->n_hashes - 1 - i];
        uint8_t kept[SHA256_BYTES];
        memcpy(kept, a, sizeof kept);
        memcpy(a, b, sizeof kept);
        memcpy(b, kept, sizeof kept);
    }
}

/* One step down, towards the leaf `index`; what is beside the way goes into the proof. */
static enum sl_err descend(struct proof *proof, struct proof_source source, struct range *range,
                           uint64_t index)
{
    uint64_t split = split_of(*range);
    struct range left = {range->lo, split}, right = {split, range->hi};
    bool goes_left = index < split;
    SL_TRY(add_range(proof, source, goes_left ? right : left));
    *range = goes_left ? left : right;
    return SL_OK;
}

enum sl_err proof_inclusion_make(struct proof_source source, uint64_t index, uint64_t size,
                                 struct proof *out)
{
    SL_ASSERT(index < size);
    struct proof proof = {0};
    struct range range = {0, size};
    while (range.hi - range.lo > 1)
        SL_TRY(descend(&proof, source, &range, index));
    reverse(&proof);
    *out = proof;
    return SL_OK;
}

enum sl_err proof_consistency_make(struct proof_source source, uint64_t old_size, uint64_t new_size,
                                   struct proof *out)
{
    SL_ASSERT(old_size > 0);
    SL_ASSERT(old_size <= new_size);
    struct proof proof = {0};
    struct range range = {0, new_size};
    while (range.hi != old_size)
        SL_TRY(descend(&proof, source, &range, old_size - 1));
    /* The last complete subtree of the old tree; when it is the whole, its root is known. */
    if (range.lo != 0)
        SL_TRY(add_range(&proof, source, range));
    reverse(&proof);
    *out = proof;
    return SL_OK;
}
