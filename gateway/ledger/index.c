/*
 * index.c - small databases in LMDB
 *
 *     meta      "state"            -> u32 version, size, n_changes, root, place, tree before the
 * last batch batches   u64be first index  -> u64be segment, u64be offset       appended, never
 * changed hashes    u64be position     -> 32 bytes                          appended, never changed
 *     counters  16-byte label -> u64be next number of a subject
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
#include "base/reader.h"
#include "base/writer.h"
#include "ledger/index_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATE_VERSION = 3,
    EPOCHS_BYTES = 6 * 8 + 1,
    STATE_BYTES_MAX = 4 + 8 + 8 + SHA256_BYTES + 8 + 8 + 8 + NOTE_KEY_BYTES + 8 + EPOCHS_BYTES + 8 +
                      TREE_LEVELS * SHA256_BYTES,
    LOCK_FILE_BYTES = 16384, /* LMDB's table of 126 readers, a cache line each, and its head */
};

_Static_assert((int)NOTE_KEY_BYTES == (int)SHA256_BYTES, "a key is read as a hash is");

static const size_t map_bytes = (size_t)64 << 30;
static const struct slice state_key = SLICE_LITERAL("state");

enum sl_err index_fail(struct index_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

MDB_val index_val(struct slice bytes)
{
    /* LMDB does not write through keys and values that are put or looked up. */
    union {
        const uint8_t *from;
        void *to;
    } p = {.from = bytes.p};
    return (MDB_val){bytes.n, p.to};
}

struct slice index_slice(MDB_val value)
{
    return slice_of(value.mv_data, value.mv_size);
}

/* -------------------------------------------------------------------- opening and closing -- */

int index_open_databases(MDB_txn *txn, unsigned flags, struct index_databases *out)
{
    const struct {
        const char *name;
        MDB_dbi *handle;
    } all[] = {{"meta", &out->meta},         {"batches", &out->batches},
               {"counters", &out->counters}, {"hashes", &out->hashes},
               {"starts0", &out->starts[0]}, {"starts1", &out->starts[1]},
               {"asked0", &out->asked[0]},   {"asked1", &out->asked[1]}};
    int err = 0;
    for (size_t i = 0; err == 0 && i < SL_LENGTH(all); i++)
        err = mdb_dbi_open(txn, all[i].name, flags, all[i].handle);
    return err;
}

static int open_databases(struct ledger_index *index)
{
    MDB_txn *txn = NULL;
    int err = mdb_txn_begin(index->env, NULL, 0, &txn);
    if (err != 0)
        return err;
    err = index_open_databases(txn, MDB_CREATE, &index->databases);
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
        err = mdb_env_set_maxdbs(index->env, INDEX_DATABASES_MAX);
    if (err == 0)
        err = mdb_env_open(index->env, folder, MDB_NOTLS, 0600);
    if (err == 0)
        err = lengthen_data_file(index->env);
    return err == 0 ? open_databases(index) : err;
}

enum sl_err index_open(const char *folder, struct index_problem *problem, struct ledger_index **out)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return index_fail(problem, "%s can't be made: %s; is the state folder there and writable?",
                          folder, strerror(errno));
    SL_AUTO(ledger_index) index = calloc(1, sizeof *index);
    if (!index) {
        (void)index_fail(problem, "out of memory");
        return SL_EINTERNAL;
    }
    pthread_mutex_init(&index->pending_lock, NULL);
    SL_TRY(index_pending_init(&index->pending));
    int err = open_environment(index, folder);
    if (err == MDB_INVALID || err == MDB_CORRUPTED || err == MDB_VERSION_MISMATCH)
        return index_fail(
            problem,
            "the index in %s is damaged (%s); if the ledger is the newest there is "
            "(\"sluis-audit verify\" tells its size), make it anew: \"sluis ledger index\"",
            folder, mdb_strerror(err));
    if (err != 0)
        return index_fail(problem, "the index in %s can't be opened: %s", folder,
                          mdb_strerror(err));
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
    index_pending_deinit(&index->pending);
    pthread_mutex_destroy(&index->pending_lock);
    free(index);
}

const char *index_problem(const struct ledger_index *index)
{
    return index->problem.text;
}

static enum sl_err read_failed(struct ledger_index *index, int err)
{
    return index_fail(&index->problem, "the index can't be read: %s", mdb_strerror(err));
}

/* -------------------------------------------------------------------------------- the state -- */

static void epochs_write(struct writer *writer, const struct epochs *epochs)
{
    write_u64(writer, epochs->n_headed);
    write_u64(writer, epochs->headed_end);
    write_u8(writer, epochs->is_closing);
    write_u64(writer, epochs->closing_end);
    write_u64(writer, epochs->closing_n);
    write_u64(writer, epochs->running_n);
    write_u64(writer, (uint64_t)epochs->running_since_ms);
}

static struct epochs epochs_read(struct reader *reader)
{
    struct epochs epochs;
    epochs.n_headed = read_u64(reader);
    epochs.headed_end = read_u64(reader);
    epochs.is_closing = read_u8(reader) != 0;
    epochs.closing_end = read_u64(reader);
    epochs.closing_n = read_u64(reader);
    epochs.running_n = read_u64(reader);
    epochs.running_since_ms = (int64_t)read_u64(reader);
    return epochs;
}

static void state_write(struct writer *writer, const struct index_state *state)
{
    write_u32(writer, STATE_VERSION);
    write_u64(writer, state->size);
    write_u64(writer, state->n_changes);
    write_bytes(writer, slice_of(state->root, sizeof state->root));
    write_u64(writer, state->segment_first);
    write_u64(writer, state->batch_offset);
    write_u64(writer, (uint64_t)state->newest_time_before_ms);
    write_bytes(writer, slice_of(state->key, sizeof state->key));
    write_u64(writer, state->n_keys);
    epochs_write(writer, &state->epochs);
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
    read_hash(&reader, state->key);
    state->n_keys = read_u64(&reader);
    state->epochs = epochs_read(&reader);
    state->before.size = read_u64(&reader);
    for (size_t level = 0; level < TREE_LEVELS; level++)
        if (state->before.size >> level & 1)
            read_hash(&reader, state->before.subtree[level]);
    return version && !reader.bad && reader_left(&reader) == 0 && state->before.size < state->size;
}

enum sl_err index_read_state(MDB_txn *txn, const struct index_databases *databases,
                             struct index_problem *problem, struct index_state *out, bool *found)
{
    MDB_val key = index_val(state_key), value;
    int err = mdb_get(txn, databases->meta, &key, &value);
    if (err != 0 && err != MDB_NOTFOUND)
        return index_fail(problem, "the index can't be read: %s", mdb_strerror(err));
    struct index_state state;
    if (err == 0 && !state_read(index_slice(value), &state))
        return index_fail(problem, "the index is damaged, or of another version of this program; "
                                   "if the ledger is the newest there is (\"sluis-audit verify\" "
                                   "tells its size), make it anew: \"sluis ledger index\"");
    *found = err == 0;
    if (*found)
        *out = state;
    return SL_OK;
}

enum sl_err index_state_get(struct ledger_index *index, struct index_state *out, bool *found)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    enum sl_err state_err =
        index_read_state(index->reading, &index->databases, &index->problem, out, found);
    mdb_txn_reset(index->reading);
    return state_err;
}

/* --------------------------------------------------------------------------------- lookups -- */

void index_label(const struct hmac_key *key, uint8_t label[INDEX_LABEL_BYTES])
{
    static const struct slice context = SLICE_LITERAL("index");
    uint8_t full[SHA256_BYTES];
    struct sha256 hash;
    hmac_begin(key, &hash);
    sha256_add(&hash, context);
    hmac_end(key, &hash, full);
    memcpy(label, full, INDEX_LABEL_BYTES);
}

enum sl_err index_counter(struct ledger_index *index, const uint8_t label[INDEX_LABEL_BYTES],
                          uint64_t *n)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    MDB_val key = index_val(slice_of(label, INDEX_LABEL_BYTES)), value;
    uint64_t counter = 0;
    bool sound = true;
    err = mdb_get(index->reading, index->databases.counters, &key, &value);
    if (err == 0) {
        struct reader reader = reader_over(index_slice(value));
        counter = read_u64be(&reader);
        sound = !reader.bad;
    }
    mdb_txn_reset(index->reading);
    if (err != 0 && err != MDB_NOTFOUND)
        return read_failed(index, err);
    if (!sound)
        return index_fail(&index->problem, "the index holds a count that is none");
    *n = counter;
    return SL_OK;
}

enum sl_err index_read_hash(MDB_txn *txn, const struct index_databases *databases,
                            struct index_problem *problem, uint64_t position,
                            uint8_t hash[SHA256_BYTES], bool *found)
{
    uint8_t wanted[8];
    struct writer writer = writer_over(wanted, sizeof wanted);
    write_u64be(&writer, position);
    MDB_val key = index_val(writer_slice(&writer)), value;
    int err = mdb_get(txn, databases->hashes, &key, &value);
    if (err != 0 && err != MDB_NOTFOUND)
        return index_fail(problem, "the index can't be read: %s", mdb_strerror(err));
    if (err == 0 && value.mv_size != SHA256_BYTES)
        return index_fail(problem, "the index holds a hash that is none");
    *found = err == 0;
    if (*found)
        memcpy(hash, value.mv_data, SHA256_BYTES);
    return SL_OK;
}

/* ------------------------------------------------------------------------------- resuming -- */

/* Are the hashes that `tree` keeps, above the tiles, those of the index? */
static enum sl_err compare_hashes(struct ledger_index *index, const struct tree *tree)
{
    for (unsigned level = TREE_TILE_LEVEL; level < TREE_LEVELS; level++) {
        if ((tree->size >> level & 1) == 0)
            continue;
        uint64_t position = index_hash_position(level, (tree->size >> level) - 1);
        uint8_t hash[SHA256_BYTES];
        bool found = false;
        SL_TRY(index_read_hash(index->reading, &index->databases, &index->problem, position, hash,
                               &found));
        if (!found || memcmp(hash, tree->subtree[level], sizeof hash) != 0)
            return index_fail(&index->problem, "the index holds other hashes than the ledger; "
                                               "rebuild it: `sluis ledger index`");
    }
    return SL_OK;
}

enum sl_err index_resume(struct ledger_index *index, const struct tree *tree)
{
    int err = mdb_txn_renew(index->reading);
    if (err != 0)
        return read_failed(index, err);
    enum sl_err compared = compare_hashes(index, tree);
    mdb_txn_reset(index->reading);
    if (compared == SL_OK)
        index_pending_start(&index->pending, tree);
    return compared;
}

void index_note_batch(struct ledger_index *index, const struct index_batch *batch,
                      uint32_t n_receipts, const struct batch_tiles *tiles)
{
    pthread_mutex_lock(&index->pending_lock);
    index_pending_note(&index->pending, batch, n_receipts, tiles);
    pthread_mutex_unlock(&index->pending_lock);
}

/* --------------------------------------------------------------------------------- writing -- */

void index_begin(struct ledger_index *index)
{
    SL_ASSERT(!index->writing);
    index->writing_err = mdb_txn_begin(index->env, NULL, 0, &index->writing);
    if (index->writing_err != 0)
        index->writing = NULL;
}

/* As mdb_put(), once nothing has failed before. */
static void put(struct ledger_index *index, MDB_dbi database, struct slice key, struct slice value,
                unsigned flags)
{
    MDB_val mdb_key = index_val(key), mdb_value = index_val(value);
    if (index->writing_err == 0)
        index->writing_err = mdb_put(index->writing, database, &mdb_key, &mdb_value, flags);
}

void index_put_counter(struct ledger_index *index, const uint8_t label[INDEX_LABEL_BYTES],
                       uint64_t n)
{
    uint8_t value[8];
    struct writer writer = writer_over(value, sizeof value);
    write_u64be(&writer, n);
    put(index, index->databases.counters, slice_of(label, INDEX_LABEL_BYTES), writer_slice(&writer),
        0);
}

static void put_batch(struct ledger_index *index, const struct index_batch *batch)
{
    uint8_t key[8], value[16];
    struct writer key_writer = writer_over(key, sizeof key);
    struct writer value_writer = writer_over(value, sizeof value);
    write_u64be(&key_writer, batch->first_index);
    write_u64be(&value_writer, batch->segment_first);
    write_u64be(&value_writer, batch->offset);
    put(index, index->databases.batches, writer_slice(&key_writer), writer_slice(&value_writer),
        MDB_APPEND);
}

static void put_hash(struct ledger_index *index, uint64_t position,
                     const uint8_t hash[SHA256_BYTES])
{
    uint8_t key[8];
    struct writer writer = writer_over(key, sizeof key);
    write_u64be(&writer, position);
    put(index, index->databases.hashes, writer_slice(&writer), slice_of(hash, SHA256_BYTES),
        MDB_APPEND);
}

/* Only the writer changes what is pending, so it may read it without the lock. */
static enum sl_err put_pending(struct ledger_index *index)
{
    const struct index_pending *pending = &index->pending;
    if (pending->is_full)
        return index_fail(&index->problem, "no memory for what the index has not been able to "
                                           "write; it catches up at the next start");
    for (size_t i = 0; i < pending->n_places; i++)
        put_batch(index, &pending->places[i]);
    for (size_t i = 0; i < pending->n_hashes; i++)
        put_hash(index, pending->first_position + i, pending->hashes[i]);
    return SL_OK;
}

static void abort_writing(struct ledger_index *index)
{
    if (index->writing)
        mdb_txn_abort(index->writing);
    index->writing = NULL;
}

enum sl_err index_commit(struct ledger_index *index, const struct index_state *state)
{
    enum sl_err pending_err = put_pending(index);
    if (pending_err != SL_OK) {
        abort_writing(index);
        return pending_err;
    }
    uint8_t block[STATE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    state_write(&writer, state);
    SL_ASSERT(!writer.overflow);
    put(index, index->databases.meta, state_key, writer_slice(&writer), 0);

    int err = index->writing_err;
    if (err == 0) {
        err = mdb_txn_commit(index->writing);
        index->writing = NULL;
    }
    abort_writing(index);
    if (err != 0)
        return index_fail(&index->problem, "the index can't be written: %s", mdb_strerror(err));
    pthread_mutex_lock(&index->pending_lock);
    index_pending_forget(&index->pending);
    pthread_mutex_unlock(&index->pending_lock);
    return SL_OK;
}

enum sl_err index_clear(struct ledger_index *index)
{
    const struct index_databases *databases = &index->databases;
    const MDB_dbi all[] = {databases->meta,     databases->batches,   databases->counters,
                           databases->hashes,   databases->starts[0], databases->starts[1],
                           databases->asked[0], databases->asked[1]};
    index_begin(index);
    int err = index->writing_err;
    for (size_t i = 0; err == 0 && i < SL_LENGTH(all); i++)
        err = mdb_drop(index->writing, all[i], 0);
    if (err == 0) {
        err = mdb_txn_commit(index->writing);
        index->writing = NULL;
    }
    abort_writing(index);
    if (err != 0)
        return index_fail(&index->problem, "the index can't be written: %s", mdb_strerror(err));
    pthread_mutex_lock(&index->pending_lock);
    index_pending_forget(&index->pending);
    pthread_mutex_unlock(&index->pending_lock);
    return SL_OK;
}
