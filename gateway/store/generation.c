/*
 * generation.c - opens an LMDB environment, and says in words what is wrong when it can't
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
 *
 * The folder may be exchanged for another one at any moment, by a rewrite (rewrite.c). So it is
 * opened once, locked, and found to be still the one of that name; from then on LMDB gets to its
 * two files by way of the descriptor, /proc/self/fd/N, and they are of one folder whatever is
 * renamed meanwhile.
 */
#include "store/generation.h"

#include "base/private_file.h"
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STORE_FORMAT = 1, STORE_DATABASES = 10 };

static const struct slice meta_format_key = SLICE_LITERAL("format");
static const struct slice meta_check_key = SLICE_LITERAL("check");
/* What `check` wraps: its value is no secret, the key that wraps it is. */
static const uint8_t check_plain[KEYWRAP_KEY_BYTES];

/* --- the folder ------------------------------------------------------------------------------ */

/* The likely mistakes, before LMDB meets them with an errno. */
static enum sl_err refuse_folder(const char *folder, bool read_only, struct store_problem *problem)
{
    int error = errno;
    if (error == ENOTDIR)
        store_say(problem, "store folder %s is not a folder", folder);
    else
        store_say(problem, "store folder %s: %s%s", folder, strerror(error),
                  error == ENOENT ? "; make one with `sluis init`, or correct `state` in sluis.yaml"
                  : read_only     ? "; it must be readable by the user that runs this"
                                  : "; it must be writable by the user that runs this");
    return SL_ESTORE;
}

static enum sl_err open_folder(struct generation *generation, const char *folder,
                               struct store_problem *problem)
{
    struct stat opened, named;
    generation->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (generation->folder_fd < 0)
        return refuse_folder(folder, generation->read_only, problem);
    if (faccessat(generation->folder_fd, ".", R_OK | X_OK | (generation->read_only ? 0 : W_OK),
                  AT_EACCESS) != 0)
        return refuse_folder(folder, generation->read_only, problem);
    store_say(problem, "store folder %s is being exchanged", folder);
    if (flock(generation->folder_fd, LOCK_SH | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return SL_ETIMEOUT;
        store_say(problem, "store folder %s can't be locked: %s", folder, strerror(errno));
        return SL_ESTORE;
    }
    if (fstat(generation->folder_fd, &opened) != 0 || stat(folder, &named) != 0 ||
        opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
        return SL_ETIMEOUT;
    return SL_OK;
}

/* --- the environment ------------------------------------------------------------------------- */

static int open_environment(struct generation *generation)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", generation->folder_fd);
    unsigned flags = MDB_NOTLS | (generation->read_only ? MDB_RDONLY : 0);
    int code = reserve_lock_file(generation->folder_fd);
    if (code == 0)
        code = mdb_env_create(&generation->env);
    if (code == 0)
        code = mdb_env_set_mapsize(generation->env, STORE_MAP_BYTES);
    if (code == 0)
        code = mdb_env_set_maxreaders(generation->env, STORE_READERS_MAX);
    if (code == 0)
        code = mdb_env_set_maxdbs(generation->env, STORE_DATABASES);
    if (code == 0)
        code = mdb_env_open(generation->env, path, flags, S_IRUSR | S_IWUSR);
    return code;
}

static enum sl_err refuse_environment(const struct generation *generation, int code,
                                      const char *folder, struct store_problem *problem)
{
    if (code == ENOENT && generation->read_only)
        store_say(problem, "%s holds no store yet; the gateway makes one when it starts", folder);
    else if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH)
        store_say(problem, "%s/data.mdb is not a store, or is damaged; restore it from a backup",
                  folder);
    else
        store_say(problem, "%s/data.mdb can't be opened: %s", folder, mdb_strerror(code));
    return store_err(code);
}

static enum sl_err check_length(const struct generation *generation, const char *folder,
                                struct store_problem *problem)
{
    int fd;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    if (mdb_env_get_fd(generation->env, &fd) != 0 || mdb_env_info(generation->env, &info) != 0 ||
        mdb_env_stat(generation->env, &stat) != 0 || fstat(fd, &file) != 0) {
        store_say(problem, "%s/data.mdb can't be examined", folder);
        return SL_ESTORE;
    }
    if ((uintmax_t)file.st_size / stat.ms_psize <= info.me_last_pgno) {
        store_say(
            problem, "%s/data.mdb is cut off: %jd bytes, %ju are in use; restore it from a backup",
            folder, (intmax_t)file.st_size, (uintmax_t)(info.me_last_pgno + 1) * stat.ms_psize);
        return SL_ESTORE;
    }
    return SL_OK;
}

/* --- the key --------------------------------------------------------------------------------- */

static enum sl_err read_key(const char *file, struct keywrap **out, struct store_problem *problem)
{
    uint8_t key[KEYWRAP_KEY_BYTES];
    struct private_file_problem why;
    enum sl_err err = private_file_read_exactly(file, key, sizeof key, &why);
    if (err != SL_OK) {
        store_say(problem, "key-encryption key: %s", why.text);
        return err;
    }
    err = keywrap_new(key, out);
    OPENSSL_cleanse(key, sizeof key);
    if (err != SL_OK)
        store_say(problem, "key-encryption key: OpenSSL offers no AES-256 key wrap");
    return err;
}

static bool opens(struct keywrap *keywrap, const uint8_t check[KEYWRAP_WRAPPED_BYTES])
{
    uint8_t plain[KEYWRAP_KEY_BYTES];
    return keywrap_unwrap(keywrap, check, plain) == SL_OK &&
           memcmp(plain, check_plain, sizeof plain) == 0;
}

enum sl_err generation_key_is(struct generation *generation, const char *file, bool *is)
{
    SL_AUTO(keywrap) keywrap = NULL;
    SL_AUTO(MDB_txn) txn = NULL;
    struct store_problem why;
    *is = false;
    enum sl_err err = read_key(file, &keywrap, &why);
    if (err != SL_OK)
        return err == SL_EINTERNAL ? err : SL_OK;
    MDB_val name = val_of(meta_check_key), check;
    int code = mdb_txn_begin(generation->env, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        code = mdb_get(txn, generation->meta, &name, &check);
    if (code == 0)
        *is = check.mv_size == KEYWRAP_WRAPPED_BYTES && opens(keywrap, check.mv_data);
    return store_err(code);
}

/* What is said when none fits is about the first: it is the one of that name. */
static enum sl_err find_key(struct generation *generation, MDB_txn *txn, const char *folder,
                            const char *const *key_files, struct store_problem *problem,
                            size_t *key_used)
{
    MDB_val name = val_of(meta_format_key);
    MDB_val format = {0}, check = {0};
    static const uint8_t known_format[4] = {STORE_FORMAT};
    int code = mdb_get(txn, generation->meta, &name, &format);
    name = val_of(meta_check_key);
    if (code == 0)
        code = mdb_get(txn, generation->meta, &name, &check);
    if (code != 0 || check.mv_size != KEYWRAP_WRAPPED_BYTES ||
        !slice_equals(slice_of_val(format), slice_of(known_format, sizeof known_format))) {
        store_say(problem, "%s is a store of a format that this version does not know", folder);
        return SL_ESTORE;
    }
    store_say(problem, "%s is not the key of the store in %s; put back the key it was made with",
              key_files[0], folder);
    for (size_t i = 0; key_files[i]; i++) {
        SL_AUTO(keywrap) keywrap = NULL;
        struct store_problem why;
        enum sl_err err = read_key(key_files[i], &keywrap, &why);
        if (err == SL_EINTERNAL || (err != SL_OK && i == 0))
            *problem = why;
        if (err == SL_EINTERNAL)
            return err;
        if (err == SL_OK && opens(keywrap, check.mv_data)) {
            generation->keywrap = keywrap;
            keywrap = NULL;
            *key_used = i;
            return SL_OK;
        }
    }
    return SL_ESTORE;
}

enum sl_err generation_wrap(struct generation *generation, const uint8_t key[KEYWRAP_KEY_BYTES],
                            uint8_t wrapped[KEYWRAP_WRAPPED_BYTES])
{
    pthread_mutex_lock(&generation->keywrap_lock);
    enum sl_err err = keywrap_wrap(generation->keywrap, key, wrapped);
    pthread_mutex_unlock(&generation->keywrap_lock);
    return err;
}

enum sl_err generation_unwrap(struct generation *generation,
                              const uint8_t wrapped[KEYWRAP_WRAPPED_BYTES],
                              uint8_t key[KEYWRAP_KEY_BYTES])
{
    pthread_mutex_lock(&generation->keywrap_lock);
    enum sl_err err = keywrap_unwrap(generation->keywrap, wrapped, key);
    pthread_mutex_unlock(&generation->keywrap_lock);
    return err;
}

/* --- the databases --------------------------------------------------------------------------- */

static int open_databases(struct generation *generation, MDB_txn *txn, unsigned create)
{
    const struct {
        const char *name;
        MDB_dbi *dbi;
    } databases[STORE_DATABASES] = {
        {"names", &generation->names},       {"live", &generation->live},
        {"history", &generation->history},   {"pending", &generation->pending},
        {"accounts", &generation->accounts}, {"vocabularies", &generation->vocabularies},
        {"uses", &generation->uses},         {"budgets", &generation->budgets},
        {"pushes", &generation->pushes},     {"meta", &generation->meta}};
    int code = 0;
    for (size_t i = 0; i < SL_LENGTH(databases) && code == 0; i++)
        code = mdb_dbi_open(txn, databases[i].name, create, databases[i].dbi);
    return code;
}

static int put_meta(struct generation *generation, MDB_txn *txn)
{
    uint8_t wrapped[KEYWRAP_WRAPPED_BYTES];
    if (keywrap_wrap(generation->keywrap, check_plain, wrapped) != SL_OK)
        return ENOMEM;
    uint8_t format[4];
    struct writer writer = writer_over(format, sizeof format);
    write_u32(&writer, STORE_FORMAT);
    MDB_val key = val_of(meta_format_key);
    MDB_val value = val_of(writer_slice(&writer));
    int code = mdb_put(txn, generation->meta, &key, &value, 0);
    if (code != 0)
        return code;
    key = val_of(meta_check_key);
    value = val_of(slice_of(wrapped, sizeof wrapped));
    return mdb_put(txn, generation->meta, &key, &value, 0);
}

/* Makes the databases in an empty environment; refuses one that holds something else. */
static enum sl_err create(struct generation *generation, MDB_txn *txn, const char *folder,
                          struct store_problem *problem)
{
    MDB_dbi main;
    MDB_stat stat;
    int code = mdb_dbi_open(txn, NULL, 0, &main);
    if (code == 0)
        code = mdb_stat(txn, main, &stat);
    if (code == 0 && (stat.ms_entries > 0 || generation->read_only)) {
        store_say(problem, "%s/data.mdb is not a store: its databases are missing", folder);
        return SL_ESTORE;
    }
    if (code == 0)
        code = open_databases(generation, txn, MDB_CREATE);
    if (code == 0)
        code = put_meta(generation, txn);
    if (code == 0)
        return SL_OK;
    store_say(problem, "a store can't be made in %s: %s", folder, mdb_strerror(code));
    return store_err(code);
}

static enum sl_err open_or_create(struct generation *generation, const char *folder,
                                  const char *const *key_files, struct store_problem *problem,
                                  size_t *key_used)
{
    SL_AUTO(MDB_txn) txn = NULL;
    int code = mdb_txn_begin(generation->env, NULL, generation->read_only ? MDB_RDONLY : 0, &txn);
    if (code != 0) {
        store_say(problem, "%s can't be read: %s", folder, mdb_strerror(code));
        return store_err(code);
    }
    if (open_databases(generation, txn, 0) == 0) {
        SL_TRY(find_key(generation, txn, folder, key_files, problem, key_used));
    } else {
        *key_used = 0;
        SL_TRY(read_key(key_files[0], &generation->keywrap, problem));
        SL_TRY(create(generation, txn, folder, problem));
    }
    /* Also when only reading: the handles live on with a commit only. */
    code = mdb_txn_commit(txn);
    txn = NULL;
    if (code != 0)
        store_say(problem, "a store can't be made in %s: %s", folder, mdb_strerror(code));
    return store_err(code);
}

enum sl_err generation_open(const char *folder, const char *const *key_files, bool read_only,
                            struct store_problem *problem, size_t *key_used,
                            struct generation **out)
{
    SL_AUTO(generation) generation = calloc(1, sizeof *generation);
    if (!generation) {
        store_say(problem, "out of memory");
        return SL_EINTERNAL;
    }
    generation->folder_fd = -1;
    generation->read_only = read_only;
    pthread_mutex_init(&generation->keywrap_lock, NULL); /* can't fail with default attributes */
    SL_TRY(open_folder(generation, folder, problem));
    int code = open_environment(generation);
    if (code != 0)
        return refuse_environment(generation, code, folder, problem);
    SL_TRY(check_length(generation, folder, problem));
    SL_TRY(open_or_create(generation, folder, key_files, problem, key_used));
    *out = generation;
    generation = NULL;
    return SL_OK;
}

void generation_free(struct generation *generation)
{
    if (!generation)
        return;
    if (generation->env)
        mdb_env_close(generation->env);
    keywrap_free(generation->keywrap);
    pthread_mutex_destroy(&generation->keywrap_lock);
    if (generation->folder_fd >= 0)
        close(generation->folder_fd);
    free(generation);
}
