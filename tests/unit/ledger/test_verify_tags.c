/*
 * test_verify_tags.c - two receipts under one tag, both signed by the gateway
 *
 * Two subjects are given the same key here, so their receipts of the same number have the same tag:
 * what a gateway could do to leave one of them out of what it shows a person.
 */
#include "fixture.h"

#include "ledger/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLENTY = 1 << 20, LITTLE = 1 };

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

static void share_a_key(struct fixture *fixture, int who, int with)
{
    memcpy(fixture->subjects[who].key, fixture->subjects[with].key, SUBJECT_KEY_BYTES);
}

struct watching {
    uint64_t done, total, n_over; /* calls after the first pass */
    const char *unlink_then;      /* a segment to take away then */
};

static void watch(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct watching *watching = context;
    assert_true(bytes_done >= watching->done && bytes_done <= bytes_total);
    assert_true(bytes_total >= watching->total);
    watching->done = bytes_done;
    watching->total = bytes_total;
    if (bytes_done <= 3 << 20 || watching->n_over++ > 0 || !watching->unlink_then)
        return;
    assert_int_equal(unlink(watching->unlink_then), 0);
}

static enum sluis_verify_result verify(const struct fixture *fixture, size_t tag_memory_bytes,
                                       size_t n_threads, struct watching *watching,
                                       struct sluis_verify_report *report)
{
    const struct sluis_verify_options options = {.vkey = fixture->vkey,
                                                 .progress = watch,
                                                 .progress_context = watching,
                                                 .n_threads = n_threads,
                                                 .tag_memory_bytes = tag_memory_bytes};
    return sluis_verify_folder(fixture->folder, &options, report);
}

static void a_tag_under_two_receipts_is_found_and_placed(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    share_a_key(fixture, 1, 0);
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, 2), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, 1), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, 2), RECORD_DURABLE);
    fixture_close(fixture);

    struct watching watching = {0};
    assert_int_equal(verify(fixture, PLENTY, 0, &watching, &report), SLUIS_VERIFY_INVALID);
    assert_string_equal(report.problem, "receipt 2 has the tag of receipt 0: a tag is used once");
    assert_true(report.repeats_tag);
    assert_int_equal(report.tag_receipt, 0);
    assert_int_equal(report.receipt, 2);
    assert_int_equal(report.n_receipts, 2);
    assert_int_equal(report.batch, 2);
    assert_int_equal(report.n_batches, 2);
    assert_string_equal(report.segment, "00000000000000000000.seg");
    char path[256], leaf[2 + 8];
    fixture_segment_path(fixture, 0, path);
    fixture_peek(path, report.segment_offset, leaf, sizeof leaf);
    assert_memory_equal(leaf + 2, "{\"sluis\"", 8);

    watching = (struct watching){0};
    assert_int_equal(verify(fixture, 0, 0, &watching, &report), SLUIS_VERIFY_VALID);
    assert_false(report.repeats_tag);
}

/* Three segments, of which a table of 4 KiB holds a part at a time. */
static void little_memory_takes_more_passes_and_finds_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report, again;
    share_a_key(fixture, 5, 3);
    fixture_open(fixture);
    fixture_release_many(fixture, 6000); /* of 0 to 3 */
    struct watching watching = {0}, watching_again = {0};
    assert_int_equal(verify(fixture, LITTLE, 0, &watching, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 6000);
    assert_true(watching.n_over > 0);
    assert_int_equal(verify(fixture, LITTLE, 3, &watching_again, &again), SLUIS_VERIFY_VALID);
    assert_memory_equal(report.root, again.root, sizeof again.root);

    assert_int_equal(fixture_release(fixture, 5), RECORD_DURABLE); /* the number 0 of 3's key */
    fixture_close(fixture);
    static const size_t memories[] = {PLENTY, 8192, LITTLE};
    for (size_t i = 0; i < SL_LENGTH(memories); i++)
        for (size_t n_threads = 1; n_threads <= 3; n_threads += 2) {
            watching = (struct watching){0};
            assert_int_equal(verify(fixture, memories[i], n_threads, &watching, &report),
                             SLUIS_VERIFY_INVALID);
            assert_true(report.repeats_tag);
            assert_int_equal(report.receipt, 6000);
            assert_in_range(report.tag_receipt, 0, 5999);
            assert_int_equal(report.tag_receipt % 4, 3);
        }
}

static void receipts_of_nobody_have_no_tag_to_share(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    struct watching watching = {0};
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        fixture->epochs_end = false;
        fixture_open(fixture);
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
        fixture_close(fixture);
        fixture->epochs_end = true; /* at once, and the heads of this one are recorded */
        fixture_open(fixture);
        while (recorder_tree_size(fixture->recorder) < 2 * (epoch + 1))
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        fixture_close(fixture);
    }
    assert_int_equal(verify(fixture, PLENTY, 0, &watching, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 4);
}

static void a_ledger_that_changes_between_passes_was_not_checked(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    char path[256];
    fixture_open(fixture);
    fixture_release_many(fixture, 6000);
    fixture_close(fixture);
    fixture_segment_path(fixture, 0, path);
    struct watching watching = {.unlink_then = path};
    assert_int_equal(verify(fixture, LITTLE, 0, &watching, &report), SLUIS_VERIFY_UNCHECKED);
    assert_non_null(strstr(report.problem, "changed while it was checked"));
}

/* What is added while the passes go on is not looked at by halves. */
static void a_ledger_in_use_is_valid_in_many_passes(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (int i = 0; i < 20; i++) {
        struct sluis_verify_report report;
        struct watching watching = {0};
        fixture_release_many(fixture, 100);
        struct record records[8];
        for (size_t j = 0; j < SL_LENGTH(records); j++) {
            fixture_draft(fixture, &records[j], RECORD_RELEASE, (int)j % 4);
            assert_true(recorder_submit(fixture->recorder, &records[j]));
        }
        recorder_kick(fixture->recorder);
        if (verify(fixture, LITTLE, 0, &watching, &report) != SLUIS_VERIFY_VALID)
            fail_msg("%s", report.problem);
        for (size_t n_back = 0; n_back < SL_LENGTH(records);) {
            mailbox_wait(&fixture->box);
            for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next)
                n_back++;
        }
    }
}

int main(void)
{
#define TAGS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TAGS_TEST(a_tag_under_two_receipts_is_found_and_placed),
        TAGS_TEST(little_memory_takes_more_passes_and_finds_the_same),
        TAGS_TEST(receipts_of_nobody_have_no_tag_to_share),
        TAGS_TEST(a_ledger_that_changes_between_passes_was_not_checked),
        TAGS_TEST(a_ledger_in_use_is_valid_in_many_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
