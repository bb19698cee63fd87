/*
 * index_epoch.h - what the index keeps of the epochs that have no heads yet
 *
 * Shape   two pairs of databases, one for even epochs and one for odd: `starts0`, `starts1` a
 *         subject's label in the index -> the number of its first receipt in the epoch, and its
 *         label in the list; `asked0`, `asked1` 16 bytes -> how many receipts were recorded for
 *         someone unknown. A pair is emptied when the heads of its epoch are in the ledger.
 * Keys    none are needed to make a list from this, so a subject may be erased meanwhile
 * Truth   the segments, as for all of the index, but who an unknown one was is not in them: after
 *         a rebuild each of their receipts stands alone
 * Threads the writer's, but index_each_delta()
 */
#ifndef SLUIS_LEDGER_INDEX_EPOCH_H
#define SLUIS_LEDGER_INDEX_EPOCH_H

#include "ledger/heads_list.h"
#include "ledger/index.h"

enum { INDEX_ASKED_BYTES = 16 };

/* Between index_begin() and index_commit(). A start that is there already stays. */
void index_put_start(struct ledger_index *index, uint64_t epoch, const struct hmac_key *key,
                     const uint8_t label[INDEX_LABEL_BYTES], uint64_t n);
void index_count_asked(struct ledger_index *index, uint64_t epoch,
                       const uint8_t asked[INDEX_ASKED_BYTES]);
void index_drop_epoch(struct ledger_index *index, uint64_t epoch);
/* The count and the starts of a subject that was erased. */
void index_forget(struct ledger_index *index, const uint8_t label[INDEX_LABEL_BYTES]);

/* The number of the subject's first receipt in `epoch`; *found is false when it had none. */
SL_NODISCARD enum sl_err index_start(struct ledger_index *index, uint64_t epoch,
                                     const uint8_t label[INDEX_LABEL_BYTES], uint64_t *n,
                                     bool *found);

/* False stops. */
struct index_delta_visitor {
    bool (*subject)(void *context, const struct heads_entry *entry);
    bool (*unknown)(void *context, uint64_t delta);
    void *context;
};
/*
 * From any thread: how many receipts each subject had in the epoch before `running`, as of the
 * last commit. That must have been one after the epoch's end.
 */
SL_NODISCARD enum sl_err index_each_delta(struct ledger_index *index, uint64_t running,
                                          const struct index_delta_visitor *visitor,
                                          struct index_problem *problem);

#endif
