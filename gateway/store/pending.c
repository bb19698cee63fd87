/*
 * pending.c - consent receipts that the ledger may not hold yet
 *
 * A policy change is committed here first, with what its receipt needs, and its receipt follows.
 * After a crash between the two, start-up writes the receipt that is missing. A receipt that
 * became durable needs no transaction of its own: its note is deleted together with the next
 * change, see write.c. If the process ends before that, start-up finds a note whose receipt is in
 * the ledger already, and drops it.
 */
#include "store/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_done(struct store *store, struct slice key)
{
    STORE_LOCK(store);
    for (size_t i = 0; i < store->n_done; i++) {
        if (slice_equals(key, slice_of(store->done[i].key, RECORD_KEY_BYTES)))
            return true;
    }
    return false;
}

/* Without the lock while it visits: the visitor may call store_pending_done(). */
static int visit_all(struct store *store, MDB_cursor *cursor,
                     bool (*visit)(void *context, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                   uint64_t n, struct slice pending),
                     void *context)
{
    MDB_val key, value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0) {
        uint8_t id[STORE_SUBJECT_ID_BYTES];
        uint64_t n;
        if (!record_key_read(slice_of_val(key), id, &n))
            return MDB_CORRUPTED;
        if (!is_done(store, slice_of_val(key)) && !visit(context, id, n, slice_of_val(value)))
            return 0;
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? 0 : code;
}

enum sl_err store_pending_each(struct store *store,
                               bool (*visit)(void *context,
                                             const uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t n,
                                             struct slice pending),
                               void *context)
{
    SL_AUTO(MDB_txn) txn = NULL;
    MDB_cursor *cursor = NULL;
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_cursor_open(txn, store->pending, &cursor);
    if (code == 0)
        code = visit_all(store, cursor, visit, context);
    if (cursor)
        mdb_cursor_close(cursor);
    if (code == 0)
        return SL_OK;
    STORE_LOCK(store);
    return store_fail(store, code, "read the pending receipts");
}

int pending_forget(struct store *store, MDB_txn *txn)
{
    for (size_t i = 0; i < store->n_done; i++) {
        MDB_val key = {RECORD_KEY_BYTES, store->done[i].key};
        int code = mdb_del(txn, store->pending, &key, NULL);
        if (code != 0 && code != MDB_NOTFOUND)
            return code;
    }
    return 0;
}

static bool has_room(struct store *store)
{
    if (store->n_done < store->cap_done)
        return true;
    size_t cap = store->cap_done ? 2 * store->cap_done : 8;
    struct store_done *done = realloc(store->done, cap * sizeof *done);
    if (!done)
        return false;
    store->done = done;
    store->cap_done = cap;
    return true;
}

enum sl_err store_pending_done(struct store *store, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                               uint64_t n, bool now)
{
    STORE_LOCK(store);
    if (!has_room(store))
        return SL_EINTERNAL;
    record_key_write(id, n, store->done[store->n_done++].key);
    if (!now)
        return SL_OK;
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = write_commit(store, &txn);
    return code == 0 ? SL_OK : store_fail(store, code, "note that a receipt is durable");
}
