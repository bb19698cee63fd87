/*
 * recover.h - what the recorder finds when it starts
 *
 * Shape   re-reads the last batch that the index knows, then proves every batch after it, and
 *         brings the index up to date. Changes nothing in the ledger's folder: what has to be
 *         overwritten is reported.
 * Errors  SL_ESTORE with a text for the operator
 */
#ifndef SLUIS_LEDGER_RECOVER_H
#define SLUIS_LEDGER_RECOVER_H

#include "ledger/index.h"
#include "ledger/vkey.h"
#include "ledger/walk.h"

struct recovery {
    bool is_new; /* no segment yet; then nothing below holds but `tree` and the newest time */
    struct tree tree;
    struct index_state state; /* as it is in the index now */
    int64_t newest_time_ms;
    uint64_t segment_first, segment_bytes, offset; /* where the next batch goes */
    uint32_t alignment;
    uint64_t n_torn_bytes; /* to be overwritten with zeros, from offset on */
    size_t checkpoint_n;   /* the newest, as a note; 0: no batch yet */
    uint8_t checkpoint[CHECKPOINT_BYTES_MAX];
    uint8_t key[NOTE_KEY_BYTES]; /* in force: signs the next batch */
    uint64_t n_keys;             /* that the ledger has had, with this one */
};

/* What is kept of the ledger elsewhere is of another one. */
enum sl_err recover_refuse_other_history(const struct recorder_config *config,
                                         struct recorder_problem *problem);
/* `first_key`: the one that the ledger was begun with. */
SL_NODISCARD enum sl_err recover(const struct recorder_config *config, const struct vkey *first_key,
                                 struct ledger_index *index, struct recorder_problem *problem,
                                 struct recovery *out);

#endif
