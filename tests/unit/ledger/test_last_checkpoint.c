/*
 * test_last_checkpoint.c - the checkpoint on another disk, and starts that it refuses
 */
#include "ledger/last_checkpoint.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Gives an error while it is set. */
static atomic_int write_errno, sync_errno, rename_errno;

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    bool is_event = n == sizeof(uint64_t); /* a wake-up, not a file */
    int error = is_event ? 0 : atomic_load(&write_errno);
    errno = error;
    return error != 0 ? -1 : __real_write(fd, bytes, n);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    int error = atomic_load(&sync_errno);
    errno = error;
    return error != 0 ? -1 : __real_fsync(fd);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    int error = atomic_load(&rename_errno);
    errno = error;
    return error != 0 ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

struct kept {
    struct fixture fixture;
    char folder[200], file[256];
    struct last_checkpoint *last;
};

static int setup(void **state)
{
    struct kept *kept = calloc(1, sizeof *kept);
    assert_non_null(kept);
    fixture_init(&kept->fixture);
    snprintf(kept->folder, sizeof kept->folder, "%s/elsewhere", kept->fixture.root);
    snprintf(kept->file, sizeof kept->file, "%s/checkpoint", kept->folder);
    assert_int_equal(mkdir(kept->folder, 0700), 0);
    *state = kept;
    return 0;
}

static int teardown(void **state)
{
    struct kept *kept = *state;
    atomic_store(&write_errno, 0);
    atomic_store(&sync_errno, 0);
    atomic_store(&rename_errno, 0);
    last_checkpoint_stop(kept->last);
    fixture_deinit(&kept->fixture);
    free(kept);
    return 0;
}

static struct ledger_held read_kept(const struct kept *kept)
{
    struct last_checkpoint_problem problem;
    struct ledger_held head = {.size = 77};
    if (last_checkpoint_read(kept->file, kept->fixture.config.origin, &problem, &head) != SL_OK)
        fail_msg("%s", problem.text);
    return head;
}

static void assert_unreadable(const struct kept *kept, const char *path, const char *because)
{
    struct last_checkpoint_problem problem;
    struct ledger_held untouched = {.size = 77};
    assert_int_equal(last_checkpoint_read(path, kept->fixture.config.origin, &problem, &untouched),
                     SL_ESTORE);
    assert_int_equal(untouched.size, 77);
    if (!strstr(problem.text, because))
        fail_msg("expected \"%s\" in \"%s\"", because, problem.text);
}

/* As the daemon does: what the file says is what the ledger must hold. */
static void open_ledger(struct kept *kept)
{
    struct recorder_config *config = &kept->fixture.config;
    config->held_file = kept->file;
    config->held = read_kept(kept);
    fixture_open(&kept->fixture);
    assert_int_equal(
        last_checkpoint_start(kept->file, config->held.size, kept->fixture.recorder, &kept->last),
        SL_OK);
}

static void close_ledger(struct kept *kept)
{
    recorder_stop(kept->fixture.recorder);
    last_checkpoint_stop(kept->last);
    kept->last = NULL;
    fixture_close(&kept->fixture);
}

/* n batches of one receipt each. */
static void record(struct kept *kept, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(fixture_release(&kept->fixture, 0), RECORD_DURABLE);
}

static void record_and_close(struct kept *kept, int n)
{
    open_ledger(kept);
    record(kept, n);
    close_ledger(kept);
}

static void assert_refuses(struct kept *kept, const char *because, const char *advice)
{
    kept->fixture.config.held = read_kept(kept);
    assert_int_equal(fixture_open_fails(&kept->fixture), SL_ESTORE);
    const char *text = kept->fixture.problem.text;
    if (!strstr(text, because) || !strstr(text, advice) || !strstr(text, kept->file))
        fail_msg("expected \"%s\", \"%s\" and the file in \"%s\"", because, advice, text);
}

static void remove_index(const struct kept *kept)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", kept->fixture.index_folder);
    assert_int_equal(system(command), 0);
}

/* Copies ledger, index, or both aside, and back. */
static void copy(const struct kept *kept, const char *what, const char *from, const char *to)
{
    char command[700];
    snprintf(command, sizeof command, "rm -rf %s/%s%s && cp -r %s/%s%s %s/%s%s", kept->fixture.root,
             what, to, kept->fixture.root, what, from, kept->fixture.root, what, to);
    assert_int_equal(system(command), 0);
}

/* ---------------------------------------------------------------------------------- the file -- */

static void the_newest_checkpoint_is_in_the_file_when_it_stops(void **state)
{
    struct kept *kept = *state;
    assert_int_equal(read_kept(kept).size, 0);
    record_and_close(kept, 3);
    struct ledger_held head = read_kept(kept);
    struct sluis_verify_report report;
    assert_int_equal(fixture_verify(&kept->fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(head.size, 3);
    assert_memory_equal(head.root, report.root, sizeof head.root);
    record_and_close(kept, 1);
    assert_int_equal(read_kept(kept).size, 4);
}

static void the_file_is_a_signed_note_that_anybody_can_check(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 2);
    char note[RECORDER_CHECKPOINT_BYTES_MAX];
    FILE *file = fopen(kept->file, "re");
    assert_non_null(file);
    size_t n = fread(note, 1, sizeof note, file);
    fclose(file);
    const struct sluis_trust trust = {.vkey = kept->fixture.vkey};
    struct sluis_proof_report report;
    assert_int_equal(sluis_verify_checkpoint(note, n, &trust, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.size, 2);
}

static void it_is_written_while_the_ledger_runs(void **state)
{
    struct kept *kept = *state;
    open_ledger(kept);
    record(kept, 2);
    while (last_checkpoint_size(kept->last) < 2)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(read_kept(kept).size, 2);
}

static void an_empty_ledger_keeps_nothing(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 0);
    assert_int_equal(access(kept->file, F_OK), -1);
}

static void write_file(const struct kept *kept, const char *bytes, size_t n)
{
    int fd = open(kept->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(__real_write(fd, bytes, n), n);
    close(fd);
}

static void what_is_no_checkpoint_of_this_ledger_is_refused(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 1);
    char note[RECORDER_CHECKPOINT_BYTES_MAX + 1];
    memset(note, 'x', sizeof note);
    write_file(kept, note, sizeof note);
    assert_unreadable(kept, kept->file, "is not a checkpoint");
    write_file(kept, "", 0);
    assert_unreadable(kept, kept->file, "is empty, 0 bytes");
    write_file(kept, "garbage\n", 8);
    assert_unreadable(kept, kept->file, "is not a checkpoint");
    static const char other[] = "other.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                                "\n\xe2\x80\x94 other.example AAAAAAAA\n";
    write_file(kept, other, sizeof other - 1);
    assert_unreadable(kept, kept->file, "of the ledger \"other.example\"");
    assert_int_equal(unlink(kept->file), 0);
    assert_int_equal(mkdir(kept->file, 0700), 0);
    assert_unreadable(kept, kept->file, "can't be read");
    assert_unreadable(kept, "/nowhere/checkpoint", "is its disk mounted?");
    char long_name[450];
    snprintf(long_name, sizeof long_name, "%s/%0200d", kept->folder, 0);
    assert_unreadable(kept, long_name, "name too long");
    assert_unreadable(kept, "/tmp/", "name too long");
}

static void await_failure(struct kept *kept, const char *why)
{
    struct last_checkpoint_problem problem = {""};
    while (!last_checkpoint_failure(kept->last, &problem))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_non_null(strstr(problem.text, kept->file));
    assert_non_null(strstr(problem.text, strerror(atomic_load(&write_errno) | sync_errno |
                                                  rename_errno | (why ? ENOENT : 0))));
}

static void await_success(struct kept *kept)
{
    struct last_checkpoint_problem untouched = {"untouched"};
    while (last_checkpoint_failure(kept->last, &(struct last_checkpoint_problem){""}))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_false(last_checkpoint_failure(kept->last, &untouched));
    assert_string_equal(untouched.text, "untouched");
}

static void a_disk_that_fails_holds_nothing_up_and_is_told(void **state)
{
    struct kept *kept = *state;
    atomic_int *const faults[] = {&write_errno, &rename_errno, &sync_errno};
    static const int errors[] = {ENOSPC, EIO, EIO};
    open_ledger(kept);
    for (size_t i = 0; i < SL_LENGTH(faults); i++) {
        atomic_store(faults[i], errors[i]);
        record(kept, 1);
        await_failure(kept, NULL);
        record(kept, 1); /* nothing waits for it */
        atomic_store(faults[i], 0);
        await_success(kept);
    }
    close_ledger(kept);
    assert_int_equal(read_kept(kept).size, 2 * SL_LENGTH(faults));
}

static void a_folder_that_goes_and_comes_back_is_written_again(void **state)
{
    struct kept *kept = *state;
    char away[256];
    snprintf(away, sizeof away, "%s/away", kept->fixture.root);
    open_ledger(kept);
    assert_int_equal(rename(kept->folder, away), 0);
    record(kept, 1);
    await_failure(kept, "ENOENT");
    assert_int_equal(rename(away, kept->folder), 0);
    await_success(kept);
    assert_int_equal(read_kept(kept).size, 1);
}

/* ------------------------------------------------------------------------------------ starts -- */

static void a_ledger_that_holds_it_starts(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 2);
    record_and_close(kept, 0); /* of the newest batch */
    remove_index(kept);
    record_and_close(kept, 0);
    /* Of a batch long before. */
    struct ledger_held old = read_kept(kept);
    copy(kept, "elsewhere", "", ".old");
    record_and_close(kept, 5);
    copy(kept, "elsewhere", ".old", "");
    assert_int_equal(read_kept(kept).size, old.size);
    open_ledger(kept);
    close_ledger(kept);
    copy(kept, "elsewhere", ".old", "");
    remove_index(kept);
    open_ledger(kept);
}

static void an_older_copy_is_refused_also_with_its_own_index_or_none(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 2);
    copy(kept, "ledger", "", ".old");
    copy(kept, "index", "", ".old");
    record_and_close(kept, 2);
    copy(kept, "ledger", ".old", "");
    copy(kept, "index", ".old", "");
    fixture_assert_valid(&kept->fixture, 2); /* by itself it is whole */
    assert_refuses(kept, "holds 2 receipts, but the checkpoint kept in", "restore the newest copy");
    remove_index(kept);
    assert_refuses(kept, "is over 4", "restore the newest copy");
}

static void an_empty_ledger_is_refused_when_something_was_kept(void **state)
{
    struct kept *kept = *state;
    char command[300];
    record_and_close(kept, 2);
    remove_index(kept);
    snprintf(command, sizeof command, "rm -r %s", kept->fixture.folder);
    assert_int_equal(system(command), 0);
    assert_refuses(kept, "holds 0 receipts", "restore the newest copy");
}

/* An old copy was gone on with, while what was kept is of the history that was lost. */
static void make_fork(struct kept *kept, int n_more)
{
    record_and_close(kept, 2);
    copy(kept, "ledger", "", ".old");
    copy(kept, "index", "", ".old");
    record_and_close(kept, 2);
    copy(kept, "elsewhere", "", ".lost");
    copy(kept, "ledger", ".old", "");
    copy(kept, "index", ".old", "");
    assert_int_equal(unlink(kept->file), 0);
    open_ledger(kept);
    for (int i = 0; i < n_more; i++)
        assert_int_equal(fixture_release(&kept->fixture, 1), RECORD_DURABLE);
    close_ledger(kept);
    copy(kept, "elsewhere", ".lost", "");
    assert_int_equal(read_kept(kept).size, 4);
}

static void another_history_is_refused_however_long_it_has_become(void **state)
{
    struct kept *kept = *state;
    static const int lengths[] = {2, 3, 9};
    for (size_t i = 0; i < SL_LENGTH(lengths); i++) {
        make_fork(kept, lengths[i]);
        assert_refuses(kept, "is another one than the checkpoint kept in", "as evidence");
        remove_index(kept);
        assert_refuses(kept, "is another one than the checkpoint kept in", "as evidence");
        teardown(state);
        setup(state);
        kept = *state;
    }
}

static void another_history_in_other_batches_is_refused(void **state)
{
    struct kept *kept = *state;
    record_and_close(kept, 2);
    copy(kept, "ledger", "", ".old");
    copy(kept, "index", "", ".old");
    record_and_close(kept, 3);
    copy(kept, "elsewhere", "", ".lost");
    copy(kept, "ledger", ".old", "");
    copy(kept, "index", ".old", "");
    assert_int_equal(unlink(kept->file), 0);
    open_ledger(kept);
    assert_int_equal(fixture_release(&kept->fixture, 1), RECORD_DURABLE);
    fixture_release_many(&kept->fixture, 300); /* in batches of many */
    close_ledger(kept);
    copy(kept, "elsewhere", ".lost", "");
    assert_refuses(kept, "is another one than the checkpoint kept in", "as evidence");
    remove_index(kept);
    assert_refuses(kept, "is another one than the checkpoint kept in", "as evidence");
}

int main(void)
{
#define KEPT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        KEPT_TEST(the_newest_checkpoint_is_in_the_file_when_it_stops),
        KEPT_TEST(the_file_is_a_signed_note_that_anybody_can_check),
        KEPT_TEST(it_is_written_while_the_ledger_runs),
        KEPT_TEST(an_empty_ledger_keeps_nothing),
        KEPT_TEST(what_is_no_checkpoint_of_this_ledger_is_refused),
        KEPT_TEST(a_disk_that_fails_holds_nothing_up_and_is_told),
        KEPT_TEST(a_folder_that_goes_and_comes_back_is_written_again),
        KEPT_TEST(a_ledger_that_holds_it_starts),
        KEPT_TEST(an_older_copy_is_refused_also_with_its_own_index_or_none),
        KEPT_TEST(an_empty_ledger_is_refused_when_something_was_kept),
        KEPT_TEST(another_history_is_refused_however_long_it_has_become),
        KEPT_TEST(another_history_in_other_batches_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
