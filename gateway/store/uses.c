/*
 * uses.c - windows, and what was used in them
 *
 *     owner          period  from   until  n
 *     lotte + drive  day     27th   28th   24     dropped when the 28th is an hour old
 *     lotte + drive  day     28th   29th    3     today
 *     lotte + drive  month   Nov 1  Dec 1  19     `at_most` was per month until a while ago
 *
 * Rows of consents begin with their subject's id: an erasure finds them, and takes them all.
 */
#include "store/uses.h"
#include "store/readers.h"

#include <errno.h>
#include <string.h>

enum { KEEP_S = 3600, CONSENT_BYTES = STORE_OWNER_BYTES - STORE_SUBJECT_ID_BYTES };

struct store_owner store_owner_of_consent(const uint8_t subject[STORE_SUBJECT_ID_BYTES],
                                          struct slice consent)
{
    struct store_owner owner = {.kind = STORE_OWNER_CONSENT};
    uint8_t digest[SHA256_BYTES];
    sha256_of(consent, digest);
    memcpy(owner.bytes, subject, STORE_SUBJECT_ID_BYTES);
    memcpy(owner.bytes + STORE_SUBJECT_ID_BYTES, digest, CONSENT_BYTES);
    return owner;
}

struct store_owner store_owner_of_partner(struct slice partner)
{
    struct store_owner owner = {.kind = STORE_OWNER_PARTNER};
    _Static_assert((int)STORE_OWNER_BYTES == (int)SHA256_BYTES, "the whole digest");
    sha256_of(partner, owner.bytes);
    return owner;
}

static MDB_dbi database_of(const struct generation *generation, enum store_owner_kind kind)
{
    return kind == STORE_OWNER_CONSENT ? generation->uses : generation->budgets;
}

/* --- rows ------------------------------------------------------------------------------------ */

struct walk {
    MDB_cursor *cursor;
    struct slice prefix; /* of the keys */
    struct record_use row;
};

/* 0: `row` is one. MDB_NOTFOUND: there are no more. */
static int walk_to(struct walk *walk, MDB_val key, MDB_cursor_op op)
{
    MDB_val value;
    int code = mdb_cursor_get(walk->cursor, &key, &value, op);
    if (code != 0)
        return code;
    if (key.mv_size < walk->prefix.n || memcmp(key.mv_data, walk->prefix.p, walk->prefix.n) != 0)
        return MDB_NOTFOUND;
    return record_use_read(slice_of_val(key), slice_of_val(value), &walk->row) ? 0 : MDB_CORRUPTED;
}

static int walk_first(struct walk *walk)
{
    return walk_to(walk, val_of(walk->prefix), MDB_SET_RANGE);
}

static int walk_next(struct walk *walk)
{
    return walk_to(walk, (MDB_val){0, NULL}, MDB_NEXT);
}

/* What counts against the allowance. */
static int add_up(MDB_txn *txn, MDB_dbi dbi, struct store_allowance *allowance)
{
    uint8_t prefix[STORE_OWNER_BYTES + 1];
    memcpy(prefix, allowance->owner.bytes, STORE_OWNER_BYTES);
    prefix[STORE_OWNER_BYTES] = allowance->period;
    struct walk walk = {.prefix = slice_of(prefix, sizeof prefix)};
    uint64_t n_used = 0;
    int code = mdb_cursor_open(txn, dbi, &walk.cursor);
    if (code != 0)
        return code;
    for (code = walk_first(&walk); code == 0; code = walk_next(&walk)) {
        if (walk.row.start_s < allowance->end_s && walk.row.end_s > allowance->start_s)
            n_used += walk.row.n;
    }
    mdb_cursor_close(walk.cursor);
    allowance->n_used = n_used < UINT32_MAX ? (uint32_t)n_used : UINT32_MAX;
    return code == MDB_NOTFOUND ? 0 : code;
}

static int put_more(MDB_txn *txn, MDB_dbi dbi, const struct store_allowance *allowance)
{
    uint8_t key_bytes[RECORD_USE_KEY_BYTES], value_bytes[RECORD_USE_BYTES];
    struct record_use row = {.period = allowance->period,
                             .start_s = allowance->start_s,
                             .end_s = allowance->end_s},
                      old;
    memcpy(row.owner, allowance->owner.bytes, sizeof row.owner);
    record_use_key_write(&row, key_bytes);
    MDB_val key = {sizeof key_bytes, key_bytes}, value;
    int code = mdb_get(txn, dbi, &key, &value);
    if (code == 0) {
        if (!record_use_read(slice_of_val(key), slice_of_val(value), &old))
            return MDB_CORRUPTED;
        row.n = old.n;
        row.end_s = old.end_s > row.end_s ? old.end_s : row.end_s;
    } else if (code != MDB_NOTFOUND) {
        return code;
    }
    const uint32_t room = UINT32_MAX - row.n;
    row.n += allowance->n_uses < room ? allowance->n_uses : room;
    record_use_write(&row, value_bytes);
    value = (MDB_val){sizeof value_bytes, value_bytes};
    return mdb_put(txn, dbi, &key, &value, 0);
}

/* Rows whose key begins with `prefix`, and whose window ended at `before_s` or earlier. */
static int drop(MDB_txn *txn, MDB_dbi dbi, struct slice prefix, int64_t before_s)
{
    struct walk walk = {.prefix = prefix};
    int code = mdb_cursor_open(txn, dbi, &walk.cursor);
    if (code != 0)
        return code;
    for (code = walk_first(&walk); code == 0; code = walk_next(&walk)) {
        if (walk.row.end_s <= before_s)
            code = mdb_cursor_del(walk.cursor, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(walk.cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

int uses_forget(struct generation *generation, MDB_txn *txn,
                const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    return drop(txn, generation->uses, slice_of(id, STORE_SUBJECT_ID_BYTES), INT64_MAX);
}

/* --- reading --------------------------------------------------------------------------------- */

enum sl_err store_uses_read(struct store_reader *reader, struct store_allowance *allowances,
                            size_t n)
{
    bool was_active = reader->active;
    SL_TRY(reader_begin(reader));
    int code = 0;
    for (size_t i = 0; i < n && code == 0; i++)
        code = add_up(reader->txn, database_of(reader->generation, allowances[i].owner.kind),
                      &allowances[i]);
    if (!was_active)
        store_read_end(reader);
    return store_err(code);
}

/* --- the batch ------------------------------------------------------------------------------- */

int store_batch_open(struct store *store)
{
    if (store->batch)
        return 0;
    pthread_mutex_lock(&store->lock);
    int code = reserve_fill(store->now) ? write_begin(store, &store->batch) : ENOSPC;
    if (code != 0)
        pthread_mutex_unlock(&store->lock);
    return code;
}

enum sl_err store_batch_commit(struct store *store)
{
    if (!store->batch)
        return SL_OK;
    int code = write_commit(store, &store->batch);
    enum sl_err err = code == 0 ? SL_OK : store_fail(store, code, "count what flows use");
    pthread_mutex_unlock(&store->lock);
    return err;
}

static struct slice owner_of_rows(const struct store_owner *owner)
{
    return slice_of(owner->bytes, owner->kind == STORE_OWNER_CONSENT
                                      ? (size_t)STORE_SUBJECT_ID_BYTES
                                      : (size_t)STORE_OWNER_BYTES);
}

static int charge_in(struct store *store, int64_t now_s, const struct store_allowance *allowances,
                     size_t n)
{
    int code = 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        const struct store_owner *owner = &allowances[i].owner;
        MDB_dbi dbi = database_of(store->now, owner->kind);
        if (owner->kind == STORE_OWNER_CONSENT)
            store_touch(store, owner->bytes);
        code = put_more(store->batch, dbi, &allowances[i]);
        if (code == 0)
            code = drop(store->batch, dbi, owner_of_rows(owner), now_s - KEEP_S);
    }
    return code;
}

enum sl_err store_charge(struct store *store, int64_t now_s, struct store_allowance *allowances,
                         size_t n)
{
    bool is_used_up = false;
    int code = store_batch_open(store);
    if (code != 0) /* without the lock, so without a text */
        return store_err(code);
    for (size_t i = 0; i < n && code == 0; i++) {
        code =
            add_up(store->batch, database_of(store->now, allowances[i].owner.kind), &allowances[i]);
        const uint64_t n_then = (uint64_t)allowances[i].n_used + allowances[i].n_uses;
        is_used_up = is_used_up || n_then > allowances[i].at_most;
    }
    if (code == 0 && is_used_up)
        return SL_EMALFORMED;
    if (code == 0)
        code = charge_in(store, now_s, allowances, n);
    if (code != 0)
        return store_fail(store, code, "count what flows use");
    for (size_t i = 0; i < n; i++)
        allowances[i].n_used += allowances[i].n_uses;
    return SL_OK;
}
