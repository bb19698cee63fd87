/*
 * epoch.h - which receipts belong to which epoch, and which epochs have their heads already
 *
 *     receipts   | epoch 0 | epoch 1 |  epoch 2   | epoch 3 ...
 *                                    ^ headed_end ^ closing_end
 *     heads in the ledger: 0, 1        2 is closing, 3 is running        n_headed = 2
 *
 * Shape   plain facts. An epoch ends between two batches; the heads of the closing one come some
 *         time later, as a receipt of the epoch that runs then. The next one ends only after that,
 *         so there are never more than these two.
 * Owns    nothing
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_EPOCH_H
#define SLUIS_LEDGER_EPOCH_H

#include "ledger/leaf.h"

struct epochs {
    uint64_t n_headed;   /* with heads in the ledger: 0 to n_headed - 1 */
    uint64_t headed_end; /* where the last of those ends */
    bool is_closing;     /* epoch n_headed, [headed_end, closing_end) */
    uint64_t closing_end;
    uint64_t closing_n;       /* receipts of subjects in it */
    uint64_t running_n;       /* receipts of subjects in the epoch that runs */
    int64_t running_since_ms; /* time of the first of them */
};

uint64_t epochs_running(const struct epochs *epochs);
/* Receipts of subjects, the first of which is of this time. */
void epochs_count(struct epochs *epochs, uint64_t n, int64_t first_time_ms);
/* The running epoch, which has receipts, ends before receipt `end`; none is closing. */
void epochs_close(struct epochs *epochs, uint64_t end);
/* Heads are in the ledger. False when they are not those of the closing epoch. */
bool epochs_take_heads(struct epochs *epochs, const struct leaf_heads *heads);

#endif
