/*
 * meta.c - what the store keeps about itself: two counts, and pins
 *
 * The count of changes is incremented in the transaction of each policy change and each erasure, so
 * it tells how many of their receipts a ledger must hold that belongs to this store: one that holds
 * fewer was cut off, or is another's. The other counts erasures whose bytes are still in free
 * pages. A pin keeps a few bytes from the first start on, so that a later start can tell
 * that something outside of the store was exchanged.
 *
 * The layouts stand in record.c.
 */
#include "store/env.h"

#include "base/reader.h"

#include <string.h>

static const struct slice changes_key = SLICE_LITERAL("changes");
static const struct slice owed_key = SLICE_LITERAL("owed");
static const struct slice pin_prefix = SLICE_LITERAL("pin ");

/* A count that was never incremented is not there. */
static int get_count(const struct generation *generation, MDB_txn *txn, struct slice name,
                     uint64_t *count)
{
    MDB_val key = val_of(name);
    MDB_val value;
    int code = mdb_get(txn, generation->meta, &key, &value);
    if (code == MDB_NOTFOUND) {
        *count = 0;
        return 0;
    }
    if (code != 0)
        return code;
    struct reader reader = reader_over(slice_of_val(value));
    uint64_t n = read_u64(&reader);
    if (reader.bad || reader_left(&reader) > 0)
        return MDB_CORRUPTED;
    *count = n;
    return 0;
}

static int put_count(const struct generation *generation, MDB_txn *txn, struct slice name,
                     uint64_t count)
{
    uint8_t bytes[8];
    struct writer writer = writer_over(bytes, sizeof bytes);
    write_u64(&writer, count);
    MDB_val key = val_of(name);
    MDB_val value = val_of(writer_slice(&writer));
    return mdb_put(txn, generation->meta, &key, &value, 0);
}

static int count_one(struct store *store, MDB_txn *txn, struct slice name, uint64_t *count)
{
    uint64_t n = 0;
    int code = get_count(store->now, txn, name, &n);
    *count = n + 1;
    return code == 0 ? put_count(store->now, txn, name, n + 1) : code;
}

int meta_count_change(struct store *store, MDB_txn *txn, uint64_t *number)
{
    return count_one(store, txn, changes_key, number);
}

int meta_owe_rewrite(struct store *store, MDB_txn *txn)
{
    uint64_t n_owed;
    return count_one(store, txn, owed_key, &n_owed);
}

int meta_n_owed(const struct generation *generation, MDB_txn *txn, uint64_t *n_owed)
{
    return get_count(generation, txn, owed_key, n_owed);
}

/* Format and check were made together with the generation. */
static bool is_of_generation(struct slice name)
{
    return slice_equals_str(name, "format") || slice_equals_str(name, "check") ||
           slice_equals(name, owed_key);
}

int meta_copy(const struct generation *from, MDB_txn *in, const struct generation *to, MDB_txn *out,
              uint64_t n_paid)
{
    uint64_t n_owed = 0;
    MDB_cursor *cursor;
    int code = meta_n_owed(from, in, &n_owed);
    if (code == 0)
        code = put_count(to, out, owed_key, n_owed - n_paid);
    if (code == 0)
        code = mdb_cursor_open(in, from->meta, &cursor);
    if (code != 0)
        return code;
    MDB_val key, value;
    for (code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0;
         code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (!is_of_generation(slice_of_val(key)))
            code = mdb_put(out, to->meta, &key, &value, 0);
        if (code != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static enum sl_err read_count(struct store *store, struct slice name, const char *doing,
                              uint64_t *count)
{
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    int code = mdb_txn_begin(store->now->env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        code = get_count(store->now, txn, name, count);
    return code == 0 ? SL_OK : store_fail(store, code, doing);
}

enum sl_err store_n_changes(struct store *store, uint64_t *n_changes)
{
    return read_count(store, changes_key, "read the number of changes", n_changes);
}

enum sl_err store_n_owed(struct store *store, uint64_t *n_owed)
{
    return read_count(store, owed_key, "read what is still to be rewritten", n_owed);
}

/* One that is there is compared, and the transaction left as it was. */
static int pin_in(struct store *store, MDB_txn **txn, struct slice name, struct slice value,
                  bool *matches)
{
    MDB_val key = val_of(name);
    MDB_val found;
    int code = mdb_get(*txn, store->now->meta, &key, &found);
    if (code == 0) {
        *matches = slice_equals(slice_of_val(found), value);
        return 0;
    }
    if (code != MDB_NOTFOUND)
        return code;
    found = val_of(value);
    code = mdb_put(*txn, store->now->meta, &key, &found, MDB_NOOVERWRITE);
    if (code == 0)
        code = write_commit(store, txn);
    if (code == 0)
        *matches = true;
    return code;
}

enum sl_err store_pin(struct store *store, const char *name, struct slice value, bool *matches)
{
    uint8_t key[sizeof "pin " + STORE_PIN_NAME_BYTES_MAX];
    struct writer writer = writer_over(key, sizeof key);
    SL_ASSERT(name[0] && strlen(name) <= STORE_PIN_NAME_BYTES_MAX);
    write_bytes(&writer, pin_prefix);
    write_str(&writer, name);
    if (value.n > STORE_PIN_BYTES_MAX)
        return SL_ELIMIT;
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = pin_in(store, &txn, writer_slice(&writer), value, matches);
    return code == 0 ? SL_OK : store_fail(store, code, "keep a pin");
}
