/*
 * test_retain.c - superseded versions lose their contents when they are old enough, and nothing
 * else
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "ledger/basis.h"
#include "raw.h"

#include <stdio.h>
#include <string.h>

static const uint8_t lotte[16] = {1}, mo[16] = {2};
static const atomic_bool go_on;

/* Version v is made at 1000 v. */
static void put(struct fixture *fixture, const char *name, const uint8_t id[16],
                uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
}

static uint64_t retire(struct fixture *fixture, int64_t before_ms)
{
    uint64_t n_counted = 0, n = 0;
    assert_int_equal(store_retire(fixture->store, before_ms, true, &go_on, &n_counted), SL_OK);
    assert_int_equal(store_retire(fixture->store, before_ms, false, &go_on, &n), SL_OK);
    assert_int_equal(n, n_counted);
    return n;
}

/* "k" for each version that is kept, "-" for one without contents. */
static void assert_versions(struct fixture *fixture, const uint8_t id[16], const char *expected)
{
    SL_AUTO(store_reader) reader = NULL;
    char seen[64] = "";
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    for (uint64_t v = 1; v <= strlen(expected); v++) {
        struct store_version version;
        char yaml[32], blob[32];
        bool found = false;
        uint8_t digest[32];
        struct store_change change = fixture_change("x", id, v - 1, yaml, blob);
        assert_int_equal(store_version_get(reader, id, v, &version, &found), SL_OK);
        assert_true(found);
        seen[v - 1] = version.yaml.n > 0 ? 'k' : '-';
        assert_int_equal(version.yaml.n > 0, version.blob.n > 0);
        assert_true(version.yaml.n == 0 || slice_equals(version.yaml, change.yaml));
        assert_int_equal(version.time_ms, 1000 * (int64_t)v);
        assert_int_equal(version.vocabulary_version, 7);
        basis_policy_digest(change.yaml, change.blob, change.vocabulary_sha256, digest);
        assert_memory_equal(version.policy_digest, digest, sizeof digest);
    }
    assert_string_equal(seen, expected);
    store_read_end(reader);
}

static void a_version_goes_when_its_successor_is_old_enough(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t v = 0; v < 4; v++)
        put(fixture, "lotte", lotte, v);
    assert_int_equal(retire(fixture, 1999), 0);
    assert_versions(fixture, lotte, "kkkk");
    assert_int_equal(retire(fixture, 2000), 1);
    assert_versions(fixture, lotte, "-kkk");
    assert_int_equal(retire(fixture, 3999), 1);
    assert_versions(fixture, lotte, "--kk");
    assert_int_equal(retire(fixture, 3999), 0);
    put(fixture, "lotte", lotte, 4);
    assert_versions(fixture, lotte, "--kkk");
}

static void what_is_in_force_stays_however_old_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct store_subject subject;
    put(fixture, "lotte", lotte, 0);
    put(fixture, "mo", mo, 0);
    put(fixture, "mo", mo, 1);
    assert_int_equal(retire(fixture, INT64_MAX), 1);
    assert_versions(fixture, lotte, "k");
    assert_versions(fixture, mo, "-k");
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, lotte, &subject), SL_OK);
    assert_true(slice_equals_str(subject.blob, "blob 1"));
    store_read_end(reader);
}

static void the_files_forget_it_with_the_next_rewrite(void **state)
{
    struct fixture *fixture = *state;
    struct store_rewriting run = {0};
    struct store_problem problem;
    uint64_t n_owed = 0;
    for (uint64_t v = 0; v < 3; v++)
        put(fixture, "lotte", lotte, v);
    assert_int_equal(retire(fixture, 3000), 2);
    assert_int_equal(store_n_owed(fixture->store, &n_owed), SL_OK);
    assert_int_equal(n_owed, 1);
    assert_int_equal(store_rewrite(fixture->store, &run, &problem), SL_OK);
    assert_versions(fixture, lotte, "--k");
    assert_false(raw_holds(fixture->root, slice_of_str("yaml of version 1")));
    assert_false(raw_holds(fixture->root, slice_of_str("blob 2")));
    assert_true(raw_holds(fixture->root, slice_of_str("yaml of version 3")));
    assert_int_equal(retire(fixture, 3000), 0);
    assert_int_equal(store_n_owed(fixture->store, &n_owed), SL_OK);
    assert_int_equal(n_owed, 0);
}

/* More than are read at once, and more than are changed at once. */
static void many_versions_of_many_subjects_are_all_found(void **state)
{
    struct fixture *fixture = *state;
    enum { SUBJECTS = 40, VERSIONS = 60 };
    for (unsigned s = 0; s < SUBJECTS; s++) {
        uint8_t id[16] = {7, (uint8_t)s};
        char name[16];
        snprintf(name, sizeof name, "subject-%u", s);
        for (uint64_t v = 0; v < VERSIONS; v++)
            put(fixture, name, id, v);
    }
    assert_int_equal(retire(fixture, 1000 * (VERSIONS - 10)), SUBJECTS * (VERSIONS - 11));
    assert_int_equal(retire(fixture, INT64_MAX), SUBJECTS * 10);
    assert_int_equal(retire(fixture, INT64_MAX), 0);
}

static void a_subject_with_retired_versions_can_be_erased(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = 0;
    put(fixture, "lotte", lotte, 0);
    put(fixture, "lotte", lotte, 1);
    assert_int_equal(retire(fixture, 2000), 1);
    struct store_erasure erasure = {.expected_version = 2, .pending = slice_of_str("end")};
    memcpy(erasure.id, lotte, sizeof lotte);
    assert_int_equal(store_erase(fixture->store, &erasure, &number), SL_OK);
    assert_int_equal(retire(fixture, INT64_MAX), 0);
}

static void one_that_is_stopped_has_changed_what_it_counted(void **state)
{
    struct fixture *fixture = *state;
    static const atomic_bool stop = true;
    uint64_t n = 0;
    for (uint64_t v = 0; v < 3; v++)
        put(fixture, "lotte", lotte, v);
    assert_int_equal(store_retire(fixture->store, 3000, false, &stop, &n), SL_ETIMEOUT);
    assert_int_equal(n, 2);
    assert_versions(fixture, lotte, "--k");
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_version_goes_when_its_successor_is_old_enough),
        OPEN(what_is_in_force_stays_however_old_it_is),
        OPEN(the_files_forget_it_with_the_next_rewrite),
        OPEN(many_versions_of_many_subjects_are_all_found),
        OPEN(a_subject_with_retired_versions_can_be_erased),
        OPEN(one_that_is_stopped_has_changed_what_it_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
