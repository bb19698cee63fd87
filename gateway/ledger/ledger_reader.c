/*
 * ledger_reader.c - from a head down to a receipt, and back up to the root
 *
 *              root                  the head's: signed
 *             /    \
 *           o        o               levels 8 and up: the source's, such as an index
 *          / \      / \
 *        T0   T1  T2  (T3)           tiles: 256 receipts each, the last one perhaps fewer
 *       ....  ....                   below: hashed from the receipts of the one tile that matters
 *
 * Each time a tile is read, the root that comes out of its receipts is led up to the head's root
 * by the source's hashes. If that does not hold, one of the two is wrong, and it can be told which:
 * where the source's own hash of the tile does lead to the root, the receipts are not what was
 * signed; where it does not, the hashes are not.
 */
#include "ledger/ledger_reader.h"

#include <stdlib.h>
#include <string.h>

struct ledger_reader {
    struct ledger_reader_source source;
    const struct ledger_head *under; /* during a call: what tiles are proven against */
    struct receipt_tile tile;        /* the last one that was read */
    struct ledger_problem problem;
};

enum sl_err ledger_reader_new(const struct ledger_reader_source *source, struct ledger_reader **out)
{
    struct ledger_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return SL_EINTERNAL;
    reader->source = *source;
    *out = reader;
    return SL_OK;
}

void ledger_reader_free(struct ledger_reader *reader)
{
    if (!reader)
        return;
    reader->source.free(reader->source.context);
    free(reader);
}

const char *ledger_reader_problem(const struct ledger_reader *reader)
{
    return reader->problem.text;
}

void ledger_reader_head(struct ledger_reader *reader, struct ledger_head *out)
{
    reader->source.head(reader->source.context, out);
    tree_root(&out->tree, out->root);
}

static enum sl_err blame(struct ledger_reader *reader, enum ledger_fault fault, uint64_t first,
                         uint64_t last)
{
    reader->source.blame(reader->source.context, fault, first, last, &reader->problem);
    return SL_ESTORE;
}

static enum sl_err blame_hashes(struct ledger_reader *reader)
{
    return blame(reader, LEDGER_WRONG_HASHES, 0, 0);
}

/* ----------------------------------------------------------------------- up to the head's root --
 */

static enum sl_err hash_of_source(struct ledger_reader *reader, unsigned level, uint64_t index,
                                  uint8_t hash[SHA256_BYTES])
{
    return reader->source.hash(reader->source.context, level, index, hash, &reader->problem);
}

/* The subtree of the head's tree that is kept at (level, index), or NULL. */
static const uint8_t *kept_subtree(const struct ledger_head *head, unsigned level, uint64_t index)
{
    const struct tree *tree = &head->tree;
    bool is_kept = (tree->size >> level & 1) && index == (tree->size >> level) - 1;
    return is_kept ? tree->subtree[level] : NULL;
}

/*
 * Each complete subtree is inside one of those that the head's tree keeps. *holds: do the source's
 * hashes lead from `hash` to that one?
 */
static enum sl_err leads_to_head(struct ledger_reader *reader, unsigned level, uint64_t index,
                                 const uint8_t hash[SHA256_BYTES], bool *holds)
{
    uint8_t node[SHA256_BYTES], beside[SHA256_BYTES];
    memcpy(node, hash, sizeof node);
    while (!kept_subtree(reader->under, level, index)) {
        SL_TRY(hash_of_source(reader, level, index ^ 1, beside));
        if (index & 1)
            tree_node_hash(beside, node, node);
        else
            tree_node_hash(node, beside, node);
        level++;
        index >>= 1;
    }
    *holds = memcmp(node, kept_subtree(reader->under, level, index), sizeof node) == 0;
    return SL_OK;
}

/* The last tile of its level, not full: it is made of subtrees that the head's tree keeps. */
static bool partial_tile_holds(const struct ledger_head *head, unsigned level,
                               const uint8_t *hashes, unsigned width)
{
    for (unsigned n = TILE_WIDTH / 2, above = TREE_TILE_LEVEL - 1; n > 0; n /= 2, above--) {
        uint8_t hash[SHA256_BYTES];
        if ((width & n) == 0)
            continue;
        tile_fold(hashes, n, hash);
        if (memcmp(hash, head->tree.subtree[level + above], sizeof hash) != 0)
            return false;
        hashes += n * SHA256_BYTES;
    }
    return true;
}

/* Are these the hashes of a tile, as wide as it is under the head? */
static enum sl_err tile_holds(struct ledger_reader *reader, const struct tile *tile,
                              const uint8_t *hashes, bool *holds)
{
    unsigned level = TREE_TILE_LEVEL * tile->level;
    if (tile->width < TILE_WIDTH) {
        *holds = partial_tile_holds(reader->under, level, hashes, tile->width);
        return SL_OK;
    }
    uint8_t root[SHA256_BYTES];
    tile_fold(hashes, TILE_WIDTH, root);
    return leads_to_head(reader, level + TREE_TILE_LEVEL, tile->index, root, holds);
}

/* -------------------------------------------------------------------- the receipts of a tile -- */

/* What a tile of receipts holds is not what leads to the root: whose fault is it? */
static enum sl_err name_culprit(struct ledger_reader *reader, const struct tile *tile)
{
    bool hashes_hold = true;
    uint8_t hash[SHA256_BYTES];
    if (tile->width == TILE_WIDTH) {
        SL_TRY(hash_of_source(reader, TREE_TILE_LEVEL, tile->index, hash));
        SL_TRY(leads_to_head(reader, TREE_TILE_LEVEL, tile->index, hash, &hashes_hold));
    }
    uint64_t first = tile->index * TILE_WIDTH;
    return hashes_hold ? blame(reader, LEDGER_WRONG_RECEIPTS, first, first + tile->width - 1)
                       : blame_hashes(reader);
}

/* So that reader->tile holds the first `width` receipts of tile `index`, proven. */
static enum sl_err load_tile(struct ledger_reader *reader, uint64_t index, unsigned width)
{
    struct receipt_tile *loaded = &reader->tile;
    if (loaded->index == index && loaded->width >= width)
        return SL_OK;
    const struct tile tile = {.index = index,
                              .width = tile_width(0, index, reader->under->tree.size)};
    SL_ASSERT(width <= tile.width);
    loaded->index = index;
    loaded->width = 0;
    bool holds = false;
    enum sl_err err =
        reader->source.receipts(reader->source.context, tile.width, loaded, &reader->problem);
    SL_ASSERT(err != SL_OK || loaded->width == tile.width);
    if (err == SL_OK)
        err = tile_holds(reader, &tile, loaded->hashes[0], &holds);
    if (err == SL_OK && !holds)
        err = name_culprit(reader, &tile);
    if (err != SL_OK)
        loaded->width = 0;
    return err;
}

/* For proofs: what the head keeps, what the source has, what a tile's receipts give. */
static enum sl_err subtree(void *context, unsigned level, uint64_t index,
                           uint8_t hash[SHA256_BYTES])
{
    struct ledger_reader *reader = context;
    const uint8_t *kept = kept_subtree(reader->under, level, index);
    if (kept) {
        memcpy(hash, kept, SHA256_BYTES);
        return SL_OK;
    }
    if (level >= TREE_TILE_LEVEL)
        return hash_of_source(reader, level, index, hash);
    uint64_t tile = index >> (TREE_TILE_LEVEL - level);
    unsigned first = (unsigned)((index << level) % TILE_WIDTH);
    unsigned n_leaves = 1u << level;
    SL_TRY(load_tile(reader, tile, first + n_leaves));
    tile_fold(reader->tile.hashes[first], n_leaves, hash);
    return SL_OK;
}

/* ---------------------------------------------------------------------------------- answers -- */

enum sl_err ledger_reader_root(struct ledger_reader *reader, const struct ledger_head *head,
                               uint64_t size, uint8_t root[SHA256_BYTES])
{
    SL_ASSERT(size <= head->tree.size);
    reader->under = head;
    const struct proof_source source = {subtree, reader};
    struct tree empty;
    uint8_t found[SHA256_BYTES];
    if (size == head->tree.size || size == 0) {
        tree_init(&empty);
        tree_root(size == 0 ? &empty : &head->tree, root);
        return SL_OK;
    }
    struct proof growth;
    SL_TRY(proof_root_make(source, size, found));
    SL_TRY(proof_consistency_make(source, size, head->tree.size, &growth));
    if (proof_consistency_verify(&growth, (struct proof_head){size, found},
                                 (struct proof_head){head->tree.size, head->root}) != PROOF_HOLDS)
        return blame_hashes(reader);
    memcpy(root, found, SHA256_BYTES);
    return SL_OK;
}

enum sl_err ledger_reader_leaf(struct ledger_reader *reader, const struct ledger_head *head,
                               uint64_t index, struct slice *leaf)
{
    SL_ASSERT(index < head->tree.size);
    reader->under = head;
    unsigned in_tile = (unsigned)(index % TILE_WIDTH);
    SL_TRY(load_tile(reader, index / TILE_WIDTH, in_tile + 1));
    *leaf = receipt_tile_leaf(&reader->tile, in_tile);
    return SL_OK;
}

enum sl_err ledger_reader_inclusion(struct ledger_reader *reader, const struct ledger_head *head,
                                    uint64_t index, uint64_t size, struct proof *out)
{
    SL_ASSERT(index < size);
    uint8_t root[SHA256_BYTES];
    struct proof proof;
    struct slice leaf;
    uint8_t leaf_hash[SHA256_BYTES];
    SL_TRY(ledger_reader_root(reader, head, size, root));
    SL_TRY(proof_inclusion_make((struct proof_source){subtree, reader}, index, size, &proof));
    SL_TRY(ledger_reader_leaf(reader, head, index, &leaf));
    tree_leaf_hash(leaf, leaf_hash);
    if (proof_inclusion_verify(&proof, index, leaf_hash, (struct proof_head){size, root}) !=
        PROOF_HOLDS)
        return blame_hashes(reader);
    *out = proof;
    return SL_OK;
}

enum sl_err ledger_reader_consistency(struct ledger_reader *reader, const struct ledger_head *head,
                                      uint64_t old_size, uint64_t new_size, struct proof *out)
{
    SL_ASSERT(old_size > 0 && old_size <= new_size);
    uint8_t old_root[SHA256_BYTES], new_root[SHA256_BYTES];
    struct proof proof;
    SL_TRY(ledger_reader_root(reader, head, old_size, old_root));
    SL_TRY(ledger_reader_root(reader, head, new_size, new_root));
    SL_TRY(
        proof_consistency_make((struct proof_source){subtree, reader}, old_size, new_size, &proof));
    if (proof_consistency_verify(&proof, (struct proof_head){old_size, old_root},
                                 (struct proof_head){new_size, new_root}) != PROOF_HOLDS)
        return blame_hashes(reader);
    *out = proof;
    return SL_OK;
}

/* All hashes that a tile above the receipts has under the head. */
static enum sl_err collect_hashes(struct ledger_reader *reader, const struct tile *tile,
                                  uint8_t hashes[TILE_BYTES_MAX])
{
    struct writer writer = writer_over(hashes, TILE_BYTES_MAX);
    SL_TRY(tile_write_hashes(tile, (struct proof_source){subtree, reader}, &writer));
    bool holds = false;
    SL_TRY(tile_holds(reader, tile, hashes, &holds));
    return holds ? SL_OK : blame_hashes(reader);
}

enum sl_err ledger_reader_tile(struct ledger_reader *reader, const struct ledger_head *head,
                               const struct tile *tile, struct writer *out)
{
    struct tile whole = *tile;
    whole.width = tile_width(tile->level, tile->index, head->tree.size);
    SL_ASSERT(tile->width > 0 && tile->width <= whole.width);
    reader->under = head;
    size_t n_bytes = (size_t)tile->width * SHA256_BYTES;
    if (tile->is_entries || tile->level == 0) {
        SL_TRY(load_tile(reader, tile->index, tile->width));
        write_bytes(out, tile->is_entries ? receipt_tile_entries(&reader->tile, tile->width)
                                          : slice_of(reader->tile.hashes, n_bytes));
    } else {
        uint8_t hashes[TILE_BYTES_MAX];
        SL_TRY(collect_hashes(reader, &whole, hashes));
        write_bytes(out, slice_of(hashes, n_bytes));
    }
    return out->overflow ? SL_ELIMIT : SL_OK;
}
