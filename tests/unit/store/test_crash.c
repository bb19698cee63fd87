/*
 * test_crash.c - a writer that is killed at any moment loses nothing that it acknowledged
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t id[16] = {1};

/* Writes version after version, and tells each one that is durable. Never returns. */
static void write_until_killed(const struct fixture *fixture, uint64_t version, int tell)
{
    struct store_problem problem;
    struct store *store;
    if (store_open(fixture->folder, fixture->key, false, &problem, &store) != SL_OK)
        _exit(1);
    for (;; version++) {
        char yaml[32], blob[32];
        struct store_change change = fixture_change("lotte", id, version, yaml, blob);
        uint64_t durable = version + 1;
        if (store_put_policy(store, &change, NULL) != SL_OK ||
            store_pending_done(store, durable, false) != SL_OK ||
            write(tell, &durable, sizeof durable) != sizeof durable)
            _exit(1);
    }
}

/* Kills the writer after `n_acknowledged` versions; returns the last version it told. */
static uint64_t run_and_kill(const struct fixture *fixture, uint64_t version,
                             unsigned n_acknowledged)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(fixture, version, told[1]);
    close(told[1]);
    uint64_t last = version, next;
    for (unsigned i = 0; i < n_acknowledged; i++) {
        assert_int_equal(read(told[0], &next, sizeof next), sizeof next);
        last = next;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(told[0], &next, sizeof next) == sizeof next)
        last = next;
    close(told[0]);
    return last;
}

struct pending {
    uint64_t n, last;
};

static bool count_pending(void *context, uint64_t number, struct slice bytes)
{
    struct pending *pending = context;
    (void)bytes;
    pending->n++;
    pending->last = number;
    return true;
}

static void what_was_acknowledged_is_there_after_a_kill(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    uint64_t version = 0;
    for (unsigned round = 0; round < 12; round++) {
        uint64_t acknowledged = run_and_kill(fixture, version, 1 + round * 3 % 7);
        fixture_open(fixture);
        SL_AUTO(store_reader) reader = NULL;
        struct store_subject subject;
        struct store_version newest;
        bool found;
        assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
        assert_int_equal(store_read(reader, id, &subject), SL_OK);
        assert_true(subject.found);
        /* One more may be durable that could not be told any more. */
        assert_in_range(subject.version, acknowledged, acknowledged + 1);
        version = subject.version;
        for (uint64_t v = 1; v <= version; v++) {
            assert_int_equal(store_version_get(reader, id, v, &newest, &found), SL_OK);
            assert_true(found);
        }
        assert_true(slice_equals(subject.blob, newest.blob));
        assert_memory_equal(subject.policy_digest, newest.policy_digest, 32);
        uint64_t n_changes;
        assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
        assert_int_equal(n_changes, version);
        /* The newest change's note is there, and at most those done since the last write. */
        struct pending pending = {0};
        assert_int_equal(store_pending_each(fixture->store, count_pending, &pending), SL_OK);
        assert_true(pending.n >= 1);
        assert_int_equal(pending.last, version);
        store_read_end(reader);
        store_reader_free(reader);
        reader = NULL;
        fixture_close(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_is_there_after_a_kill, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
