/*
 * env.h - what the files of this folder share: the store, its generation, its failures
 */
#ifndef SLUIS_STORE_ENV_H
#define SLUIS_STORE_ENV_H

#include "store/generation.h"
#include "store/record.h"
#include "store/store.h"

#include <stdatomic.h>
#include <string.h>

struct store {
    /* Written with the lock held; read with the lock, or by a reader that is seized (read.c). */
    struct generation *_Atomic now;
    bool read_only;
    const char *folder, *key_file;
    struct generation *leaving; /* replaced, but not empty yet; the rewriting thread's own */
    _Atomic bool low;           /* see reserve.c */

    pthread_mutex_t readers_lock; /* of the list alone */
    struct store_reader *readers;

    pthread_mutex_t lock; /* of all below; held for a whole write */
    MDB_txn *batch;       /* NULL, or begun by the recorder's thread, which has the lock; uses.c */
    uint64_t n_durable;   /* changes whose receipts are; notes up to there are done */
    bool broken; /* nobody knows which of two copies a restart would find: no more writes */
    char failure[sizeof(struct store_problem)];

    /* While a rewrite copies: whose records have changed since it began. */
    bool copying, touched_lost;
    uint8_t (*touched)[STORE_SUBJECT_ID_BYTES];
    size_t n_touched, cap_touched;
};

/* Holds the lock from here to the end of the block. */
static inline struct store *store_locked(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    return store;
}

static inline void store_lock_auto_cleanup(struct store **store)
{
    pthread_mutex_unlock(&(*store)->lock);
}
#define STORE_LOCK(of)                                                                             \
    __attribute__((cleanup(store_lock_auto_cleanup), unused)) struct store *locked =               \
        store_locked(of)

static inline MDB_val val_of(struct slice bytes)
{
    return (MDB_val){bytes.n, (void *)(uintptr_t)bytes.p};
}

static inline struct slice slice_of_val(MDB_val val)
{
    return slice_of(val.mv_data, val.mv_size);
}

void store_say(struct store_problem *problem, const char *format, ...) SL_PRINTF(2, 3);
/* The kind of an LMDB or errno code. */
enum sl_err store_err(int code);
/* Also keeps the text for store_failure(); with the lock held. `doing`: "write a policy". */
enum sl_err store_fail(struct store *store, int code, const char *doing);

/* Refusals, beside the codes of LMDB (below -30000) and errno (above 0) until they leave here. */
enum {
    STORE_CODE_CONFLICT = -1,
    STORE_CODE_TAKEN = -2,
    STORE_CODE_UNSAFE = -3,
    STORE_CODE_UNKNOWN = -4,
};
/* SL_EMALFORMED with *why (unless NULL) for a refusal; else as store_fail(). With the lock held. */
enum sl_err store_refuse(struct store *store, int code, const char *doing, enum store_refusal *why);

/*
 * One write, with the lock held: begun with the notes of durable receipts deleted already, see
 * pending.c. Committing takes the transaction over, whatever comes of it, and leaves NULL. LMDB or
 * errno codes.
 */
int write_begin(struct store *store, MDB_txn **out);
int write_commit(struct store *store, MDB_txn **txn);
int pending_forget(struct store *store, MDB_txn *txn);
/* Takes the lock. */
bool pending_is_done(struct store *store, uint64_t number);
/* *number: the change's own, from 1. */
int meta_count_change(struct store *store, MDB_txn *txn, uint64_t *number);
/* One more write that left bytes in free pages. */
int meta_owe_rewrite(struct store *store, MDB_txn *txn);
int meta_n_owed(const struct generation *generation, MDB_txn *txn, uint64_t *n_owed);
/* All but what belongs to the generation itself, with `n_paid` less owed. */
int meta_copy(const struct generation *from, MDB_txn *in, const struct generation *to, MDB_txn *out,
              uint64_t n_paid);
/* All records of a subject, which *live is of; it must not point into this transaction's pages. */
int erase_records(struct generation *generation, MDB_txn *txn,
                  const uint8_t id[STORE_SUBJECT_ID_BYTES], const struct record_live *live);
/*
 * For the recorder's thread: what is written to store->batch until it is committed. Takes the lock
 * with it, when it begins one; on failure, a code, it has none.
 */
int store_batch_open(struct store *store);
/* All notes of a subject's pushes. */
int pushes_forget(struct generation *generation, MDB_txn *txn,
                  const uint8_t id[STORE_SUBJECT_ID_BYTES]);
/* All that was counted of a subject. */
int uses_forget(struct generation *generation, MDB_txn *txn,
                const uint8_t id[STORE_SUBJECT_ID_BYTES]);
/*
 * Remembers that a subject's records are being changed, for a rewrite that is under way; with the
 * lock held.
 */
void store_touch(struct store *store, const uint8_t id[STORE_SUBJECT_ID_BYTES]);
/* What the list of an epoch will need of a subject that is erased; see heads.c. */
int heads_put(struct store *store, MDB_txn *txn, const struct store_head *head);
/* The note of a change; its number, with which `pending` is sorted. */
int pending_put(struct store *store, MDB_txn *txn, uint64_t number, struct slice note);
/* STORE_CODE_TAKEN when `name` is an account that someone has set at any app. */
int account_check_new_name(struct store *store, MDB_txn *txn, struct slice name);

/* Into the place that LMDB makes for it; `live` must not point into this transaction's pages. */
int write_put_live(struct generation *generation, MDB_txn *txn,
                   const uint8_t id[STORE_SUBJECT_ID_BYTES], const struct record_live *live);
/* The record of a subject, copied out of the pages: *copy owns what *live points to. */
int write_get_live(struct generation *generation, MDB_txn *txn,
                   const uint8_t id[STORE_SUBJECT_ID_BYTES], uint8_t **copy,
                   struct record_live *live);

/* Keeps blocks allocated behind the pages in use; for the writer, outside of a transaction. */
void reserve_keep(struct store *store);
/* False when there was no room for them. */
bool reserve_fill(struct generation *generation);
/* Before LMDB opens the folder, and never while this process has it open. 0, or the errno. */
int reserve_lock_file(int folder_fd);
bool reserve_disk_is_full(struct store *store);

#endif
