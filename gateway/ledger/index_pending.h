/*
 * index_pending.h - what the index keeps of the ledger, in memory: until the next commit, or beyond
 *                   what an index has seen
 *
 * Shape   places: of each batch that holds the first receipt of a tile (256 receipts), in order.
 *         hashes: of each complete subtree of 256 leaves and more, in the order in which they
 *         became complete: with tiles T0 T1 T2 T3 that is
 *                     T0  T1  T0-1  T2  T3  T2-3  T0-3
 *         so a hash's position says which one it is, and more receipts only add to the end.
 * Owns    its arrays. They grow when commits fail for long; without memory for that, `is_full`
 *         and what comes next is not taken.
 */
#ifndef SLUIS_LEDGER_INDEX_PENDING_H
#define SLUIS_LEDGER_INDEX_PENDING_H

#include "base/err.h"
#include "ledger/segment.h"

struct index_batch {
    uint64_t first_index;
    uint64_t segment_first, offset;
};

struct index_pending {
    bool is_full;
    size_t n_places, places_cap;
    struct index_batch *places;
    uint64_t first_position; /* of hashes[0] */
    size_t n_hashes, hashes_cap;
    uint8_t (*hashes)[SHA256_BYTES];
    struct tree tiles; /* a tree whose leaves are the roots of the tiles */
};

/* How many hashes the first `size` receipts give, which is the position of the next one. */
uint64_t index_hash_count(uint64_t size);
/* Of the complete subtree over the leaves [index << level, (index + 1) << level); level >= 8. */
uint64_t index_hash_position(unsigned level, uint64_t index);

SL_NODISCARD enum sl_err index_pending_init(struct index_pending *pending);
/* Also when it could not be initialised, or is all zeros. */
void index_pending_deinit(struct index_pending *pending);
/* Notes go on after the receipts of `tree`; there are none yet. */
void index_pending_start(struct index_pending *pending, const struct tree *tree);
/* The next batch, and the roots of the tiles that it completes. */
void index_pending_note(struct index_pending *pending, const struct index_batch *batch,
                        uint32_t n_receipts, const struct batch_tiles *tiles);
/* They are in the database now. */
void index_pending_forget(struct index_pending *pending);

/* The last place at or before `receipt`. False when there is none. */
bool index_pending_place(const struct index_pending *pending, uint64_t receipt,
                         struct index_batch *out);
bool index_pending_hash(const struct index_pending *pending, uint64_t position,
                        uint8_t hash[SHA256_BYTES]);

#endif
