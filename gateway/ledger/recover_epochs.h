/*
 * recover_epochs.h - where epochs ended, for a start that reads receipts again
 *
 * Shape   the heads of an epoch come some time after its end, too late for who counts in one pass.
 *         So the lists in the ledger's folder are asked first where the last two epochs ended; the
 *         ledger then says whether that was right. If it was not, all is counted once more with
 *         what the ledger said.
 * Trust   the lists: none
 * Owns    nothing
 */
#ifndef SLUIS_LEDGER_RECOVER_EPOCHS_H
#define SLUIS_LEDGER_RECOVER_EPOCHS_H

#include "ledger/epoch.h"

enum { RECOVER_ENDS_MAX = 2 };

struct recover_epochs {
    size_t n_ends, next_end; /* where epochs may have ended, in order */
    struct recover_end {
        uint64_t epoch, first, end;
    } ends[RECOVER_ENDS_MAX];
    /* Was counting begun exactly where the epoch began? */
    bool running_is_exact, closing_is_exact;
    unsigned stale; /* bit 0: what the index keeps of even epochs, bit 1: of odd ones */
    bool has_heads; /* the last heads that were read */
    struct recover_end last_heads;
};

/* Counting goes on from an index. The lists are those in the ledger's folder. */
void recover_epochs_init(struct recover_epochs *epochs, const char *folder, struct slice origin);
/* Counting begins anew, and the last heads are known. */
void recover_epochs_again(struct recover_epochs *epochs);

/* A batch begins with receipt `first`: does an epoch end there? */
bool recover_epochs_end_at(struct recover_epochs *epochs, const struct epochs *state,
                           uint64_t first);
/* It ends. All receipts before have been counted and saved. */
void recover_epochs_end(struct recover_epochs *epochs, struct epochs *state);
void recover_epochs_take_heads(struct recover_epochs *epochs, struct epochs *state,
                               const struct leaf_heads *heads);
/* Nothing more comes. False: what was counted since the last epochs' ends is not right. */
bool recover_epochs_are_exact(const struct recover_epochs *epochs, const struct epochs *state);

#endif
