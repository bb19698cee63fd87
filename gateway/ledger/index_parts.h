/*
 * index_parts.h - the index's own state, shared by its two files and by nobody else
 */
#ifndef SLUIS_LEDGER_INDEX_PARTS_H
#define SLUIS_LEDGER_INDEX_PARTS_H

#include "ledger/index.h"

#include <lmdb.h>
#include <pthread.h>

/* Of one environment; a few more than there are, for who adds one. */
enum { INDEX_DATABASES_MAX = 12 };

struct index_databases {
    MDB_dbi meta, batches, counters, hashes;
    MDB_dbi starts[2], asked[2]; /* of even and of odd epochs; see index_epoch.h */
};

struct ledger_index {
    MDB_env *env;
    struct index_databases databases;
    MDB_txn *reading; /* the writer's own, reset between reads */
    MDB_txn *writing;
    int writing_err;
    pthread_mutex_t pending_lock; /* readers look into it */
    struct index_pending pending;
    struct index_problem problem;
};

MDB_val index_val(struct slice bytes);
struct slice index_slice(MDB_val value);
/* Gives SL_ESTORE back. */
enum sl_err index_fail(struct index_problem *problem, const char *format, ...) SL_PRINTF(2, 3);

/* The databases of an environment; flags as for mdb_dbi_open(). An LMDB error or 0. */
int index_open_databases(MDB_txn *txn, unsigned flags, struct index_databases *out);
/* The state as of a transaction. *found is false when there is none. */
SL_NODISCARD enum sl_err index_read_state(MDB_txn *txn, const struct index_databases *databases,
                                          struct index_problem *problem, struct index_state *out,
                                          bool *found);
/* A hash by its position. */
SL_NODISCARD enum sl_err index_read_hash(MDB_txn *txn, const struct index_databases *databases,
                                         struct index_problem *problem, uint64_t position,
                                         uint8_t hash[SHA256_BYTES], bool *found);

#endif
