/*
 * index.c - three small databases in LMDB
 *
 *     meta      "state"            -> u32 version, size, n_changes, root, place, tree before the last batch
 *     batches   u64be first index  -> u64be segment, u64be offset       appended, never changed
 *     counters  16-byte subject id -> u64be next number
 *
 * Nothing here is awaited by a flow: commits happen between batches, a few a second. A commit that
 * fails (a full disk) leaves the index behind, and is tried again later; all that costs is a
 * longer start.
 *
 * The map is 64 GiB of address space, not of disk or memory: the file grows with what is in it.
 * Touching a mapped page that has no file behind it would end the process with SIGBUS, so the lock
 * file is allocated before LMDB maps it, and a data file that was cut off is lengthened: LMDB then
 * finds a page that is none, and says so.
 */
#include "ledger/index.h"

#include "base/reader.h"
#include "base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATE_VERSION = 1,
    STATE_BYTES_MAX = 4 + 8 + SHA256_BYTES + 8 + 8 + 8 + 8 + TREE_LEVELS * SHA256_BYTES,
    PENDING_BATCHES = 8192,
    LOCK_FILE_BYTES = 16384, /* LMDB's table of 126 readers, a cache line each, and its head */
};

static const size_t map_bytes = (size_t)64 << 30;
static const struct slice state_key = SLICE_LITERAL("state");

struct ledger_index {
    MDB_env *env;
    MDB_dbi meta, batches, counters;
    MDB_txn *reading; /* reset between reads */
    MDB_txn *writing;
    int writing_err;
    uint64_t n_noted, stride; /* since the last commit; every how many are kept */
    size_t n_pending;
    struct index_batch pending[PENDING_BATCHES];
    struct index_problem problem;
};

static SL_PRINTF(2, 3) enum sl_err fail(struct index_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

static MDB_val val_of(struct slice bytes)
{
    /* LMDB does not write through keys and values that are put or looked up. */
    union {
        const uint8_t *from;
        void *to;
    } p = {.from = bytes.p};
    return (MDB_val){bytes.n, p.to};
}

static struct slice slice_of_val(MDB_val val)
{
    return slice_of(val.mv_data, val.mv_size);
}

/* -------------------------------------------------------------------- opening and closing -- */

static int open_databases(struct ledger_index *index)
{
    MDB_txn *txn = NULL;
    int err = mdb_txn_begin(index->env, NULL, 0, &txn);
    if (err != 0)
        return err;
    err = mdb_dbi_open(txn, "meta", MDB_CREATE, &index->meta);
    if (err == 0)
        err = mdb_dbi_open(txn, "batches", MDB_CREATE, &index->batches);
    if (err == 0)
        err = mdb_dbi_open(txn, "counters", MDB_CREATE, &index->counters);
    if (err != 0) {
        mdb_txn_abort(txn);
        return err;
    }
    err = mdb_txn_commit(txn);
    if (err == 0)
        err = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &index->reading);
    if (err == 0)
        mdb_txn_reset(index->reading);
    return err;
}

/* 0 or an error number. Where it can't be allocated ahead, LMDB does without. */
static int allocate_lock_file(const char *folder)
{
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return errno;
    int err = 0;
    int fd = openat(folder_fd, "lock.mdb", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || (fallocate(fd, 0, 0, LOCK_FILE_BYTES) != 0 && errno != EOPNOTSUPP))
        err = errno;
    if (fd >= 0)
        close(fd);
    close(folder_fd);
    return err;
}

static int lengthen_data_file(MDB_env *env)
{
    int fd;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int err = mdb_env_get_fd(env, &fd);
    if (err == 0)
        err = mdb_env_info(env, &info);
    if (err == 0)
        err = mdb_env_stat(env, &stat);
    if (err != 0)
        return err;
    off_t used = (off_t)(info.me_last_pgno + 1) * (off_t)stat.ms_psize;
    bool is_short = fstat(fd, &file) == 0 && file.st_size < used;
    return is_short && ftruncate(fd, used) != 0 ? errno : 0;
}

static int open_environment(struct ledger_index *index, const char *folder)
{
    int err = allocate_lock_file(folder);
    if (err == 0)
        err = mdb_env_create(&index->env);
    if (err == 0)
        err = mdb_env_set_mapsize(index->env, map_bytes);
    if (err == 0)
        err = mdb_env_set_maxdbs(index->env, 3);
    if (err == 0)
        err = mdb_env_open(index->env, folder, MDB_NOTLS, 0600);
    if (err == 0)
        err = lengthen_data_file(index->env);
    return err == 0 ? open_databases(index) : err;
}

enum sl_err index_open(const char *folder, struct index_problem *problem, struct ledger_index **out)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(problem, "%s can't be made: %s; is the state folder there and writable?",
                    folder, strerror(errno));
    SL_AUTO(ledger_index) index = calloc(1, sizeof *index);
    if (!index) {
        (void)fail(problem, "out of memory");
        return SL_EINTERNAL;
    }
    index->stride = 1;
    int err = open_environment(index, folder);
    if (err == MDB_INVALID || err == MDB_CORRUPTED || err == MDB_VERSION_MISMATCH)
        return fail(problem,
                    "the index in %s is damaged (%s); if the ledger is the newest there is "
                    "(\"sluis-audit verify\" tells its size), remove the folder: it is rebuilt",
                    folder, mdb_strerror(err));
    if (err != 0)
        return fail(problem, "the index in %s can't be opened: %s", folder, mdb_strerror(err));
    *out = index;
    index = NULL;
    return SL_OK;
}

void index_free(struct ledger_index *index)
{
    if (!index)
        return;
    if (index->writing)
        mdb_txn_abort(index->writing);
    if (index->reading)
        mdb_txn_abort(index->reading);
    if (index->env)
        mdb_env_close(index->env);
    free(index);
}

const char *index_problem(const struct ledger_index *index)
{
    return index->problem.text;
}

static enum sl_err read_failed(struct ledger_index *index, int err)
{
    return fail(&index->problem, "the index can't be read: %s", mdb_strerror(err));
}

/* -------------------------------------------------------------------------------- the state -- */

static void state_write(struct writer *writer, const struct index_state *state)
{
    write_u32(writer, STATE_VERSION);
    write_u64(writer, state->size);
    write_u64(writer, state->n_changes);
    write_bytes(writer, slice_of(state->root, sizeof state->root));
    write_u64(writer, state->segment_first);
    write_u64(writer, state->batch_offset);
    write_u64(writer, (uint64_t)state->newest_time_before_ms);
    write_u64(writer, state->before.size);
    for (size_t level = 0; level < TREE_LEVELS; level++)
        if (state->before.size >> level & 1)
            write_bytes(writer, slice_of(state->before.subtree[level], SHA256_BYTES));
}

static void read_hash(struct reader *reader, uint8_t hash[SHA256_BYTES])
{
    struct slice bytes = read_bytes(reader, SHA256_BYTES);
    if (bytes.n == SHA256_BYTES)
        memcpy(hash, bytes.p, SHA256_BYTES);
}

static bool state_read(struct slice bytes, struct index_state *state)
{
    struct reader reader = reader_over(bytes);
    bool version = read_u32(&reader) == STATE_VERSION;
    memset(state, 0, sizeof *state);
    state->size = read_u64(&reader);
    state->n_changes = read_u64(&reader);
    read_hash(&reader, state->root);
    state->segment_first = read_u64(&reader);
    state->batch_offset = read_u64(&reader);
    state->newest_time_before_ms = (int64_t)read_u64(&reader);
    state->before.size = read_u64(&reader);
    for (size_t level = 0; level < TREE_LEVELS; level++)
        if (state->before.size >> level & 1)
            read_hash(&reader, state->before.subtree[level]);
    return version && !reader.bad && reader_left(&reader) == 0 && state->before.size < state->size;
}

enum sl_err index_state_get(struct ledger_index *index, struct index_state *out, bool *found)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    MDB_val key = val_of(state_key), value;
    struct index_state state;
    bool sound = true;
    err = mdb_get(index->reading, index->meta, &key, &value);
    if (err == 0)
        sound = state_read(slice_of_val(value), &state);
    mdb_txn_reset(index->reading);
    if (err != 0 && err != MDB_NOTFOUND)
        return read_failed(index, err);
    if (!sound)
        return fail(&index->problem, "the index is damaged; if the ledger is the newest there is "
                                     "(\"sluis-audit verify\" tells its size), remove the index "
                                     "folder: it is rebuilt");
    *found = err == 0;
    if (*found)
        *out = state;
    return SL_OK;
}

/* --------------------------------------------------------------------------------- lookups -- */

enum sl_err index_counter(struct ledger_index *index, const uint8_t subject[SUBJECT_ID_BYTES],
                          uint64_t *n)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    MDB_val key = val_of(slice_of(subject, SUBJECT_ID_BYTES)), value;
    uint64_t counter = 0;
    bool sound = true;
    err = mdb_get(index->reading, index->counters, &key, &value);
    if (err == 0) {
        struct reader reader = reader_over(slice_of_val(value));
        counter = read_u64be(&reader);
        sound = !reader.bad;
    }
    mdb_txn_reset(index->reading);
    if (err != 0 && err != MDB_NOTFOUND)
        return read_failed(index, err);
    if (!sound)
        return fail(&index->problem, "the index holds a count that is none");
    *n = counter;
    return SL_OK;
}

static int find_at_or_before(struct ledger_index *index, uint64_t receipt, MDB_val *key,
                             MDB_val *value)
{
    uint8_t wanted[8];
    struct writer writer = writer_over(wanted, sizeof wanted);
    write_u64be(&writer, receipt);
    MDB_cursor *cursor = NULL;
    int err = mdb_cursor_open(index->reading, index->batches, &cursor);
    if (err != 0)
        return err;
    *key = val_of(slice_of(wanted, sizeof wanted));
    err = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (err == MDB_NOTFOUND)
        err = mdb_cursor_get(cursor, key, value, MDB_LAST);
    else if (err == 0 && !slice_equals(slice_of_val(*key), slice_of(wanted, sizeof wanted)))
        err = mdb_cursor_get(cursor, key, value, MDB_PREV);
    mdb_cursor_close(cursor);
    return err;
}

enum sl_err index_find(struct ledger_index *index, uint64_t receipt, struct index_batch *out,
                       bool *found)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    MDB_val key, value;
    struct index_batch batch = {0};
    err = find_at_or_before(index, receipt, &key, &value);
    bool sound = true;
    if (err == 0) {
        struct reader first = reader_over(slice_of_val(key));
        struct reader place = reader_over(slice_of_val(value));
        batch.first_index = read_u64be(&first);
        batch.segment_first = read_u64be(&place);
        batch.offset = read_u64be(&place);
        sound = !first.bad && !place.bad;
    }
    mdb_txn_reset(index->reading);
    if (err != 0 && err != MDB_NOTFOUND)
        return read_failed(index, err);
    if (!sound)
        return fail(&index->problem, "the index holds a place that is none");
    *found = err == 0;
    if (*found)
        *out = batch;
    return SL_OK;
}

/* --------------------------------------------------------------------------------- writing -- */

void index_note_batch(struct ledger_index *index, const struct index_batch *batch)
{
    if (index->n_noted++ % index->stride != 0)
        return;
    if (index->n_pending == PENDING_BATCHES) {
        for (size_t i = 0; i < PENDING_BATCHES / 2; i++)
            index->pending[i] = index->pending[2 * i];
        index->n_pending = PENDING_BATCHES / 2;
        index->stride *= 2;
    }
    index->pending[index->n_pending++] = *batch;
}

static void forget_pending(struct ledger_index *index)
{
    index->n_pending = 0;
    index->n_noted = 0;
    index->stride = 1;
}

void index_begin(struct ledger_index *index)
{
    SL_ASSERT(!index->writing);
    index->writing_err = mdb_txn_begin(index->env, NULL, 0, &index->writing);
    if (index->writing_err != 0)
        index->writing = NULL;
}

/* As mdb_put(), once nothing has failed before. */
static void put(struct ledger_index *index, MDB_dbi database, struct slice key, struct slice value)
{
    MDB_val mdb_key = val_of(key), mdb_value = val_of(value);
    if (index->writing_err == 0)
        index->writing_err = mdb_put(index->writing, database, &mdb_key, &mdb_value, 0);
}

void index_put_counter(struct ledger_index *index, const uint8_t subject[SUBJECT_ID_BYTES],
                       uint64_t n)
{
    uint8_t value[8];
    struct writer writer = writer_over(value, sizeof value);
    write_u64be(&writer, n);
    put(index, index->counters, slice_of(subject, SUBJECT_ID_BYTES), writer_slice(&writer));
}

static void put_batch(struct ledger_index *index, const struct index_batch *batch)
{
    uint8_t key[8], value[16];
    struct writer key_writer = writer_over(key, sizeof key);
    struct writer value_writer = writer_over(value, sizeof value);
    write_u64be(&key_writer, batch->first_index);
    write_u64be(&value_writer, batch->segment_first);
    write_u64be(&value_writer, batch->offset);
    put(index, index->batches, writer_slice(&key_writer), writer_slice(&value_writer));
}

enum sl_err index_commit(struct ledger_index *index, const struct index_state *state)
{
    for (size_t i = 0; i < index->n_pending; i++)
        put_batch(index, &index->pending[i]);
    uint8_t block[STATE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    state_write(&writer, state);
    SL_ASSERT(!writer.overflow);
    put(index, index->meta, state_key, writer_slice(&writer));

    int err = index->writing_err;
    if (err == 0)
        err = mdb_txn_commit(index->writing);
    else if (index->writing)
        mdb_txn_abort(index->writing);
    index->writing = NULL;
    if (err != 0)
        return fail(&index->problem, "the index can't be written: %s", mdb_strerror(err));
    forget_pending(index);
    return SL_OK;
}
