/*
 * copy.c - record by record, in the order of the keys
 *
 * LMDB can copy a file and leave the free pages out; but a page that is in use holds remains, too,
 * of records that were deleted from it, and every key has to be wrapped anew. So records are read
 * and put one after the other: what was never put is nowhere in the new file.
 *
 *     names ─────────────▶ as it is
 *     live ──────────────▶ K_s unwrapped, wrapped under the new key; the rest as it is
 *     history, accounts,
 *     uses, budgets, pushes ─▶ as they are
 *
 * Transactions are committed every few megabytes, and none is synced: whoever copies syncs once.
 */
#include "store/copy.h"

#include "base/reader.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { COMMIT_BYTES = 8 << 20 };

static int commit(struct copying *copying)
{
    int code = mdb_txn_commit(copying->out);
    copying->out = NULL;
    copying->n_uncommitted_bytes = 0;
    return code;
}

static int begin(struct copying *copying)
{
    return copying->out ? 0 : mdb_txn_begin(copying->to->env, NULL, 0, &copying->out);
}

/* The end of a step: all that was put is committed, or nothing of what was not yet. */
static int end(struct copying *copying, int code)
{
    if (code == 0 && copying->out)
        return commit(copying);
    mdb_txn_abort(copying->out);
    copying->out = NULL;
    return code;
}

/* Counts a record that was put, and commits when that makes enough. */
static int put_done(struct copying *copying, size_t n_bytes)
{
    copying->n_uncommitted_bytes += n_bytes;
    atomic_fetch_add_explicit(&copying->run->n_done_bytes, n_bytes, memory_order_relaxed);
    if (atomic_load_explicit(&copying->run->stop, memory_order_relaxed))
        return ECANCELED;
    return copying->n_uncommitted_bytes < COMMIT_BYTES ? 0 : commit(copying);
}

static int put_as_it_is(struct copying *copying, MDB_dbi to, MDB_val key, MDB_val value,
                        unsigned flags)
{
    int code = begin(copying);
    if (code == 0)
        code = mdb_put(copying->out, to, &key, &value, flags);
    return code == 0 ? put_done(copying, key.mv_size + value.mv_size) : code;
}

/* Under the new key. */
static int put_live(struct copying *copying, MDB_dbi to, MDB_val key, MDB_val value, unsigned flags)
{
    struct record_live live;
    uint8_t subject_key[STORE_SUBJECT_KEY_BYTES];
    if (!record_live_read(slice_of_val(value), &live) ||
        generation_unwrap(copying->from, live.wrapped_key, subject_key) != SL_OK)
        return MDB_CORRUPTED;
    enum sl_err err = generation_wrap(copying->to, subject_key, live.wrapped_key);
    OPENSSL_cleanse(subject_key, sizeof subject_key);
    if (err != SL_OK)
        return ENOMEM;
    MDB_val place = {record_live_bytes(&live), NULL};
    int code = begin(copying);
    if (code == 0)
        code = mdb_put(copying->out, to, &key, &place, flags | MDB_RESERVE);
    if (code != 0)
        return code;
    struct writer writer = writer_over(place.mv_data, place.mv_size);
    record_live_write(&live, &writer);
    SL_ASSERT(!writer.overflow && writer.n == place.mv_size);
    return put_done(copying, key.mv_size + place.mv_size);
}

typedef int put_function(struct copying *copying, MDB_dbi to, MDB_val key, MDB_val value,
                         unsigned flags);

static int copy_database(struct copying *copying, MDB_dbi from, MDB_dbi to, put_function *put,
                         unsigned flags)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(copying->in, from, &cursor);
    if (code != 0)
        return code;
    MDB_val key, value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        code = put(copying, to, key, value, flags);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

int copy_subjects(struct copying *copying)
{
    const struct generation *from = copying->from, *to = copying->to;
    int code = copy_database(copying, from->names, to->names, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->live, to->live, put_live, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->history, to->history, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->accounts, to->accounts, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->uses, to->uses, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->pushes, to->pushes, put_as_it_is, MDB_APPEND);
    return end(copying, code);
}

/* --- those that changed meanwhile ------------------------------------------------------------ */

static int forget_subject(struct copying *copying, const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    uint8_t *copy = NULL;
    struct record_live live = {0};
    int code = begin(copying);
    if (code == 0)
        code = write_get_live(copying->to, copying->out, id, &copy, &live);
    if (code == 0) {
        code = erase_records(copying->to, copying->out, id, &live);
        OPENSSL_cleanse(copy, record_live_bytes(&live));
    }
    free(copy);
    OPENSSL_cleanse(&live, sizeof live);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int copy_accounts_of(struct copying *copying, MDB_val id, struct slice accounts)
{
    struct reader reader = reader_over(accounts);
    struct slice app, user;
    int code = 0;
    while (code == 0 && record_account_next(&reader, &app, &user)) {
        uint8_t bytes[RECORD_ACCOUNT_BYTES];
        struct writer key = writer_over(bytes, sizeof bytes);
        record_account_key_write(user, app, &key);
        code = put_as_it_is(copying, copying->to->accounts, val_of(writer_slice(&key)), id, 0);
    }
    return code;
}

/* Of a database whose keys begin with the subject's id. */
static int copy_rows_of(struct copying *copying, MDB_val id, MDB_dbi from, MDB_dbi to)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(copying->in, from, &cursor);
    if (code != 0)
        return code;
    MDB_val key = id, value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (key.mv_size < id.mv_size || memcmp(key.mv_data, id.mv_data, id.mv_size) != 0)
            break;
        code = put_as_it_is(copying, to, key, value, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int copy_subject(struct copying *copying, uint8_t id_bytes[STORE_SUBJECT_ID_BYTES])
{
    MDB_val id = {STORE_SUBJECT_ID_BYTES, id_bytes}, record;
    int code = mdb_get(copying->in, copying->from->live, &id, &record);
    if (code != 0)
        return code == MDB_NOTFOUND ? 0 : code; /* erased meanwhile */
    struct record_live live;
    if (!record_live_read(slice_of_val(record), &live))
        return MDB_CORRUPTED;
    code = put_live(copying, copying->to->live, id, record, 0);
    if (code == 0)
        code = put_as_it_is(copying, copying->to->names, val_of(live.name), id, 0);
    if (code == 0)
        code = copy_accounts_of(copying, id, live.accounts);
    if (code == 0)
        code = copy_rows_of(copying, id, copying->from->history, copying->to->history);
    if (code == 0)
        code = copy_rows_of(copying, id, copying->from->uses, copying->to->uses);
    if (code == 0)
        code = copy_rows_of(copying, id, copying->from->pushes, copying->to->pushes);
    return code;
}

/* First all go, then all come: one may have the name that another had. */
int copy_again(struct copying *copying, uint8_t (*ids)[STORE_SUBJECT_ID_BYTES], size_t n_ids)
{
    int code = 0;
    for (size_t i = 0; i < n_ids && code == 0; i++)
        code = forget_subject(copying, ids[i]);
    for (size_t i = 0; i < n_ids && code == 0; i++)
        code = copy_subject(copying, ids[i]);
    return end(copying, code);
}

/* --- what is nobody's ------------------------------------------------------------------------ */

int copy_rest(struct copying *copying, uint64_t n_paid)
{
    const struct generation *from = copying->from, *to = copying->to;
    int code =
        copy_database(copying, from->vocabularies, to->vocabularies, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->pending, to->pending, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = copy_database(copying, from->budgets, to->budgets, put_as_it_is, MDB_APPEND);
    if (code == 0)
        code = begin(copying);
    if (code == 0)
        code = meta_copy(from, copying->in, to, copying->out, n_paid);
    return end(copying, code);
}
