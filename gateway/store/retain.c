/*
 * retain.c - superseded versions of policies, without what they said
 *
 * A version that another one took the place of is needed by nobody but an auditor who repeats old
 * decisions. When the operator keeps it no longer, its texts go; the record stays, with its digest:
 * receipts are pinned to that, and an auditor sees that something was there.
 *
 *     history   lotte 1 | 2 | 3          2 came at T: 1 is superseded since T
 *                     └───┴──▶ gone when T is before the limit; 3 is in force and stays
 *
 * The scan reads a few records at a time, so that it pins no pages for long and readers can move
 * to another generation; what it finds is looked at again in the transaction that changes it.
 */
#include "store/readers.h"

#include <errno.h>
#include <stdlib.h>

enum { SCAN_RECORDS = 2048, CHANGE_RECORDS = 256 };

struct found {
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    uint64_t version;
};

struct scan {
    int64_t before_ms;
    struct found last; /* the record that was read last */
    bool has_last, last_is_kept;
    size_t n_found;
    struct found found[SCAN_RECORDS];
};

/* One record further. */
static int scan_record(struct scan *scan, struct slice key, struct slice value)
{
    struct found at;
    struct record_history history;
    if (!record_key_read(key, at.id, &at.version) || !record_history_read(value, &history))
        return MDB_CORRUPTED;
    bool supersedes = scan->has_last && memcmp(scan->last.id, at.id, sizeof at.id) == 0;
    if (supersedes && scan->last_is_kept && history.time_ms <= scan->before_ms)
        scan->found[scan->n_found++] = scan->last;
    scan->last = at;
    scan->has_last = true;
    scan->last_is_kept = history.yaml.n > 0;
    return 0;
}

/* Up to SCAN_RECORDS records from the last one on. MDB_NOTFOUND: that was the end. */
static int scan_some(struct scan *scan, struct store_reader *reader)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(reader->txn, reader->generation->history, &cursor);
    if (code != 0)
        return code;
    uint8_t first[RECORD_KEY_BYTES];
    record_key_write(scan->last.id, scan->last.version, first);
    MDB_val key = {sizeof first, first}, value;
    scan->n_found = 0;
    scan->has_last = false; /* it is read once more, unless it was erased meanwhile */
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (size_t i = 0; code == 0 && i < SCAN_RECORDS; i++) {
        code = scan_record(scan, slice_of_val(key), slice_of_val(value));
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code;
}

/* Its texts go, if they are still there. */
static int retire(struct store *store, MDB_txn *txn, const struct found *found, bool *changed)
{
    uint8_t bytes[RECORD_KEY_BYTES];
    record_key_write(found->id, found->version, bytes);
    MDB_val key = {sizeof bytes, bytes}, value;
    int code = mdb_get(txn, store->now->history, &key, &value);
    if (code != 0)
        return code == MDB_NOTFOUND ? 0 : code;
    struct record_history history;
    if (!record_history_read(slice_of_val(value), &history))
        return MDB_CORRUPTED;
    if (history.yaml.n == 0)
        return 0;
    history.yaml = history.blob = slice_of(NULL, 0);
    MDB_val place = {record_history_bytes(&history), NULL};
    code = mdb_put(txn, store->now->history, &key, &place, MDB_RESERVE);
    if (code != 0)
        return code;
    struct writer writer = writer_over(place.mv_data, place.mv_size);
    record_history_write(&history, &writer);
    SL_ASSERT(!writer.overflow && writer.n == place.mv_size);
    *changed = true;
    return 0;
}

static int retire_some(struct store *store, const struct found *found, size_t n,
                       uint64_t *n_retired)
{
    STORE_LOCK(store);
    SL_AUTO(MDB_txn) txn = NULL;
    uint64_t n_changed = 0;
    int code = write_begin(store, &txn);
    for (size_t i = 0; i < n && code == 0; i++) {
        bool changed = false;
        store_touch(store, found[i].id);
        code = retire(store, txn, &found[i], &changed);
        n_changed += changed;
    }
    if (code != 0 || n_changed == 0)
        return code;
    code = meta_owe_rewrite(store, txn);
    if (code == 0)
        code = write_commit(store, &txn);
    if (code == 0)
        *n_retired += n_changed;
    return code;
}

static int retire_all(struct store *store, const struct scan *scan, uint64_t *n_retired)
{
    int code = 0;
    for (size_t at = 0; at < scan->n_found && code == 0; at += CHANGE_RECORDS) {
        size_t left = scan->n_found - at;
        code = retire_some(store, scan->found + at, left < CHANGE_RECORDS ? left : CHANGE_RECORDS,
                           n_retired);
    }
    return code;
}

static int run(struct store *store, struct store_reader *reader, struct scan *scan, bool only_count,
               const atomic_bool *stop, uint64_t *n)
{
    int code = 0;
    while (code == 0) {
        if (reader_begin(reader) != SL_OK)
            return EIO;
        int scanned = scan_some(scan, reader);
        store_read_end(reader);
        if (scanned != 0 && scanned != MDB_NOTFOUND)
            return scanned;
        if (only_count)
            *n += scan->n_found;
        else
            code = retire_all(store, scan, n);
        if (code == 0 && atomic_load(stop))
            code = ECANCELED;
        if (scanned == MDB_NOTFOUND)
            break;
    }
    return code;
}

enum sl_err store_retire(struct store *store, int64_t before_ms, bool only_count,
                         const atomic_bool *stop, uint64_t *n)
{
    SL_ASSERT(only_count || !store->read_only);
    *n = 0;
    SL_AUTO(store_reader) reader = NULL;
    struct scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return SL_EINTERNAL;
    scan->before_ms = before_ms;
    enum sl_err err = store_reader_new(store, &reader);
    int code = err == SL_OK ? run(store, reader, scan, only_count, stop, n) : 0;
    free(scan);
    if (err != SL_OK || code == 0)
        return err;
    if (code == ECANCELED)
        return SL_ETIMEOUT;
    STORE_LOCK(store);
    return store_fail(store, code, "retire superseded policies");
}
