/*
 * test_tree.c - the appending tree against published roots, and against a naive twin
 */
#include "base/base64.h"
#include "base/err.h"
#include "ledger/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* RFC 9162 section 2.1.1, word for word. */
static void naive_root(const uint8_t (*hashes)[SHA256_BYTES], size_t n, uint8_t out[SHA256_BYTES])
{
    if (n == 0) {
        sha256_of(slice_of(NULL, 0), out);
        return;
    }
    if (n == 1) {
        memcpy(out, hashes[0], SHA256_BYTES);
        return;
    }
    size_t k = 1; /* the largest power of two smaller than n */
    while (2 * k < n)
        k *= 2;
    uint8_t node[1 + 2 * SHA256_BYTES] = {0x01};
    naive_root(hashes, k, node + 1);
    naive_root(hashes + k, n - k, node + 1 + SHA256_BYTES);
    sha256_of(slice_of(node, sizeof node), out);
}

static void the_empty_tree_is_the_hash_of_nothing(void **state)
{
    (void)state;
    struct tree tree;
    uint8_t root[SHA256_BYTES], expected[SHA256_BYTES];
    tree_init(&tree);
    tree_root(&tree, root);
    assert_true(
        hex_decode(slice_of_str("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                   expected, sizeof expected));
    assert_memory_equal(root, expected, sizeof root);
}

/* The eight leaves and roots that implementations of RFC 6962 have tested against since 2012. */
static void published_roots_come_out(void **state)
{
    (void)state;
    static const struct {
        const char *leaf, *root;
    } steps[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree tree;
    tree_init(&tree);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint8_t leaf[16], hash[SHA256_BYTES], root[SHA256_BYTES], expected[SHA256_BYTES];
        size_t n = strlen(steps[i].leaf) / 2;
        assert_true(hex_decode(slice_of_str(steps[i].leaf), leaf, n));
        assert_true(hex_decode(slice_of_str(steps[i].root), expected, sizeof expected));
        tree_leaf_hash(slice_of(leaf, n), hash);
        tree_append(&tree, hash);
        tree_root(&tree, root);
        assert_int_equal(tree.size, i + 1);
        assert_memory_equal(root, expected, sizeof root);
    }
}

static void every_size_agrees_with_the_naive_twin(void **state)
{
    (void)state;
    enum { MOST = 1100 };
    static uint8_t hashes[MOST][SHA256_BYTES];
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    struct tree tree;
    tree_init(&tree);
    for (size_t i = 0; i < MOST; i++) {
        uint8_t root[SHA256_BYTES], expected[SHA256_BYTES];
        for (size_t j = 0; j < SHA256_BYTES; j++)
            hashes[i][j] = (uint8_t)random();
        tree_append(&tree, hashes[i]);
        /* All the small ones, those around powers of two, and some others. */
        if (i > 130 && (i & (i + 1)) != 0 && ((i + 1) & (i + 2)) != 0 && random() % 8 != 0)
            continue;
        tree_root(&tree, root);
        naive_root((const uint8_t(*)[SHA256_BYTES])hashes, i + 1, expected);
        assert_memory_equal(root, expected, sizeof root);
    }
}

static void a_copy_goes_its_own_way(void **state)
{
    (void)state;
    struct tree tree, copy;
    uint8_t hash[SHA256_BYTES] = {1}, before[SHA256_BYTES], after[SHA256_BYTES];
    tree_init(&tree);
    tree_append(&tree, hash);
    tree_root(&tree, before);
    copy = tree;
    tree_append(&copy, hash);
    tree_root(&tree, after);
    assert_memory_equal(before, after, sizeof before);
    tree_root(&copy, after);
    assert_memory_not_equal(before, after, sizeof before);
}

static void a_huge_tree_still_has_room(void **state)
{
    (void)state;
    struct tree tree;
    uint8_t hash[SHA256_BYTES] = {1}, root[SHA256_BYTES];
    tree_init(&tree);
    tree.size = UINT64_MAX - 1; /* 63 subtrees: all but the single leaf */
    tree_append(&tree, hash);
    assert_true(tree.size == UINT64_MAX);
    assert_memory_equal(tree.subtree[0], hash, sizeof hash);
    tree_root(&tree, root);
}

static void a_tile_is_handed_out_when_its_last_leaf_comes(void **state)
{
    (void)state;
    enum { LEAVES = 1300 };
    static uint8_t hashes[LEAVES][SHA256_BYTES];
    struct tree tree;
    tree_init(&tree);
    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t tile[SHA256_BYTES] = {0x5a}, expected[SHA256_BYTES] = {0x5a};
        sha256_of(slice_of(&i, sizeof i), hashes[i]);
        bool complete = tree_append_tile(&tree, hashes[i], tile);
        assert_int_equal(complete, i % TREE_TILE_LEAVES == TREE_TILE_LEAVES - 1);
        if (complete)
            naive_root((const uint8_t(*)[SHA256_BYTES])(hashes + i + 1 - TREE_TILE_LEAVES),
                       TREE_TILE_LEAVES, expected);
        assert_memory_equal(tile, expected, sizeof tile);
    }
}

/* Runs of every kind of length, from every kind of place, against one leaf after the other. */
static void runs_give_the_tree_of_their_leaves(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    static uint8_t bytes[TREE_RUN_LEAVES_MAX + 40];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)random();
    struct tree tree, naive;
    tree_init(&tree);
    tree_init(&naive);
    for (int round = 0; round < 200; round++) {
        static struct slice leaves[TREE_RUN_LEAVES_MAX];
        struct tree_run run;
        uint8_t tiles[TREE_RUN_LEAVES_MAX / TREE_TILE_LEAVES + 1][SHA256_BYTES];
        uint8_t expected[TREE_RUN_LEAVES_MAX / TREE_TILE_LEAVES + 1][SHA256_BYTES];
        size_t n_most = round % 3 == 0 ? TREE_RUN_LEAVES_MAX : round % 3 == 1 ? 40 : 3;
        size_t n = round == 0 ? n_most : (size_t)random() % n_most + 1, n_expected = 0;
        for (size_t i = 0; i < n; i++) {
            uint8_t hash[SHA256_BYTES];
            leaves[i] = slice_of(bytes + i, 1 + (size_t)random() % 39);
            tree_leaf_hash(leaves[i], hash);
            n_expected += tree_append_tile(&naive, hash, expected[n_expected]);
        }
        tree_run_hash(&run, tree.size, leaves, n);
        assert_int_equal(tree_append_run(&tree, &run, tiles), n_expected);
        assert_memory_equal(tiles, expected, n_expected * SHA256_BYTES);
        assert_int_equal(tree.size, naive.size);
        for (size_t level = 0; level < TREE_LEVELS; level++)
            if (tree.size >> level & 1)
                assert_memory_equal(tree.subtree[level], naive.subtree[level], SHA256_BYTES);
    }
}

/* Every run of up to 20 leaves at every place of up to 40, to miss no shape. */
static void short_runs_come_out_right_wherever_they_begin(void **state)
{
    (void)state;
    static struct slice leaves[20];
    for (size_t i = 0; i < SL_LENGTH(leaves); i++)
        leaves[i] = slice_of_str(&"abcdefghijklmnopqrst"[i]);
    for (uint64_t first = 230; first <= 270; first++) {
        struct tree before;
        tree_init(&before);
        for (uint64_t i = 0; i < first; i++)
            tree_append(&before, (const uint8_t[SHA256_BYTES]){(uint8_t)i});
        for (size_t n = 1; n <= SL_LENGTH(leaves); n++) {
            struct tree tree = before, naive = before;
            struct tree_run run;
            uint8_t tiles[2][SHA256_BYTES], root[SHA256_BYTES], expected[SHA256_BYTES];
            tree_run_hash(&run, first, leaves, n);
            assert_int_equal(tree_append_run(&tree, &run, tiles), first / 256 != (first + n) / 256);
            for (size_t i = 0; i < n; i++) {
                tree_leaf_hash(leaves[i], expected);
                tree_append(&naive, expected);
            }
            tree_root(&tree, root);
            tree_root(&naive, expected);
            assert_memory_equal(root, expected, sizeof root);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tile_is_handed_out_when_its_last_leaf_comes),
        cmocka_unit_test(the_empty_tree_is_the_hash_of_nothing),
        cmocka_unit_test(published_roots_come_out),
        cmocka_unit_test(every_size_agrees_with_the_naive_twin),
        cmocka_unit_test(a_copy_goes_its_own_way),
        cmocka_unit_test(a_huge_tree_still_has_room),
        cmocka_unit_test(runs_give_the_tree_of_their_leaves),
        cmocka_unit_test(short_runs_come_out_right_wherever_they_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
