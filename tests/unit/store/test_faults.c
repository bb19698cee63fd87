/*
 * test_faults.c - each write, sync and allocation of a change fails once: the change is refused,
 * and the store holds what it held
 *
 * The system calls are defined here, which puts them before libc's also for LMDB; allocations of
 * our own code are wrapped by the linker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include "store/uses.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Counts down with each call; the one that meets zero fails. Below zero: none does. */
static int calls_until_fault = -1, allocations_until_fault = -1, fallocate_error;
static int fault_error;

static bool fails_now(int *countdown)
{
    if (*countdown < 0)
        return false;
    return (*countdown)-- == 0;
}

/* By the names that LMDB calls: ours are compiled for 64-bit offsets, which renames pwrite. */
ssize_t faulty_pwrite(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t faulty_writev(int fd, const struct iovec *parts, int n_parts) __asm__("writev");

ssize_t faulty_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    if (fails_now(&calls_until_fault)) {
        errno = fault_error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t faulty_writev(int fd, const struct iovec *parts, int n_parts)
{
    if (fails_now(&calls_until_fault)) {
        errno = fault_error;
        return -1;
    }
    return syscall(SYS_writev, fd, parts, n_parts);
}

int fdatasync(int fd)
{
    if (fails_now(&calls_until_fault)) {
        errno = fault_error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
    if (fallocate_error != 0) {
        errno = fallocate_error;
        return -1;
    }
    return (int)syscall(SYS_fallocate, fd, mode, offset, n);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t item);
void *__real_realloc(void *block, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t item);
void *__wrap_realloc(void *block, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails_now(&allocations_until_fault) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t item)
{
    return fails_now(&allocations_until_fault) ? NULL : __real_calloc(n, item);
}

void *__wrap_realloc(void *block, size_t n)
{
    return fails_now(&allocations_until_fault) ? NULL : __real_realloc(block, n);
}

static int setup(void **state)
{
    calls_until_fault = allocations_until_fault = -1;
    fallocate_error = 0;
    return fixture_setup(state);
}

static const uint8_t id[16] = {1};

static enum sl_err put(struct fixture *fixture, uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change("lotte", id, expected_version, yaml, blob);
    return store_put_policy(fixture->store, &change, NULL);
}

static void assert_version(struct fixture *fixture, uint64_t version)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_version newest;
    bool found;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_int_equal(subject.version, version);
    uint64_t n_changes;
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, version);
    assert_int_equal(store_version_get(reader, id, version, &newest, &found), SL_OK);
    assert_true(found);
    assert_true(slice_equals(newest.blob, subject.blob));
    assert_int_equal(store_version_get(reader, id, version + 1, &newest, &found), SL_OK);
    assert_false(found);
}

/* When its meta page could not be written, LMDB lets nobody in until it is opened again. */
static void assert_version_or_closed(struct fixture *fixture, uint64_t version)
{
    struct store_reader *reader = NULL;
    enum sl_err err = store_reader_new(fixture->store, &reader);
    store_reader_free(reader);
    if (err != SL_ESTORE)
        assert_version(fixture, version);
}

/* How many calls one change makes, found by letting each fail until none does. */
static void fail_each_call(struct fixture *fixture, int error, enum sl_err expected)
{
    uint64_t version = 1;
    assert_int_equal(put(fixture, 0), SL_OK);
    int call = 0;
    for (;; call++) {
        calls_until_fault = call;
        fault_error = error;
        enum sl_err err = put(fixture, version);
        bool met = calls_until_fault < 0;
        calls_until_fault = -1;
        if (!met) {
            assert_int_equal(err, SL_OK);
            break;
        }
        assert_int_equal(err, expected);
        assert_version_or_closed(fixture, version);
        fixture_close(fixture);
        fixture_open(fixture);
        assert_version(fixture, version);
        assert_int_equal(put(fixture, version++), SL_OK);
    }
    assert_true(call >= 3); /* pages, sync, meta page */
}

static void a_failed_write_or_sync_refuses_the_change_and_keeps_the_old_one(void **state)
{
    fail_each_call(*state, EIO, SL_ESTORE);
}

static void a_full_disk_is_told_apart_from_a_broken_one(void **state)
{
    fail_each_call(*state, ENOSPC, SL_ELIMIT);
}

static enum sl_err use(struct fixture *fixture)
{
    struct store_allowance allowance = {.owner = store_owner_of_consent(id, slice_of_str("drive")),
                                        .end_s = 86400,
                                        .at_most = UINT32_MAX,
                                        .n_uses = 1};
    enum sl_err err = store_charge(fixture->store, 0, &allowance, 1);
    enum sl_err commit_err = store_batch_commit(fixture->store); /* in any case */
    return err == SL_OK ? commit_err : err;
}

static uint32_t n_used(struct fixture *fixture)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_allowance allowance = {.owner = store_owner_of_consent(id, slice_of_str("drive")),
                                        .end_s = 86400};
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_uses_read(reader, &allowance, 1), SL_OK);
    return allowance.n_used;
}

static void what_is_used_is_counted_or_the_charge_fails(void **state)
{
    struct fixture *fixture = *state;
    uint32_t n = 1;
    int call = 0;
    assert_int_equal(put(fixture, 0), SL_OK);
    assert_int_equal(use(fixture), SL_OK);
    for (;; call++) {
        calls_until_fault = call;
        fault_error = EIO;
        enum sl_err err = use(fixture);
        bool met = calls_until_fault < 0;
        calls_until_fault = -1;
        if (!met) {
            assert_int_equal(err, SL_OK);
            break;
        }
        assert_int_equal(err, SL_ESTORE);
        fixture_close(fixture);
        fixture_open(fixture);
        assert_int_equal(n_used(fixture), n);
        assert_int_equal(use(fixture), SL_OK);
        n++;
    }
    assert_true(call >= 3); /* pages, sync, meta page */
    assert_int_equal(n_used(fixture), n + 1);
}

static void without_memory_nothing_is_charged_and_the_next_charge_works(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put(fixture, 0), SL_OK);
    uint32_t n = 0;
    int allocation = 0;
    for (;; allocation++) {
        allocations_until_fault = allocation;
        enum sl_err err = use(fixture);
        bool met = allocations_until_fault < 0;
        allocations_until_fault = -1;
        assert_int_equal(n_used(fixture), n + (err == SL_OK));
        n += err == SL_OK;
        if (!met)
            break;
    }
    assert_int_equal(use(fixture), SL_OK);
    assert_int_equal(n_used(fixture), n + 1);
}

static void a_failed_allocation_refuses_the_change_and_the_next_one_works(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put(fixture, 0), SL_OK);
    uint64_t version = 1;
    int allocation = 0;
    for (;; allocation++) {
        allocations_until_fault = allocation;
        enum sl_err err = put(fixture, version);
        bool met = allocations_until_fault < 0;
        allocations_until_fault = -1;
        if (!met) {
            assert_int_equal(err, SL_OK);
            break;
        }
        assert_int_equal(err, SL_EINTERNAL);
        assert_version(fixture, version);
        assert_int_equal(put(fixture, version++), SL_OK);
    }
    assert_true(allocation > 0);
}

static void assert_account(struct fixture *fixture, const char *user)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals_str(store_account(&subject, slice_of_str("waze")), user));
}

/* Lotte goes from "first" to "second"; whenever that fails, mo gets only the one it left free. */
static void fail_each_call_of_an_account(struct fixture *fixture, int *countdown,
                                         enum sl_err expected)
{
    const struct slice app = slice_of_str("waze");
    struct slice first = slice_of_str("first"), second = slice_of_str("second");
    uint8_t mo[16];
    assert_int_equal(put(fixture, 0), SL_OK);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("mo"), mo, NULL), SL_OK);
    assert_int_equal(store_set_account(fixture->store, id, app, first, NULL), SL_OK);
    int call = 0;
    for (;; call++) {
        *countdown = call;
        fault_error = ENOSPC;
        enum sl_err err = store_set_account(fixture->store, id, app, second, NULL);
        bool met = *countdown < 0;
        *countdown = -1;
        assert_int_equal(err, met ? expected : SL_OK);
        fixture_close(fixture);
        fixture_open(fixture);
        struct store *store = fixture->store;
        if (!met)
            break;
        assert_account(fixture, "first");
        assert_int_equal(store_set_account(store, mo, app, first, NULL), SL_EMALFORMED);
        assert_int_equal(store_set_account(store, mo, app, second, NULL), SL_OK);
        assert_int_equal(store_set_account(store, mo, app, slice_of(NULL, 0), NULL), SL_OK);
    }
    assert_true(call > 0);
    assert_account(fixture, "second");
    assert_int_equal(store_set_account(fixture->store, mo, app, second, NULL), SL_EMALFORMED);
    assert_int_equal(store_set_account(fixture->store, mo, app, first, NULL), SL_OK);
}

static void a_failed_write_of_an_account_changes_neither_record_nor_who_has_the_name(void **state)
{
    fail_each_call_of_an_account(*state, &calls_until_fault, SL_ELIMIT);
}

static void a_failed_allocation_changes_neither_account_nor_who_has_the_name(void **state)
{
    fail_each_call_of_an_account(*state, &allocations_until_fault, SL_EINTERNAL);
}

static void a_pin_that_could_not_be_kept_is_kept_the_next_time(void **state)
{
    struct fixture *fixture = *state;
    bool matches = false;
    calls_until_fault = 0;
    fault_error = ENOSPC;
    assert_int_equal(store_pin(fixture->store, "key", slice_of_str("first"), &matches), SL_ELIMIT);
    calls_until_fault = -1;
    assert_false(matches);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(store_pin(fixture->store, "key", slice_of_str("other"), &matches), SL_OK);
    assert_true(matches);
}

static void a_note_that_can_not_be_deleted_is_done_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put(fixture, 0), SL_OK);
    calls_until_fault = 0;
    fault_error = ENOSPC;
    assert_int_equal(store_pending_done(fixture->store, 1, true), SL_ELIMIT);
    calls_until_fault = -1;
    assert_int_equal(store_pending_done(fixture->store, 1, true), SL_OK);
}

static void opening_survives_each_failed_allocation(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    for (int allocation = 0;; allocation++) {
        struct store_problem problem = {""};
        struct store *store = NULL;
        struct store_reader *reader = NULL;
        allocations_until_fault = allocation;
        enum sl_err err = store_open(fixture->folder, fixture->key, false, &problem, &store);
        if (err == SL_OK)
            err = store_reader_new(store, &reader);
        bool met = allocations_until_fault < 0;
        allocations_until_fault = -1;
        store_reader_free(reader);
        store_free(store);
        assert_int_equal(err, met ? SL_EINTERNAL : SL_OK);
        if (!met)
            return;
    }
}

static void a_file_system_that_can_not_allocate_ahead_is_used_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    fallocate_error = EOPNOTSUPP;
    fixture_open(fixture);
    for (uint64_t version = 0; version < 5; version++)
        assert_int_equal(put(fixture, version), SL_OK);
    assert_false(store_is_low(fixture->store));
    fixture_close(fixture);
    fixture_open(fixture);
    assert_version(fixture, 5);
}

static void a_store_without_its_reserve_is_low_until_it_has_it_back(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *bytes = calloc(1, LIMIT_MAX_policy_bytes);
    assert_non_null(bytes);
    char yaml[32], blob[32];
    fallocate_error = ENOSPC;
    uint64_t version = 0;
    for (; version < 200 && !store_is_low(fixture->store); version++) {
        struct store_change change = fixture_change("lotte", id, version, yaml, blob);
        change.yaml = slice_of(bytes, LIMIT_MAX_policy_bytes);
        assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
    }
    assert_true(store_is_low(fixture->store));
    fallocate_error = 0;
    assert_int_equal(put(fixture, version), SL_OK);
    assert_false(store_is_low(fixture->store));
    free(bytes);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(what_is_used_is_counted_or_the_charge_fails),
        OPEN(without_memory_nothing_is_charged_and_the_next_charge_works),
        OPEN(a_failed_write_or_sync_refuses_the_change_and_keeps_the_old_one),
        OPEN(a_full_disk_is_told_apart_from_a_broken_one),
        OPEN(a_failed_allocation_refuses_the_change_and_the_next_one_works),
        OPEN(a_failed_write_of_an_account_changes_neither_record_nor_who_has_the_name),
        OPEN(a_failed_allocation_changes_neither_account_nor_who_has_the_name),
        OPEN(a_pin_that_could_not_be_kept_is_kept_the_next_time),
        OPEN(a_note_that_can_not_be_deleted_is_done_all_the_same),
        OPEN(opening_survives_each_failed_allocation),
        OPEN(a_file_system_that_can_not_allocate_ahead_is_used_all_the_same),
        OPEN(a_store_without_its_reserve_is_low_until_it_has_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
