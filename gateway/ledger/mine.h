/*
 * mine.h - a subject's own receipts in a ledger, by its key: which they are, and is any missing?
 *
 * Shape   fed with every receipt of a ledger, in order, and with the list of each epoch when its
 *         heads come by; both proven by the caller. Gives back each receipt's number, and what
 *         does not add up.
 * Memory  eight bytes for each of the subject's receipts since the last heads, and a few kilobytes
 * Owns    its arrays. It holds the subject's key: free it, which wipes it
 * Spec    docs/formats/ledger.md, "Heads"; docs/formats/receipt.md, "Whose it is"
 */
#ifndef SLUIS_LEDGER_MINE_H
#define SLUIS_LEDGER_MINE_H

#include "ledger/heads_file.h"

struct mine;

SL_NODISCARD enum sl_err mine_new(const uint8_t key[32], struct mine **out);
void mine_free(struct mine *mine);
SL_DEFINE_AUTO(mine, mine_free)

/* What does not add up. */
enum mine_fault_kind {
    MINE_MISSING,     /* the receipts with numbers from `first` to `last` are not in the ledger */
    MINE_OUT_OF_TURN, /* number `first` comes once more, or after higher ones */
    MINE_TOO_FEW,     /* the heads account for more receipts than there are: */
    MINE_TOO_MANY,    /* for fewer, or for none although there are some: */
                      /* `first` by the heads, `last` in the ledger */
};
struct mine_fault {
    enum mine_fault_kind kind;
    uint64_t epoch; /* MINE_TOO_FEW, MINE_TOO_MANY */
    uint64_t index; /* of the receipt where it was noticed */
    uint64_t first, last;
};

/*
 * The next receipt of the ledger. *is_mine and *number say whether it is the subject's. A fault
 * that comes to light is appended to the others. SL_EINTERNAL: out of memory.
 */
SL_NODISCARD enum sl_err mine_take(struct mine *mine, uint64_t index, const struct leaf *leaf,
                                   bool *is_mine, uint64_t *number);
/*
 * The heads that are the receipt at `index`, and their list, which was checked. HEADS_UNREADABLE
 * with file->problem, or without: then memory ran out.
 */
SL_NODISCARD enum heads_check mine_take_heads(struct mine *mine, uint64_t index,
                                              const struct leaf_heads *heads,
                                              struct heads_file *file);

struct mine_result {
    uint64_t n_found;                   /* receipts of the subject */
    uint64_t n_epochs, n_epochs_active; /* with heads; of them, with receipts of the subject */
    uint64_t end;                       /* of the last epoch: what comes before it is covered */
    int64_t end_time_ms;                /* when its heads were recorded */
    uint64_t n_newer;                   /* of n_found, those that are not covered yet */
    /* Of the last epoch without receipts of the subject: how many entries come before its label. */
    bool has_absence;
    uint64_t absent_epoch, absent_after, absent_entries;
    bool erased;     /* the last of them is an erasure */
    size_t n_faults; /* in `faults` */
    const struct mine_fault *faults;
};
/* Lives as long as `mine`, up to the next call. */
struct mine_result mine_result(const struct mine *mine);
/* One clause. */
void mine_fault_write(const struct mine_fault *fault, struct writer *writer);

#endif
