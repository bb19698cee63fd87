/*
 * index.h - what the ledger's files say, where it can be looked up quickly
 *
 * Shape   an LMDB environment of small databases: `meta` how far the index has read; `batches`
 *         first index -> place; `hashes` position -> hash of a complete subtree of 256 leaves or
 *         more (index_pending.h says which); `counters` label -> a subject's next number; and what
 *         heads are made of (index_epoch.h)
 * Labels  a subject stands here under a label made from its key: who has no key can't tell whose it
 *         is, and once the key is destroyed nobody can, whatever old pages hold
 * Truth   the segments. The index may be behind them, or be thrown away: it is rebuilt. It is
 *         never ahead: what it has seen and the segments do not hold was taken away from them.
 * Threads one writer; others look things up through readers of their own (index_reader.h)
 * Errors  SL_ESTORE with a text in index_problem()
 */
#ifndef SLUIS_LEDGER_INDEX_H
#define SLUIS_LEDGER_INDEX_H

#include "ledger/epoch.h"
#include "ledger/index_pending.h"
#include "ledger/recorder.h"

struct ledger_index;

struct index_problem {
    char text[512];
};

/*
 * How far the index has read. The state *before* the last batch is kept, so that a start can read
 * that batch again and see whether it is still the one that the index has seen.
 */
struct index_state {
    uint64_t size;      /* receipts seen */
    uint64_t n_changes; /* of them, of policy changes */
    uint8_t root[SHA256_BYTES];
    struct tree before; /* the last batch */
    int64_t newest_time_before_ms;
    uint64_t segment_first, batch_offset; /* of the last batch */
    uint8_t key[NOTE_KEY_BYTES];          /* that signed it, */
    uint64_t n_keys;                      /* which is the ledger's how manieth: from 1 on */
    struct epochs epochs;
};

/* Makes the folder if its parent is there. */
SL_NODISCARD enum sl_err index_open(const char *folder, struct index_problem *problem,
                                    struct ledger_index **out);
void index_free(struct ledger_index *index);
SL_DEFINE_AUTO(ledger_index, index_free)

/* *found is false for an index that has seen nothing. */
SL_NODISCARD enum sl_err index_state_get(struct ledger_index *index, struct index_state *out,
                                         bool *found);
enum { INDEX_LABEL_BYTES = 16 };
/* HMAC(K_s, "index") cut to 16 bytes. */
void index_label(const struct hmac_key *key, uint8_t label[INDEX_LABEL_BYTES]);
/* 0 for a subject without receipts. */
SL_NODISCARD enum sl_err index_counter(struct ledger_index *index,
                                       const uint8_t label[INDEX_LABEL_BYTES], uint64_t *n);

/*
 * Before the first note: the receipts up to the state's size are those of `tree`. SL_ESTORE when
 * the hashes in the index are not that tree's.
 */
SL_NODISCARD enum sl_err index_resume(struct ledger_index *index, const struct tree *tree);
/*
 * A batch that is durable now, and the roots of the tiles that it completes: kept in memory, where
 * readers find it, until the next commit.
 */
void index_note_batch(struct ledger_index *index, const struct index_batch *batch,
                      uint32_t n_receipts, const struct batch_tiles *tiles);

/*
 * One durable transaction. Failures of the puts show at the commit; after a failure nothing of it
 * was written, and it may be tried again.
 */
void index_begin(struct ledger_index *index);
void index_put_counter(struct ledger_index *index, const uint8_t label[INDEX_LABEL_BYTES],
                       uint64_t n);
SL_NODISCARD enum sl_err index_commit(struct ledger_index *index, const struct index_state *state);
/* Forgets everything, durably: all is to be noted again, from the first receipt on. */
SL_NODISCARD enum sl_err index_clear(struct ledger_index *index);
/* What the last SL_ESTORE was. */
const char *index_problem(const struct ledger_index *index);

#endif
