/*
 * ledger_reader.h - receipts, tiles and proofs of a ledger, while it grows
 *
 * Shape   take a head first: the newest checkpoint that is durable. Everything else is asked for
 *         under a head, and is proven to lead to its root before it is handed out. Heads are plain
 *         values; older ones stay good for ever.
 * Cost    the tile of 256 receipts around what is asked for is read and hashed, unless it is the
 *         one that was read last; the hashes above it are looked up in the index
 * Threads one at a time; each thread has a reader of its own
 * Trust   neither segments nor index are believed; only the heads of this process's recorder are
 * Errors  SL_ESTORE: the ledger or its index is damaged, or can't be read; the text in
 *         ledger_reader_problem() says which, and what to do. Out parameters stay untouched.
 * Owns    its descriptors and buffers, about 2.5 MiB
 */
#ifndef SLUIS_LEDGER_LEDGER_READER_H
#define SLUIS_LEDGER_LEDGER_READER_H

#include "ledger/index_reader.h"
#include "ledger/proof.h"
#include "ledger/tile.h"
#include "ledger/vkey_list.h"

struct ledger_reader;

struct ledger_head {
    struct tree tree; /* tree.size: how many receipts */
    uint8_t root[SHA256_BYTES];
    size_t note_n; /* 0: nothing was ever recorded */
    uint8_t note[CHECKPOINT_BYTES_MAX];
};

/*
 * In the process that writes the ledger; see recorder_reader_new(). `head` fills in tree and note,
 * from any thread. The index must outlive the reader; folder and origin are copied.
 */
struct ledger_reader_source {
    const char *folder;
    struct slice origin;
    struct ledger_index *index;
    void (*head)(void *context, struct ledger_head *out);
    void *context;
};
SL_NODISCARD enum sl_err ledger_reader_new(const struct ledger_reader_source *source,
                                           struct index_problem *problem,
                                           struct ledger_reader **out);
/*
 * In another process, or on a copy: one head, the newest now, under one of `keys` (or a key that
 * came after what the index has seen). What the index has not seen is read and proven first. See
 * index_reader_open() for what that means when the index can't be trusted.
 */
SL_NODISCARD enum sl_err ledger_reader_open(const char *folder, const char *index_folder,
                                            const struct vkey_list *keys,
                                            struct index_problem *problem,
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
