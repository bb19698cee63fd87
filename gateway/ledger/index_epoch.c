/*
 * index_epoch.c - how many receipts each subject had, out of where its numbers stood
 *
 *     numbers    0 1 2 | 3 4 5 6 | 7
 *                        ^ starts  ^ starts of the next epoch, or else the counter
 *                epoch 4's delta is 7 - 3
 *
 * A subject's start is written once for each epoch in which it has a receipt, so an epoch costs
 * what its active subjects cost, however many there are. Emptying a database frees its pages
 * without reading them.
 */
#include "ledger/index_epoch.h"

#include "base/reader.h"
#include "base/writer.h"
#include "ledger/index_parts.h"

#include <string.h>

static MDB_dbi starts_of(const struct ledger_index *index, uint64_t epoch)
{
    return index->databases.starts[epoch & 1];
}

static MDB_dbi asked_of(const struct ledger_index *index, uint64_t epoch)
{
    return index->databases.asked[epoch & 1];
}

/* -------------------------------------------------------------------------------- numbers -- */

/* MDB_NOTFOUND, or what LMDB says; MDB_CORRUPTED when there is something that is no number. */
static int get_number(MDB_txn *txn, MDB_dbi database, struct slice key, uint64_t *n)
{
    MDB_val mdb_key = index_val(key), value;
    int err = mdb_get(txn, database, &mdb_key, &value);
    if (err != 0)
        return err;
    struct reader reader = reader_over(index_slice(value));
    uint64_t number = read_u64be(&reader);
    if (reader.bad)
        return MDB_CORRUPTED;
    *n = number;
    return 0;
}

static void put(struct ledger_index *index, MDB_dbi database, struct slice key, struct slice value,
                unsigned flags)
{
    MDB_val mdb_key = index_val(key), mdb_value = index_val(value);
    if (index->writing_err != 0)
        return;
    int err = mdb_put(index->writing, database, &mdb_key, &mdb_value, flags);
    index->writing_err = err == MDB_KEYEXIST ? 0 : err;
}

/* -------------------------------------------------------------------------------- writing -- */

void index_put_start(struct ledger_index *index, uint64_t epoch, const struct hmac_key *key,
                     const uint8_t label[INDEX_LABEL_BYTES], uint64_t n)
{
    uint8_t value[8 + HEADS_LABEL_BYTES];
    struct writer writer = writer_over(value, sizeof value);
    write_u64be(&writer, n);
    heads_label(key, epoch, value + writer.n);
    put(index, starts_of(index, epoch), slice_of(label, INDEX_LABEL_BYTES),
        slice_of(value, sizeof value), MDB_NOOVERWRITE);
}

void index_count_asked(struct ledger_index *index, uint64_t epoch,
                       const uint8_t asked[INDEX_ASKED_BYTES])
{
    uint8_t value[8];
    struct writer writer = writer_over(value, sizeof value);
    struct slice key = slice_of(asked, INDEX_ASKED_BYTES);
    uint64_t n = 0;
    if (index->writing_err != 0)
        return;
    int err = get_number(index->writing, asked_of(index, epoch), key, &n);
    if (err != 0 && err != MDB_NOTFOUND)
        index->writing_err = err;
    write_u64be(&writer, n + 1);
    put(index, asked_of(index, epoch), key, writer_slice(&writer), 0);
}

void index_drop_epoch(struct ledger_index *index, uint64_t epoch)
{
    if (index->writing_err == 0)
        index->writing_err = mdb_drop(index->writing, starts_of(index, epoch), 0);
    if (index->writing_err == 0)
        index->writing_err = mdb_drop(index->writing, asked_of(index, epoch), 0);
}

void index_forget(struct ledger_index *index, const uint8_t label[INDEX_LABEL_BYTES])
{
    const struct index_databases *databases = &index->databases;
    const MDB_dbi all[] = {databases->counters, databases->starts[0], databases->starts[1]};
    MDB_val key = index_val(slice_of(label, INDEX_LABEL_BYTES));
    for (size_t i = 0; index->writing_err == 0 && i < SL_LENGTH(all); i++) {
        int err = mdb_del(index->writing, all[i], &key, NULL);
        index->writing_err = err == MDB_NOTFOUND ? 0 : err;
    }
}

/* -------------------------------------------------------------------------------- reading -- */

static enum sl_err cannot_read(struct index_problem *problem, int err)
{
    return index_fail(problem, "the index can't be read: %s", mdb_strerror(err));
}

enum sl_err index_start(struct ledger_index *index, uint64_t epoch,
                        const uint8_t label[INDEX_LABEL_BYTES], uint64_t *n, bool *found)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return cannot_read(&index->problem, err);
    uint64_t start = 0;
    err = get_number(index->reading, starts_of(index, epoch), slice_of(label, INDEX_LABEL_BYTES),
                     &start);
    mdb_txn_reset(index->reading);
    if (err != 0 && err != MDB_NOTFOUND)
        return cannot_read(&index->problem, err);
    *found = err == 0;
    if (*found)
        *n = start;
    return SL_OK;
}

/* One reading of all of it, as of one moment. */
struct reading {
    struct ledger_index *index;
    MDB_txn *txn;
    uint64_t running;
    const struct index_delta_visitor *visitor;
};

/* What `each` gives is 0 to go on, an LMDB error, or this: */
enum { STOPPED = 1 };

static int each_row(struct reading *reading, MDB_dbi database,
                    int (*each)(struct reading *reading, struct slice key, struct slice value))
{
    MDB_cursor *cursor;
    int err = mdb_cursor_open(reading->txn, database, &cursor);
    if (err != 0)
        return err;
    MDB_val key, value;
    err = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (err == 0) {
        err = each(reading, index_slice(key), index_slice(value));
        if (err == 0)
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return err == MDB_NOTFOUND ? 0 : err;
}

static int visit_subject(struct reading *reading, struct slice label, struct slice value)
{
    struct ledger_index *index = reading->index;
    struct heads_entry entry;
    struct reader reader = reader_over(value);
    uint64_t start = read_u64be(&reader), end = 0;
    struct slice list_label = read_bytes(&reader, HEADS_LABEL_BYTES);
    if (reader.bad)
        return MDB_CORRUPTED;
    int err = get_number(reading->txn, starts_of(index, reading->running), label, &end);
    if (err == MDB_NOTFOUND)
        err = get_number(reading->txn, index->databases.counters, label, &end);
    if (err != 0)
        return err == MDB_NOTFOUND ? MDB_CORRUPTED : err;
    if (end <= start)
        return MDB_CORRUPTED;
    memcpy(entry.label, list_label.p, sizeof entry.label);
    entry.delta = end - start;
    return reading->visitor->subject(reading->visitor->context, &entry) ? 0 : STOPPED;
}

static int visit_unknown(struct reading *reading, struct slice asked, struct slice value)
{
    (void)asked;
    struct reader reader = reader_over(value);
    uint64_t delta = read_u64be(&reader);
    if (reader.bad || delta == 0)
        return MDB_CORRUPTED;
    return reading->visitor->unknown(reading->visitor->context, delta) ? 0 : STOPPED;
}

enum sl_err index_each_delta(struct ledger_index *index, uint64_t running,
                             const struct index_delta_visitor *visitor,
                             struct index_problem *problem)
{
    SL_ASSERT(running > 0);
    struct reading reading = {.index = index, .running = running, .visitor = visitor};
    int err = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &reading.txn);
    if (err != 0)
        return cannot_read(problem, err);
    err = each_row(&reading, starts_of(index, running - 1), visit_subject);
    if (err == 0)
        err = each_row(&reading, asked_of(index, running - 1), visit_unknown);
    mdb_txn_abort(reading.txn);
    return err == 0 || err == STOPPED ? SL_OK : cannot_read(problem, err);
}
