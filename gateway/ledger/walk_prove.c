/*
 * walk_prove.c - a batch by itself, and against everything that came before it
 *
 *   place        its first index is the size so far
 *   alone        as many receipts as it says, each with its checksum, each a receipt in its one
 *                text; a checkpoint of our origin, under our key, with one signature
 *   accept       the checkpoint is over the size and the root that come out when the receipts are
 *                hashed; the time is the newest so far; the key is the one in force, and a change
 *                of it is in order (walk_key.c)
 *
 * Nearly all the work is in the second step, which does not need the ones before: hashing the
 * receipts, and the signature.
 *
 * Every value that a batch repeats is compared with what it follows from, so that there is no byte
 * in a segment that could be changed without notice.
 */
#include "ledger/walk_prove.h"

#include "base/plural.h"

#include "ledger/vkey.h"
#include "ledger/walk_key.h"

#include <string.h>

_Static_assert((int)TREE_RUN_LEAVES_MAX >= (int)LIMIT_MAX_batch_receipts, "a batch is one run");

/* Bytes from the start of the batch to `p`, which is in it. */
static uint64_t offset_of(const struct walk *walk, const struct batch *batch, const uint8_t *p)
{
    return walk->offset + BATCH_HEAD_BYTES + (uint64_t)(p - batch->receipts.p);
}

static enum walk_step stop_at_receipt(struct walk *walk, enum walk_step step, uint64_t offset,
                                      uint64_t receipt, const char *what)
{
    step = walk_stop(walk, step, offset, "receipt %llu %s", (unsigned long long)receipt, what);
    walk->problem.receipt = receipt;
    return step;
}

static enum walk_step prove_receipts(struct walk *walk, const struct batch *batch,
                                     struct batch_proof *proof)
{
    struct slice leaves[LIMIT_MAX_batch_receipts];
    struct batch_cursor cursor = batch_cursor_over(batch);
    proof->newest_time_ms = INT64_MIN;
    proof->key.found = false;
    proof->heads.n = 0;
    for (uint32_t i = 0; i < batch->n_receipts; i++) {
        uint64_t index = batch->first_index + i;
        uint64_t offset = offset_of(walk, batch, cursor.receipts.at);
        struct leaf leaf;
        if (!batch_next_leaf(&cursor, &leaves[i]))
            return stop_at_receipt(walk, WALK_DAMAGED, offset, index, "does not fit its checksum");
        if (leaf_parse(leaves[i], &leaf) != SL_OK)
            return stop_at_receipt(walk, WALK_DAMAGED, offset, index, "is not a receipt");
        if (leaf.time_ms > proof->newest_time_ms)
            proof->newest_time_ms = leaf.time_ms;
        if (leaf.kind == LEAF_KEY && !proof->key.found)
            proof->key = (struct batch_key){true, index, offset, leaf.key};
        if (leaf.kind == LEAF_HEADS && proof->heads.n++ == 0)
            proof->heads = (struct batch_heads){1, index, offset, leaf.heads};
    }
    if (reader_left(&cursor.receipts) > 0)
        return walk_stop(walk, WALK_DAMAGED, offset_of(walk, batch, cursor.receipts.at),
                         "there are bytes after the last receipt of the batch");
    tree_run_hash(&proof->run, batch->first_index, leaves, batch->n_receipts);
    return WALK_BATCH;
}

static enum walk_step stop_at_other_key(struct walk *walk, uint64_t offset)
{
    if (walk->n_key_changes == 0)
        return walk_stop_other_key(walk, offset, "the checkpoint is signed by another key");
    return walk_stop_other_key(walk, offset,
                               "the checkpoint is signed by another key than the one that receipt "
                               "%llu went over to",
                               (unsigned long long)walk->key_receipt);
}

static enum walk_step prove_checkpoint(struct walk *walk, const struct batch *batch,
                                       struct checkpoint *checkpoint)
{
    uint64_t offset = offset_of(walk, batch, batch->checkpoint.p);
    struct slice text;
    size_t n_signatures = 0;
    switch (note_verify(walk->verifier, batch->checkpoint, &text, &n_signatures)) {
    case NOTE_VALID:
        break;
    case NOTE_MALFORMED:
        return walk_stop(walk, WALK_DAMAGED, offset, "the checkpoint is not a signed note");
    case NOTE_OTHER_KEY:
        if (walk->is_before_key && walk_note_of_other(batch->checkpoint, &text, &n_signatures))
            break;
        return stop_at_other_key(walk, offset);
    case NOTE_BAD_SIGNATURE:
        return walk_stop(walk, WALK_DAMAGED, offset, "the checkpoint's signature does not hold");
    }
    if (checkpoint_parse(text, checkpoint) != SL_OK || n_signatures != 1)
        return walk_stop(walk, WALK_DAMAGED, offset, "the signed note is not a checkpoint");
    if (!slice_equals(checkpoint->origin, note_verifier_name(walk->verifier)))
        return walk_stop(walk, WALK_DAMAGED, offset, "the checkpoint is of another origin");
    return WALK_BATCH;
}

enum walk_step walk_prove_alone(struct walk *walk, const struct batch *batch,
                                struct batch_proof *proof)
{
    struct vkey key;
    note_verifier_vkey(walk->verifier, &key);
    memcpy(proof->signer, key.key, sizeof proof->signer);
    enum walk_step step = prove_receipts(walk, batch, proof);
    return step == WALK_BATCH ? prove_checkpoint(walk, batch, &proof->checkpoint) : step;
}

enum walk_step walk_prove_place(struct walk *walk, const struct batch *batch)
{
    if (batch->first_index != walk->tree.size)
        return walk_stop(walk, WALK_DAMAGED, walk->offset,
                         "the batch begins with receipt %llu, but receipt %llu is next",
                         (unsigned long long)batch->first_index,
                         (unsigned long long)walk->tree.size);
    if (batch->n_receipts > UINT64_MAX - walk->tree.size)
        return walk_stop(walk, WALK_DAMAGED, walk->offset, "there can't be so many receipts");
    return WALK_BATCH;
}

enum walk_step walk_accept(struct walk *walk, const struct batch *batch,
                           const struct batch_proof *proof)
{
    struct batch_proof again = {0};
    if (!walk_is_key_in_force(walk, proof)) {
        enum walk_step step = walk_prove_alone(walk, batch, &again);
        if (step != WALK_BATCH)
            return step;
        proof = &again;
    }
    const struct checkpoint *checkpoint = &proof->checkpoint;
    uint64_t size = walk->tree.size + batch->n_receipts;
    if (checkpoint->size != size)
        return walk_stop(walk, WALK_DAMAGED, offset_of(walk, batch, batch->checkpoint.p),
                         "the checkpoint is over %llu %s, the batch ends at %llu",
                         (unsigned long long)checkpoint->size,
                         plural(checkpoint->size, "receipt", "receipts"), (unsigned long long)size);
    struct tree tree = walk->tree;
    struct batch_tiles tiles;
    uint8_t root[SHA256_BYTES];
    tiles.n = tree_append_run(&tree, &proof->run, tiles.roots);
    tree_root(&tree, root);
    if (memcmp(root, checkpoint->root, sizeof root) != 0)
        return walk_stop(walk, WALK_DAMAGED, walk->offset,
                         "the receipts of this batch are not those that were signed");
    int64_t newest_time_ms = walk->newest_time_ms;
    if (proof->newest_time_ms > newest_time_ms)
        newest_time_ms = proof->newest_time_ms;
    if (batch->newest_time_ms != newest_time_ms)
        return walk_stop(walk, WALK_DAMAGED, walk->offset,
                         "the batch's time is not that of its newest receipt");
    SL_AUTO(note_verifier) next = NULL;
    enum walk_step step = walk_check_key(walk, batch, proof, &next);
    if (step != WALK_BATCH)
        return step;
    walk->tree = tree;
    walk->tiles = tiles;
    walk->heads = proof->heads;
    walk->newest_time_ms = newest_time_ms;
    if (proof->key.found)
        walk_go_over(walk, proof, next);
    next = NULL;
    return WALK_BATCH;
}

enum walk_step walk_prove(struct walk *walk, const struct batch *batch)
{
    struct batch_proof proof = {0};
    enum walk_step step = walk_prove_place(walk, batch);
    if (step == WALK_BATCH)
        step = walk_prove_alone(walk, batch, &proof);
    return step == WALK_BATCH ? walk_accept(walk, batch, &proof) : step;
}

enum walk_step walk_name_damage(struct walk *walk, enum walk_step step, struct slice bytes)
{
    struct batch batch;
    if (batch_parse_unchecked(bytes, &batch) != SL_OK)
        return walk_stop(walk, step, walk->offset, "the head of the batch does not add up");
    struct batch_cursor cursor = batch_cursor_over(&batch);
    for (uint32_t i = 0; i < batch.n_receipts; i++) {
        uint64_t offset = offset_of(walk, &batch, cursor.receipts.at);
        struct slice leaf;
        if (!batch_next_leaf(&cursor, &leaf))
            return stop_at_receipt(walk, step, offset, walk->tree.size + i,
                                   "was changed: it does not fit its checksum");
    }
    return walk_stop(walk, step, walk->offset,
                     "the head or the checkpoint of the batch was changed: its CRC is wrong");
}
