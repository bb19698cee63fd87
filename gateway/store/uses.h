/*
 * uses.h - how often something was used within a window of time: consents with `at_most`, partners
 *          with a budget of flows
 *
 * Shape   a row for each owner and window, with its count. What counts against an allowance is
 *         every row of its owner and period whose window overlaps its own: almost always that is
 *         the one row of the same window. After a change of time zone it may be two; then what was
 *         used is counted in both rather than in none
 * Threads store_charge() and store_batch_commit() are for the recorder's thread; store_uses_read()
 *         for a reader's
 * Errors  as in store.h
 *
 * Charges are made in the store's batch: one transaction, begun by the first charge after the last
 * commit, which keeps the store's lock until store_batch_commit(). Nothing else may be written from
 * this thread meanwhile. What a batch holds is seen by the charges after it, and by readers once it
 * is committed.
 */
#ifndef SLUIS_STORE_USES_H
#define SLUIS_STORE_USES_H

#include "store/store.h"

enum { STORE_OWNER_BYTES = 32 };

/* One who may use something so often: both ids are hashed where they are longer. */
enum store_owner_kind { STORE_OWNER_CONSENT, STORE_OWNER_PARTNER };
struct store_owner {
    enum store_owner_kind kind;
    uint8_t bytes[STORE_OWNER_BYTES];
};
struct store_owner store_owner_of_consent(const uint8_t subject[STORE_SUBJECT_ID_BYTES],
                                          struct slice consent);
struct store_owner store_owner_of_partner(struct slice partner);

struct store_allowance {
    struct store_owner owner;
    uint8_t period;         /* what kind of window; the caller's own numbers */
    int64_t start_s, end_s; /* since 1970, UTC; the end is not in it */
    uint32_t at_most;
    uint32_t n_uses; /* to be charged at once; no two of one owner and window are charged at once */
    uint32_t n_used; /* out */
};

/*
 * Fills in n_used of each. Between store_read() and store_read_end() as of that read; outside, as
 * of now.
 */
SL_NODISCARD enum sl_err store_uses_read(struct store_reader *reader,
                                         struct store_allowance *allowances, size_t n);
/*
 * So many uses of each, for all or for none; fills in n_used, with these. SL_EMALFORMED: for one of
 * them they are too many, and nothing was charged. SL_ELIMIT: no room. Windows of the same subject or partner that
 * ended an hour before `now_s` are dropped in passing.
 */
SL_NODISCARD enum sl_err store_charge(struct store *store, int64_t now_s,
                                      struct store_allowance *allowances, size_t n);
/* Makes the batch durable; does nothing when none is begun. */
SL_NODISCARD enum sl_err store_batch_commit(struct store *store);

#endif
