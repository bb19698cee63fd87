/*
 * pushes.h - pushes that are under way, and those that ended under an Idempotency-Key of late
 *
 * Shape   a row for each, made in the batch that the push's receipt is written in, before it: so
 *         that a start after a crash knows what was released and how it ended, or that nobody
 * knows. A row with a key stays for STORE_PUSH_KEPT_MS, and answers whoever sends the same again;
 *         one without goes when the same person's next push comes, or at the next start
 * Threads store_push_begin(), _take_back() and _end() are for the recorder's thread, and part of
 *         the store's batch (uses.h); the others for any
 * Errors  as in store.h
 */
#ifndef SLUIS_STORE_PUSHES_H
#define SLUIS_STORE_PUSHES_H

#include "store/store.h"

enum { STORE_PUSH_NAME_BYTES = 16, STORE_PUSH_KEPT_MS = LIMIT_MAX_idempotency_s * 1000 };

struct store_push {
    uint8_t subject[STORE_SUBJECT_ID_BYTES];
    uint8_t name[STORE_PUSH_NAME_BYTES]; /* which of the subject's: of its key, or its index */
    bool has_key;
    uint8_t fingerprint[SHA256_BYTES]; /* with a key: of what was sent */
    uint8_t basis[SHA256_BYTES];
    uint64_t index; /* of its receipt */
    int64_t time_ms;
    /* Once it has ended: how, as its second receipt says, and where that is. */
    bool has_ended;
    uint8_t delivery;
    uint16_t status;
    uint64_t outcome_index;
    int64_t ended_ms;
};

void store_push_name_by_key(struct slice app, struct slice key,
                            uint8_t name[STORE_PUSH_NAME_BYTES]);
void store_push_name_by_index(uint64_t index, uint8_t name[STORE_PUSH_NAME_BYTES]);

/* That of out->subject and out->name, if it is one that still counts at `now_ms`. */
SL_NODISCARD enum sl_err store_push_find(struct store_reader *reader, int64_t now_ms,
                                         struct store_push *out, bool *found);
/*
 * SL_EMALFORMED: there is one of this name that still counts, and nothing was kept. Forgets those
 * of the same person that are over: receipts below n_durable can't be lost any more.
 */
SL_NODISCARD enum sl_err store_push_begin(struct store *store, const struct store_push *push,
                                          uint64_t n_durable);
/* In the same batch, right after: it is not to be after all. */
SL_NODISCARD enum sl_err store_push_take_back(struct store *store, const struct store_push *push);
/* It has ended; its subject may have been erased meanwhile. */
SL_NODISCARD enum sl_err store_push_end(struct store *store, const struct store_push *push);

/* Every one, until visit says false; and dropping one, at once: for a start, before any flow. */
SL_NODISCARD enum sl_err
store_push_each(struct store_reader *reader,
                bool (*visit)(void *context, const struct store_push *push), void *context);
SL_NODISCARD enum sl_err store_push_drop(struct store *store, const struct store_push *push);

#endif
