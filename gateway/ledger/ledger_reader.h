/*
 * ledger_reader.h - receipts, tiles and proofs of a ledger, from wherever it is
 *
 * Shape   take a head first: the newest checkpoint that is durable. Everything else is asked for
 *         under a head, and is proven to lead to its root before it is handed out. Heads are plain
 *         values; older ones stay good for ever.
 * Cost    the tile of 256 receipts around what is asked for is read and hashed, unless it is the
 *         one that was read last; the hashes above it are the source's
 * Threads one at a time; each thread has a reader of its own
 * Trust   nothing but heads: what a source gives has to lead to one
 * Errors  SL_ESTORE: the ledger or its index is damaged, or can't be read; the text in
 *         ledger_reader_problem() says which, and what to do. Out parameters stay untouched.
 * Owns    a tile of receipts, about 300 KiB, and its source
 */
#ifndef SLUIS_LEDGER_LEDGER_READER_H
#define SLUIS_LEDGER_LEDGER_READER_H

#include "ledger/checkpoint.h"
#include "ledger/proof.h"
#include "ledger/receipt_tile.h"
#include "ledger/tree.h"

struct ledger_reader;

struct ledger_head {
    struct tree tree; /* tree.size: how many receipts */
    uint8_t root[SHA256_BYTES];
    size_t note_n; /* 0: nothing was ever recorded, or the source has the note elsewhere */
    uint8_t note[CHECKPOINT_BYTES_MAX];
};

enum ledger_fault {
    LEDGER_WRONG_RECEIPTS, /* those of a tile are not the ones that were signed */
    LEDGER_WRONG_HASHES,   /* they do not lead to the head */
};
struct ledger_problem {
    char text[512];
};
/*
 * Where receipts and hashes come from. Each function that fails says why in *problem, and so does
 * `blame`, when what was given turned out to be wrong: receipts `first` to `last`, or hashes.
 */
struct ledger_reader_source {
    /* Fills in tree and note. */
    void (*head)(void *context, struct ledger_head *out);
    /* Of the complete subtree over the leaves [index << level, (index + 1) << level); level >= 8.
     */
    enum sl_err (*hash)(void *context, unsigned level, uint64_t index, uint8_t hash[SHA256_BYTES],
                        struct ledger_problem *problem);
    /* The first `width` receipts of tile->index; tile->width is 0. */
    enum sl_err (*receipts)(void *context, uint16_t width, struct receipt_tile *tile,
                            struct ledger_problem *problem);
    void (*blame)(void *context, enum ledger_fault fault, uint64_t first, uint64_t last,
                  struct ledger_problem *problem);
    void (*free)(void *context);
    void *context;
};

/* The source is the reader's when this succeeds. */
SL_NODISCARD enum sl_err ledger_reader_new(const struct ledger_reader_source *source,
                                           struct ledger_reader **out);
void ledger_reader_free(struct ledger_reader *reader);
SL_DEFINE_AUTO(ledger_reader, ledger_reader_free)

void ledger_reader_head(struct ledger_reader *reader, struct ledger_head *out);

/* Below, `size` and `new_size` are at most the head's, and `index` is below them. */

/* The root of the first `size` receipts. */
SL_NODISCARD enum sl_err ledger_reader_root(struct ledger_reader *reader,
                                            const struct ledger_head *head, uint64_t size,
                                            uint8_t root[SHA256_BYTES]);
/* The receipt's exact bytes; *leaf holds until the next call. */
SL_NODISCARD enum sl_err ledger_reader_leaf(struct ledger_reader *reader,
                                            const struct ledger_head *head, uint64_t index,
                                            struct slice *leaf);
SL_NODISCARD enum sl_err ledger_reader_inclusion(struct ledger_reader *reader,
                                                 const struct ledger_head *head, uint64_t index,
                                                 uint64_t size, struct proof *out);
/* 0 < old_size <= new_size */
SL_NODISCARD enum sl_err ledger_reader_consistency(struct ledger_reader *reader,
                                                   const struct ledger_head *head,
                                                   uint64_t old_size, uint64_t new_size,
                                                   struct proof *out);
/*
 * The bytes of a tile or an entry bundle, of any width that the head's tree has there
 * (tile_width()) or less. SL_ELIMIT when they do not fit.
 */
SL_NODISCARD enum sl_err ledger_reader_tile(struct ledger_reader *reader,
                                            const struct ledger_head *head, const struct tile *tile,
                                            struct writer *out);
/* What the last failure was. */
const char *ledger_reader_problem(const struct ledger_reader *reader);

#endif
