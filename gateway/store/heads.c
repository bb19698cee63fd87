/*
 * heads.c - what erased subjects have in lists of heads that are not made yet
 *
 * For each epoch the ledger says how many receipts each subject had, under a label that the
 * subject's key makes (docs/formats/ledger.md). Who is erased before that has no key any more when
 * the index is rebuilt, so the transaction that destroys the key keeps what the list will need.
 * Label and number say nothing about anybody; when the list is made, they go.
 */
#include "store/env.h"

#include "base/reader.h"

static const struct slice prefix = SLICE_LITERAL("head ");

enum { HEAD_KEY_BYTES = 5 + 8 + STORE_HEAD_LABEL_BYTES };

static void key_write(uint64_t epoch, struct slice label, struct writer *writer)
{
    write_bytes(writer, prefix);
    write_u64be(writer, epoch);
    write_bytes(writer, label);
}

int heads_put(struct store *store, MDB_txn *txn, const struct store_head *head)
{
    uint8_t key_bytes[HEAD_KEY_BYTES], value_bytes[8];
    struct writer key_writer = writer_over(key_bytes, sizeof key_bytes);
    struct writer value_writer = writer_over(value_bytes, sizeof value_bytes);
    key_write(head->epoch, slice_of(head->label, sizeof head->label), &key_writer);
    write_u64(&value_writer, head->delta);
    MDB_val key = val_of(writer_slice(&key_writer));
    MDB_val value = val_of(writer_slice(&value_writer));
    return mdb_put(txn, store->now->meta, &key, &value, 0);
}

/* MDB_NOTFOUND when `key` is none of these. */
static int head_read(MDB_val key, MDB_val value, struct store_head *head)
{
    struct slice bytes = slice_of_val(key);
    if (bytes.n < prefix.n || !slice_equals(slice_of(bytes.p, prefix.n), prefix))
        return MDB_NOTFOUND;
    struct reader reader = reader_over(slice_of(bytes.p + prefix.n, bytes.n - prefix.n));
    struct reader count = reader_over(slice_of_val(value));
    head->epoch = read_u64be(&reader);
    struct slice label = read_bytes(&reader, STORE_HEAD_LABEL_BYTES);
    head->delta = read_u64(&count);
    if (reader.bad || count.bad || reader_left(&reader) > 0 || reader_left(&count) > 0)
        return MDB_CORRUPTED;
    memcpy(head->label, label.p, label.n);
    return 0;
}

/* The first one of `epoch` or a later epoch. */
static int first_head(MDB_cursor *cursor, uint64_t epoch, struct store_head *head)
{
    uint8_t bytes[HEAD_KEY_BYTES];
    struct writer writer = writer_over(bytes, sizeof bytes);
    key_write(epoch, slice_of(NULL, 0), &writer);
    MDB_val key = val_of(writer_slice(&writer)), value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    return code == 0 ? head_read(key, value, head) : code;
}

static int next_head(MDB_cursor *cursor, struct store_head *head)
{
    MDB_val key, value;
    int code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    return code == 0 ? head_read(key, value, head) : code;
}

enum sl_err store_heads_each(struct store *store, uint64_t epoch,
                             bool (*visit)(void *context, const struct store_head *head),
                             void *context)
{
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    MDB_cursor *cursor = NULL;
    struct store_head head;
    int code = mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_cursor_open(txn, store->now->meta, &cursor);
    if (code == 0)
        code = first_head(cursor, epoch, &head);
    while (code == 0 && head.epoch == epoch && visit(context, &head))
        code = next_head(cursor, &head);
    if (cursor)
        mdb_cursor_close(cursor);
    if (code == 0 || code == MDB_NOTFOUND)
        return SL_OK;
    return store_fail(store, code, "read what is kept of erased subjects");
}

static int forget_up_to(struct store *store, MDB_txn *txn, uint64_t epoch)
{
    MDB_cursor *cursor;
    struct store_head head;
    int code = mdb_cursor_open(txn, store->now->meta, &cursor);
    if (code != 0)
        return code;
    while (code == 0) {
        code = first_head(cursor, 0, &head);
        if (code == 0 && head.epoch > epoch)
            break;
        if (code == 0)
            code = mdb_cursor_del(cursor, 0);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int has_any(struct store *store, bool *found)
{
    SL_AUTO(MDB_txn) txn = NULL;
    MDB_cursor *cursor = NULL;
    struct store_head head;
    int code = mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_cursor_open(txn, store->now->meta, &cursor);
    if (code == 0)
        code = first_head(cursor, 0, &head);
    *found = code == 0;
    if (cursor)
        mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

enum sl_err store_heads_forget(struct store *store, uint64_t epoch)
{
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    bool found = false;
    int code = has_any(store, &found);
    if (code == 0 && !found) /* almost always: no write */
        return SL_OK;
    if (code == 0)
        code = write_begin(store, &txn);
    if (code == 0)
        code = forget_up_to(store, txn, epoch);
    if (code == 0)
        code = write_commit(store, &txn);
    return code == 0 ? SL_OK : store_fail(store, code, "forget what was kept of erased subjects");
}
