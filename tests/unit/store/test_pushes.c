/*
 * test_pushes.c - notes of pushes: one for each key while it counts, kept through a rewrite, gone
 * with their person
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "store/pushes.h"
#include "store/uses.h"

#include <string.h>

enum { NOON_MS = 43200000 };
static const uint8_t lotte[16] = {1}, mo[16] = {2};

static struct store_push push_of(const uint8_t subject[16], const char *key, uint64_t index)
{
    struct store_push push = {.index = index, .time_ms = NOON_MS, .has_key = key != NULL};
    memcpy(push.subject, subject, sizeof push.subject);
    memset(push.basis, 0xb0 + (int)index % 16, sizeof push.basis);
    memset(push.fingerprint, 0xf0 + (int)index % 16, sizeof push.fingerprint);
    if (key)
        store_push_name_by_key(slice_of_str("waze"), slice_of_str(key), push.name);
    else
        store_push_name_by_index(index, push.name);
    return push;
}

static void commit(struct fixture *fixture)
{
    assert_int_equal(store_batch_commit(fixture->store), SL_OK);
}

static enum sl_err begin(struct fixture *fixture, const struct store_push *push)
{
    enum sl_err err = store_push_begin(fixture->store, push, push->index);
    commit(fixture);
    return err;
}

static void end(struct fixture *fixture, struct store_push *push)
{
    push->has_ended = true;
    push->delivery = 1;
    push->status = 503;
    push->outcome_index = push->index + 1;
    push->ended_ms = NOON_MS + 70;
    assert_int_equal(store_push_end(fixture->store, push), SL_OK);
    commit(fixture);
}

static bool find(struct fixture *fixture, int64_t now_ms, struct store_push *push)
{
    SL_AUTO(store_reader) reader = NULL;
    bool found = false;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_push_find(reader, now_ms, push, &found), SL_OK);
    return found;
}

static bool count(void *context, const struct store_push *push)
{
    (void)push;
    return ++*(size_t *)context < 100;
}

static size_t n_rows(struct fixture *fixture)
{
    SL_AUTO(store_reader) reader = NULL;
    size_t n = 0;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_push_each(reader, count, &n), SL_OK);
    return n;
}

static void put(struct fixture *fixture, const char *name, const uint8_t id[16])
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, 0, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
}

static void a_note_is_found_as_it_was_made_and_as_it_ended(void **state)
{
    struct fixture *fixture = *state;
    struct store_push push = push_of(lotte, "k", 17), found = push_of(lotte, "k", 0);
    assert_int_equal(begin(fixture, &push), SL_OK);
    assert_true(find(fixture, NOON_MS, &found));
    assert_memory_equal(&found, &push, sizeof push);
    end(fixture, &push);
    assert_true(find(fixture, NOON_MS, &found));
    assert_memory_equal(&found, &push, sizeof push);
    found = push_of(mo, "k", 0);
    assert_false(find(fixture, NOON_MS, &found));
    found = push_of(lotte, "other", 0);
    assert_false(find(fixture, NOON_MS, &found));
    fixture_close(fixture);
    fixture_open(fixture);
    found = push_of(lotte, "k", 0);
    assert_true(find(fixture, NOON_MS, &found));
}

static void a_key_counts_for_a_day_and_for_as_long_as_its_push_is_under_way(void **state)
{
    struct fixture *fixture = *state;
    const int64_t last_ms = NOON_MS + STORE_PUSH_KEPT_MS - 1;
    struct store_push push = push_of(lotte, "k", 17), again = push_of(lotte, "k", 18);
    assert_int_equal(begin(fixture, &push), SL_OK);
    again.time_ms = last_ms + 1000;
    assert_int_equal(begin(fixture, &again), SL_EMALFORMED);
    end(fixture, &push);
    again.time_ms = last_ms;
    assert_int_equal(begin(fixture, &again), SL_EMALFORMED);
    assert_true(find(fixture, last_ms, &push));
    assert_false(find(fixture, last_ms + 1, &push));
    again.time_ms = last_ms + 1;
    assert_int_equal(begin(fixture, &again), SL_OK);
    assert_true(find(fixture, last_ms + 1, &push));
    assert_int_equal(push.index, 18);
}

static void two_in_one_batch_meet(void **state)
{
    struct fixture *fixture = *state;
    struct store_push first = push_of(lotte, "k", 17), second = push_of(lotte, "k", 18);
    assert_int_equal(store_push_begin(fixture->store, &first, 17), SL_OK);
    assert_int_equal(store_push_begin(fixture->store, &second, 17), SL_EMALFORMED);
    assert_int_equal(store_push_take_back(fixture->store, &first), SL_OK);
    assert_int_equal(store_push_begin(fixture->store, &second, 17), SL_OK);
    commit(fixture);
    assert_int_equal(n_rows(fixture), 1);
}

static void notes_without_a_key_go_when_the_next_push_of_the_person_comes(void **state)
{
    struct fixture *fixture = *state;
    struct store_push first = push_of(lotte, NULL, 1), second = push_of(lotte, NULL, 3);
    struct store_push other = push_of(mo, NULL, 5), third = push_of(lotte, NULL, 7);
    assert_int_equal(begin(fixture, &first), SL_OK);
    assert_int_equal(begin(fixture, &second), SL_OK);
    assert_int_equal(begin(fixture, &other), SL_OK);
    end(fixture, &first);
    end(fixture, &other);
    assert_int_equal(n_rows(fixture), 3);
    assert_int_equal(begin(fixture, &third), SL_OK);
    assert_int_equal(n_rows(fixture), 3); /* the first is gone, the second is under way */
    assert_int_equal(store_push_drop(fixture->store, &other), SL_OK);
    assert_int_equal(store_push_drop(fixture->store, &other), SL_OK);
    assert_int_equal(n_rows(fixture), 2);
}

/* The batch that holds the outcome's receipt may be lost yet, and then the note is all there is. */
static void a_note_stays_until_the_receipt_of_its_outcome_is_durable(void **state)
{
    struct fixture *fixture = *state;
    struct store_push first = push_of(lotte, NULL, 1), second = push_of(lotte, NULL, 3);
    struct store_push third = push_of(lotte, NULL, 4);
    assert_int_equal(begin(fixture, &first), SL_OK);
    end(fixture, &first); /* its receipt is number 2 */
    assert_int_equal(store_push_begin(fixture->store, &second, 2), SL_OK);
    commit(fixture);
    assert_int_equal(n_rows(fixture), 2);
    assert_int_equal(store_push_begin(fixture->store, &third, 3), SL_OK);
    commit(fixture);
    assert_int_equal(n_rows(fixture), 2); /* the second and the third */
}

static void an_erasure_takes_a_persons_notes_and_a_rewrite_keeps_the_others(void **state)
{
    struct fixture *fixture = *state;
    struct store_problem problem;
    struct store_rewriting run = {0};
    uint64_t number = 0;
    struct store_erasure erasure = {.expected_version = 1, .pending = slice_of_str("receipt")};
    struct store_push his = push_of(mo, "k", 17), hers = push_of(lotte, "k", 18);
    put(fixture, "lotte", lotte);
    put(fixture, "mo", mo);
    assert_int_equal(begin(fixture, &his), SL_OK);
    assert_int_equal(begin(fixture, &hers), SL_OK);
    memcpy(erasure.id, mo, sizeof erasure.id);
    assert_int_equal(store_erase(fixture->store, &erasure, &number), SL_OK);
    assert_false(find(fixture, NOON_MS, &his));
    end(fixture, &his); /* of nobody any more */
    assert_int_equal(n_rows(fixture), 1);
    assert_int_equal(store_rewrite(fixture->store, &run, &problem), SL_OK);
    assert_true(find(fixture, NOON_MS, &hers));
    assert_int_equal(n_rows(fixture), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_note_is_found_as_it_was_made_and_as_it_ended),
        TEST(a_key_counts_for_a_day_and_for_as_long_as_its_push_is_under_way),
        TEST(two_in_one_batch_meet),
        TEST(notes_without_a_key_go_when_the_next_push_of_the_person_comes),
        TEST(a_note_stays_until_the_receipt_of_its_outcome_is_durable),
        TEST(an_erasure_takes_a_persons_notes_and_a_rewrite_keeps_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
