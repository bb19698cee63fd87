/*
 * pushes.c - a row for each push that may have to be answered for
 *
 *     key    id[16] || name[16]
 *     value  u8 flags | u8 delivery | u16 status | u64 index | i64 time ms | u64 outcome's index |
 *            i64 ended ms | basis[32] | fingerprint[32]
 *
 * Keys begin with the subject's id, so that an erasure takes all of a person's rows. A row that has
 * ended is not deleted then and there: the transaction that would do it is durable before the
 * receipt that it is about. It stays until that receipt is surely there.
 */
#include "store/pushes.h"

#include "base/reader.h"
#include "base/writer.h"
#include "store/readers.h"

#include <string.h>

enum {
    KEY_BYTES = STORE_SUBJECT_ID_BYTES + STORE_PUSH_NAME_BYTES,
    VALUE_BYTES = 1 + 1 + 2 + 8 + 8 + 8 + 8 + 2 * SHA256_BYTES,
    FLAG_KEY = 1,
    FLAG_ENDED = 2,
};

void store_push_name_by_key(struct slice app, struct slice key, uint8_t name[STORE_PUSH_NAME_BYTES])
{
    static const struct slice label = SLICE_LITERAL("sluis push key\n");
    static const struct slice end = SLICE_LITERAL("\n");
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, label);
    sha256_add(&hash, app);
    sha256_add(&hash, end);
    sha256_add(&hash, key);
    sha256_end(&hash, digest);
    memcpy(name, digest, STORE_PUSH_NAME_BYTES);
}

/* No hash begins with eight zeros, but by a chance of one in 2^64. */
void store_push_name_by_index(uint64_t index, uint8_t name[STORE_PUSH_NAME_BYTES])
{
    struct writer writer = writer_over(name, STORE_PUSH_NAME_BYTES);
    write_u64be(&writer, 0);
    write_u64be(&writer, index);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void write_key(const struct store_push *push, uint8_t key[KEY_BYTES])
{
    memcpy(key, push->subject, STORE_SUBJECT_ID_BYTES);
    memcpy(key + STORE_SUBJECT_ID_BYTES, push->name, STORE_PUSH_NAME_BYTES);
}

static void write_value(const struct store_push *push, uint8_t value[VALUE_BYTES])
{
    struct writer writer = writer_over(value, VALUE_BYTES);
    write_u8(&writer,
             (uint8_t)((push->has_key ? FLAG_KEY : 0) | (push->has_ended ? FLAG_ENDED : 0)));
    write_u8(&writer, push->delivery);
    write_u16(&writer, push->status);
    write_u64(&writer, push->index);
    write_u64(&writer, (uint64_t)push->time_ms);
    write_u64(&writer, push->outcome_index);
    write_u64(&writer, (uint64_t)push->ended_ms);
    write_bytes(&writer, slice_of(push->basis, SHA256_BYTES));
    write_bytes(&writer, slice_of(push->fingerprint, SHA256_BYTES));
    SL_ASSERT(!writer.overflow && writer.n == VALUE_BYTES);
}

static bool read_row(struct slice key, struct slice value, struct store_push *out)
{
    if (key.n != KEY_BYTES || value.n != VALUE_BYTES)
        return false;
    struct reader reader = reader_over(value);
    uint8_t flags = read_u8(&reader);
    struct store_push push = {.has_key = flags & FLAG_KEY, .has_ended = flags & FLAG_ENDED};
    memcpy(push.subject, key.p, STORE_SUBJECT_ID_BYTES);
    memcpy(push.name, key.p + STORE_SUBJECT_ID_BYTES, STORE_PUSH_NAME_BYTES);
    push.delivery = read_u8(&reader);
    push.status = read_u16(&reader);
    push.index = read_u64(&reader);
    push.time_ms = (int64_t)read_u64(&reader);
    push.outcome_index = read_u64(&reader);
    push.ended_ms = (int64_t)read_u64(&reader);
    struct slice basis = read_bytes(&reader, SHA256_BYTES);
    struct slice fingerprint = read_bytes(&reader, SHA256_BYTES);
    if (reader.bad || !basis.p || !fingerprint.p || flags > (FLAG_KEY | FLAG_ENDED))
        return false;
    memcpy(push.basis, basis.p, SHA256_BYTES);
    memcpy(push.fingerprint, fingerprint.p, SHA256_BYTES);
    *out = push;
    return true;
}

/* Under way, or with a key and not too old. A clock that was set back keeps it. */
static bool counts(const struct store_push *push, int64_t now_ms)
{
    return !push->has_ended || (push->has_key && now_ms - push->time_ms < STORE_PUSH_KEPT_MS);
}

static int get_row(MDB_txn *txn, MDB_dbi dbi, const struct store_push *which,
                   struct store_push *out)
{
    uint8_t bytes[KEY_BYTES];
    write_key(which, bytes);
    MDB_val key = {sizeof bytes, bytes}, value;
    int code = mdb_get(txn, dbi, &key, &value);
    if (code != 0)
        return code;
    return read_row(slice_of_val(key), slice_of_val(value), out) ? 0 : MDB_CORRUPTED;
}

static int put_row(struct store *store, const struct store_push *push)
{
    uint8_t key_bytes[KEY_BYTES], value_bytes[VALUE_BYTES];
    write_key(push, key_bytes);
    write_value(push, value_bytes);
    MDB_val key = {sizeof key_bytes, key_bytes}, value = {sizeof value_bytes, value_bytes};
    store_touch(store, push->subject);
    return mdb_put(store->batch, store->now->pushes, &key, &value, 0);
}

static int delete_row(MDB_txn *txn, MDB_dbi dbi, const struct store_push *push)
{
    uint8_t bytes[KEY_BYTES];
    write_key(push, bytes);
    MDB_val key = {sizeof bytes, bytes};
    int code = mdb_del(txn, dbi, &key, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* Does not count any more, and the receipt of how it ended is surely there. */
static bool is_over(const struct store_push *push, int64_t now_ms, uint64_t n_durable)
{
    return !counts(push, now_ms) && push->outcome_index < n_durable;
}

/* Of one subject: all, or with a later push those that are over. */
static int drop_rows(MDB_txn *txn, MDB_dbi dbi, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                     const struct store_push *later, uint64_t n_durable)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, dbi, &cursor);
    if (code != 0)
        return code;
    MDB_val key = val_of(slice_of(id, STORE_SUBJECT_ID_BYTES)), value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct store_push push;
        if (key.mv_size < STORE_SUBJECT_ID_BYTES ||
            memcmp(key.mv_data, id, STORE_SUBJECT_ID_BYTES) != 0)
            break;
        if (!read_row(slice_of_val(key), slice_of_val(value), &push))
            code = MDB_CORRUPTED;
        else if (!later || is_over(&push, later->time_ms, n_durable))
            code = mdb_cursor_del(cursor, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

int pushes_forget(struct generation *generation, MDB_txn *txn,
                  const uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    return drop_rows(txn, generation->pushes, id, NULL, 0);
}

/* --- reading --------------------------------------------------------------------------------- */

enum sl_err store_push_find(struct store_reader *reader, int64_t now_ms, struct store_push *out,
                            bool *found)
{
    bool was_active = reader->active;
    struct store_push row = {0};
    SL_TRY(reader_begin(reader));
    int code = get_row(reader->txn, reader->generation->pushes, out, &row);
    if (!was_active)
        store_read_end(reader);
    *found = code == 0 && counts(&row, now_ms);
    if (*found)
        *out = row;
    return code == MDB_NOTFOUND ? SL_OK : store_err(code);
}

enum sl_err store_push_each(struct store_reader *reader,
                            bool (*visit)(void *context, const struct store_push *push),
                            void *context)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct store_push push;
    bool was_active = reader->active;
    SL_TRY(reader_begin(reader));
    int code = mdb_cursor_open(reader->txn, reader->generation->pushes, &cursor);
    if (code == 0) {
        bool go_on = true;
        while (go_on && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
            if (!read_row(slice_of_val(key), slice_of_val(value), &push))
                code = MDB_CORRUPTED;
            go_on = code == 0 && visit(context, &push);
        }
        mdb_cursor_close(cursor);
    }
    if (!was_active)
        store_read_end(reader);
    return code == MDB_NOTFOUND ? SL_OK : store_err(code);
}

/* --- writing --------------------------------------------------------------------------------- */

enum sl_err store_push_begin(struct store *store, const struct store_push *push, uint64_t n_durable)
{
    struct store_push row;
    int code = store_batch_open(store);
    if (code != 0) /* without the lock, so without a text */
        return store_err(code);
    code = get_row(store->batch, store->now->pushes, push, &row);
    if (code == 0 && counts(&row, push->time_ms))
        return SL_EMALFORMED;
    if (code == MDB_NOTFOUND)
        code = 0;
    if (code == 0)
        code = drop_rows(store->batch, store->now->pushes, push->subject, push, n_durable);
    if (code == 0)
        code = put_row(store, push);
    return code == 0 ? SL_OK : store_fail(store, code, "note a push");
}

enum sl_err store_push_take_back(struct store *store, const struct store_push *push)
{
    SL_ASSERT(store->batch);
    int code = delete_row(store->batch, store->now->pushes, push);
    return code == 0 ? SL_OK : store_fail(store, code, "take the note of a push back");
}

enum sl_err store_push_end(struct store *store, const struct store_push *push)
{
    struct store_push row;
    int code = store_batch_open(store);
    if (code != 0)
        return store_err(code);
    code = get_row(store->batch, store->now->pushes, push, &row);
    if (code == 0) {
        row.has_ended = true;
        row.delivery = push->delivery;
        row.status = push->status;
        row.outcome_index = push->outcome_index;
        row.ended_ms = push->ended_ms;
        code = put_row(store, &row);
    }
    return code == 0 || code == MDB_NOTFOUND ? SL_OK
                                             : store_fail(store, code, "note how a push ended");
}

enum sl_err store_push_drop(struct store *store, const struct store_push *push)
{
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = delete_row(txn, store->now->pushes, push);
    if (code == 0)
        store_touch(store, push->subject);
    if (code == 0)
        code = write_commit(store, &txn);
    return code == 0 ? SL_OK : store_fail(store, code, "forget a push");
}
