/*
 * test_meta.c - the number of policy changes, and pins
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "store/env.h"

#include <string.h>

static enum sl_err put(struct fixture *fixture, const char *name, const uint8_t id[16],
                       uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    return store_put_policy(fixture->store, &change, NULL);
}

static void assert_n_changes(struct fixture *fixture, uint64_t expected)
{
    uint64_t n_changes = UINT64_MAX;
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, expected);
}

static void each_committed_change_of_any_subject_is_counted(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t lotte[16] = {1}, mo[16] = {2};
    assert_n_changes(fixture, 0);
    assert_int_equal(put(fixture, "lotte", lotte, 0), SL_OK);
    assert_n_changes(fixture, 1);
    assert_int_equal(put(fixture, "mo", mo, 0), SL_OK);
    assert_int_equal(put(fixture, "lotte", lotte, 1), SL_OK);
    assert_n_changes(fixture, 3);
}

static void what_is_refused_or_no_policy_is_not_counted(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
    assert_int_equal(
        store_set_account(fixture->store, id, slice_of_str("waze"), slice_of_str("l77"), NULL),
        SL_OK);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_EMALFORMED);
    assert_int_equal(store_pending_done(fixture->store, 0, true), SL_OK);
    assert_n_changes(fixture, 0);
}

static void the_count_goes_on_after_opening_again(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t lotte[16] = {1};
    assert_int_equal(put(fixture, "lotte", lotte, 0), SL_OK);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_n_changes(fixture, 1);
    assert_int_equal(put(fixture, "lotte", lotte, 1), SL_OK);
    assert_n_changes(fixture, 2);
}

static void write_meta(struct fixture *fixture, const char *name, struct slice value)
{
    struct store *store = fixture->store;
    MDB_txn *txn;
    assert_int_equal(mdb_txn_begin(store->now->env, NULL, 0, &txn), 0);
    MDB_val key = val_of(slice_of_str(name)), val = val_of(value);
    assert_int_equal(mdb_put(txn, store->now->meta, &key, &val, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
}

static void a_damaged_count_is_told_and_nothing_is_written_over_it(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t lotte[16] = {1};
    uint64_t n_changes = 77;
    static const char *const damaged[] = {"1234567", "123456789", ""};
    for (size_t i = 0; i < SL_LENGTH(damaged); i++) {
        write_meta(fixture, "changes", slice_of_str(damaged[i]));
        assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_ESTORE);
        assert_int_equal(n_changes, 77);
        assert_int_equal(put(fixture, "lotte", lotte, 0), SL_ESTORE);
    }
}

static bool pin_matches(struct fixture *fixture, const char *name, struct slice value)
{
    bool matches = false, other = true;
    assert_int_equal(store_pin(fixture->store, name, value, &matches), SL_OK);
    assert_int_equal(store_pin(fixture->store, name, value, &other), SL_OK);
    assert_int_equal(matches, other);
    return matches;
}

static void a_pin_keeps_the_first_value_and_tells_others_apart(void **state)
{
    struct fixture *fixture = *state;
    assert_true(pin_matches(fixture, "pseudonym key", slice_of_str("first")));
    assert_false(pin_matches(fixture, "pseudonym key", slice_of_str("other")));
    assert_false(pin_matches(fixture, "pseudonym key", slice_of_str("first!")));
    assert_false(pin_matches(fixture, "pseudonym key", slice_of(NULL, 0)));
    assert_true(pin_matches(fixture, "pseudonym key", slice_of_str("first")));
    assert_true(pin_matches(fixture, "ledger key", slice_of_str("other")));
    fixture_close(fixture);
    fixture_open(fixture);
    assert_false(pin_matches(fixture, "pseudonym key", slice_of_str("other")));
    assert_true(pin_matches(fixture, "pseudonym key", slice_of_str("first")));
}

static void a_pin_does_not_touch_what_the_store_keeps_about_itself(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t lotte[16] = {1};
    assert_int_equal(put(fixture, "lotte", lotte, 0), SL_OK);
    assert_true(pin_matches(fixture, "changes", slice_of_str("x")));
    assert_true(pin_matches(fixture, "format", slice_of_str("x")));
    assert_n_changes(fixture, 1);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_n_changes(fixture, 1);
}

static void a_pin_has_at_most_64_bytes_under_a_name_of_at_most_32(void **state)
{
    struct fixture *fixture = *state;
    char bytes[66] = {0};
    memset(bytes, 'p', 65);
    char name[33] = {0};
    memset(name, 'n', 32);
    bool matches = false;
    assert_int_equal(store_pin(fixture->store, name, slice_of(bytes, 65), &matches), SL_ELIMIT);
    assert_false(matches);
    assert_int_equal(store_pin(fixture->store, name, slice_of(bytes, 64), &matches), SL_OK);
    assert_true(matches);
    assert_false(pin_matches(fixture, name, slice_of(bytes, 63)));
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(each_committed_change_of_any_subject_is_counted),
        OPEN(what_is_refused_or_no_policy_is_not_counted),
        OPEN(the_count_goes_on_after_opening_again),
        OPEN(a_damaged_count_is_told_and_nothing_is_written_over_it),
        OPEN(a_pin_keeps_the_first_value_and_tells_others_apart),
        OPEN(a_pin_does_not_touch_what_the_store_keeps_about_itself),
        OPEN(a_pin_has_at_most_64_bytes_under_a_name_of_at_most_32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
