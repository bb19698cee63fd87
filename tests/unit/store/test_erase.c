/*
 * test_erase.c - a subject that is erased is one that never was, for whoever asks the store
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <string.h>

static const uint8_t lotte[16] = {1}, mo[16] = {2};
static const struct slice waze = SLICE_LITERAL("waze"), spotify = SLICE_LITERAL("spotify");

static void put(struct fixture *fixture, const char *name, const uint8_t id[16],
                uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
}

static void set_account(struct fixture *fixture, const uint8_t id[16], struct slice app,
                        const char *user)
{
    assert_int_equal(store_set_account(fixture->store, id, app, slice_of_str(user), NULL), SL_OK);
}

static enum sl_err erase(struct fixture *fixture, const uint8_t id[16], uint64_t expected_version,
                         enum store_refusal *why)
{
    uint64_t number = 0;
    struct store_erasure erasure = {.expected_version = expected_version,
                                    .pending = slice_of_str("the last receipt"),
                                    .why = why};
    memcpy(erasure.id, id, sizeof erasure.id);
    return store_erase(fixture->store, &erasure, &number);
}

/* Lotte with three versions and two accounts, between others. */
static void make_people(struct fixture *fixture)
{
    const uint8_t before[16] = {0}, after[16] = {1, 1};
    put(fixture, "before", before, 0);
    put(fixture, "mo", mo, 0);
    for (uint64_t version = 0; version < 3; version++)
        put(fixture, "lotte", lotte, version);
    put(fixture, "after", after, 0);
    set_account(fixture, lotte, waze, "l77");
    set_account(fixture, lotte, spotify, "lo");
    set_account(fixture, mo, waze, "m77");
}

static bool count_names(void *context, struct slice name, const uint8_t id[16])
{
    (void)id;
    assert_false(slice_equals_str(name, "lotte"));
    ++*(unsigned *)context;
    return true;
}

static bool count_keys(void *context, const uint8_t id[16], const uint8_t key[32])
{
    (void)key;
    assert_memory_not_equal(id, lotte, 16);
    ++*(unsigned *)context;
    return true;
}

static void nothing_of_an_erased_subject_is_found_and_all_of_the_others(void **state)
{
    struct fixture *fixture = *state;
    make_people(fixture);
    assert_int_equal(erase(fixture, lotte, 3, NULL), SL_OK);

    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_version version;
    uint8_t id[16], key[32];
    bool found = true;
    unsigned n_names = 0, n_keys = 0;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_find(reader, slice_of_str("lotte"), id, &found), SL_OK);
    assert_false(found);
    assert_int_equal(store_read(reader, lotte, &subject), SL_OK);
    assert_false(subject.found);
    assert_int_equal(store_subject_key(reader, lotte, key), SL_EMALFORMED);
    for (uint64_t v = 0; v < 5; v++) {
        assert_int_equal(store_version_get(reader, lotte, v, &version, &found), SL_OK);
        assert_false(found);
    }
    assert_int_equal(store_each(reader, count_names, &n_names), SL_OK);
    assert_int_equal(store_each_key(reader, count_keys, &n_keys), SL_OK);
    assert_int_equal(n_names, 3);
    assert_int_equal(n_keys, 3);
    assert_int_equal(store_read(reader, mo, &subject), SL_OK);
    assert_int_equal(subject.version, 1);
    assert_true(slice_equals_str(store_account(&subject, waze), "m77"));
    assert_int_equal(store_version_get(reader, mo, 1, &version, &found), SL_OK);
    assert_true(found);
    store_read_end(reader);
}

static void name_and_user_names_are_free_for_somebody_else(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    make_people(fixture);
    assert_int_equal(erase(fixture, lotte, 3, NULL), SL_OK);
    set_account(fixture, mo, waze, "l77");
    set_account(fixture, mo, spotify, "lo");
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
    assert_memory_not_equal(id, lotte, sizeof id);

    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_int_equal(subject.version, 0);
    assert_true(slice_equals_str(store_account(&subject, waze), "lotte"));
}

static void an_erasure_made_from_another_version_is_a_conflict_and_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    enum store_refusal why = STORE_UNKNOWN;
    uint64_t n_changes = 0, n_owed = 0;
    make_people(fixture);
    assert_int_equal(erase(fixture, lotte, 2, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_CONFLICT);
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, 6);
    assert_int_equal(store_n_owed(fixture->store, &n_owed), SL_OK);
    assert_int_equal(n_owed, 0);
    assert_int_equal(erase(fixture, lotte, 3, NULL), SL_OK);
}

static void nobody_is_erased_twice(void **state)
{
    struct fixture *fixture = *state;
    enum store_refusal why = STORE_CONFLICT;
    put(fixture, "lotte", lotte, 0);
    assert_int_equal(erase(fixture, mo, 0, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_UNKNOWN);
    assert_int_equal(erase(fixture, lotte, 1, &why), SL_OK);
    why = STORE_CONFLICT;
    assert_int_equal(erase(fixture, lotte, 1, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_UNKNOWN);
}

static bool note(void *context, uint64_t number, struct slice pending)
{
    assert_true(slice_equals_str(pending, "the last receipt"));
    *(uint64_t *)context = *(uint64_t *)context * 100 + number;
    return true;
}

static void an_erasure_is_counted_owed_and_leaves_the_one_note_that_names_nobody(void **state)
{
    struct fixture *fixture = *state;
    uint64_t n_changes = 0, n_owed = 0, numbers = 0;
    make_people(fixture);
    assert_int_equal(erase(fixture, lotte, 3, NULL), SL_OK);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, 7);
    assert_int_equal(store_n_owed(fixture->store, &n_owed), SL_OK);
    assert_int_equal(n_owed, 1);
    assert_int_equal(store_pending_each(fixture->store, note, &numbers), SL_OK);
    assert_int_equal(numbers, 7);
}

static void a_subject_without_a_policy_can_be_erased(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
    assert_int_equal(erase(fixture, id, 0, NULL), SL_OK);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* Sums epochs and deltas of what is kept; stops after `n_left`. */
struct kept {
    unsigned n, n_left;
    uint64_t epochs, deltas;
};

static bool sum_head(void *context, const struct store_head *head)
{
    struct kept *kept = context;
    kept->n++;
    kept->epochs += head->epoch;
    kept->deltas += head->delta;
    return --kept->n_left > 0;
}

static struct kept kept_of(struct fixture *fixture, uint64_t epoch)
{
    struct kept kept = {.n_left = 100};
    assert_int_equal(store_heads_each(fixture->store, epoch, sum_head, &kept), SL_OK);
    return kept;
}

static void erase_with_heads(struct fixture *fixture, const uint8_t id[16], uint8_t who)
{
    struct store_head heads[2] = {{.epoch = 6, .delta = 10}, {.epoch = 7, .delta = 1}};
    memset(heads[0].label, who, sizeof heads[0].label);
    memset(heads[1].label, who, sizeof heads[1].label);
    struct store_erasure erasure = {
        .expected_version = 1, .heads = heads, .n_heads = 2, .pending = slice_of_str("x")};
    memcpy(erasure.id, id, sizeof erasure.id);
    uint64_t number = 0;
    assert_int_equal(store_erase(fixture->store, &erasure, &number), SL_OK);
}

static void what_a_list_needs_of_the_erased_is_kept_until_it_is_made(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "lotte", lotte, 0);
    put(fixture, "mo", mo, 0);
    bool matches = false; /* neighbours of another kind */
    assert_int_equal(store_pin(fixture->store, "a", slice_of_str("1"), &matches), SL_OK);
    assert_int_equal(kept_of(fixture, 6).n, 0);
    erase_with_heads(fixture, lotte, 0xff);
    erase_with_heads(fixture, mo, 0);
    fixture_close(fixture);
    fixture_open(fixture);
    struct kept kept = kept_of(fixture, 6);
    assert_int_equal(kept.n, 2);
    assert_int_equal(kept.epochs, 12);
    assert_int_equal(kept.deltas, 20);
    assert_int_equal(kept_of(fixture, 7).deltas, 2);
    assert_int_equal(kept_of(fixture, 5).n, 0);
    assert_int_equal(kept_of(fixture, 8).n, 0);
    kept = (struct kept){.n_left = 1};
    assert_int_equal(store_heads_each(fixture->store, 6, sum_head, &kept), SL_OK);
    assert_int_equal(kept.n, 1); /* as the visitor wished */

    assert_int_equal(store_heads_forget(fixture->store, 5), SL_OK);
    assert_int_equal(kept_of(fixture, 6).n, 2);
    assert_int_equal(store_heads_forget(fixture->store, 6), SL_OK);
    assert_int_equal(kept_of(fixture, 6).n, 0);
    assert_int_equal(kept_of(fixture, 7).n, 2);
    assert_int_equal(store_heads_forget(fixture->store, UINT64_MAX), SL_OK);
    assert_int_equal(kept_of(fixture, 7).n, 0);
    uint64_t n_changes = 0; /* nothing else went */
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(nothing_of_an_erased_subject_is_found_and_all_of_the_others),
        OPEN(name_and_user_names_are_free_for_somebody_else),
        OPEN(an_erasure_made_from_another_version_is_a_conflict_and_changes_nothing),
        OPEN(nobody_is_erased_twice),
        OPEN(an_erasure_is_counted_owed_and_leaves_the_one_note_that_names_nobody),
        OPEN(a_subject_without_a_policy_can_be_erased),
        OPEN(what_a_list_needs_of_the_erased_is_kept_until_it_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
