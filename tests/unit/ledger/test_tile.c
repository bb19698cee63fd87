/*
 * test_tile.c - tile paths with one spelling, widths, and the bytes of tiles
 */
#include "ledger/tile.h"

#include "base/reader.h"
#include "ledger/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *path;
    struct tile tile;
} paths[] = {
    {"tile/0/000", {false, 0, 0, 256}},
    {"tile/0/000.p/1", {false, 0, 0, 1}},
    {"tile/0/000.p/255", {false, 0, 0, 255}},
    {"tile/63/999", {false, 63, 999, 256}},
    {"tile/0/x001/000", {false, 0, 1000, 256}},
    {"tile/5/x001/x234/067", {false, 5, 1234067, 256}},
    {"tile/5/x001/x234/067.p/8", {false, 5, 1234067, 8}},
    {"tile/entries/x001/x234/067", {true, 0, 1234067, 256}},
    {"tile/entries/000.p/17", {true, 0, 0, 17}},
    {"tile/0/x018/x446/x744/x073/x709/x551/615", {false, 0, UINT64_MAX, 256}},
};

static void each_tile_has_one_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_LENGTH(paths); i++) {
        char block[TILE_PATH_BYTES_MAX];
        struct writer writer = writer_over(block, sizeof block);
        struct tile tile;
        write_tile_path(&writer, &paths[i].tile);
        assert_false(writer.overflow);
        assert_true(slice_equals_str(writer_slice(&writer), paths[i].path));
        assert_int_equal(tile_path_parse(slice_of_str(paths[i].path), &tile), SL_OK);
        assert_int_equal(tile.is_entries, paths[i].tile.is_entries);
        assert_int_equal(tile.level, paths[i].tile.level);
        assert_true(tile.index == paths[i].tile.index);
        assert_int_equal(tile.width, paths[i].tile.width);
    }
}

static void the_longest_path_fits(void **state)
{
    (void)state;
    char block[TILE_PATH_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    const struct tile tile = {true, 0, UINT64_MAX, 255};
    write_tile_path(&writer, &tile);
    assert_false(writer.overflow);
    assert_int_equal(writer.n, TILE_PATH_BYTES_MAX);
}

static void no_other_spelling_is_a_path(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "/",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile//000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/000/",
        "tile/0/x000/067",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/x001/x234",
        "tile/0/x01/234",
        "tile/0/x0001/234",
        "tile/0/X001/234",
        "tile/0/x001//234",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+0/000",
        "tile/0/0a0",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/1e1/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000/p/1",
        "tile/entries",
        "tile/entries/",
        "tile/Entries/000",
        "tile/data/000",
        "tiles/0/000",
        "tile/0/000?",
        "tile/0/000 ",
        "tile/0/000\n",
        "tile/0/../000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x018/x446/x744/x073/x710/x000/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        struct tile tile = {.width = 77};
        if (tile_path_parse(slice_of_str(wrong[i]), &tile) != SL_EMALFORMED)
            fail_msg("\"%s\" was taken for a path", wrong[i]);
        assert_int_equal(tile.width, 77);
    }
    struct tile tile;
    assert_int_equal(tile_path_parse(slice_of("tile/0/0\0"
                                              "0",
                                              10),
                                     &tile),
                     SL_EMALFORMED);
}

static void widths_are_those_of_the_specification(void **state)
{
    (void)state;
    /* Its example of a tree of 70,000, and of 256. */
    assert_int_equal(tile_width(0, 272, 70000), 256);
    assert_int_equal(tile_width(0, 273, 70000), 112);
    assert_int_equal(tile_width(0, 274, 70000), 0);
    assert_int_equal(tile_width(1, 0, 70000), 256);
    assert_int_equal(tile_width(1, 1, 70000), 17);
    assert_int_equal(tile_width(2, 0, 70000), 1);
    assert_int_equal(tile_width(3, 0, 70000), 0);
    assert_int_equal(tile_width(0, 0, 256), 256);
    assert_int_equal(tile_width(0, 1, 256), 0);
    assert_int_equal(tile_width(1, 0, 256), 1);
    assert_int_equal(tile_width(0, 0, 255), 255);
    assert_int_equal(tile_width(1, 0, 255), 0);
    assert_int_equal(tile_width(0, 0, 0), 0);
    assert_int_equal(tile_width(7, 0, UINT64_MAX), 255);
    assert_int_equal(tile_width(7, 1, UINT64_MAX), 0);
    for (uint8_t level = 8; level <= TILE_LEVEL_MAX; level++)
        assert_int_equal(tile_width(level, 0, UINT64_MAX), 0);
    assert_int_equal(tile_width(0, UINT64_MAX, UINT64_MAX), 0);
    assert_int_equal(tile_width(0, UINT64_MAX / 256, UINT64_MAX), 255);
}

/* --------------------------------------------------------------------------------------- bytes --
 */

enum { N_LEAVES = 256 * 3 + 5 };

static void leaf_of(uint64_t index, char leaf[16])
{
    snprintf(leaf, 16, "leaf %llu", (unsigned long long)index);
}

static void naive_root(uint64_t lo, uint64_t hi, uint8_t out[SHA256_BYTES])
{
    char leaf[16];
    struct tree tree;
    tree_init(&tree);
    for (uint64_t i = lo; i < hi; i++) {
        uint8_t hash[SHA256_BYTES];
        leaf_of(i, leaf);
        tree_leaf_hash(slice_of_str(leaf), hash);
        tree_append(&tree, hash);
    }
    tree_root(&tree, out);
}

static enum sl_err naive_subtree(void *context, unsigned level, uint64_t index,
                                 uint8_t hash[SHA256_BYTES])
{
    (void)context;
    assert_true((index + 1) << level <= N_LEAVES);
    naive_root(index << level, (index + 1) << level, hash);
    return SL_OK;
}

/* From its tiles alone, the way a client does it. */
static void the_root_comes_out_of_the_tiles(void **state)
{
    (void)state;
    static uint8_t block[TILE_BYTES_MAX];
    uint8_t expected[SHA256_BYTES], root[SHA256_BYTES];
    struct tree leaves;
    tree_init(&leaves);
    for (uint64_t n = 0; tile_width(0, n, N_LEAVES) > 0; n++) {
        struct tile tile = {false, 0, n, tile_width(0, n, N_LEAVES)};
        struct writer writer = writer_over(block, sizeof block);
        assert_int_equal(
            tile_write_hashes(&tile, (struct proof_source){naive_subtree, NULL}, &writer), SL_OK);
        assert_int_equal(writer.n, tile.width * SHA256_BYTES);
        struct tree whole;
        tree_init(&whole);
        for (size_t i = 0; i < tile.width; i++) {
            tree_append(&leaves, block + i * SHA256_BYTES);
            tree_append(&whole, block + i * SHA256_BYTES);
        }
        if (tile.width < TILE_WIDTH)
            continue;
        /* A full tile's root stands in the tile above it. */
        tree_root(&whole, root);
        struct tile above = {false, 1, 0, tile_width(1, 0, N_LEAVES)};
        writer = writer_over(block, sizeof block);
        assert_int_equal(
            tile_write_hashes(&above, (struct proof_source){naive_subtree, NULL}, &writer), SL_OK);
        assert_int_equal(above.width, 3);
        assert_memory_equal(block + n * SHA256_BYTES, root, sizeof root);
    }
    assert_int_equal(leaves.size, N_LEAVES);
    tree_root(&leaves, root);
    naive_root(0, N_LEAVES, expected);
    assert_memory_equal(root, expected, sizeof root);
}

static enum sl_err naive_entry(void *context, uint64_t index, struct slice *entry)
{
    static char leaf[16];
    (void)context;
    leaf_of(index, leaf);
    *entry = slice_of_str(leaf);
    return SL_OK;
}

static void a_bundle_is_lengths_and_entries(void **state)
{
    (void)state;
    static uint8_t block[8192];
    const struct tile tile = {true, 0, 3, tile_width(0, 3, N_LEAVES)};
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(tile.width, 5);
    assert_int_equal(tile_write_entries(&tile, (struct tile_entries){naive_entry, NULL}, &writer),
                     SL_OK);
    struct reader reader = reader_over(writer_slice(&writer));
    for (uint64_t i = 0; i < 5; i++) {
        char expected[16];
        leaf_of(768 + i, expected);
        assert_true(slice_equals_str(read_bytes(&reader, read_u16be(&reader)), expected));
    }
    assert_false(reader.bad);
    assert_int_equal(reader_left(&reader), 0);
}

static enum sl_err long_entry(void *context, uint64_t index, struct slice *entry)
{
    static uint8_t bytes[UINT16_MAX + 1];
    (void)index;
    *entry = slice_of(bytes, *(size_t *)context);
    return SL_OK;
}

static enum sl_err no_entry(void *context, uint64_t index, struct slice *entry)
{
    (void)context;
    (void)index;
    (void)entry;
    return SL_ESTORE;
}

static void what_does_not_fit_is_a_limit(void **state)
{
    (void)state;
    static uint8_t block[UINT16_MAX + 8];
    const struct tile tile = {true, 0, 0, 1};
    for (size_t n = UINT16_MAX; n <= UINT16_MAX + 1; n++) {
        struct writer writer = writer_over(block, sizeof block);
        assert_int_equal(tile_write_entries(&tile, (struct tile_entries){long_entry, &n}, &writer),
                         n > UINT16_MAX ? SL_ELIMIT : SL_OK);
    }
    struct writer small = writer_over(block, 8);
    assert_int_equal(tile_write_entries(&tile, (struct tile_entries){naive_entry, NULL}, &small),
                     SL_OK);
    small = writer_over(block, 7);
    assert_int_equal(tile_write_entries(&tile, (struct tile_entries){naive_entry, NULL}, &small),
                     SL_ELIMIT);
    small = writer_over(block, 31);
    const struct tile hashes = {false, 0, 0, 1};
    assert_int_equal(tile_write_hashes(&hashes, (struct proof_source){naive_subtree, NULL}, &small),
                     SL_ELIMIT);
    assert_int_equal(tile_write_entries(&tile, (struct tile_entries){no_entry, NULL}, &small),
                     SL_ESTORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tile_has_one_path),
        cmocka_unit_test(the_longest_path_fits),
        cmocka_unit_test(no_other_spelling_is_a_path),
        cmocka_unit_test(widths_are_those_of_the_specification),
        cmocka_unit_test(the_root_comes_out_of_the_tiles),
        cmocka_unit_test(a_bundle_is_lengths_and_entries),
        cmocka_unit_test(what_does_not_fit_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
