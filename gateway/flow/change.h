/*
 * change.h - what the store commits and the ledger records together
 *
 * Shape   the recorder commits a change to the store at the place of its receipt, with a note of
 *         the receipt; a start after a crash between the two records the receipt, before any flow
 * Threads change_record() from any; the recorder's operations run on its thread
 */
#ifndef SLUIS_FLOW_CHANGE_H
#define SLUIS_FLOW_CHANGE_H

#include "ledger/recorder.h"
#include "store/pushes.h"
#include "store/uses.h"

/* What the recorder's thread reads of the store. */
struct change_memory {
    struct store *store;
    struct store_reader *reader;
};

/* For record.demand, on the recorder's way: what a flow needs to be in the store first. */
struct flow_demand {
    int64_t time_s;
    size_t n_allowances, n_room; /* they are charged, and filled in, by store_charge() */
    struct store_allowance *allowances;
    struct store_push *push; /* a push: its note is made, or with its outcome ended; or NULL */
    bool is_double;          /* out: of a push that was denied, there is one under the same key */
};

/* For record.change; on the recorder's way. */
struct change {
    struct store_change *policy; /* one of the two */
    struct store_erasure *erasure;
    uint64_t number; /* once it is committed: see store_put_policy() */
};

/* What the recorder asks of the store; `memory` must outlive the recorder. */
struct recorder_ops change_recorder_ops(struct change_memory *memory);

/* Submits, and waits until the recorder hands it back. SL_ESTORE: it can't take it now. */
SL_NODISCARD enum sl_err change_record(struct recorder *recorder, struct record *record);

/*
 * Receipts of changes that a crash left out: the change is in the store, its receipt is not in the
 * ledger. Found before recorder_start(), recorded right after it, before any flow.
 */
struct change_missing;
SL_NODISCARD enum sl_err change_missing_find(struct store *store, uint64_t n_recorded,
                                             struct change_missing **out);
/* How many they are. */
uint64_t change_missing_count(const struct change_missing *list);
SL_NODISCARD enum sl_err change_missing_record(struct change_missing *list,
                                               struct recorder *recorder);
void change_missing_free(struct change_missing *list);
SL_DEFINE_AUTO(change_missing, change_missing_free)

#endif
