/*
 * index_reader.c - pending first, then what was committed
 *
 * The writer forgets what is pending only after it was committed. So what is no longer pending is
 * in a transaction that begins after that look: nothing falls between the two, and neither side
 * waits for the other longer than a look takes.
 */
#include "ledger/index_reader.h"

#include "base/reader.h"
#include "base/writer.h"
#include "ledger/index_parts.h"

#include <stdlib.h>
#include <string.h>

static const size_t map_bytes = (size_t)64 << 30;

struct index_reader {
    struct ledger_index *index; /* NULL: of another process */
    MDB_env *own_env;           /* then */
    struct index_databases databases;
    MDB_txn *txn; /* reset between reads */
    struct index_problem problem;
};

/* -------------------------------------------------------------------- opening and closing -- */

enum sl_err index_reader_new(struct ledger_index *index, struct index_reader **out)
{
    struct index_reader *reader = calloc(1, sizeof *reader);
    if (!reader || mdb_txn_begin(index->env, NULL, MDB_RDONLY, &reader->txn) != 0) {
        free(reader);
        return SL_EINTERNAL;
    }
    mdb_txn_reset(reader->txn);
    reader->index = index;
    reader->databases = index->databases;
    *out = reader;
    return SL_OK;
}

static int open_environment(struct index_reader *reader, const char *folder)
{
    MDB_txn *txn = NULL;
    int err = mdb_env_create(&reader->own_env);
    if (err == 0)
        err = mdb_env_set_mapsize(reader->own_env, map_bytes);
    if (err == 0)
        err = mdb_env_set_maxdbs(reader->own_env, INDEX_DATABASES_MAX);
    if (err == 0)
        err = mdb_env_open(reader->own_env, folder, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
    if (err == 0)
        err = mdb_txn_begin(reader->own_env, NULL, MDB_RDONLY, &txn);
    if (err == 0)
        err = index_open_databases(txn, 0, &reader->databases);
    if (txn && err != 0)
        mdb_txn_abort(txn);
    if (err != 0)
        return err;
    /* Databases stay open after a commit; the transaction is begun anew for each read. */
    err = mdb_txn_commit(txn);
    if (err == 0)
        err = mdb_txn_begin(reader->own_env, NULL, MDB_RDONLY, &reader->txn);
    if (err == 0)
        mdb_txn_reset(reader->txn);
    return err;
}

enum sl_err index_reader_open(const char *folder, struct index_problem *problem,
                              struct index_reader **out)
{
    SL_AUTO(index_reader) reader = calloc(1, sizeof *reader);
    if (!reader) {
        (void)index_fail(problem, "out of memory");
        return SL_EINTERNAL;
    }
    int err = open_environment(reader, folder);
    if (err != 0)
        return index_fail(problem, "the index in %s can't be opened: %s", folder,
                          mdb_strerror(err));
    *out = reader;
    reader = NULL;
    return SL_OK;
}

void index_reader_free(struct index_reader *reader)
{
    if (!reader)
        return;
    if (reader->txn)
        mdb_txn_abort(reader->txn);
    if (reader->own_env)
        mdb_env_close(reader->own_env);
    free(reader);
}

const char *index_reader_problem(const struct index_reader *reader)
{
    return reader->problem.text;
}

/* --------------------------------------------------------------------------------- looking -- */

static enum sl_err read_failed(struct index_reader *reader, int err)
{
    return index_fail(&reader->problem, "the index can't be read: %s", mdb_strerror(err));
}

static enum sl_err renew(struct index_reader *reader)
{
    int err = mdb_txn_renew(reader->txn);
    return err == 0 ? SL_OK : read_failed(reader, err);
}

enum sl_err index_reader_state(struct index_reader *reader, struct index_state *out, bool *found)
{
    SL_TRY(renew(reader));
    enum sl_err err =
        index_read_state(reader->txn, &reader->databases, &reader->problem, out, found);
    mdb_txn_reset(reader->txn);
    return err;
}

static int find_at_or_before(struct index_reader *reader, uint64_t receipt, MDB_val *key,
                             MDB_val *value)
{
    uint8_t wanted[8];
    struct writer writer = writer_over(wanted, sizeof wanted);
    write_u64be(&writer, receipt);
    MDB_cursor *cursor = NULL;
    int err = mdb_cursor_open(reader->txn, reader->databases.batches, &cursor);
    if (err != 0)
        return err;
    *key = index_val(slice_of(wanted, sizeof wanted));
    err = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (err == MDB_NOTFOUND)
        err = mdb_cursor_get(cursor, key, value, MDB_LAST);
    else if (err == 0 && !slice_equals(index_slice(*key), slice_of(wanted, sizeof wanted)))
        err = mdb_cursor_get(cursor, key, value, MDB_PREV);
    mdb_cursor_close(cursor);
    return err;
}

static enum sl_err committed_place(struct index_reader *reader, uint64_t receipt,
                                   struct index_batch *out, bool *found)
{
    SL_TRY(renew(reader));
    MDB_val key, value;
    struct index_batch batch = {0};
    int err = find_at_or_before(reader, receipt, &key, &value);
    bool sound = true;
    if (err == 0) {
        struct reader first = reader_over(index_slice(key));
        struct reader place = reader_over(index_slice(value));
        batch.first_index = read_u64be(&first);
        batch.segment_first = read_u64be(&place);
        batch.offset = read_u64be(&place);
        sound = !first.bad && !place.bad;
    }
    mdb_txn_reset(reader->txn);
    if (err != 0 && err != MDB_NOTFOUND)
        return read_failed(reader, err);
    if (!sound)
        return index_fail(&reader->problem, "the index holds a place that is none");
    *found = err == 0;
    if (*found)
        *out = batch;
    return SL_OK;
}

enum sl_err index_reader_place(struct index_reader *reader, uint64_t receipt,
                               struct index_batch *out, bool *found)
{
    bool is_pending = false;
    if (reader->index) {
        pthread_mutex_lock(&reader->index->pending_lock);
        is_pending = index_pending_place(&reader->index->pending, receipt, out);
        pthread_mutex_unlock(&reader->index->pending_lock);
    }
    if (!is_pending)
        return committed_place(reader, receipt, out, found);
    *found = true;
    return SL_OK;
}

enum sl_err index_reader_hash(struct index_reader *reader, unsigned level, uint64_t index,
                              uint8_t hash[SHA256_BYTES], bool *found)
{
    uint64_t position = index_hash_position(level, index);
    bool is_pending = false;
    if (reader->index) {
        pthread_mutex_lock(&reader->index->pending_lock);
        is_pending = index_pending_hash(&reader->index->pending, position, hash);
        pthread_mutex_unlock(&reader->index->pending_lock);
    }
    if (is_pending) {
        *found = true;
        return SL_OK;
    }
    SL_TRY(renew(reader));
    enum sl_err err =
        index_read_hash(reader->txn, &reader->databases, &reader->problem, position, hash, found);
    mdb_txn_reset(reader->txn);
    return err;
}
