/*
 * rewrite.c - what was erased leaves no bytes behind
 *
 * LMDB copies on write: what was deleted lies in free pages until they are needed for something
 * else. So the store is written anew, record by record, under a new key-encryption key; the new
 * file and the new key take the names of the old ones; then the old ones are wiped. Nothing that
 * anybody kept of the old file can be opened with the new key, and the old key is gone.
 *
 *               keys/kek.key  kek.key.aside   store/  store.aside/
 *     settle      K1                            S1                      wipe what is aside
 *     copy        K1            K2              S1        S2 ...        flows and changes go on
 *     catch up    K1            K2              S1        S2            subjects that changed
 *     ---- with the store's lock: changes wait ----
 *     last        K1            K2              S1        S2            synced, with its reserve
 *     exchange    K2            K1              S1        S2            keys first ..
 *     exchange    K2            K1              S2        S1            .. then the store
 *     ---- readers move over as they begin to read ----
 *     settle      K2                            S2                      wipe what is aside
 *
 * A crash at any point leaves a store/ and, under one of two names, the key that opens it
 * (store.c tries both): "settle" gives the key its name back, and wipes the rest. So a rewrite that
 * did not get as far as the second exchange never was, and one that did is finished by the next
 * start. How much is owed is counted in the store itself (`meta`), and not carried over.
 *
 * When a folder can't be synced after the second exchange, nobody knows which of two stores a
 * restart would find. They hold the same as long as nothing more is written: so nothing is.
 */
#include "store/copy.h"
#include "store/settle.h"

#include "base/private_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct rewrite {
    struct store *store;
    struct store_rewriting *run;
    struct store_problem *problem;
    struct names names;
    uint64_t n_owed;
    struct generation *next;
    struct copying copying;
    uint8_t (*ids)[STORE_SUBJECT_ID_BYTES]; /* that changed meanwhile */
    size_t n_ids;
};

static enum sl_err settle_now(struct rewrite *r)
{
    return settle(r->store, &r->names, &r->run->stop, r->problem);
}

/* --- the next generation --------------------------------------------------------------------- */

/* What is in use, and the reserve; free pages are not copied. */
static int count_bytes(struct rewrite *r, uint64_t *n_bytes)
{
    const struct generation *from = r->copying.from;
    const MDB_dbi databases[] = {from->names,    from->live,         from->history,
                                 from->accounts, from->vocabularies, from->pending,
                                 from->uses,     from->budgets,      from->pushes};
    uint64_t n = 0;
    for (size_t i = 0; i < SL_LENGTH(databases); i++) {
        MDB_stat stat;
        int code = mdb_stat(r->copying.in, databases[i], &stat);
        if (code != 0)
            return code;
        n += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
    }
    *n_bytes = n;
    return 0;
}

static enum sl_err check_places(struct rewrite *r)
{
    int code = place_check(&r->names.key);
    if (code == 0)
        code = place_check(&r->names.folder);
    if (code != EXDEV)
        return code == 0 ? SL_OK : rewrite_fail(r->problem, code, "the store can't be examined");
    store_say(r->problem,
              "%s or %s is a symbolic link, a mount point or a file system of its own: only the "
              "whole state folder may be one, or erased policies can't be wiped",
              r->store->folder, r->store->key_file);
    return SL_ESTORE;
}

static enum sl_err check_room(struct rewrite *r)
{
    uint64_t n_bytes = 0;
    struct statvfs disk;
    int code = count_bytes(r, &n_bytes);
    if (code == 0 && fstatvfs(r->names.folder.parent_fd, &disk) != 0)
        code = errno;
    if (code != 0)
        return rewrite_fail(r->problem, code, "the size of the store can't be told");
    atomic_store(&r->run->n_all_bytes, n_bytes);
    uint64_t n_needed = n_bytes + n_bytes / 8 + 2 * (uint64_t)LIMIT_MAX_store_reserve_bytes;
    uint64_t n_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (n_free >= n_needed)
        return SL_OK;
    store_say(r->problem,
              "no room to write the store anew: about %llu MB are needed beside it, %llu MB are "
              "free; make room on the state folder's disk",
              (unsigned long long)(n_needed >> 20) + 1, (unsigned long long)(n_free >> 20));
    return SL_ELIMIT;
}

static enum sl_err make_key(struct rewrite *r)
{
    uint8_t key[KEYWRAP_KEY_BYTES];
    struct private_file_problem why;
    if (RAND_priv_bytes(key, sizeof key) != 1) {
        store_say(r->problem, "no random bytes for a key-encryption key");
        return SL_EINTERNAL;
    }
    enum sl_err err = private_file_create(r->names.key_aside, slice_of(key, sizeof key), &why);
    OPENSSL_cleanse(key, sizeof key);
    if (err != SL_OK)
        store_say(r->problem, "%s", why.text);
    return err;
}

static enum sl_err make_next(struct rewrite *r)
{
    SL_TRY(make_key(r));
    if (mkdirat(r->names.folder.parent_fd, r->names.folder.aside, S_IRWXU) != 0)
        return rewrite_fail(r->problem, errno, "the folder of the new store can't be made");
    int code = place_sync(&r->names.folder);
    if (code != 0)
        return rewrite_fail(r->problem, code, "the folder of the new store can't be synced");
    const char *const key_files[] = {r->names.key_aside, NULL};
    size_t key_used = 0;
    SL_TRY(
        generation_open(r->names.folder_aside, key_files, false, r->problem, &key_used, &r->next));
    r->copying.to = r->next;
    code = mdb_env_set_flags(r->next->env, MDB_NOSYNC, 1);
    return code == 0 ? SL_OK : rewrite_fail(r->problem, code, "the new store can't be written");
}

/* --- copy, and catch up ---------------------------------------------------------------------- */

/* With the lock: takes over who changed since the last time, and a snapshot that has the change. */
static int take_touched(struct rewrite *r)
{
    struct store *store = r->store;
    if (store->touched_lost)
        return ENOMEM;
    free(r->ids);
    r->ids = store->touched;
    r->n_ids = store->n_touched;
    store->touched = NULL;
    store->n_touched = store->cap_touched = 0;
    mdb_txn_abort(r->copying.in);
    r->copying.in = NULL;
    return mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &r->copying.in);
}

static int begin_snapshot(struct rewrite *r)
{
    STORE_LOCK(r->store);
    r->store->copying = true;
    r->store->touched_lost = false;
    r->copying.from = r->store->now;
    int code = take_touched(r);
    return code == 0 ? meta_n_owed(r->store->now, r->copying.in, &r->n_owed) : code;
}

/* Until few are left, so that those who wait for the lock wait for little. */
static int catch_up(struct rewrite *r)
{
    enum { ROUNDS = 16, FEW = 32 };
    int code = 0;
    for (int i = 0; i < ROUNDS && code == 0; i++) {
        {
            STORE_LOCK(r->store);
            code = take_touched(r);
        }
        if (code == 0)
            code = copy_again(&r->copying, r->ids, r->n_ids);
        if (code == 0 && r->n_ids <= FEW)
            break;
    }
    return code;
}

static enum sl_err copy(struct rewrite *r)
{
    int code = copy_subjects(&r->copying);
    if (code == 0)
        code = mdb_env_sync(r->next->env, 1);
    if (code == 0)
        code = catch_up(r);
    if (code == 0 && !reserve_fill(r->next))
        code = ENOSPC;
    return code == 0 ? SL_OK : rewrite_fail(r->problem, code, "the store can't be copied");
}

/* --- the exchange ---------------------------------------------------------------------------- */

/* With the lock. */
static int finish_copy(struct rewrite *r)
{
    int code = take_touched(r);
    if (code == 0)
        code = copy_again(&r->copying, r->ids, r->n_ids);
    if (code == 0)
        code = copy_rest(&r->copying, r->n_owed);
    if (code == 0)
        code = mdb_env_set_flags(r->next->env, MDB_NOSYNC, 0);
    if (code == 0)
        code = mdb_env_sync(r->next->env, 1);
    if (code == 0 && !reserve_fill(r->next))
        code = ENOSPC;
    if (code == 0 && fsync(r->next->folder_fd) != 0)
        code = errno;
    return code;
}

/* With the lock. */
static int exchange(struct rewrite *r)
{
    int code = place_exchange(&r->names.key);
    if (code != 0)
        return code;
    code = place_sync(&r->names.key);
    if (code == 0)
        code = place_exchange(&r->names.folder);
    if (code != 0) {
        (void)place_exchange(&r->names.key); /* or the next settle() does it */
        return code;
    }
    code = place_sync(&r->names.folder);
    r->store->broken = code != 0;
    return code;
}

static enum sl_err take_over(struct rewrite *r)
{
    STORE_LOCK(r->store);
    int code = finish_copy(r);
    if (code == 0)
        code = exchange(r);
    if (r->store->broken) {
        store_say(r->problem,
                  "the state folder can't be synced: %s; nothing more is written to "
                  "the store: see the disk, then start again",
                  strerror(code));
        return SL_ESTORE;
    }
    if (code != 0)
        return rewrite_fail(r->problem, code,
                            code == EINVAL || code == ENOSYS
                                ? "this file system can't exchange two names (RENAME_EXCHANGE)"
                                : "the new store can't take the place of the old one");
    mdb_txn_abort(r->copying.in);
    r->copying.in = NULL;
    r->store->leaving = r->store->now;
    r->store->now = r->next;
    r->next = NULL;
    reserve_keep(r->store);
    return SL_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void end_copying(struct rewrite *r)
{
    STORE_LOCK(r->store);
    r->store->copying = false;
    free(r->store->touched);
    r->store->touched = NULL;
    r->store->n_touched = r->store->cap_touched = 0;
    free(r->ids);
    r->ids = NULL;
    mdb_txn_abort(r->copying.in);
    r->copying.in = NULL;
}

static enum sl_err replace(struct rewrite *r)
{
    SL_TRY(check_places(r));
    SL_TRY(check_room(r));
    SL_TRY(make_next(r));
    SL_TRY(copy(r));
    return take_over(r);
}

/* What was begun takes up room that somebody needs: it goes at once, but when there is haste. */
static void undo(struct rewrite *r)
{
    generation_free(r->next);
    r->next = NULL;
    if (!r->store->broken && !atomic_load(&r->run->stop)) {
        struct store_problem why = *r->problem;
        (void)settle_now(r);
        *r->problem = why;
    }
}

static enum sl_err rewrite(struct rewrite *r)
{
    SL_TRY(settle_now(r));
    int code = begin_snapshot(r);
    enum sl_err err = SL_OK;
    if (code != 0)
        err = rewrite_fail(r->problem, code, "the store can't be read");
    else if (r->n_owed > 0)
        err = replace(r);
    end_copying(r);
    if (err != SL_OK)
        undo(r);
    else if (r->n_owed > 0)
        err = settle_now(r);
    return err;
}

enum sl_err store_rewrite(struct store *store, struct store_rewriting *run,
                          struct store_problem *problem)
{
    SL_ASSERT(!store->read_only);
    struct rewrite r = {.store = store, .run = run, .problem = problem, .copying = {.run = run}};
    store_say(problem, "out of memory");
    atomic_store(&run->n_done_bytes, 0);
    atomic_store(&run->n_all_bytes, 0);
    if (store->broken) {
        store_say(problem, "the store is not written any more: see the disk, then start again");
        return SL_ESTORE;
    }
    enum sl_err err = names_open(store, &r.names, problem);
    if (err == SL_OK)
        err = rewrite(&r);
    names_close(&r.names);
    if (err == SL_OK)
        problem->text[0] = '\0';
    return err;
}

void store_touch(struct store *store, const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    if (!store->copying || store->touched_lost)
        return;
    if (store->n_touched == store->cap_touched) {
        size_t cap = store->cap_touched ? 2 * store->cap_touched : 64;
        void *grown = realloc(store->touched, cap * sizeof *store->touched);
        store->touched_lost = !grown;
        if (!grown)
            return;
        store->touched = grown;
        store->cap_touched = cap;
    }
    memcpy(store->touched[store->n_touched++], id, STORE_SUBJECT_ID_BYTES);
}
