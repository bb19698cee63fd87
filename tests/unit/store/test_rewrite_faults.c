/*
 * test_rewrite_faults.c - a rewrite that fails or dies at any call: one store, one key, and what
 * was erased stays erased
 *
 * One scenario (open, erase somebody, rewrite) is run over and over; in run k, the k-th of all
 * calls that change something on the disk fails, or is the one before which the process is
 * killed; and once more with each allocation failing. The system calls are defined here, which puts
 * them before libc's also for LMDB; allocations of our own code are wrapped by the linker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Counts down with each call; the one that meets zero fails or dies. Below zero: none does. */
static int calls_left = -1, allocations_left = -1;
static int fault_error; /* 0: the process is killed */

static bool fails_now(void)
{
    if (calls_left < 0 || calls_left-- > 0)
        return false;
    if (fault_error == 0)
        kill(getpid(), SIGKILL);
    errno = fault_error;
    return true;
}

/* By the names that LMDB calls; ours are compiled for 64-bit offsets, which renames some. */
ssize_t faulty_pwrite(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t faulty_pwrite64(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite64");
ssize_t faulty_writev(int fd, const struct iovec *parts, int n_parts) __asm__("writev");

ssize_t faulty_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    return fails_now() ? -1 : syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t faulty_pwrite64(int fd, const void *bytes, size_t n, off_t offset)
{
    return fails_now() ? -1 : syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t faulty_writev(int fd, const struct iovec *parts, int n_parts)
{
    return fails_now() ? -1 : syscall(SYS_writev, fd, parts, n_parts);
}

int fdatasync(int fd)
{
    return fails_now() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    return fails_now() ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *path, int flags)
{
    return fails_now() ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return fails_now() ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int faulty_fallocate(int fd, int mode, off_t offset, off_t n) __asm__("fallocate64");
int faulty_fallocate(int fd, int mode, off_t offset, off_t n)
{
    return fails_now() ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, n);
}

static bool allocation_fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t item);
void *__real_realloc(void *block, size_t n);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t item);
void *__wrap_realloc(void *block, size_t n);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t n)
{
    return allocation_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t item)
{
    return allocation_fails() ? NULL : __real_calloc(n, item);
}

void *__wrap_realloc(void *block, size_t n)
{
    return allocation_fails() ? NULL : __real_realloc(block, n);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

/* --- the scene ------------------------------------------------------------------------------- */

struct scene {
    struct fixture *fixture;
    uint8_t kek[32];
    struct person people[PEOPLE];
};

static void begin(struct scene *scene)
{
    void *fixture;
    calls_left = allocations_left = -1;
    fixture_setup_closed(&fixture);
    scene->fixture = fixture;
    people_make(scene->fixture, scene->kek, scene->people);
    fixture_close(scene->fixture);
}

static void end(struct scene *scene)
{
    void *fixture = scene->fixture;
    fixture_teardown(&fixture);
}

static enum sl_err rewrite(struct store *store, struct store_problem *problem)
{
    struct store_rewriting run = {0};
    return store_rewrite(store, &run, problem);
}

static enum sl_err erase_and_rewrite(struct store *store, const struct person *person)
{
    struct store_problem problem = {""};
    enum sl_err err = person_erase(store, person);
    if (err != SL_OK)
        return err;
    err = rewrite(store, &problem);
    assert_int_equal(err == SL_OK, problem.text[0] == '\0'); /* a failure says what it was */
    return err;
}

/* Person 1 is whole, or gone for good; all others are whole. Returns whether it is gone. */
static bool assert_one_truth(struct scene *scene)
{
    struct store *store = scene->fixture->store;
    for (size_t i = 0; i < PEOPLE; i++)
        if (i != 1)
            assert_true(person_is_there(store, &scene->people[i]));
    uint64_t n_changes = 0;
    bool gone = person_is_gone(store, &scene->people[1]);
    assert_true(gone || person_is_there(store, &scene->people[1]));
    assert_int_equal(store_n_changes(store, &n_changes), SL_OK);
    assert_int_equal(n_changes, PEOPLE * PERSON_VERSIONS + gone);
    return gone;
}

/* What the next start does: nothing is left, and the old key least of all. */
static void assert_is_finished_by_the_next_start(struct scene *scene)
{
    struct store_problem problem;
    bool clean = false;
    fixture_open(scene->fixture);
    bool gone = assert_one_truth(scene);
    if (rewrite(scene->fixture->store, &problem) != SL_OK)
        fail_msg("%s", problem.text);
    assert_int_equal(store_is_clean(scene->fixture->store, &clean), SL_OK);
    assert_true(clean);
    assert_int_equal(assert_one_truth(scene), gone);
    assert_int_equal(person_is_in_files(scene->fixture->root, &scene->people[1]), !gone);
    assert_int_equal(raw_holds(scene->fixture->root, slice_of(scene->kek, sizeof scene->kek)),
                     !gone);
    assert_int_equal(raw_n_entries(scene->fixture->root), 4); /* key, folder, data, lock */
    fixture_close(scene->fixture);
}

/* --- dying ----------------------------------------------------------------------------------- */

/* True when the child was killed, false when it got through. */
static bool run_and_die(struct scene *scene, int call)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault_error = 0;
        calls_left = call;
        fixture_open(scene->fixture);
        enum sl_err err = erase_and_rewrite(scene->fixture->store, &scene->people[1]);
        _exit(err == SL_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static void a_process_that_is_killed_before_any_call_leaves_one_store_that_opens(void **state)
{
    (void)state;
    int call = 0;
    unsigned n_gone = 0;
    for (bool died = true; died; call++) {
        struct scene scene;
        begin(&scene);
        died = run_and_die(&scene, call);
        fixture_open(scene.fixture);
        n_gone += assert_one_truth(&scene);
        fixture_close(scene.fixture);
        assert_is_finished_by_the_next_start(&scene);
        end(&scene);
    }
    assert_true(call > 25);
    assert_true(n_gone > 20 && n_gone < (unsigned)call);
}

/* A crash while the next start cleans up after a crash. */
static void a_start_that_is_killed_as_well_is_finished_by_the_one_after(void **state)
{
    (void)state;
    for (int call = 29; call < 60; call++) { /* around the exchanges */
        for (int second = 0; second < 48; second += 4) {
            struct scene scene;
            begin(&scene);
            bool died = run_and_die(&scene, call);
            fixture_open(scene.fixture);
            bool is_gone = assert_one_truth(&scene);
            fixture_close(scene.fixture);
            pid_t child = fork();
            if (child == 0) {
                struct store_problem problem;
                fault_error = 0;
                calls_left = second;
                fixture_open(scene.fixture);
                _exit(rewrite(scene.fixture->store, &problem) == SL_OK ? 0 : 1);
            }
            int status;
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
            fixture_open(scene.fixture);
            assert_int_equal(assert_one_truth(&scene), is_gone);
            fixture_close(scene.fixture);
            assert_is_finished_by_the_next_start(&scene);
            end(&scene);
            if (!died)
                return;
        }
    }
}

/* --- failing --------------------------------------------------------------------------------- */

/* The k-th call fails, while the store is open; then the same process tries again. */
static void fail_each_call(int *countdown, int error)
{
    int call = 0;
    for (bool met = true; met; call++) {
        struct scene scene;
        struct store_problem problem;
        begin(&scene);
        fixture_open(scene.fixture);
        struct store *store = scene.fixture->store;
        fault_error = error;
        *countdown = call;
        enum sl_err err = erase_and_rewrite(store, &scene.people[1]);
        met = *countdown < 0;
        *countdown = -1;
        if (!met)
            assert_int_equal(err, SL_OK);
        /* An LMDB that could not write its meta page, or a store that may be two: start again. */
        SL_AUTO(store_reader) reader = NULL;
        bool reads = store_reader_new(store, &reader) == SL_OK;
        store_reader_free(reader);
        reader = NULL;
        bool again = reads && assert_one_truth(&scene) && rewrite(store, &problem) == SL_OK;
        if (again)
            assert_false(person_is_in_files(scene.fixture->root, &scene.people[1]));
        fixture_close(scene.fixture);
        assert_is_finished_by_the_next_start(&scene);
        end(&scene);
    }
    assert_true(call > 5);
}

static void any_call_that_fails_leaves_the_old_store_or_the_new_one(void **state)
{
    (void)state;
    fail_each_call(&calls_left, EIO);
}

static void a_full_disk_at_any_call_leaves_the_old_store_or_the_new_one(void **state)
{
    (void)state;
    fail_each_call(&calls_left, ENOSPC);
}

static void any_allocation_that_fails_leaves_the_old_store_or_the_new_one(void **state)
{
    (void)state;
    fail_each_call(&allocations_left, ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_is_killed_before_any_call_leaves_one_store_that_opens),
        cmocka_unit_test(a_start_that_is_killed_as_well_is_finished_by_the_one_after),
        cmocka_unit_test(any_call_that_fails_leaves_the_old_store_or_the_new_one),
        cmocka_unit_test(a_full_disk_at_any_call_leaves_the_old_store_or_the_new_one),
        cmocka_unit_test(any_allocation_that_fails_leaves_the_old_store_or_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
