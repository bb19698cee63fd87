/*
 * test_ledger_reader.c - the reader against a twin that has all leaves and recomputes everything
 */
#include "fixture.h"
#include "ledger/crc32c.h"
#include "ledger/folder_reader.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { LEAVES_MAX = 70000 };

/* All receipts of a ledger, as the auditor reads them. */
struct twin {
    size_t n;
    uint8_t hashes[LEAVES_MAX][SHA256_BYTES];
    struct slice leaves[LEAVES_MAX];
};

struct reading {
    struct fixture fixture;
    struct ledger_reader *reader;
    struct ledger_head head;
    struct twin twin;
};

static int setup(void **state)
{
    struct reading *reading = calloc(1, sizeof *reading);
    assert_non_null(reading);
    fixture_init(&reading->fixture);
    *state = reading;
    return 0;
}

static void forget_twin(struct twin *twin)
{
    for (size_t i = 0; i < twin->n; i++)
        free((void *)(uintptr_t)twin->leaves[i].p);
    twin->n = 0;
}

static void close_reader(struct reading *reading)
{
    ledger_reader_free(reading->reader);
    reading->reader = NULL;
}

static int teardown(void **state)
{
    struct reading *reading = *state;
    close_reader(reading);
    forget_twin(&reading->twin);
    fixture_deinit(&reading->fixture);
    free(reading);
    return 0;
}

static void open_reader(struct reading *reading)
{
    struct recorder_problem problem;
    if (recorder_reader_new(reading->fixture.recorder, &problem, &reading->reader) != SL_OK)
        fail_msg("%s", problem.text);
    ledger_reader_head(reading->reader, &reading->head);
}

/* As sluis-audit does: from the folders alone. */
static enum sl_err open_from_outside(struct reading *reading, struct ledger_problem *problem)
{
    static struct vkey_list keys;
    size_t line;
    assert_int_equal(vkey_list_parse(slice_of_str(reading->fixture.vkey), &keys, &line), SL_OK);
    enum sl_err err = folder_reader_open(reading->fixture.folder, reading->fixture.index_folder,
                                         &keys, problem, &reading->reader);
    if (err == SL_OK)
        ledger_reader_head(reading->reader, &reading->head);
    return err;
}

/* ------------------------------------------------------------------------------- the twin -- */

static bool keep_leaf(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    struct twin *twin = context;
    assert_true(index == twin->n && twin->n < LEAVES_MAX);
    uint8_t *copy = malloc(leaf_bytes);
    assert_non_null(copy);
    memcpy(copy, leaf, leaf_bytes);
    twin->leaves[twin->n] = slice_of(copy, leaf_bytes);
    tree_leaf_hash(twin->leaves[twin->n], twin->hashes[twin->n]);
    twin->n++;
    return true;
}

static void read_twin(struct reading *reading)
{
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {
        .vkey = reading->fixture.vkey, .visit = keep_leaf, .visit_context = &reading->twin};
    forget_twin(&reading->twin);
    assert_int_equal(sluis_verify_folder(reading->fixture.folder, &options, &report),
                     SLUIS_VERIFY_VALID);
}

/* RFC 9162 section 2.1.1, of the leaves [lo, hi). */
static void naive_root(const struct twin *twin, size_t lo, size_t hi, uint8_t out[SHA256_BYTES])
{
    if (hi - lo == 1) {
        memcpy(out, twin->hashes[lo], SHA256_BYTES);
        return;
    }
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    uint8_t node[1 + 2 * SHA256_BYTES] = {0x01};
    naive_root(twin, lo, lo + k, node + 1);
    naive_root(twin, lo + k, hi, node + 1 + SHA256_BYTES);
    sha256_of(slice_of(node, sizeof node), out);
}

/* RFC 9162 section 2.1.3.1: PATH(m, D[lo:hi]) */
static void naive_path(const struct twin *twin, size_t m, size_t lo, size_t hi, struct proof *out)
{
    if (hi - lo == 1)
        return;
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    bool left = m < lo + k;
    naive_path(twin, m, left ? lo : lo + k, left ? lo + k : hi, out);
    naive_root(twin, left ? lo + k : lo, left ? hi : lo + k, out->hashes[out->n_hashes++]);
}

/* RFC 9162 section 2.1.4.1: SUBPROOF(m, D[lo:hi], whole) */
static void naive_growth(const struct twin *twin, size_t m, size_t lo, size_t hi, bool whole,
                         struct proof *out)
{
    if (m == hi) {
        if (!whole)
            naive_root(twin, lo, hi, out->hashes[out->n_hashes++]);
        return;
    }
    size_t k = 1;
    while (2 * k < hi - lo)
        k *= 2;
    bool left = m <= lo + k;
    naive_growth(twin, m, left ? lo : lo + k, left ? lo + k : hi, left && whole, out);
    naive_root(twin, left ? lo + k : lo, left ? hi : lo + k, out->hashes[out->n_hashes++]);
}

static void assert_same_proof(const struct proof *proof, const struct proof *expected)
{
    assert_int_equal(proof->n_hashes, expected->n_hashes);
    assert_memory_equal(proof->hashes, expected->hashes, proof->n_hashes * SHA256_BYTES);
}

/* --------------------------------------------------------------------------- comparing both -- */

static void succeed(const struct reading *reading, enum sl_err err)
{
    if (err != SL_OK)
        fail_msg("%s: %s", sl_err_name(err), ledger_reader_problem(reading->reader));
}

static void assert_receipt(struct reading *reading, uint64_t index, uint64_t size)
{
    struct slice leaf = {0};
    struct proof proof = {0}, expected = {0};
    succeed(reading, ledger_reader_leaf(reading->reader, &reading->head, index, &leaf));
    assert_true(slice_equals(leaf, reading->twin.leaves[index]));
    succeed(reading, ledger_reader_inclusion(reading->reader, &reading->head, index, size, &proof));
    naive_path(&reading->twin, index, 0, size, &expected);
    assert_same_proof(&proof, &expected);
}

static void assert_growth(struct reading *reading, uint64_t old_size, uint64_t new_size)
{
    struct proof proof = {0}, expected = {0};
    uint8_t root[SHA256_BYTES], naive[SHA256_BYTES];
    succeed(reading,
            ledger_reader_consistency(reading->reader, &reading->head, old_size, new_size, &proof));
    naive_growth(&reading->twin, old_size, 0, new_size, true, &expected);
    assert_same_proof(&proof, &expected);
    succeed(reading, ledger_reader_root(reading->reader, &reading->head, old_size, root));
    naive_root(&reading->twin, 0, old_size, naive);
    assert_memory_equal(root, naive, sizeof root);
}

static void assert_hash_tile(struct reading *reading, const struct tile *tile)
{
    uint8_t bytes[TILE_BYTES_MAX], expected[SHA256_BYTES];
    struct writer writer = writer_over(bytes, sizeof bytes);
    succeed(reading, ledger_reader_tile(reading->reader, &reading->head, tile, &writer));
    assert_int_equal(writer.n, tile->width * SHA256_BYTES);
    size_t n_leaves = (size_t)1 << (8 * tile->level);
    for (size_t i = 0; i < tile->width; i++) {
        size_t first = (tile->index * TILE_WIDTH + i) * n_leaves;
        naive_root(&reading->twin, first, first + n_leaves, expected);
        assert_memory_equal(bytes + i * SHA256_BYTES, expected, SHA256_BYTES);
    }
}

static void assert_entries(struct reading *reading, const struct tile *tile)
{
    static uint8_t bytes[TILE_WIDTH * (2 + LEAF_BYTES_MAX)];
    struct writer writer = writer_over(bytes, sizeof bytes);
    succeed(reading, ledger_reader_tile(reading->reader, &reading->head, tile, &writer));
    struct reader reader = reader_over(writer_slice(&writer));
    for (size_t i = 0; i < tile->width; i++) {
        struct slice entry = read_bytes(&reader, read_u16be(&reader));
        assert_true(slice_equals(entry, reading->twin.leaves[tile->index * TILE_WIDTH + i]));
    }
    assert_false(reader.bad);
    assert_int_equal(reader_left(&reader), 0);
}

static void assert_tiles(struct reading *reading)
{
    uint64_t size = reading->head.tree.size;
    for (uint8_t level = 0; level < 3; level++)
        for (uint64_t index = 0; tile_width(level, index, size) > 0; index++) {
            uint16_t full = tile_width(level, index, size);
            const uint16_t widths[] = {full, 1, (uint16_t)(full - full / 3), (uint16_t)(full / 2)};
            for (size_t i = 0; i < SL_LENGTH(widths); i++) {
                struct tile tile = {false, level, index, widths[i]};
                if (tile.width > 0)
                    assert_hash_tile(reading, &tile);
                tile.is_entries = true;
                if (tile.width > 0 && level == 0)
                    assert_entries(reading, &tile);
            }
        }
}

/* Random ones beside those at the edges of tiles; the seed is printed when a test fails. */
static void assert_all(struct reading *reading, unsigned n_random)
{
    uint64_t size = reading->head.tree.size;
    read_twin(reading);
    assert_int_equal(reading->twin.n, size);
    unsigned seed = (unsigned)time(NULL);
    print_message("size %llu, seed %u\n", (unsigned long long)size, seed);
    srand(seed);
    for (unsigned i = 0; i < n_random; i++) {
        uint64_t new_size = i % 3 == 0 ? size : 1 + (uint64_t)rand() % size;
        uint64_t index = (uint64_t)rand() % new_size;
        assert_receipt(reading, index, new_size);
        assert_growth(reading, 1 + (uint64_t)rand() % new_size, new_size);
    }
    static const uint64_t edges[] = {0, 1, 127, 128, 254, 255, 256, 257, 511, 512, 65535, 65536};
    for (size_t i = 0; i < SL_LENGTH(edges) && edges[i] < size; i++) {
        assert_receipt(reading, edges[i], size);
        assert_receipt(reading, edges[i], edges[i] + 1);
        assert_growth(reading, edges[i] + 1, size);
    }
    assert_receipt(reading, size - 1, size);
    assert_growth(reading, size, size);
    assert_tiles(reading);
}

/* ------------------------------------------------------------------------------------ tests -- */

static void an_empty_ledger_has_a_head_of_size_0_and_no_note(void **state)
{
    struct reading *reading = *state;
    uint8_t root[SHA256_BYTES], empty[SHA256_BYTES];
    fixture_open(&reading->fixture);
    open_reader(reading);
    assert_int_equal(reading->head.tree.size, 0);
    assert_int_equal(reading->head.note_n, 0);
    sha256_of(slice_of(NULL, 0), empty);
    assert_memory_equal(reading->head.root, empty, sizeof empty);
    succeed(reading, ledger_reader_root(reading->reader, &reading->head, 0, root));
    assert_memory_equal(root, empty, sizeof empty);
}

static void every_receipt_of_a_small_ledger_is_proven_at_every_size(void **state)
{
    struct reading *reading = *state;
    enum { RECEIPTS = 21 };
    fixture_open(&reading->fixture);
    open_reader(reading);
    for (uint64_t size = 1; size <= RECEIPTS; size++) {
        assert_int_equal(fixture_release(&reading->fixture, 0), RECORD_DURABLE);
        ledger_reader_head(reading->reader, &reading->head);
        assert_int_equal(reading->head.tree.size, size);
        read_twin(reading);
        for (uint64_t old_size = 1; old_size <= size; old_size++) {
            assert_growth(reading, old_size, size);
            for (uint64_t index = 0; index < old_size; index++)
                assert_receipt(reading, index, old_size);
        }
    }
}

static void the_head_is_the_newest_durable_checkpoint(void **state)
{
    struct reading *reading = *state;
    uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX], root[SHA256_BYTES];
    fixture_open(&reading->fixture);
    open_reader(reading);
    for (size_t n = 1; n < 400; n += 57) {
        fixture_release_many(&reading->fixture, n);
        ledger_reader_head(reading->reader, &reading->head);
        assert_int_equal(reading->head.tree.size, recorder_tree_size(reading->fixture.recorder));
        size_t note_n = recorder_checkpoint(reading->fixture.recorder, note);
        assert_true(slice_equals(slice_of(note, note_n),
                                 slice_of(reading->head.note, reading->head.note_n)));
        tree_root(&reading->head.tree, root);
        assert_memory_equal(root, reading->head.root, sizeof root);
    }
}

static void what_the_index_has_not_committed_is_served(void **state)
{
    struct reading *reading = *state;
    fixture_open(&reading->fixture);
    open_reader(reading);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(fixture_release(&reading->fixture, 0), RECORD_DURABLE);
        fixture_release_many(&reading->fixture, 300);
        ledger_reader_head(reading->reader, &reading->head);
        assert_all(reading, 10);
    }
}

/* Six segments, and an index that was committed, resumed and rebuilt. */
static void a_ledger_of_many_segments_is_served_after_each_kind_of_start(void **state)
{
    struct reading *reading = *state;
    struct ledger_problem problem;
    char path[256];
    fixture_open(&reading->fixture);
    for (int i = 0; i < 7; i++)
        fixture_release_many(&reading->fixture, 1000 + (size_t)i);
    fixture_close(&reading->fixture);
    for (int start = 0; start < 3; start++) {
        if (start == 1) {
            snprintf(path, sizeof path, "%s/data.mdb", reading->fixture.index_folder);
            assert_int_equal(unlink(path), 0);
        }
        fixture_open(&reading->fixture);
        open_reader(reading);
        assert_all(reading, 60);
        close_reader(reading);
        fixture_release_many(&reading->fixture, 77);
        fixture_close(&reading->fixture);
        if (open_from_outside(reading, &problem) != SL_OK)
            fail_msg("%s", problem.text);
        assert_all(reading, 60);
        close_reader(reading);
    }
}

static void more_than_65536_receipts_have_tiles_of_three_levels(void **state)
{
    struct reading *reading = *state;
    fixture_open(&reading->fixture);
    for (int i = 0; i < 11; i++)
        fixture_release_many(&reading->fixture, 6001);
    open_reader(reading);
    assert_int_equal(tile_width(2, 0, reading->head.tree.size), 1);
    assert_all(reading, 30);
}

/* The index is as old as can be: from before the first receipt, or one from the middle. */
static void from_outside_what_the_index_has_not_seen_is_read_and_proven(void **state)
{
    struct reading *reading = *state;
    struct ledger_problem problem;
    char command[600];
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 1500);
    fixture_close(&reading->fixture);
    snprintf(command, sizeof command, "cp -r %s %s/old", reading->fixture.index_folder,
             reading->fixture.root);
    assert_int_equal(system(command), 0);
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 2000);
    fixture_close(&reading->fixture);
    snprintf(command, sizeof command, "rm -r %s && mv %s/old %s", reading->fixture.index_folder,
             reading->fixture.root, reading->fixture.index_folder);
    assert_int_equal(system(command), 0);
    if (open_from_outside(reading, &problem) != SL_OK)
        fail_msg("%s", problem.text);
    assert_int_equal(reading->head.tree.size, 3500);
    assert_all(reading, 50);
}

/* ---------------------------------------------------------------------------------- damage -- */

/* Where the tag's first character of receipt `index` stands. */
static uint64_t find_leaf(struct reading *reading, uint64_t index, char path[256])
{
    static uint8_t bytes[1 << 20];
    struct slice leaf = reading->twin.leaves[index];
    fixture_segment_path(&reading->fixture, 0, path);
    fixture_peek(path, 0, bytes, sizeof bytes);
    const uint8_t *found = memmem(bytes, sizeof bytes, leaf.p, leaf.n);
    assert_non_null(found);
    return (uint64_t)(found - bytes);
}

static void assert_names(struct reading *reading, enum sl_err err, const char *what)
{
    assert_int_equal(err, SL_ESTORE);
    if (!strstr(ledger_reader_problem(reading->reader), what))
        fail_msg("no \"%s\" in: %s", what, ledger_reader_problem(reading->reader));
}

static void a_damaged_receipt_is_named_and_never_served(void **state)
{
    struct reading *reading = *state;
    char path[256];
    uint8_t byte;
    struct slice leaf;
    struct proof proof;
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 700);
    open_reader(reading);
    read_twin(reading);
    uint64_t at = find_leaf(reading, 300, path) + 40;
    fixture_peek(path, at, &byte, 1);
    byte ^= 1;
    fixture_poke(path, at, &byte, 1);
    assert_names(reading, ledger_reader_leaf(reading->reader, &reading->head, 400, &leaf),
                 "receipt 300 does not fit its checksum");
    assert_names(reading,
                 ledger_reader_inclusion(reading->reader, &reading->head, 256, 700, &proof),
                 "sluis-audit verify");
    assert_receipt(reading, 0, 700);
    assert_receipt(reading, 600, 700);
    byte ^= 1;
    fixture_poke(path, at, &byte, 1);
    assert_receipt(reading, 300, 700);
}

/* CRC-32C of a changed receipt, put in the place of the right one. */
static void mend_checksum(struct reading *reading, uint64_t index, uint64_t at, const char *path)
{
    static uint8_t bytes[1 << 20];
    fixture_peek(path, 0, bytes, sizeof bytes);
    uint8_t entry[2 + LEAF_BYTES_MAX];
    struct slice old = reading->twin.leaves[index];
    struct writer before = writer_over(entry, sizeof entry);
    write_u16be(&before, (uint16_t)old.n);
    write_bytes(&before, old);
    uint8_t wanted[4], mended[4];
    struct writer crc = writer_over(wanted, sizeof wanted);
    write_u32(&crc, crc32c_of(writer_slice(&before)));
    crc = writer_over(mended, sizeof mended);
    write_u32(&crc, crc32c_of(slice_of(bytes + at - 2, old.n + 2)));
    const uint8_t *found = memmem(bytes + at, sizeof bytes - at, wanted, sizeof wanted);
    assert_non_null(found);
    fixture_poke(path, (uint64_t)(found - bytes), mended, sizeof mended);
}

static void a_changed_receipt_with_mended_checksums_is_not_served(void **state)
{
    struct reading *reading = *state;
    char path[256];
    struct slice leaf;
    static const uint64_t changed[] = {300, 690}; /* in a full tile, and in the last one */
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 700);
    open_reader(reading);
    read_twin(reading);
    for (size_t i = 0; i < SL_LENGTH(changed); i++) {
        uint64_t at = find_leaf(reading, changed[i], path);
        fixture_poke(path, at + 40, "!", 1);
        mend_checksum(reading, changed[i], at, path);
        assert_names(reading,
                     ledger_reader_leaf(reading->reader, &reading->head, changed[i], &leaf),
                     "are not those that were signed");
        uint8_t bytes[TILE_BYTES_MAX];
        struct writer writer = writer_over(bytes, sizeof bytes);
        const struct tile tile = {false, 0, changed[i] / TILE_WIDTH, 1};
        assert_names(reading, ledger_reader_tile(reading->reader, &reading->head, &tile, &writer),
                     "is damaged");
        assert_int_equal(writer.n, 0);
    }
    assert_receipt(reading, 0, 256);
}

/* Changes one value of a database of the index, while nothing runs. */
static void change_index(struct reading *reading, const char *name, uint64_t number, size_t at)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi database;
    uint8_t key_bytes[8], value_bytes[64];
    struct writer writer = writer_over(key_bytes, sizeof key_bytes);
    write_u64be(&writer, number);
    MDB_val key = {sizeof key_bytes, key_bytes}, value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, reading->fixture.index_folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &database), 0);
    assert_int_equal(mdb_get(txn, database, &key, &value), 0);
    assert_true(value.mv_size <= sizeof value_bytes && at < value.mv_size);
    memcpy(value_bytes, value.mv_data, value.mv_size);
    value_bytes[at] ^= 0x10;
    value.mv_data = value_bytes;
    assert_int_equal(mdb_put(txn, database, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void an_index_that_lies_about_hashes_is_named(void **state)
{
    struct reading *reading = *state;
    struct proof proof;
    struct slice leaf;
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 2000);
    fixture_close(&reading->fixture);
    /* Of the tile 0 with its sibling; the start looks at the right edge only. */
    change_index(reading, "hashes", index_hash_position(8, 1), 5);
    fixture_open(&reading->fixture);
    open_reader(reading);
    read_twin(reading);
    assert_names(reading, ledger_reader_leaf(reading->reader, &reading->head, 3, &leaf),
                 "`sluis ledger index`");
    assert_names(reading, ledger_reader_inclusion(reading->reader, &reading->head, 3, 2000, &proof),
                 "the index is not this ledger's");
    uint8_t bytes[TILE_BYTES_MAX];
    struct writer writer = writer_over(bytes, sizeof bytes);
    const struct tile tile = {false, 1, 0, 7};
    assert_names(reading, ledger_reader_tile(reading->reader, &reading->head, &tile, &writer),
                 "the index is not this ledger's");
    assert_receipt(reading, 1100, 2000); /* that hash is not beside its way */
}

static void an_index_that_lies_about_places_is_named(void **state)
{
    struct reading *reading = *state;
    struct slice leaf;
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 100);
    fixture_close(&reading->fixture);
    change_index(reading, "batches", 0, 15); /* the offset */
    fixture_open(&reading->fixture);
    open_reader(reading);
    assert_names(reading, ledger_reader_leaf(reading->reader, &reading->head, 3, &leaf),
                 "but receipt 0 should");
    close_reader(reading);
    fixture_close(&reading->fixture);
    change_index(reading, "batches", 0, 15);
    change_index(reading, "batches", 0, 0); /* the segment */
    fixture_open(&reading->fixture);
    open_reader(reading);
    assert_names(reading, ledger_reader_leaf(reading->reader, &reading->head, 3, &leaf),
                 "can't be opened");
}

static void from_outside_an_index_of_another_ledger_is_named(void **state)
{
    struct reading *reading = *state;
    static struct fixture other;
    struct ledger_problem problem;
    char command[600];
    fixture_open(&reading->fixture);
    fixture_release_many(&reading->fixture, 300);
    fixture_close(&reading->fixture);
    fixture_init(&other);
    fixture_open(&other);
    fixture_release_many(&other, 290);
    fixture_close(&other);
    snprintf(command, sizeof command, "cp %s/data.mdb %s/data.mdb", other.index_folder,
             reading->fixture.index_folder);
    assert_int_equal(system(command), 0);
    fixture_deinit(&other);
    assert_int_equal(open_from_outside(reading, &problem), SL_ESTORE);
    assert_non_null(strstr(problem.text, "else it is another ledger's"));
}

/* --------------------------------------------------------------------------- while it grows -- */

struct growing {
    struct reading *reading;
    atomic_bool done;
    uint64_t n_checked;
};

/* Any head, whenever it was taken: a proof towards it holds. */
static void *read_while_it_grows(void *context)
{
    struct growing *growing = context;
    struct ledger_reader *reader = growing->reading->reader;
    struct ledger_head first = {0}, head;
    unsigned seed = 7;
    while (!atomic_load(&growing->done)) {
        ledger_reader_head(reader, &head);
        if (head.tree.size == 0)
            continue;
        if (first.tree.size == 0)
            first = head;
        uint64_t index = (uint64_t)rand_r(&seed) % head.tree.size;
        struct proof proof;
        if (ledger_reader_inclusion(reader, &head, index, head.tree.size, &proof) != SL_OK ||
            ledger_reader_inclusion(reader, &head, head.tree.size - 1, head.tree.size, &proof) !=
                SL_OK ||
            ledger_reader_consistency(reader, &head, first.tree.size, head.tree.size, &proof) !=
                SL_OK) {
            fprintf(stderr, "at size %llu: %s\n", (unsigned long long)head.tree.size,
                    ledger_reader_problem(reader));
            return NULL;
        }
        growing->n_checked++;
    }
    return growing;
}

static void proofs_hold_while_the_ledger_grows(void **state)
{
    struct reading *reading = *state;
    struct growing growing = {.reading = reading};
    pthread_t thread;
    void *result = NULL;
    fixture_open(&reading->fixture);
    open_reader(reading);
    assert_int_equal(pthread_create(&thread, NULL, read_while_it_grows, &growing), 0);
    for (int i = 0; i < 40; i++) {
        fixture_release_many(&reading->fixture, 500);
        assert_int_equal(fixture_release(&reading->fixture, 0), RECORD_DURABLE);
    }
    atomic_store(&growing.done, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &growing);
    assert_true(growing.n_checked > 0);
}

int main(void)
{
#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        READER_TEST(an_empty_ledger_has_a_head_of_size_0_and_no_note),
        READER_TEST(every_receipt_of_a_small_ledger_is_proven_at_every_size),
        READER_TEST(the_head_is_the_newest_durable_checkpoint),
        READER_TEST(what_the_index_has_not_committed_is_served),
        READER_TEST(a_ledger_of_many_segments_is_served_after_each_kind_of_start),
        READER_TEST(more_than_65536_receipts_have_tiles_of_three_levels),
        READER_TEST(from_outside_what_the_index_has_not_seen_is_read_and_proven),
        READER_TEST(a_damaged_receipt_is_named_and_never_served),
        READER_TEST(a_changed_receipt_with_mended_checksums_is_not_served),
        READER_TEST(an_index_that_lies_about_hashes_is_named),
        READER_TEST(an_index_that_lies_about_places_is_named),
        READER_TEST(from_outside_an_index_of_another_ledger_is_named),
        READER_TEST(proofs_hold_while_the_ledger_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
