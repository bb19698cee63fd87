/*
 * test_index.c - the LMDB index by itself
 */
#include "fixture.h"
#include "ledger/index_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct indexed {
    struct fixture fixture;
    struct ledger_index *index;
    struct index_reader *reader;
};

static void open_index(struct indexed *indexed)
{
    struct index_problem problem;
    if (index_open(indexed->fixture.index_folder, &problem, &indexed->index) != SL_OK)
        fail_msg("%s", problem.text);
    assert_int_equal(index_reader_new(indexed->index, &indexed->reader), SL_OK);
}

static void close_index(struct indexed *indexed)
{
    index_reader_free(indexed->reader);
    index_free(indexed->index);
    indexed->reader = NULL;
    indexed->index = NULL;
}

static void note(struct indexed *indexed, uint64_t first, uint32_t n_receipts)
{
    const struct index_batch batch = {first, 5, first * 4096};
    const struct batch_tiles no_tiles = {0};
    index_note_batch(indexed->index, &batch, n_receipts, &no_tiles);
}

static void commit(struct indexed *indexed, const struct index_state *state)
{
    index_begin(indexed->index);
    if (index_commit(indexed->index, state) != SL_OK)
        fail_msg("%s", index_problem(indexed->index));
}

static bool find(struct index_reader *reader, uint64_t receipt, struct index_batch *batch)
{
    bool found = false;
    if (index_reader_place(reader, receipt, batch, &found) != SL_OK)
        fail_msg("%s", index_reader_problem(reader));
    return found;
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
    found = true;
    assert_int_equal(index_reader_state(indexed->reader, &untouched, &found), SL_OK);
    assert_false(found);
    assert_false(find(indexed->reader, 0, &batch));
}

static void what_was_committed_is_there_after_a_restart(void **state)
{
    struct indexed *indexed = *state;
    static const uint64_t sizes[] = {1, 2, 3, 4097, 0xdeadbe01};
    for (size_t i = 0; i < SL_LENGTH(sizes); i++) {
        struct index_state expected = a_state(sizes[i]), found_state;
        struct index_batch batch;
        bool found = false;
        uint64_t n = 0;
        note(indexed, sizes[i] - 1, 256);
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
        assert_true(find(indexed->reader, sizes[i] - 1, &batch));
        assert_true(batch.first_index == sizes[i] - 1);
    }
}

static void a_receipt_is_found_before_and_after_its_place_is_committed(void **state)
{
    struct indexed *indexed = *state;
    struct index_state seen = a_state(1024);
    static const struct {
        uint64_t receipt, first;
    } known[] = {{0, 0},     {199, 0},   {200, 200}, {255, 200},        {256, 200},
                 {399, 200}, {512, 400}, {767, 400}, {UINT64_MAX, 400}, {511, 400}};
    struct index_batch batch;
    note(indexed, 0, 200);
    note(indexed, 200, 200); /* holds 256 */
    note(indexed, 400, 600); /* holds 512 and 768 */
    note(indexed, 1000, 24); /* holds no first receipt of a tile */
    for (int committed = 0; committed < 2; committed++) {
        for (size_t i = 0; i < SL_LENGTH(known); i++) {
            assert_true(find(indexed->reader, known[i].receipt, &batch));
            assert_int_equal(batch.first_index, known[i].first);
            assert_int_equal(batch.segment_first, 5);
            assert_int_equal(batch.offset, known[i].first * 4096);
        }
        commit(indexed, &seen);
    }
    note(indexed, 1024, 1);
    assert_true(find(indexed->reader, 1023, &batch));
    assert_int_equal(batch.first_index, 400);
    assert_true(find(indexed->reader, 1024, &batch));
    assert_int_equal(batch.first_index, 1024);
}

/* ---------------------------------------------------------------------------------- hashes -- */

enum { TILES = 300 };

static void tile_root(uint64_t tile, uint8_t root[SHA256_BYTES])
{
    sha256_of(slice_of(&tile, sizeof tile), root);
}

static void naive_hash(unsigned level, uint64_t index, uint8_t hash[SHA256_BYTES])
{
    if (level == TREE_TILE_LEVEL) {
        tile_root(index, hash);
        return;
    }
    uint8_t left[SHA256_BYTES], right[SHA256_BYTES];
    naive_hash(level - 1, 2 * index, left);
    naive_hash(level - 1, 2 * index + 1, right);
    tree_node_hash(left, right, hash);
}

/* One batch of 256 receipts, and so one tile. */
static void note_tile(struct indexed *indexed, uint64_t tile)
{
    struct batch_tiles tiles = {.n = 1};
    tile_root(tile, tiles.roots[0]);
    const struct index_batch batch = {tile * 256, 0, tile * 131072};
    index_note_batch(indexed->index, &batch, 256, &tiles);
}

static void assert_hashes_up_to(struct index_reader *reader, uint64_t n_tiles)
{
    for (unsigned level = TREE_TILE_LEVEL; level < TREE_TILE_LEVEL + 12; level++) {
        uint64_t n_complete = n_tiles >> (level - TREE_TILE_LEVEL);
        for (uint64_t index = 0; index < n_complete + 3; index++) {
            uint8_t hash[SHA256_BYTES], expected[SHA256_BYTES];
            bool found = false;
            assert_int_equal(index_reader_hash(reader, level, index, hash, &found), SL_OK);
            assert_int_equal(found, index < n_complete);
            naive_hash(level, index, expected);
            if (found)
                assert_memory_equal(hash, expected, sizeof hash);
        }
    }
}

/* Its subtrees above the tiles, which is all that index_resume() looks at. */
static struct tree tree_over(uint64_t n_tiles)
{
    struct tree tree;
    tree_init(&tree);
    tree.size = n_tiles * 256;
    for (unsigned level = TREE_TILE_LEVEL; level < TREE_LEVELS; level++)
        if (tree.size >> level & 1)
            naive_hash(level, (tree.size >> level) - 1, tree.subtree[level]);
    return tree;
}

static void each_complete_subtree_is_found_before_and_after_its_commit(void **state)
{
    struct indexed *indexed = *state;
    for (uint64_t tile = 0; tile < TILES; tile++) {
        note_tile(indexed, tile);
        struct index_state seen = a_state((tile + 1) * 256);
        if (tile % 37 == 0)
            commit(indexed, &seen);
        if (tile % 11 == 0)
            assert_hashes_up_to(indexed->reader, tile + 1);
    }
    assert_hashes_up_to(indexed->reader, TILES);
}

static void noting_goes_on_after_a_restart(void **state)
{
    struct indexed *indexed = *state;
    uint64_t tile = 0;
    for (uint64_t until = 1; until <= TILES; until = 3 * until + 1) {
        for (; tile < until; tile++)
            note_tile(indexed, tile);
        struct index_state seen = a_state(until * 256);
        commit(indexed, &seen);
        close_index(indexed);
        open_index(indexed);
        struct tree tree = tree_over(until);
        assert_int_equal(index_resume(indexed->index, &tree), SL_OK);
    }
    assert_hashes_up_to(indexed->reader, tile);
}

static void an_index_with_other_hashes_than_the_ledger_is_named(void **state)
{
    struct indexed *indexed = *state;
    for (uint64_t tile = 0; tile < 5; tile++)
        note_tile(indexed, tile);
    struct index_state seen = a_state(5 * 256);
    commit(indexed, &seen);
    for (unsigned level = TREE_TILE_LEVEL; level < TREE_TILE_LEVEL + 3; level += 2) {
        struct tree tree = tree_over(5);
        tree.subtree[level][31] ^= 1;
        assert_int_equal(index_resume(indexed->index, &tree), SL_ESTORE);
        assert_non_null(strstr(index_problem(indexed->index), "sluis ledger index"));
    }
    struct tree tree = tree_over(6); /* more than the index has */
    assert_int_equal(index_resume(indexed->index, &tree), SL_ESTORE);
    tree = tree_over(5);
    assert_int_equal(index_resume(indexed->index, &tree), SL_OK);
}

static void another_process_sees_what_was_committed_and_writes_nothing(void **state)
{
    struct indexed *indexed = *state;
    struct index_problem problem;
    struct index_state seen = a_state(5 * 256), found_state;
    struct index_batch batch;
    bool found = false;
    for (uint64_t tile = 0; tile < 5; tile++)
        note_tile(indexed, tile);
    commit(indexed, &seen);
    close_index(indexed);
    char path[256];
    snprintf(path, sizeof path, "%s/lock.mdb", indexed->fixture.index_folder);
    assert_int_equal(unlink(path), 0);

    struct index_reader *reader = NULL;
    if (index_reader_open(indexed->fixture.index_folder, &problem, &reader) != SL_OK)
        fail_msg("%s", problem.text);
    assert_int_equal(index_reader_state(reader, &found_state, &found), SL_OK);
    assert_true(found);
    assert_memory_equal(&found_state, &seen, sizeof seen);
    assert_hashes_up_to(reader, 5);
    assert_true(find(reader, 1279, &batch));
    assert_int_equal(batch.first_index, 1024);
    index_reader_free(reader);
    assert_int_equal(access(path, F_OK), -1);

    assert_int_equal(index_reader_open(indexed->fixture.root, &problem, &reader), SL_ESTORE);
    assert_non_null(strstr(problem.text, indexed->fixture.root));
}

int main(void)
{
#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        INDEX_TEST(a_new_index_has_seen_nothing),
        INDEX_TEST(what_was_committed_is_there_after_a_restart),
        INDEX_TEST(a_receipt_is_found_before_and_after_its_place_is_committed),
        INDEX_TEST(each_complete_subtree_is_found_before_and_after_its_commit),
        INDEX_TEST(noting_goes_on_after_a_restart),
        INDEX_TEST(an_index_with_other_hashes_than_the_ledger_is_named),
        INDEX_TEST(another_process_sees_what_was_committed_and_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
