/*
 * account.c - what a subject is called at each app, and that no two share a name there
 *
 * A subject's user name at an app is the account that was set, or else its own name. Two subjects
 * with one user name would be one person to the app: the consent of the first would open the data
 * of the second. So the database `accounts` holds each account under user and app, next to the
 * list in the subject's record, in the same transaction:
 *
 *     user name wanted at an app by a subject
 *       set there by another subject?                                   -> taken
 *       the name of another subject that has no account set there?      -> taken
 *     name of a new subject
 *       set at any app by anyone?                                       -> taken
 *
 * Who removes an account falls back to its own name, so that one must be free there too: while the
 * account was set, another subject could take it.
 *
 * Names are compared byte by byte. An app that takes "Lotte" and "lotte" for one user needs
 * accounts that are set with that in mind.
 */
#include "store/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct slice key_of(struct slice user, struct slice app, uint8_t key[RECORD_ACCOUNT_BYTES])
{
    struct writer writer = writer_over(key, RECORD_ACCOUNT_BYTES);
    record_account_key_write(user, app, &writer);
    SL_ASSERT(!writer.overflow);
    return writer_slice(&writer);
}

/* Whoever has `user` set at `app` must be the subject itself. */
static int check_set(struct store *store, MDB_txn *txn, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                     struct slice app, struct slice user)
{
    uint8_t bytes[RECORD_ACCOUNT_BYTES];
    MDB_val key = val_of(key_of(user, app, bytes));
    MDB_val owner;
    int code = mdb_get(txn, store->now->accounts, &key, &owner);
    if (code != 0)
        return code == MDB_NOTFOUND ? 0 : code;
    bool own = slice_equals(slice_of_val(owner), slice_of(id, STORE_SUBJECT_ID_BYTES));
    return own ? 0 : STORE_CODE_TAKEN;
}

/* A subject with the name `user` must be this one, or have an account set at `app`. */
static int check_default(struct store *store, MDB_txn *txn,
                         const uint8_t id[STORE_SUBJECT_ID_BYTES], struct slice app,
                         struct slice user)
{
    MDB_val key = val_of(user);
    MDB_val named, record;
    int code = mdb_get(txn, store->now->names, &key, &named);
    if (code != 0)
        return code == MDB_NOTFOUND ? 0 : code;
    if (slice_equals(slice_of_val(named), slice_of(id, STORE_SUBJECT_ID_BYTES)))
        return 0;
    code = mdb_get(txn, store->now->live, &named, &record);
    struct record_live live;
    if (code == MDB_NOTFOUND || (code == 0 && !record_live_read(slice_of_val(record), &live)))
        return MDB_CORRUPTED;
    if (code != 0)
        return code;
    return record_account_find(live.accounts, app).n > 0 ? 0 : STORE_CODE_TAKEN;
}

int account_check_new_name(struct store *store, MDB_txn *txn, struct slice name)
{
    uint8_t bytes[RECORD_ACCOUNT_BYTES];
    struct slice first = key_of(name, slice_of(NULL, 0), bytes);
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, store->now->accounts, &cursor);
    if (code != 0)
        return code;
    MDB_val key = val_of(first);
    MDB_val owner;
    code = mdb_cursor_get(cursor, &key, &owner, MDB_SET_RANGE);
    bool taken = code == 0 && key.mv_size > first.n && memcmp(key.mv_data, first.p, first.n) == 0;
    mdb_cursor_close(cursor);
    if (taken)
        return STORE_CODE_TAKEN;
    return code == MDB_NOTFOUND ? 0 : code;
}

static int forget(struct store *store, MDB_txn *txn, struct slice app, struct slice user)
{
    if (user.n == 0)
        return 0;
    uint8_t bytes[RECORD_ACCOUNT_BYTES];
    MDB_val key = val_of(key_of(user, app, bytes));
    int code = mdb_del(txn, store->now->accounts, &key, NULL);
    return code == MDB_NOTFOUND ? MDB_CORRUPTED : code;
}

static int keep(struct store *store, MDB_txn *txn, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                struct slice app, struct slice user)
{
    if (user.n == 0)
        return 0;
    uint8_t bytes[RECORD_ACCOUNT_BYTES];
    MDB_val key = val_of(key_of(user, app, bytes));
    MDB_val owner = val_of(slice_of(id, STORE_SUBJECT_ID_BYTES));
    return mdb_put(txn, store->now->accounts, &key, &owner, MDB_NOOVERWRITE);
}

/* The subject's own list, in a block large enough for one more. */
static int replace_in_record(struct store *store, MDB_txn *txn,
                             const uint8_t id[STORE_SUBJECT_ID_BYTES], struct record_live *live,
                             struct slice app, struct slice user)
{
    size_t cap = live->accounts.n + 2 + app.n + user.n;
    uint8_t *block = malloc(cap);
    if (!block)
        return ENOMEM;
    struct writer writer = writer_over(block, cap);
    record_accounts_write(live->accounts, app, user, &writer);
    SL_ASSERT(!writer.overflow);
    live->accounts = writer_slice(&writer);
    int code = MDB_MAP_FULL;
    if (live->accounts.n <= STORE_ACCOUNTS_BYTES_MAX)
        code = write_put_live(store->now, txn, id, live);
    free(block);
    return code;
}

static int set_in(struct store *store, MDB_txn *txn, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                  struct slice app, struct slice user)
{
    uint8_t *copy = NULL;
    struct record_live live;
    int code = write_get_live(store->now, txn, id, &copy, &live);
    if (code != 0)
        return code == MDB_NOTFOUND ? STORE_CODE_UNKNOWN : code;
    struct slice old = record_account_find(live.accounts, app);
    struct slice wanted = user.n > 0 ? user : live.name;
    code = check_set(store, txn, id, app, wanted);
    if (code == 0)
        code = check_default(store, txn, id, app, wanted);
    if (code == 0)
        code = forget(store, txn, app, old);
    if (code == 0)
        code = keep(store, txn, id, app, user);
    if (code == 0)
        code = replace_in_record(store, txn, id, &live, app, user);
    free(copy);
    return code;
}

enum sl_err store_set_account(struct store *store, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                              struct slice app, struct slice user, enum store_refusal *why)
{
    if (app.n > STORE_APP_BYTES_MAX || user.n > STORE_USER_BYTES_MAX)
        return SL_ELIMIT;
    STORE_LOCK(store);
    if (app.n == 0 || (user.n > 0 && !store_name_is_safe(user)))
        return store_refuse(store, STORE_CODE_UNSAFE, "set an account", why);
    store_touch(store, id);
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = set_in(store, txn, id, app, user);
    if (code == 0)
        code = write_commit(store, &txn);
    return code == 0 ? SL_OK : store_refuse(store, code, "set an account", why);
}
