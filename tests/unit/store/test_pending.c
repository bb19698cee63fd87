/*
 * test_pending.c - notes of receipts that the ledger may not hold yet
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void put(struct fixture *fixture, const char *name, const uint8_t id[16],
                uint64_t expected_version)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
}

struct notes {
    struct store *store;
    bool done_while_visiting;
    char text[256]; /* "<number> " for each */
};

static bool note(void *context, uint64_t number, struct slice pending)
{
    struct notes *notes = context;
    assert_true(slice_equals_str(pending, "a receipt"));
    size_t used = strlen(notes->text);
    snprintf(notes->text + used, sizeof notes->text - used, "%u ", (unsigned)number);
    if (notes->done_while_visiting)
        assert_int_equal(store_pending_done(notes->store, number, true), SL_OK);
    return true;
}

static void assert_pending(struct fixture *fixture, const char *expected)
{
    struct notes notes = {.store = fixture->store};
    assert_int_equal(store_pending_each(fixture->store, note, &notes), SL_OK);
    assert_string_equal(notes.text, expected);
}

static void a_change_leaves_a_note_until_its_receipt_is_durable(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[16] = {1};
    assert_pending(fixture, "");
    put(fixture, "lotte", id, 0);
    assert_pending(fixture, "1 ");
    assert_int_equal(store_pending_done(fixture->store, 1, true), SL_OK);
    assert_pending(fixture, "");
    fixture_close(fixture);
    fixture_open(fixture);
    assert_pending(fixture, "");
}

static void notes_are_visited_in_the_order_of_the_changes(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t first[16] = {1}, second[16] = {2};
    uint64_t number = 0;
    char yaml[32], blob[32];
    put(fixture, "milan", second, 0);
    put(fixture, "lotte", first, 0);
    struct store_change change = fixture_change("milan", second, 1, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &change, &number), SL_OK);
    assert_int_equal(number, 3);
    assert_pending(fixture, "1 2 3 ");
}

/* A crash before the next change: start-up meets the note again, and drops it. */
static void a_note_done_later_is_deleted_with_the_next_change_only(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[16] = {1};
    put(fixture, "lotte", id, 0);
    assert_int_equal(store_pending_done(fixture->store, 1, false), SL_OK);
    assert_pending(fixture, "");
    fixture_close(fixture);
    fixture_open(fixture);
    assert_pending(fixture, "1 ");

    assert_int_equal(store_pending_done(fixture->store, 1, false), SL_OK);
    put(fixture, "lotte", id, 1);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_pending(fixture, "2 ");
}

static void a_rejected_change_does_not_lose_what_is_done(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[16] = {1};
    char yaml[32], blob[32];
    put(fixture, "lotte", id, 0);
    assert_int_equal(store_pending_done(fixture->store, 1, false), SL_OK);
    struct store_change late = fixture_change("lotte", id, 0, yaml, blob);
    assert_int_equal(store_put_policy(fixture->store, &late, NULL), SL_EMALFORMED);
    put(fixture, "lotte", id, 1);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_pending(fixture, "2 ");
}

static void what_is_done_is_done_with_all_before_it(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[16] = {1};
    for (uint64_t n = 0; n < 20; n++)
        put(fixture, "lotte", id, n);
    assert_int_equal(store_pending_done(fixture->store, 19, false), SL_OK);
    assert_int_equal(store_pending_done(fixture->store, 3, false), SL_OK); /* told late */
    assert_pending(fixture, "20 ");
    assert_int_equal(store_pending_done(fixture->store, 0, true), SL_OK);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_pending(fixture, "20 ");
}

static void a_visitor_may_drop_the_note_it_visits(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t id[16] = {1};
    put(fixture, "lotte", id, 0);
    put(fixture, "lotte", id, 1);
    struct notes notes = {.store = fixture->store, .done_while_visiting = true};
    assert_int_equal(store_pending_each(fixture->store, note, &notes), SL_OK);
    assert_string_equal(notes.text, "1 2 ");
    assert_pending(fixture, "");
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_change_leaves_a_note_until_its_receipt_is_durable),
        OPEN(notes_are_visited_in_the_order_of_the_changes),
        OPEN(a_note_done_later_is_deleted_with_the_next_change_only),
        OPEN(a_rejected_change_does_not_lose_what_is_done),
        OPEN(what_is_done_is_done_with_all_before_it),
        OPEN(a_visitor_may_drop_the_note_it_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
