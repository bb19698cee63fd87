/*
 * test_index.c - the LMDB index by itself
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct indexed {
    struct fixture fixture;
    struct ledger_index *index;
};

static void open_index(struct indexed *indexed)
{
    struct index_problem problem;
    if (index_open(indexed->fixture.index_folder, &problem, &indexed->index) != SL_OK)
        fail_msg("%s", problem.text);
}

static void close_index(struct indexed *indexed)
{
    index_free(indexed->index);
    indexed->index = NULL;
}

static int setup(void **state)
{
    struct indexed *indexed = calloc(1, sizeof *indexed);
    assert_non_null(indexed);
    fixture_init(&indexed->fixture);
    open_index(indexed);
    *state = indexed;
    return 0;
}

static int teardown(void **state)
{
    struct indexed *indexed = *state;
    close_index(indexed);
    fixture_deinit(&indexed->fixture);
    free(indexed);
    return 0;
}

static struct index_state a_state(uint64_t size)
{
    struct index_state state = {.size = size, .segment_first = 5, .batch_offset = 8192};
    state.newest_time_before_ms = -17;
    memset(state.root, 0x33, sizeof state.root);
    state.before.size = size - 1;
    for (size_t level = 0; level < TREE_LEVELS; level++)
        if (state.before.size >> level & 1)
            memset(state.before.subtree[level], (int)(level + 1), SHA256_BYTES);
    return state;
}

static void a_new_index_has_seen_nothing(void **state)
{
    struct indexed *indexed = *state;
    struct index_state untouched = {.size = 99};
    struct index_batch batch;
    uint64_t n = 99;
    bool found = true;
    assert_int_equal(index_state_get(indexed->index, &untouched, &found), SL_OK);
    assert_false(found);
    assert_int_equal(untouched.size, 99);
    assert_int_equal(index_counter(indexed->index, indexed->fixture.subjects[0].id, &n), SL_OK);
    assert_int_equal(n, 0);
    assert_int_equal(index_find(indexed->index, 0, &batch, &found), SL_OK);
    assert_false(found);
}

static void what_was_committed_is_there_after_a_restart(void **state)
{
    struct indexed *indexed = *state;
    static const uint64_t sizes[] = {1, 2, 3, 4096, 0xdeadbeef, UINT64_MAX};
    for (size_t i = 0; i < SL_LENGTH(sizes); i++) {
        struct index_state expected = a_state(sizes[i]), found_state;
        const struct index_batch batch = {sizes[i] - 1, 5, 8192};
        struct index_batch found_batch;
        bool found = false;
        uint64_t n = 0;
        index_note_batch(indexed->index, &batch);
        index_begin(indexed->index);
        index_put_counter(indexed->index, indexed->fixture.subjects[1].id, sizes[i]);
        assert_int_equal(index_commit(indexed->index, &expected), SL_OK);
        close_index(indexed);
        open_index(indexed);
        assert_int_equal(index_state_get(indexed->index, &found_state, &found), SL_OK);
        assert_true(found);
        assert_memory_equal(&found_state, &expected, sizeof expected);
        assert_int_equal(index_counter(indexed->index, indexed->fixture.subjects[1].id, &n), SL_OK);
        assert_true(n == sizes[i]);
        assert_int_equal(index_find(indexed->index, sizes[i] - 1, &found_batch, &found), SL_OK);
        assert_true(found);
        assert_true(found_batch.first_index == sizes[i] - 1);
    }
}

static void a_receipt_is_found_by_the_batch_at_or_before_it(void **state)
{
    struct indexed *indexed = *state;
    struct index_state seen = a_state(40);
    for (uint64_t first = 10; first < 40; first += 10)
        index_note_batch(indexed->index, &(struct index_batch){first, 0, first * 4096});
    index_begin(indexed->index);
    assert_int_equal(index_commit(indexed->index, &seen), SL_OK);
    static const struct {
        uint64_t receipt, first;
    } known[] = {{10, 10}, {11, 10}, {19, 10}, {20, 20}, {30, 30}, {39, 30}, {UINT64_MAX, 30}};
    struct index_batch batch;
    bool found = false;
    for (size_t i = 0; i < SL_LENGTH(known); i++) {
        assert_int_equal(index_find(indexed->index, known[i].receipt, &batch, &found), SL_OK);
        assert_true(found);
        assert_int_equal(batch.first_index, known[i].first);
        assert_int_equal(batch.offset, known[i].first * 4096);
    }
    assert_int_equal(index_find(indexed->index, 9, &batch, &found), SL_OK);
    assert_false(found);
}

static void places_that_pile_up_are_thinned_and_still_lead_there(void **state)
{
    struct indexed *indexed = *state;
    enum { BATCHES = 100000 };
    struct index_state seen = a_state(BATCHES);
    for (uint64_t first = 0; first < BATCHES; first++)
        index_note_batch(indexed->index, &(struct index_batch){first, 0, first * 4096});
    index_begin(indexed->index);
    assert_int_equal(index_commit(indexed->index, &seen), SL_OK);
    for (uint64_t receipt = 0; receipt < BATCHES; receipt += 97) {
        struct index_batch batch;
        bool found = false;
        assert_int_equal(index_find(indexed->index, receipt, &batch, &found), SL_OK);
        assert_true(found);
        assert_true(batch.first_index <= receipt);
        assert_true(receipt - batch.first_index < 32); /* 8,192 places for 100,000 */
        assert_int_equal(batch.offset, batch.first_index * 4096);
    }
}

int main(void)
{
#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        INDEX_TEST(a_new_index_has_seen_nothing),
        INDEX_TEST(what_was_committed_is_there_after_a_restart),
        INDEX_TEST(a_receipt_is_found_by_the_batch_at_or_before_it),
        INDEX_TEST(places_that_pile_up_are_thinned_and_still_lead_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
