/*
 * test_disk.c - the recorder on disks that fail, fill up, or lie
 *
 * The linker sends the calls named in meson.build here first (--wrap); the code under test knows
 * nothing of it.
 */
#include "fixture.h"

#include "base/timestamp.h"
#include "ledger/segment.h"

#include <errno.h>
#include <lmdb.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum write_fault { WRITE_WELL, WRITE_NOTHING, WRITE_HALF, WRITE_HALF_AND_SAY_SO, WRITE_AND_LIE };

static atomic_int write_fault, prepare_errno, sync_errno, rename_errno, index_err, sign_fails;

ssize_t __real_pwritev64v2(int fd, const struct iovec *pieces, int n, off64_t at, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *pieces, int n, off64_t at, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *pieces, int n, off64_t at, int flags)
{
    struct iovec half = {pieces[0].iov_base, pieces[0].iov_len / 2 / 4096 * 4096};
    switch (atomic_load(&write_fault)) {
    case WRITE_NOTHING:
        errno = EIO;
        return -1;
    case WRITE_HALF:
    case WRITE_HALF_AND_SAY_SO:
        if (half.iov_len > 0 && __real_pwritev64v2(fd, &half, 1, at, flags) < 0)
            abort();
        errno = EIO;
        return atomic_load(&write_fault) == WRITE_HALF ? -1 : (ssize_t)half.iov_len;
    case WRITE_AND_LIE:
        if (__real_pwritev64v2(fd, pieces, n, at, flags) < 0)
            abort();
        errno = EIO;
        return -1;
    default:
        return __real_pwritev64v2(fd, pieces, n, at, flags);
    }
}

int __real_fallocate64(int fd, int mode, off64_t at, off64_t n);
int __wrap_fallocate64(int fd, int mode, off64_t at, off64_t n);
int __wrap_fallocate64(int fd, int mode, off64_t at, off64_t n)
{
    errno = atomic_load(&prepare_errno);
    return errno != 0 ? -1 : __real_fallocate64(fd, mode, at, n);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    errno = atomic_load(&sync_errno);
    return errno != 0 ? -1 : __real_fsync(fd);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    errno = atomic_load(&rename_errno);
    return errno != 0 ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    int err = atomic_load(&index_err);
    if (err != 0)
        mdb_txn_abort(txn); /* as LMDB does */
    return err != 0 ? err : __real_mdb_txn_commit(txn);
}

int __real_EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *n,
                          const unsigned char *text, size_t text_n);
int __wrap_EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *n,
                          const unsigned char *text, size_t text_n);
int __wrap_EVP_DigestSign(EVP_MD_CTX *context, unsigned char *signature, size_t *n,
                          const unsigned char *text, size_t text_n)
{
    return atomic_load(&sign_fails) ? 0
                                    : __real_EVP_DigestSign(context, signature, n, text, text_n);
}

static void mend_everything(void)
{
    atomic_store(&write_fault, WRITE_WELL);
    atomic_store(&prepare_errno, 0);
    atomic_store(&sync_errno, 0);
    atomic_store(&rename_errno, 0);
    atomic_store(&index_err, 0);
    atomic_store(&sign_fails, 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    mend_everything();
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    mend_everything();
    fixture_deinit(*state);
    free(*state);
    return 0;
}

/* ----------------------------------------------------------------------- writes that fail -- */

/* One batch of `n` releases fails by `fault`; `n_after`: receipts in the ledger of the next start.
 */
static void a_write_fails(struct fixture *fixture, enum write_fault fault, uint64_t n_after)
{
    enum { IN_BATCH = 32 };
    struct record records[IN_BATCH];
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    for (size_t i = 0; i < IN_BATCH; i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    atomic_store(&write_fault, fault);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    mailbox_wait(&fixture->box);
    size_t n_back = 0;
    for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next) {
        assert_int_equal(((struct record *)(void *)mail)->outcome, RECORD_FAILED);
        n_back++;
    }
    assert_int_equal(n_back, IN_BATCH);
    assert_true(recorder_has_failed(fixture->recorder));
    assert_non_null(strstr(recorder_failure(fixture->recorder), "Input/output error"));
    assert_non_null(strstr(recorder_failure(fixture->recorder), "00000000000000000000.seg"));
    assert_int_equal(recorder_tree_size(fixture->recorder), 1);

    /* Never again, even when the disk is well. */
    mend_everything();
    assert_int_equal(fixture_release(fixture, 0), RECORD_FAILED);
    struct record consent;
    fixture_draft(fixture, &consent, RECORD_CONSENT, 1);
    assert_int_equal(fixture_record(fixture, &consent), RECORD_FAILED);
    assert_int_equal(fixture->subjects[1].version, 1); /* not even committed */
    fixture_close(fixture);

    fixture_open(fixture);
    assert_int_equal(recorder_tree_size(fixture->recorder), n_after);
    fixture_assert_valid(fixture, n_after);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, n_after + 1);
}

static void a_write_error_stops_the_recorder_for_good(void **state)
{
    a_write_fails(*state, WRITE_NOTHING, 1);
}

static void a_write_that_failed_half_way_is_dropped_at_the_next_start(void **state)
{
    a_write_fails(*state, WRITE_HALF, 1);
}

static void a_short_write_is_a_failure(void **state)
{
    a_write_fails(*state, WRITE_HALF_AND_SAY_SO, 1);
}

static void a_batch_that_was_written_after_all_is_kept_at_the_next_start(void **state)
{
    a_write_fails(*state, WRITE_AND_LIE, 33);
}

static void a_signer_that_fails_stops_the_recorder(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    atomic_store(&sign_fails, 1);
    assert_int_equal(fixture_release(fixture, 0), RECORD_FAILED);
    assert_non_null(strstr(recorder_failure(fixture->recorder), "signed"));
    mend_everything();
    assert_int_equal(fixture_release(fixture, 0), RECORD_FAILED);
    fixture_assert_valid(fixture, 1);
}

/* ------------------------------------------------------------------------------ full disks -- */

/* Releases until one does not fit; returns how many did. */
static uint64_t release_until(struct fixture *fixture, enum record_outcome end)
{
    for (uint64_t n = 0;; n++) {
        enum record_outcome outcome = fixture_release(fixture, 0);
        if (outcome == end)
            return n;
        assert_int_equal(outcome, RECORD_DURABLE);
        assert_true(n < 10000);
    }
}

static void consent(struct fixture *fixture, enum record_outcome expected)
{
    struct record record;
    fixture_draft(fixture, &record, RECORD_CONSENT, 1);
    assert_int_equal(fixture_record(fixture, &record), expected);
}

/* Until the helper has noticed; it tries once a second, and nothing here depends on when. */
static void await_fullness(struct fixture *fixture, bool full)
{
    while (recorder_is_full(fixture->recorder) != full)
        (void)poll(NULL, 0, 5);
}

static void a_full_disk_refuses_flows_and_still_takes_consents(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    atomic_store(&prepare_errno, ENOSPC);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    assert_false(recorder_is_full(fixture->recorder));
    uint64_t n_flows = release_until(fixture, RECORD_FULL);
    assert_true(recorder_is_full(fixture->recorder));
    assert_int_equal(fixture_release(fixture, 0), RECORD_FULL);

    /* The reserve, to its end: 64 KiB of batches of 4 KiB. */
    uint64_t n_consents = fixture->limits.consent_reserve_bytes / 4096;
    for (uint64_t i = 0; i < n_consents; i++)
        consent(fixture, RECORD_DURABLE);
    uint64_t version = fixture->subjects[1].version;
    consent(fixture, RECORD_FULL);
    assert_int_equal(fixture->subjects[1].version, version); /* not committed without a place */
    assert_false(recorder_has_failed(fixture->recorder));
    fixture_assert_valid(fixture, 1 + n_flows + n_consents);

    /* There is room again: nobody has to start anything. */
    mend_everything();
    await_fullness(fixture, false);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    consent(fixture, RECORD_DURABLE);
    fixture_assert_valid(fixture, 1 + n_flows + n_consents + 2);
}

static void consents_find_room_up_to_the_reserve_and_flows_do_not(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    static const uint64_t reserves[] = {65536, 262144, 1048576};
    for (size_t i = 0; i < SL_LENGTH(reserves); i++) {
        fixture->limits.consent_reserve_bytes = reserves[i];
        assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder),
                         SL_OK);
        atomic_store(&prepare_errno, ENOSPC);
        assert_int_equal(recorder_start(fixture->recorder), SL_OK);
        (void)release_until(fixture, RECORD_FULL);
        consent(fixture, RECORD_DURABLE);
        mend_everything();
        fixture_close(fixture);
    }
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
}

static void a_name_that_finds_no_room_is_a_full_disk_and_no_failure(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    atomic_store(&rename_errno, ENOSPC);
    uint64_t n = release_until(fixture, RECORD_FULL);
    assert_false(recorder_has_failed(fixture->recorder));
    mend_everything();
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, n + 1);
}

static void a_folder_that_cannot_be_synced_stops_the_recorder(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    fixture_open(fixture);
    /* The spare is ready when it has been rolled over to; its successor fails, and is waited for.
     */
    fixture_release_many(fixture, 3000);
    while (access(fixture->folder, F_OK) == 0) {
        char spare[256];
        struct stat stat_of_spare;
        snprintf(spare, sizeof spare, "%s/next.tmp", fixture->folder);
        if (stat(spare, &stat_of_spare) == 0 && stat_of_spare.st_size == 1 << 20)
            break;
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&rename_errno, EIO);
    uint64_t n = release_until(fixture, RECORD_FAILED);
    assert_non_null(strstr(recorder_failure(fixture->recorder), "new segment"));
    mend_everything();
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 3000 + n);
}

static void a_ledger_that_cannot_begin_says_why(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&sync_errno, EIO);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    mend_everything();
    atomic_store(&rename_errno, ENOSPC);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "make room"));
    mend_everything();
    atomic_store(&write_fault, WRITE_NOTHING);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "Input/output error"));
    mend_everything();
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
}

/* -------------------------------------------------------------------------- the index fails -- */

static void an_index_that_cannot_be_written_holds_nobody_up(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    atomic_store(&index_err, ENOSPC);
    for (int i = 0; i < 3; i++)
        fixture_release_many(fixture, 3000); /* more than one flush is due by number */
    assert_false(recorder_has_failed(fixture->recorder));
    fixture_close(fixture); /* the last try fails, too */
    fixture_assert_valid(fixture, 9000);

    mend_everything();
    fixture_open(fixture);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(recorder_tree_size(fixture->recorder), 9000);
    assert_int_equal(fixture_count(fixture, 0), 2250);
}

static void an_index_that_cannot_catch_up_is_named_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    atomic_store(&index_err, ENOSPC);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "index"));
    assert_non_null(strstr(fixture->problem.text, "No space left"));
}

/* -------------------------------------------------------------------- a disk that is full -- */

enum { SKIPPED = 77 };

/* On a file system of 4 MiB of its own: fills up, then finds room again. 0 when all is well. */
static int fill_small_disk(struct fixture *fixture, const char *where)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return SKIPPED;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", where, "tmpfs", 0, "size=4m") != 0)
        return SKIPPED;
    char folder[200], index_folder[200], ballast[200];
    snprintf(folder, sizeof folder, "%s/ledger", where);
    snprintf(index_folder, sizeof index_folder, "%s/index", where);
    snprintf(ballast, sizeof ballast, "%s/ballast", where);
    fixture->config.folder = folder;
    fixture->config.index_folder = index_folder;
    FILE *file = fopen(ballast, "we");
    static const uint8_t bytes[1 << 20];
    if (!file || fwrite(bytes, sizeof bytes, 1, file) != 1 || fclose(file) != 0)
        return 1;

    if (recorder_open(&fixture->config, &fixture->problem, &fixture->recorder) != SL_OK ||
        recorder_start(fixture->recorder) != SL_OK)
        return 2;
    uint64_t n = release_until(fixture, RECORD_FULL);
    struct record record;
    fixture_draft(fixture, &record, RECORD_CONSENT, 1);
    if (fixture_record(fixture, &record) != RECORD_DURABLE)
        return 3;
    if (unlink(ballast) != 0)
        return 4;
    await_fullness(fixture, false);
    if (fixture_release(fixture, 0) != RECORD_DURABLE)
        return 5;
    const struct sluis_verify_options options = {.vkey = fixture->vkey};
    struct sluis_verify_report report;
    if (sluis_verify_folder(folder, &options, &report) != SLUIS_VERIFY_VALID ||
        report.n_receipts != n + 2)
        return 6;
    recorder_free(fixture->recorder);
    fixture->recorder = NULL;
    return 0;
}

static void a_disk_that_fills_up_and_empties_is_lived_with(void **state)
{
    struct fixture *fixture = *state;
    char where[160];
    snprintf(where, sizeof where, "%s/small", fixture->root);
    assert_int_equal(mkdir(where, 0700), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_small_disk(fixture, where));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("skipped: no file system can be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_write_error_stops_the_recorder_for_good),
        DISK_TEST(a_write_that_failed_half_way_is_dropped_at_the_next_start),
        DISK_TEST(a_short_write_is_a_failure),
        DISK_TEST(a_batch_that_was_written_after_all_is_kept_at_the_next_start),
        DISK_TEST(a_signer_that_fails_stops_the_recorder),
        DISK_TEST(a_full_disk_refuses_flows_and_still_takes_consents),
        DISK_TEST(consents_find_room_up_to_the_reserve_and_flows_do_not),
        DISK_TEST(a_name_that_finds_no_room_is_a_full_disk_and_no_failure),
        DISK_TEST(a_folder_that_cannot_be_synced_stops_the_recorder),
        DISK_TEST(a_ledger_that_cannot_begin_says_why),
        DISK_TEST(an_index_that_cannot_be_written_holds_nobody_up),
        DISK_TEST(an_index_that_cannot_catch_up_is_named_at_the_start),
        DISK_TEST(a_disk_that_fills_up_and_empties_is_lived_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
