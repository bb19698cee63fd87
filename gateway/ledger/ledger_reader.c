/*
 * ledger_reader.c - from a head down to a receipt, and back up to the root
 *
 *              root                  the head's: signed
 *             /    \
 *           o        o               levels 8 and up: looked up in the index
 *          / \      / \
 *        T0   T1  T2  (T3)           tiles: 256 receipts each, the last one perhaps fewer
 *       ....  ....                   below: hashed from the receipts of the one tile that matters
 *
 * Each time a tile is read, the root that comes out of its receipts is led up to the head's root
 * by the index's hashes. If that does not hold, one of the two is wrong, and it can be told which:
 * where the index's own hash of the tile does lead to the root, the segment is not what was
 * signed; where it does not, the index is not this ledger's.
 */
#include "ledger/ledger_reader.h"

#include "ledger/tile_reader.h"
#include "ledger/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger_reader {
    char *folder;
    uint8_t origin[NOTE_NAME_BYTES_MAX];
    struct index_reader *index;
    void (*head)(void *context, struct ledger_head *out); /* NULL: `fixed_head` */
    void *context;
    struct ledger_head fixed_head;
    struct index_pending beyond; /* of what the index has not seen; then */
    struct tile_reader segments;
    const struct ledger_head *under; /* during a call: what tiles are proven against */
    struct receipt_tile tile;        /* the last one that was read */
    struct index_problem problem;
};

static SL_PRINTF(2, 3) enum sl_err fail(struct ledger_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reader->problem.text, sizeof reader->problem.text, format, args);
    va_end(args);
    return SL_ESTORE;
}

static enum sl_err fail_index(struct ledger_reader *reader, const char *what)
{
    return fail(reader,
                "the index is not this ledger's: %s; make it anew with `sluis ledger index` while "
                "the gateway is stopped",
                what);
}

static enum sl_err fail_segment(struct ledger_reader *reader, const char *what)
{
    return fail(reader, "the ledger in %.200s is damaged: %.200s; `sluis-audit verify` says more",
                reader->folder, what);
}

const char *ledger_reader_problem(const struct ledger_reader *reader)
{
    return reader->problem.text;
}

/* -------------------------------------------------------------------- opening and closing -- */

static enum sl_err reader_new(const char *folder, struct slice origin,
                              struct index_problem *problem, struct ledger_reader **out)
{
    SL_ASSERT(origin.n <= NOTE_NAME_BYTES_MAX);
    snprintf(problem->text, sizeof problem->text, "out of memory");
    struct ledger_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return SL_EINTERNAL;
    memcpy(reader->origin, origin.p, origin.n);
    reader->folder = strdup(folder);
    enum sl_err err =
        tile_reader_init(&reader->segments, folder, slice_of(reader->origin, origin.n));
    if (err != SL_OK)
        snprintf(problem->text, sizeof problem->text, "%s", reader->segments.problem);
    if (err == SL_OK && !reader->folder)
        err = SL_EINTERNAL;
    if (err != SL_OK) {
        ledger_reader_free(reader);
        return err;
    }
    *out = reader;
    return SL_OK;
}

enum sl_err ledger_reader_new(const struct ledger_reader_source *source,
                              struct index_problem *problem, struct ledger_reader **out)
{
    SL_AUTO(ledger_reader) reader = NULL;
    SL_TRY(reader_new(source->folder, source->origin, problem, &reader));
    reader->head = source->head;
    reader->context = source->context;
    enum sl_err err = index_reader_new(source->index, &reader->index);
    if (err != SL_OK) {
        snprintf(problem->text, sizeof problem->text, "the index has no place for a reader");
        return err;
    }
    *out = reader;
    reader = NULL;
    return SL_OK;
}

void ledger_reader_free(struct ledger_reader *reader)
{
    if (!reader)
        return;
    index_reader_free(reader->index);
    index_pending_deinit(&reader->beyond);
    tile_reader_deinit(&reader->segments);
    free(reader->folder);
    free(reader);
}

void ledger_reader_head(struct ledger_reader *reader, struct ledger_head *out)
{
    if (reader->head) {
        reader->head(reader->context, out);
        tree_root(&out->tree, out->root);
    } else {
        *out = reader->fixed_head;
    }
}

/* ----------------------------------------------------------------------- up to the head's root --
 */

static enum sl_err hash_of_index(struct ledger_reader *reader, unsigned level, uint64_t index,
                                 uint8_t hash[SHA256_BYTES])
{
    if (index_pending_hash(&reader->beyond, index_hash_position(level, index), hash))
        return SL_OK;
    bool found = false;
    if (index_reader_hash(reader->index, level, index, hash, &found) != SL_OK)
        return fail_index(reader, index_reader_problem(reader->index));
    return found ? SL_OK : fail_index(reader, "it has no hash where there should be one");
}

/* The subtree of the head's tree that is kept at (level, index), or NULL. */
static const uint8_t *kept_subtree(const struct ledger_head *head, unsigned level, uint64_t index)
{
    const struct tree *tree = &head->tree;
    bool is_kept = (tree->size >> level & 1) && index == (tree->size >> level) - 1;
    return is_kept ? tree->subtree[level] : NULL;
}

/* n_hashes: a power of two, up to TILE_WIDTH. */
static void fold(const uint8_t *hashes, unsigned n_hashes, uint8_t out[SHA256_BYTES])
{
    uint8_t nodes[TILE_WIDTH][SHA256_BYTES];
    memcpy(nodes, hashes, n_hashes * sizeof nodes[0]);
    for (; n_hashes > 1; n_hashes /= 2)
        for (unsigned i = 0; i < n_hashes / 2; i++)
            tree_node_hash(nodes[2 * i], nodes[2 * i + 1], nodes[i]);
    memcpy(out, nodes[0], SHA256_BYTES);
}

/*
 * Each complete subtree is inside one of those that the head's tree keeps. *holds: do the index's
 * hashes lead from `hash` to that one?
 */
static enum sl_err leads_to_head(struct ledger_reader *reader, unsigned level, uint64_t index,
                                 const uint8_t hash[SHA256_BYTES], bool *holds)
{
    uint8_t node[SHA256_BYTES], beside[SHA256_BYTES];
    memcpy(node, hash, sizeof node);
    while (!kept_subtree(reader->under, level, index)) {
        SL_TRY(hash_of_index(reader, level, index ^ 1, beside));
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
        fold(hashes, n, hash);
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
    fold(hashes, TILE_WIDTH, root);
    return leads_to_head(reader, level + TREE_TILE_LEVEL, tile->index, root, holds);
}

/* -------------------------------------------------------------------- the receipts of a tile -- */

/* What a tile of receipts holds is not what leads to the root: whose fault is it? */
static enum sl_err name_culprit(struct ledger_reader *reader, const struct tile *tile)
{
    char what[120];
    snprintf(what, sizeof what, "receipts %llu to %llu are not those that were signed",
             (unsigned long long)tile->index * TILE_WIDTH,
             (unsigned long long)tile->index * TILE_WIDTH + tile->width - 1);
    bool index_holds = true;
    uint8_t hash[SHA256_BYTES];
    if (tile->width == TILE_WIDTH) {
        SL_TRY(hash_of_index(reader, TREE_TILE_LEVEL, tile->index, hash));
        SL_TRY(leads_to_head(reader, TREE_TILE_LEVEL, tile->index, hash, &index_holds));
    }
    if (!index_holds)
        return fail_index(reader, "its hashes do not lead to the checkpoint");
    return fail_segment(reader, what);
}

static enum sl_err find_place(struct ledger_reader *reader, uint64_t receipt,
                              struct index_batch *place)
{
    bool found = index_pending_place(&reader->beyond, receipt, place);
    if (!found && index_reader_place(reader->index, receipt, place, &found) != SL_OK)
        return fail_index(reader, index_reader_problem(reader->index));
    return found ? SL_OK : fail_index(reader, "it knows no place where there should be one");
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
    struct index_batch place;
    SL_TRY(find_place(reader, index * TILE_WIDTH, &place));
    loaded->width = 0;
    if (tile_reader_read(&reader->segments, index, tile.width, &place, loaded) != SL_OK)
        return fail_segment(reader, reader->segments.problem);
    bool holds = false;
    enum sl_err err = tile_holds(reader, &tile, loaded->hashes[0], &holds);
    if (err == SL_OK && !holds)
        err = name_culprit(reader, &tile);
    if (err != SL_OK)
        loaded->width = 0;
    return err;
}

/* For proofs: what the head keeps, what the index has, what a tile's receipts give. */
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
        return hash_of_index(reader, level, index, hash);
    uint64_t tile = index >> (TREE_TILE_LEVEL - level);
    unsigned first = (unsigned)((index << level) % TILE_WIDTH);
    unsigned n_leaves = 1u << level;
    SL_TRY(load_tile(reader, tile, first + n_leaves));
    fold(reader->tile.hashes[first], n_leaves, hash);
    return SL_OK;
}

/* ---------------------------------------------------------------------------------- answers -- */

static enum sl_err unproven(struct ledger_reader *reader)
{
    return fail_index(reader, "the proofs made of its hashes do not hold");
}

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
        return unproven(reader);
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
        return unproven(reader);
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
        return unproven(reader);
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
    return holds ? SL_OK : fail_index(reader, "its hashes do not lead to the checkpoint");
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

/* ---------------------------------------------------------------------------- another process --
 */

static void keep_note(struct ledger_reader *reader, const struct batch *batch)
{
    reader->fixed_head.note_n = batch->checkpoint.n;
    memcpy(reader->fixed_head.note, batch->checkpoint.p, batch->checkpoint.n);
}

/* The last batch that the index has seen must be where it says, and be the same. */
static enum sl_err check_seen(struct ledger_reader *reader, struct walk *walk,
                              const struct index_state *seen)
{
    struct batch batch;
    uint8_t root[SHA256_BYTES];
    if (walk_next(walk, &batch) != WALK_BATCH)
        return fail_index(reader, walk->problem.text[0] ? walk->problem.text
                                                        : "the ledger ends before its last batch");
    tree_root(&walk->tree, root);
    if (walk->tree.size != seen->size || memcmp(root, seen->root, sizeof root) != 0)
        return fail_index(reader, "its last batch is another one in the ledger");
    keep_note(reader, &batch);
    return SL_OK;
}

/* Proves what the index has not seen, and keeps of it what an index would. */
static enum sl_err walk_beyond(struct ledger_reader *reader, struct walk *walk,
                               const struct index_state *seen)
{
    if (seen)
        SL_TRY(check_seen(reader, walk, seen));
    SL_TRY(index_pending_init(&reader->beyond));
    index_pending_start(&reader->beyond, &walk->tree);
    struct batch batch;
    enum walk_step step;
    while ((step = walk_next(walk, &batch)) == WALK_BATCH) {
        const struct index_batch place = {batch.first_index, walk->segment_first,
                                          walk->batch_offset};
        index_pending_note(&reader->beyond, &place, batch.n_receipts, &walk->tiles);
        keep_note(reader, &batch);
    }
    /* A torn end may be a batch that is being written. */
    if (step != WALK_END && step != WALK_TORN)
        return fail(reader, "segment %s, byte %llu: %s", walk->problem.segment,
                    (unsigned long long)walk->problem.offset, walk->problem.text);
    reader->fixed_head.tree = walk->tree;
    tree_root(&walk->tree, reader->fixed_head.root);
    return reader->beyond.is_full ? fail(reader, "out of memory") : SL_OK;
}

/* The first key, or where the index has gone on: the one that it names, if the caller knows it. */
static enum sl_err open_verifier(struct ledger_reader *reader, const struct vkey_list *keys,
                                 const struct index_state *seen, struct note_verifier **out)
{
    struct vkey key = keys->keys[0];
    size_t place;
    if (seen)
        memcpy(key.key, seen->key, sizeof key.key);
    if (!vkey_list_find(keys, &key, &place))
        return fail_index(reader, "it goes on under a key that is not among those given");
    char text[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    write_vkey(&writer, key.name, key.key);
    return note_verifier_new(writer_slice(&writer), out) == SL_OK ? SL_OK
                                                                  : fail(reader, "out of memory");
}

static enum sl_err find_head(struct ledger_reader *reader, const struct vkey_list *keys)
{
    struct index_state seen;
    bool has_seen = false;
    struct walk walk;
    if (index_reader_state(reader->index, &seen, &has_seen) != SL_OK)
        return fail_index(reader, index_reader_problem(reader->index));
    struct walk_start start = {0};
    if (has_seen)
        start = (struct walk_start){.tree = seen.before,
                                    .newest_time_ms = seen.newest_time_before_ms,
                                    .segment_first = seen.segment_first,
                                    .offset = seen.batch_offset};
    SL_AUTO(note_verifier) verifier = NULL;
    SL_TRY(open_verifier(reader, keys, has_seen ? &seen : NULL, &verifier));
    enum sl_err err = walk_open(&walk, reader->folder, verifier, has_seen ? &start : NULL);
    if (err != SL_OK)
        (void)fail(reader, "%s", walk.problem.text);
    else
        err = walk_beyond(reader, &walk, has_seen ? &seen : NULL);
    walk_close(&walk);
    return err;
}

enum sl_err ledger_reader_open(const char *folder, const char *index_folder,
                               const struct vkey_list *keys, struct index_problem *problem,
                               struct ledger_reader **out)
{
    SL_AUTO(ledger_reader) reader = NULL;
    SL_TRY(reader_new(folder, vkey_list_name(keys), problem, &reader));
    SL_TRY(index_reader_open(index_folder, problem, &reader->index));
    enum sl_err err = find_head(reader, keys);
    if (err != SL_OK) {
        snprintf(problem->text, sizeof problem->text, "%s", reader->problem.text);
        return err;
    }
    *out = reader;
    reader = NULL;
    return SL_OK;
}
