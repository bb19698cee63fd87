/*
 * generation.h - one LMDB environment of the store, and the key that its records are wrapped under
 *
 * Shape   a store has one generation that is in force; rewriting makes the next one
 * Owns    the environment, the wrapping key, and a shared lock on the folder, which tells whoever
 *         wants to wipe the folder that it is in use, in this process or another
 * Threads wrapping and unwrapping from any; the rest as LMDB has it
 * Errors  with a text in store_problem; or LMDB or errno codes, where that is said
 */
#ifndef SLUIS_STORE_GENERATION_H
#define SLUIS_STORE_GENERATION_H

#include "store/keywrap.h"
#include "store/store.h"

#include <lmdb.h>
#include <pthread.h>

struct generation {
    int folder_fd;
    bool read_only;
    bool range_allocated; /* the reserve was filled since opening; see reserve.c */
    MDB_env *env;
    MDB_dbi names, live, history, pending, accounts, vocabularies, uses, budgets, pushes, meta;
    pthread_mutex_t keywrap_lock;
    struct keywrap *keywrap;
};

SL_DEFINE_AUTO(MDB_txn, mdb_txn_abort)

/*
 * Opens what is in `folder`, or, unless read_only, makes an empty store there. `key_files`, ended
 * by NULL: the first one that holds the store's key is taken, and *key_used is its place; an empty
 * store gets the first. SL_ETIMEOUT: the folder was exchanged meanwhile; try again.
 */
SL_NODISCARD enum sl_err generation_open(const char *folder, const char *const *key_files,
                                         bool read_only, struct store_problem *problem,
                                         size_t *key_used, struct generation **out);
/* Nobody may read in it any more. */
void generation_free(struct generation *generation);
SL_DEFINE_AUTO(generation, generation_free)

/* Whether the key in `file` is this generation's; a file that is none has not. */
SL_NODISCARD enum sl_err generation_key_is(struct generation *generation, const char *file,
                                           bool *is);
SL_NODISCARD enum sl_err generation_wrap(struct generation *generation,
                                         const uint8_t key[KEYWRAP_KEY_BYTES],
                                         uint8_t wrapped[KEYWRAP_WRAPPED_BYTES]);
/* SL_EMALFORMED: not wrapped under this generation's key. */
SL_NODISCARD enum sl_err generation_unwrap(struct generation *generation,
                                           const uint8_t wrapped[KEYWRAP_WRAPPED_BYTES],
                                           uint8_t key[KEYWRAP_KEY_BYTES]);

/* 16 GiB of address space, and no more than that of data. */
#define STORE_MAP_BYTES ((size_t)1 << 34)
enum { STORE_READERS_MAX = 512 };

#endif
