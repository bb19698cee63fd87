/*
 * test_ledger_fault.c - each call that can fail, fails once
 *
 * One scenario (begin a ledger, record, stop, lose the index, start again, record) is run over
 * and over; in run k the k-th call of all those below gives an error. Whatever it was, the outcome
 * is the same: an error from open or start, or receipts that were not acknowledged; what was
 * acknowledged is in the ledger, the ledger verifies, and the next start goes on.
 *
 * Calls reach this file by the linker's --wrap (meson.build); the code knows nothing of it.
 */
#include "../unit/ledger/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* How many calls are still to succeed before one fails; not positive: all succeed. */
static atomic_long countdown;
static const char *_Atomic failed_call;

static bool fails(const char *call)
{
    if (atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&failed_call, call);
    return true;
}

/* One wrapper: what it gives when it fails, with which errno. */
#define WRAP(type, name, parameters, arguments, error, value)                                      \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (!fails(#name))                                                                         \
            return __real_##name arguments;                                                        \
        errno = error;                                                                             \
        return value;                                                                              \
    }

WRAP(void *, calloc, (size_t n, size_t bytes), (n, bytes), ENOMEM, NULL)
WRAP(void *, malloc, (size_t bytes), (bytes), ENOMEM, NULL)
WRAP(void *, aligned_alloc, (size_t to, size_t bytes), (to, bytes), ENOMEM, NULL)
WRAP(ssize_t, pwritev64v2, (int fd, const struct iovec *v, int n, off64_t at, int flags),
     (fd, v, n, at, flags), EIO, -1)
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at), ENOSPC, -1)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at), EIO, -1)
WRAP(int, fsync, (int fd), (fd), EIO, -1)
WRAP(int, fallocate64, (int fd, int mode, off64_t at, off64_t n), (fd, mode, at, n), ENOSPC, -1)
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), EIO, -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), EACCES, -1)
WRAP(int, eventfd, (unsigned value, int flags), (value, flags), EMFILE, -1)
WRAP(DIR *, fdopendir, (int fd), (fd), ENOMEM, NULL)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *context),
     (thread, attr, run, context), EAGAIN, EAGAIN)
WRAP(int, RAND_bytes, (unsigned char *p, int n), (p, n), 0, 0)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), 0, NULL)
WRAP(EVP_PKEY *, EVP_PKEY_new_raw_public_key,
     (int type, ENGINE *e, const unsigned char *p, size_t n), (type, e, p, n), 0, NULL)
WRAP(int, EVP_DigestSignInit,
     (EVP_MD_CTX * c, EVP_PKEY_CTX **pc, const EVP_MD *type, ENGINE *e, EVP_PKEY *key),
     (c, pc, type, e, key), 0, 0)
WRAP(int, EVP_DigestSign,
     (EVP_MD_CTX * c, unsigned char *s, size_t *n, const unsigned char *p, size_t pn),
     (c, s, n, p, pn), 0, 0)
WRAP(int, mdb_env_create, (MDB_env * *env), (env), 0, ENOMEM)
WRAP(int, mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
     (env, path, flags, mode), 0, EIO)
WRAP(int, mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
     (env, parent, flags, txn), 0, MDB_READERS_FULL)
WRAP(int, mdb_txn_renew, (MDB_txn * txn), (txn), 0, EIO)
WRAP(int, mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
     (txn, name, flags, dbi), 0, EIO)
WRAP(int, mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
     (txn, dbi, key, value), 0, MDB_CORRUPTED)
WRAP(int, mdb_put, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
     (txn, dbi, key, value, flags), 0, MDB_MAP_FULL)

WRAP(int, mkdirat, (int folder_fd, const char *path, mode_t mode), (folder_fd, path, mode), EACCES,
     -1)
WRAP(int, unlinkat, (int folder_fd, const char *path, int flags), (folder_fd, path, flags), EIO, -1)
WRAP(void *, reallocarray, (void *p, size_t n, size_t bytes), (p, n, bytes), ENOMEM, NULL)
WRAP(int, mdb_drop, (MDB_txn * txn, MDB_dbi dbi, int del), (txn, dbi, del), 0, MDB_MAP_FULL)
WRAP(int, mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor), 0,
     ENOMEM)
WRAP(int, mdb_cursor_get, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
     (cursor, key, value, op), 0, MDB_CORRUPTED)

/* Of files alone: waking a thread up can't fail. */
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || !fails("write"))
        return __real_write(fd, p, n);
    errno = ENOSPC;
    return -1;
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (!fails("mdb_txn_commit"))
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn); /* as LMDB does when it fails */
    return ENOSPC;
}

int __real_openat64(int folder_fd, const char *path, int flags, ...);
int __wrap_openat64(int folder_fd, const char *path, int flags, ...);
int __wrap_openat64(int folder_fd, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);
    errno = EMFILE;
    return fails("openat") ? -1 : __real_openat64(folder_fd, path, flags, mode);
}

/* -------------------------------------------------------------------------------- the scenario --
 */

static uint64_t n_acknowledged;

/* Opens, starts, records some of each kind, stops. Errors end it early. */
static void record_some(struct fixture *fixture)
{
    static const enum record_kind kinds[] = {RECORD_RELEASE, RECORD_REFUSAL, RECORD_CONSENT,
                                             RECORD_REFUSAL, RECORD_RELEASE};
    static const int who[] = {0, -1, 1, 1, 2};
    struct recorder *recorder = NULL;
    enum sl_err err = recorder_open(&fixture->config, &fixture->problem, &recorder);
    if (err == SL_OK)
        err = recorder_start(recorder);
    else
        assert_true(fixture->problem.text[0] != '\0');
    if (err != SL_OK) {
        recorder_free(recorder);
        return;
    }
    fixture->recorder = recorder;
    for (size_t i = 0; i < SL_LENGTH(kinds); i++) {
        struct record record;
        fixture_draft(fixture, &record, kinds[i], who[i]);
        enum record_outcome outcome = fixture_record(fixture, &record);
        /* A change that was committed before its receipt failed: its retry is the owner's. */
        assert_true(outcome == RECORD_DURABLE || outcome == RECORD_FAILED ||
                    outcome == RECORD_FULL);
        n_acknowledged += outcome == RECORD_DURABLE;
    }
    fixture_close(fixture);
}

static void remove_index(struct fixture *fixture)
{
    char path[256];
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        snprintf(path, sizeof path, "%s/%s", fixture->index_folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->index_folder);
}

static void assert_consistent(struct fixture *fixture)
{
    struct sluis_verify_report report;
    enum sluis_verify_result result = fixture_verify(fixture, &report);
    if (result != SLUIS_VERIFY_VALID && report.n_segments > 0)
        fail_msg("after %s: %s", failed_call, report.problem);
    assert_true(report.n_receipts >= n_acknowledged);
    n_acknowledged = report.n_receipts;
    fixture_open(fixture);
    assert_int_equal(recorder_tree_size(fixture->recorder), n_acknowledged);
    assert_int_equal(fixture_release(fixture, 3), RECORD_DURABLE);
    fixture_close(fixture);
    fixture_assert_valid(fixture, n_acknowledged + 1);
}

static void whatever_fails_once_the_ledger_stays_consistent(void **state)
{
    (void)state;
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    long n_runs = 0;
    for (bool failed = true; failed; n_runs++) {
        static struct fixture fixture;
        fixture_init_in(&fixture, base);
        n_acknowledged = 0;
        atomic_store(&failed_call, NULL);
        atomic_store(&countdown, n_runs + 1);
        record_some(&fixture);
        remove_index(&fixture);
        record_some(&fixture);
        atomic_store(&countdown, 0);
        failed = failed_call != NULL;
        if (!failed)
            assert_int_equal(n_acknowledged, 10);
        assert_consistent(&fixture);
        fixture_deinit(&fixture);
    }
    printf("%ld calls failed, one at a time\n", n_runs - 1);
    assert_true(n_runs > 100);
}

/* ------------------------------------------------------------------------------- the heads -- */

static void make_receipts(struct fixture *fixture)
{
    static const int who[] = {0, -1, 1};
    fixture_open(fixture);
    for (size_t i = 0; i < SL_LENGTH(who); i++) {
        struct record record;
        fixture_draft(fixture, &record, RECORD_REFUSAL, who[i]);
        assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    }
    fixture_close(fixture);
}

/* An epoch of three receipts, which is due, ends; until its heads are there, or never will be. */
static void make_heads(struct fixture *fixture)
{
    struct recorder *recorder = NULL;
    enum sl_err err = recorder_open(&fixture->config, &fixture->problem, &recorder);
    if (err == SL_OK)
        err = recorder_start(recorder);
    if (err != SL_OK) {
        recorder_free(recorder);
        return;
    }
    recorder_start_epochs(recorder);
    while (recorder_tree_size(recorder) < 4 && !recorder_has_failed(recorder))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    recorder_free(recorder);
}

static void whatever_fails_once_an_epoch_gets_its_heads_in_the_end(void **state)
{
    (void)state;
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    long n_runs = 0;
    for (bool failed = true; failed; n_runs++) {
        static struct fixture fixture;
        struct sluis_verify_report report;
        fixture_init_in(&fixture, base);
        make_receipts(&fixture);
        atomic_store(&failed_call, NULL);
        atomic_store(&countdown, n_runs + 1);
        make_heads(&fixture);
        atomic_store(&countdown, 0);
        failed = failed_call != NULL;
        make_heads(&fixture);
        const struct sluis_verify_options options = {.vkey = fixture.vkey, .check_heads = true};
        if (sluis_verify_folder(fixture.folder, &options, &report) != SLUIS_VERIFY_VALID)
            fail_msg("after %s: %s", failed_call, report.problem);
        assert_int_equal(report.n_receipts, 4);
        assert_int_equal(report.n_epochs, 1);
        assert_int_equal(report.headed_end, 3);
        fixture_deinit(&fixture);
    }
    printf("%ld calls failed, one at a time\n", n_runs - 1);
    assert_true(n_runs > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_fails_once_the_ledger_stays_consistent),
        cmocka_unit_test(whatever_fails_once_an_epoch_gets_its_heads_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
