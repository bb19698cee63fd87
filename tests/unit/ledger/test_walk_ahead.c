/*
 * test_walk_ahead.c - many threads find what one finds, and say it in the same words
 */
#include "fixture.h"

#include "ledger/segment.h"
#include "ledger/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECEIPTS = 6000 };

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_init_in(fixture, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

/* Three segments; batches of many receipts, and at the end a hundred of one. */
static void make_ledger(struct fixture *fixture)
{
    fixture_open(fixture);
    fixture_release_many(fixture, RECEIPTS);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
}

struct seen {
    uint64_t n_leaves, n_checkpoints, stop_after;
};

static bool see_leaf(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    struct seen *seen = context;
    assert_int_equal(index, seen->n_leaves++);
    assert_true(leaf_bytes > 0 && leaf[0] == '{');
    return seen->n_leaves != seen->stop_after;
}

static bool see_checkpoint(void *context, uint64_t size, const uint8_t *note, size_t note_bytes)
{
    struct seen *seen = context;
    assert_int_equal(size, seen->n_leaves);
    assert_true(note_bytes > 0 && note[note_bytes - 1] == '\n');
    seen->n_checkpoints++;
    return true;
}

static enum sluis_verify_result verify_with(const struct fixture *fixture, size_t n_threads,
                                            uint64_t stop_after, struct seen *seen,
                                            struct sluis_verify_report *report)
{
    *seen = (struct seen){.stop_after = stop_after};
    const struct sluis_verify_options options = {.vkey = fixture->vkey,
                                                 .visit = see_leaf,
                                                 .visit_checkpoint = see_checkpoint,
                                                 .visit_context = seen,
                                                 .n_threads = n_threads};
    return sluis_verify_folder(fixture->folder, &options, report);
}

/* With 0, 2 and 5 threads. Returns the result of all. */
static enum sluis_verify_result verify_alike(const struct fixture *fixture, uint64_t stop_after)
{
    static const size_t n_threads[] = {2, 5};
    struct sluis_verify_report alone, report;
    struct seen seen_alone, seen;
    enum sluis_verify_result result = verify_with(fixture, 0, stop_after, &seen_alone, &alone);
    for (size_t i = 0; i < SL_LENGTH(n_threads); i++) {
        assert_int_equal(verify_with(fixture, n_threads[i], stop_after, &seen, &report), result);
        assert_string_equal(report.problem, alone.problem);
        assert_string_equal(report.segment, alone.segment);
        assert_int_equal(report.segment_offset, alone.segment_offset);
        assert_int_equal(report.n_receipts, alone.n_receipts);
        assert_int_equal(report.n_batches, alone.n_batches);
        assert_int_equal(report.n_segments, alone.n_segments);
        assert_int_equal(report.batch, alone.batch);
        assert_int_equal(report.receipt, alone.receipt);
        assert_memory_equal(report.root, alone.root, sizeof alone.root);
        assert_int_equal(seen.n_leaves, seen_alone.n_leaves);
        assert_int_equal(seen.n_checkpoints, seen_alone.n_checkpoints);
    }
    return result;
}

static void a_whole_ledger_comes_out_whole_and_in_order(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(verify_alike(fixture, 0), SLUIS_VERIFY_VALID); /* of nothing */
    fixture_close(fixture);
    make_ledger(fixture);
    assert_int_equal(verify_alike(fixture, 0), SLUIS_VERIFY_VALID);
    static const uint64_t stops[] = {1, 2, 777, RECEIPTS, RECEIPTS + 50, RECEIPTS + 100};
    for (size_t i = 0; i < SL_LENGTH(stops); i++)
        assert_int_equal(verify_alike(fixture, stops[i]), SLUIS_VERIFY_VALID);
}

/* Bytes all over the segments; most are in batches, some in padding, heads and the zeros. */
static void what_is_damaged_is_named_alike(void **state)
{
    struct fixture *fixture = *state;
    make_ledger(fixture);
    struct walk walk;
    struct batch batch;
    struct note_verifier *verifier = NULL;
    uint64_t segments[3], n = 0;
    assert_int_equal(
        note_verifier_new(slice_of(fixture->vkey, strcspn(fixture->vkey, "\n")), &verifier), SL_OK);
    assert_int_equal(walk_open(&walk, fixture->folder, verifier, NULL), SL_OK);
    while (walk_next(&walk, &batch) == WALK_BATCH)
        if (n == 0 || segments[n - 1] != walk.segment_first) {
            assert_true(n < SL_LENGTH(segments));
            segments[n++] = walk.segment_first;
        }
    walk_close(&walk);
    note_verifier_free(verifier);
    assert_int_equal(n, SL_LENGTH(segments));

    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    size_t n_invalid = 0;
    for (int i = 0; i < 60; i++) {
        char path[256];
        struct stat stat_buffer;
        uint8_t byte;
        fixture_segment_path(fixture, segments[(size_t)random() % n], path);
        assert_int_equal(stat(path, &stat_buffer), 0);
        uint64_t at = (uint64_t)random() % (uint64_t)stat_buffer.st_size;
        if (i % 4 == 0)
            at %= 8192; /* the head, and that of the first batch */
        fixture_peek(path, at, &byte, 1);
        uint8_t changed = byte ^ (uint8_t)(1 << random() % 8);
        fixture_poke(path, at, &changed, 1);
        n_invalid += verify_alike(fixture, 0) == SLUIS_VERIFY_INVALID;
        fixture_poke(path, at, &byte, 1);
    }
    assert_int_equal(n_invalid, 60);
    assert_int_equal(verify_alike(fixture, 0), SLUIS_VERIFY_VALID);
}

static void a_missing_segment_is_named_alike(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    make_ledger(fixture);
    fixture_segment_path(fixture, 0, path);
    assert_int_equal(truncate(path, 512 * 1024), 0);
    assert_int_equal(verify_alike(fixture, 0), SLUIS_VERIFY_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(verify_alike(fixture, 0), SLUIS_VERIFY_INVALID);
}

/* The stretches that were read ahead end where the ledger ended then; the walk must go on. */
static void a_ledger_in_use_is_valid_at_every_moment(void **state)
{
    struct fixture *fixture = *state;
    struct record records[32];
    size_t n_under_way = SL_LENGTH(records), n_left = 3000;
    fixture_open(fixture);
    for (size_t i = 0; i < SL_LENGTH(records); i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    recorder_kick(fixture->recorder);
    while (n_under_way > 0) {
        struct sluis_verify_report report;
        struct seen seen;
        uint64_t n_before = recorder_tree_size(fixture->recorder);
        if (verify_with(fixture, 3, 0, &seen, &report) != SLUIS_VERIFY_VALID)
            fail_msg("%s", report.problem);
        assert_true(report.n_receipts >= n_before);
        assert_int_equal(report.n_receipts, seen.n_leaves);
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box), *next; mail; mail = next) {
            next = mail->next;
            n_under_way--;
            if (n_left == 0)
                continue;
            n_left--;
            n_under_way++;
            assert_true(recorder_submit(fixture->recorder, (struct record *)(void *)mail));
        }
        recorder_kick(fixture->recorder);
    }
}

int main(void)
{
#define AHEAD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        AHEAD_TEST(a_whole_ledger_comes_out_whole_and_in_order),
        AHEAD_TEST(what_is_damaged_is_named_alike),
        AHEAD_TEST(a_missing_segment_is_named_alike),
        AHEAD_TEST(a_ledger_in_use_is_valid_at_every_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
