/*
 * store.c - opens the LMDB environment, and says in words what is wrong when it can't
 *
 * The environment is data.mdb and lock.mdb in a folder of their own. MDB_NOTLS, so that a read
 * transaction belongs to its store_reader and not to the thread that happened to begin it. The
 * map is large and sparse: it costs address space only, and never needs to grow while others read.
 *
 * A store is recognised by its `meta` database, made in the same transaction as all others. What
 * is there already is never overwritten: a folder whose LMDB file holds something else is refused.
 *
 * LMDB reads through a memory map, so a file shorter than its pages would end the process with
 * SIGBUS; such a file is refused here.
 */
#include "store/env.h"

#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STORE_FORMAT = 1, STORE_DATABASES = 7 };
static const size_t STORE_MAP_BYTES = (size_t)1 << 34;

static const struct slice meta_format_key = SLICE_LITERAL("format");
static const struct slice meta_check_key = SLICE_LITERAL("check");
/* What `check` wraps: its value is no secret, the key that wraps it is. */
static const uint8_t check_plain[KEYWRAP_KEY_BYTES];

static SL_PRINTF(2, 3) void say(struct store_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
}

enum sl_err store_err(int code)
{
    switch (code) {
    case 0:
        return SL_OK;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return SL_ELIMIT;
    case ENOMEM:
        return SL_EINTERNAL;
    default:
        return SL_ESTORE;
    }
}

enum sl_err store_fail(struct store *store, int code, const char *doing)
{
    /* LMDB calls a write that came out short EIO; most often the disk is full. */
    if (code == EIO && reserve_disk_is_full(store))
        code = ENOSPC;
    enum sl_err err = store_err(code);
    snprintf(store->failure, sizeof store->failure, "could not %s: %s%s", doing, mdb_strerror(code),
             err == SL_ELIMIT ? "; nothing was changed; make room on the state folder's disk" : "");
    return err;
}

enum sl_err store_refuse(struct store *store, int code, const char *doing, enum store_refusal *why)
{
    enum store_refusal refusal;
    switch (code) {
    case STORE_CODE_CONFLICT:
        refusal = STORE_CONFLICT;
        break;
    case STORE_CODE_TAKEN:
        refusal = STORE_TAKEN;
        break;
    case STORE_CODE_UNSAFE:
        refusal = STORE_UNSAFE;
        break;
    case STORE_CODE_UNKNOWN:
        refusal = STORE_UNKNOWN;
        break;
    default:
        return store_fail(store, code, doing);
    }
    if (why)
        *why = refusal;
    return SL_EMALFORMED;
}

void store_failure(struct store *store, struct store_problem *out)
{
    STORE_LOCK(store);
    memcpy(out->text, store->failure, sizeof out->text);
}

bool store_is_low(const struct store *store)
{
    return atomic_load(&store->low);
}

/* The likely mistakes, before LMDB meets them with an errno. */
static bool folder_is_usable(const char *folder, bool read_only, struct store_problem *problem)
{
    struct stat stat_of;
    if (stat(folder, &stat_of) != 0) {
        say(problem, "store folder %s: %s%s", folder, strerror(errno),
            errno == ENOENT ? "; make one with `sluis init`, or correct `state` in sluis.yaml"
                            : "");
        return false;
    }
    if (!S_ISDIR(stat_of.st_mode)) {
        say(problem, "store folder %s is not a folder", folder);
        return false;
    }
    if (faccessat(AT_FDCWD, folder, R_OK | X_OK | (read_only ? 0 : W_OK), AT_EACCESS) != 0) {
        say(problem, "store folder %s: %s; it must be %s by the user that runs this", folder,
            strerror(errno), read_only ? "readable" : "writable");
        return false;
    }
    return true;
}

static enum sl_err open_environment(struct store *store, const char *folder,
                                    struct store_problem *problem)
{
    unsigned flags = MDB_NOTLS | (store->read_only ? MDB_RDONLY : 0);
    int code = reserve_lock_file(folder);
    if (code == 0)
        code = mdb_env_create(&store->env);
    if (code == 0)
        code = mdb_env_set_mapsize(store->env, STORE_MAP_BYTES);
    if (code == 0)
        code = mdb_env_set_maxreaders(store->env, STORE_READERS_MAX);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, STORE_DATABASES);
    if (code == 0)
        code = mdb_env_open(store->env, folder, flags, S_IRUSR | S_IWUSR);
    if (code == 0)
        return SL_OK;
    if (code == ENOENT && store->read_only)
        say(problem, "%s holds no store yet; the gateway makes one when it starts", folder);
    else if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH)
        say(problem, "%s/data.mdb is not a store, or is damaged; restore it from a backup", folder);
    else
        say(problem, "%s/data.mdb can't be opened: %s", folder, mdb_strerror(code));
    return store_err(code);
}

static enum sl_err check_length(struct store *store, const char *folder,
                                struct store_problem *problem)
{
    int fd;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    if (mdb_env_get_fd(store->env, &fd) != 0 || mdb_env_info(store->env, &info) != 0 ||
        mdb_env_stat(store->env, &stat) != 0 || fstat(fd, &file) != 0) {
        say(problem, "%s/data.mdb can't be examined", folder);
        return SL_ESTORE;
    }
    if ((uintmax_t)file.st_size / stat.ms_psize <= info.me_last_pgno) {
        say(problem, "%s/data.mdb is cut off: %jd bytes, %ju are in use; restore it from a backup",
            folder, (intmax_t)file.st_size, (uintmax_t)(info.me_last_pgno + 1) * stat.ms_psize);
        return SL_ESTORE;
    }
    return SL_OK;
}

static int open_databases(struct store *store, MDB_txn *txn, unsigned create)
{
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[STORE_DATABASES] = {
        {"names", &store->names},       {"live", &store->live},
        {"history", &store->history},   {"pending", &store->pending},
        {"accounts", &store->accounts}, {"vocabularies", &store->vocabularies},
        {"meta", &store->meta}};
    int code = 0;
    for (size_t i = 0; i < SL_LENGTH(databases) && code == 0; i++)
        code = mdb_dbi_open(txn, databases[i].name, create, databases[i].dbi);
    return code;
}

static int put_meta(struct store *store, MDB_txn *txn)
{
    uint8_t wrapped[KEYWRAP_WRAPPED_BYTES];
    if (keywrap_wrap(store->keywrap, check_plain, wrapped) != SL_OK)
        return ENOMEM;
    uint8_t format[4];
    struct writer writer = writer_over(format, sizeof format);
    write_u32(&writer, STORE_FORMAT);
    MDB_val key = val_of(meta_format_key);
    MDB_val value = val_of(writer_slice(&writer));
    int code = mdb_put(txn, store->meta, &key, &value, 0);
    if (code != 0)
        return code;
    key = val_of(meta_check_key);
    value = val_of(slice_of(wrapped, sizeof wrapped));
    return mdb_put(txn, store->meta, &key, &value, 0);
}

static enum sl_err check_meta(struct store *store, MDB_txn *txn, const char *folder,
                              const char *key_file, struct store_problem *problem)
{
    MDB_val key = val_of(meta_format_key);
    MDB_val format = {0}, check = {0};
    int code = mdb_get(txn, store->meta, &key, &format);
    key = val_of(meta_check_key);
    if (code == 0)
        code = mdb_get(txn, store->meta, &key, &check);
    static const uint8_t known_format[4] = {STORE_FORMAT};
    if (code != 0 || check.mv_size != KEYWRAP_WRAPPED_BYTES ||
        !slice_equals(slice_of_val(format), slice_of(known_format, sizeof known_format))) {
        say(problem, "%s is a store of a format that this version does not know", folder);
        return SL_ESTORE;
    }
    uint8_t plain[KEYWRAP_KEY_BYTES];
    if (keywrap_unwrap(store->keywrap, check.mv_data, plain) != SL_OK ||
        memcmp(plain, check_plain, sizeof plain) != 0) {
        say(problem, "%s is not the key of the store in %s; put back the key it was made with",
            key_file, folder);
        return SL_ESTORE;
    }
    return SL_OK;
}

/* Makes the databases in an empty environment; refuses one that holds something else. */
static enum sl_err create(struct store *store, MDB_txn *txn, const char *folder,
                          struct store_problem *problem)
{
    MDB_dbi main;
    MDB_stat stat;
    int code = mdb_dbi_open(txn, NULL, 0, &main);
    if (code == 0)
        code = mdb_stat(txn, main, &stat);
    if (code == 0 && (stat.ms_entries > 0 || store->read_only)) {
        say(problem, "%s/data.mdb is not a store: its databases are missing", folder);
        return SL_ESTORE;
    }
    if (code == 0)
        code = open_databases(store, txn, MDB_CREATE);
    if (code == 0)
        code = put_meta(store, txn);
    if (code == 0)
        return SL_OK;
    say(problem, "a store can't be made in %s: %s", folder, mdb_strerror(code));
    return store_err(code);
}

static enum sl_err open_or_create(struct store *store, const char *folder, const char *key_file,
                                  struct store_problem *problem)
{
    SL_AUTO(MDB_txn) txn = NULL;
    int code = mdb_txn_begin(store->env, NULL, store->read_only ? MDB_RDONLY : 0, &txn);
    if (code != 0) {
        say(problem, "%s can't be read: %s", folder, mdb_strerror(code));
        return store_err(code);
    }
    if (open_databases(store, txn, 0) != 0)
        SL_TRY(create(store, txn, folder, problem));
    SL_TRY(check_meta(store, txn, folder, key_file, problem));
    /* Also when only reading: the handles live on with a commit only. */
    code = mdb_txn_commit(txn);
    txn = NULL;
    if (code != 0)
        say(problem, "a store can't be made in %s: %s", folder, mdb_strerror(code));
    return store_err(code);
}

static enum sl_err read_key(struct store *store, const char *key_file,
                            struct store_problem *problem)
{
    struct private_file_problem why;
    enum sl_err err = private_file_read_exactly(key_file, store->kek, sizeof store->kek, &why);
    if (err != SL_OK) {
        say(problem, "key-encryption key: %s", why.text);
        return err;
    }
    err = keywrap_new(store->kek, &store->keywrap);
    if (err != SL_OK)
        say(problem, "key-encryption key: OpenSSL offers no AES-256 key wrap");
    return err;
}

enum sl_err store_open(const char *folder, const char *key_file, bool read_only,
                       struct store_problem *problem, struct store **out)
{
    SL_AUTO(store) store = calloc(1, sizeof *store);
    if (!store) {
        say(problem, "out of memory");
        return SL_EINTERNAL;
    }
    store->read_only = read_only;
    pthread_mutex_init(&store->lock, NULL); /* can't fail with default attributes */
    if (!folder_is_usable(folder, read_only, problem))
        return SL_ESTORE;
    SL_TRY(read_key(store, key_file, problem));
    SL_TRY(open_environment(store, folder, problem));
    SL_TRY(check_length(store, folder, problem));
    SL_TRY(open_or_create(store, folder, key_file, problem));
    if (!read_only) {
        int n_dead; /* slots of processes that were killed; they would pin old pages */
        mdb_reader_check(store->env, &n_dead);
        reserve_keep(store);
    }
    *out = store;
    store = NULL;
    return SL_OK;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    if (store->env)
        mdb_env_close(store->env);
    keywrap_free(store->keywrap);
    OPENSSL_cleanse(store->kek, sizeof store->kek);
    pthread_mutex_destroy(&store->lock);
    free(store);
}
