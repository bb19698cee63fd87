/*
 * erase.c - nothing of a subject is left for anyone who reads the store
 *
 *     begin ── name, accounts, every version, counts, the record with the key ── count ── note ──
 * commit
 *
 * One transaction, like any other change: it is all gone, or none of it. That is what a flow sees,
 * and what a partner sees. The bytes are another matter: LMDB copies on write, and what was deleted
 * lies in pages that are free until something else happens to need them. So the same transaction
 * counts one more debt, and rewrite.c pays it.
 */
#include "store/env.h"

#include "base/reader.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static int forget(MDB_txn *txn, MDB_dbi dbi, struct slice bytes)
{
    MDB_val key = val_of(bytes);
    int code = mdb_del(txn, dbi, &key, NULL);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

static int forget_accounts(struct generation *generation, MDB_txn *txn, struct slice accounts)
{
    struct reader reader = reader_over(accounts);
    struct slice app, user;
    int code = 0;
    while (code == 0 && record_account_next(&reader, &app, &user)) {
        uint8_t bytes[RECORD_ACCOUNT_BYTES];
        struct writer key = writer_over(bytes, sizeof bytes);
        record_account_key_write(user, app, &key);
        code = forget(txn, generation->accounts, writer_slice(&key));
    }
    return code;
}

static int forget_history(struct generation *generation, MDB_txn *txn,
                          const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, generation->history, &cursor);
    if (code != 0)
        return code;
    uint8_t first[RECORD_KEY_BYTES], at[STORE_SUBJECT_ID_BYTES];
    uint64_t version;
    record_key_write(id, 0, first);
    for (;;) {
        MDB_val key = {sizeof first, first};
        MDB_val value;
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (code != 0 || !record_key_read(slice_of_val(key), at, &version) ||
            memcmp(at, id, sizeof at) != 0)
            break;
        code = mdb_cursor_del(cursor, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

int erase_records(struct generation *generation, MDB_txn *txn,
                  const uint8_t id[STORE_SUBJECT_ID_BYTES], const struct record_live *live)
{
    int code = forget(txn, generation->names, live->name);
    if (code == 0)
        code = forget_accounts(generation, txn, live->accounts);
    if (code == 0)
        code = forget_history(generation, txn, id);
    if (code == 0)
        code = uses_forget(generation, txn, id);
    if (code == 0)
        code = pushes_forget(generation, txn, id);
    if (code == 0)
        code = forget(txn, generation->live, slice_of(id, STORE_SUBJECT_ID_BYTES));
    return code;
}

static int erase_in(struct store *store, MDB_txn *txn, const struct store_erasure *erasure)
{
    uint8_t *copy = NULL;
    struct record_live live = {0};
    int code = write_get_live(store->now, txn, erasure->id, &copy, &live);
    if (code != 0)
        return code == MDB_NOTFOUND ? STORE_CODE_UNKNOWN : code;
    if (live.version != erasure->expected_version)
        code = STORE_CODE_CONFLICT;
    if (code == 0)
        code = erase_records(store->now, txn, erasure->id, &live);
    OPENSSL_cleanse(copy, record_live_bytes(&live));
    free(copy);
    OPENSSL_cleanse(&live, sizeof live);
    return code;
}

/* The notes of all changes before it name subjects, and are done. */
static int leave_note(struct store *store, MDB_txn *txn, struct slice note, uint64_t *number)
{
    int code = meta_count_change(store, txn, number);
    if (code == 0)
        code = mdb_drop(txn, store->now->pending, 0);
    if (code == 0)
        code = pending_put(store, txn, *number, note);
    return code;
}

enum sl_err store_erase(struct store *store, const struct store_erasure *erasure, uint64_t *number)
{
    STORE_LOCK(store);
    store_touch(store, erasure->id);
    SL_AUTO(MDB_txn) txn = NULL;
    uint64_t counted = 0;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = erase_in(store, txn, erasure);
    if (code == 0)
        code = leave_note(store, txn, erasure->pending, &counted);
    for (size_t i = 0; code == 0 && i < erasure->n_heads; i++)
        code = heads_put(store, txn, &erasure->heads[i]);
    if (code == 0)
        code = meta_owe_rewrite(store, txn);
    if (code == 0)
        code = write_commit(store, &txn);
    if (code != 0)
        return store_refuse(store, code, "erase a subject", erasure->why);
    *number = counted;
    return SL_OK;
}
