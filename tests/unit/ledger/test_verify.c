/*
 * test_verify.c - what an auditor sees: a ledger that is whole, and every way in which it is not
 */
#include "fixture.h"

#include "base/base64.h"
#include "ledger/crc32c.h"
#include "ledger/segment.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALIGNMENT = 4096 };

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    /* In memory where possible: every byte is changed and verified on its own. */
    fixture_init_in(fixture, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    *state = fixture;
    return 0;
}

/* Where O_DIRECT is, most likely: what is read then comes past the page cache of the writer. */
static int setup_on_disk(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

/* Two batches: of one receipt, and of three. Closed. */
static void make_small_ledger(struct fixture *fixture)
{
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    struct record records[3];
    for (int i = 0; i < 3; i++) {
        fixture_draft(fixture, &records[i], i == 1 ? RECORD_CONSENT : RECORD_REFUSAL, i);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    fixture_close(fixture);
}

/* What stands where in the small ledger's only segment. */
struct layout {
    char path[256];
    uint32_t alignment;
    uint64_t batch_at[2], batch_end[2]; /* without padding */
    uint64_t tail_at;
    uint64_t receipt_at[4], receipt_end[4];
};

static void read_layout(struct fixture *fixture, struct layout *layout)
{
    static uint8_t bytes[64 * ALIGNMENT];
    struct segment_head head;
    fixture_segment_path(fixture, 0, layout->path);
    fixture_peek(layout->path, 0, bytes, sizeof bytes);
    assert_int_equal(segment_head_parse(slice_of(bytes, ALIGNMENT), &head), SL_OK);
    layout->alignment = head.alignment_bytes;
    uint64_t at = head.alignment_bytes;
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        uint32_t total;
        struct batch batch;
        struct slice leaf;
        assert_int_equal(batch_length(slice_of(bytes + at, BATCH_HEAD_BYTES), &total), SL_OK);
        assert_int_equal(batch_parse(slice_of(bytes + at, total), &batch), SL_OK);
        layout->batch_at[i] = at;
        layout->batch_end[i] = at + total;
        struct batch_cursor cursor = batch_cursor_over(&batch);
        for (uint32_t j = 0; j < batch.n_receipts; j++, n++) {
            layout->receipt_at[n] = (uint64_t)(cursor.receipts.at - bytes);
            assert_true(batch_next_leaf(&cursor, &leaf));
            layout->receipt_end[n] = (uint64_t)(cursor.receipts.at - bytes);
        }
        at = align_up(at + total, head.alignment_bytes);
    }
    assert_int_equal(n, 4);
    layout->tail_at = at;
}

/* ------------------------------------------------------------------------------ whole ledgers --
 */

static void an_empty_ledger_is_valid(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    uint8_t empty_root[32];
    fixture_open(fixture);
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 0);
    assert_int_equal(report.n_batches, 0);
    assert_int_equal(report.n_segments, 1);
    sha256_of(slice_of(NULL, 0), empty_root);
    assert_memory_equal(report.root, empty_root, sizeof empty_root);
}

static void a_report_tells_what_was_checked(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 4);
    assert_int_equal(report.n_batches, 2);
    assert_int_equal(report.n_segments, 1);
    assert_string_equal(report.origin, FIXTURE_ORIGIN);
    assert_string_equal(report.problem, "");

    char copy[256];
    snprintf(copy, sizeof copy, "%s/copy", fixture->root);
    fixture_copy_ledger(fixture, copy); /* needs nothing but the segments */
    const struct sluis_verify_options options = {.vkey = fixture->vkey};
    struct sluis_verify_report of_copy;
    assert_int_equal(sluis_verify_folder(copy, &options, &of_copy), SLUIS_VERIFY_VALID);
    assert_memory_equal(of_copy.root, report.root, sizeof report.root);
}

struct counted {
    uint64_t n, stop_after, done, total;
};

static bool count_leaf(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    struct counted *counted = context;
    struct leaf parsed;
    assert_int_equal(index, counted->n);
    assert_int_equal(leaf_parse(slice_of(leaf, leaf_bytes), &parsed), SL_OK);
    counted->n++;
    return counted->n != counted->stop_after;
}

static void note_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct counted *counted = context;
    assert_true(bytes_done >= counted->done);
    assert_true(bytes_done <= bytes_total);
    counted->done = bytes_done;
    counted->total = bytes_total;
}

static void each_receipt_is_visited_once_in_order_until_enough(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    struct counted counted = {0};
    struct sluis_verify_options options = {.vkey = fixture->vkey,
                                           .visit = count_leaf,
                                           .visit_context = &counted,
                                           .progress = note_progress,
                                           .progress_context = &counted};
    make_small_ledger(fixture);
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(counted.n, 4);
    assert_true(counted.done > 0);
    assert_int_equal(counted.total, 1 << 20);

    counted = (struct counted){.stop_after = 2};
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(counted.n, 2);
}

/* ------------------------------------------------------------------------- any byte changed -- */

static void assert_invalid(struct fixture *fixture, struct sluis_verify_report *report)
{
    enum sluis_verify_result result = fixture_verify(fixture, report);
    if (result != SLUIS_VERIFY_INVALID)
        fail_msg("result %d, %s", (int)result, report->problem);
    assert_true(report->problem[0] != '\0');
}

static void flip_and_verify(struct fixture *fixture, const struct layout *layout, uint64_t at,
                            uint8_t mask, struct sluis_verify_report *report)
{
    uint8_t kept, changed;
    fixture_peek(layout->path, at, &kept, 1);
    changed = kept ^ mask;
    fixture_poke(layout->path, at, &changed, 1);
    assert_invalid(fixture, report);
    fixture_poke(layout->path, at, &kept, 1);
    assert_string_equal(report->segment, "00000000000000000000.seg");
}

static void every_changed_byte_is_noticed_and_placed(void **state)
{
    struct fixture *fixture = *state;
    struct layout layout;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    read_layout(fixture, &layout);
    for (uint64_t at = 0; at < layout.batch_at[0]; at++) {
        flip_and_verify(fixture, &layout, at, (uint8_t)(1u << at % 8), &report);
        assert_int_equal(report.segment_offset, 0);
        assert_int_equal(report.n_receipts, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        uint64_t end = i == 0 ? layout.batch_at[1] : layout.tail_at;
        for (uint64_t at = layout.batch_at[i]; at < end; at++) {
            flip_and_verify(fixture, &layout, at, (uint8_t)(1u << at % 8), &report);
            assert_int_equal(report.batch, i);
            assert_int_equal(report.n_receipts, i);
            assert_in_range(report.segment_offset, layout.batch_at[i], at);
            if (at >= layout.batch_end[i]) /* padding: to the byte */
                assert_int_equal(report.segment_offset, at);
        }
    }
    fixture_assert_valid(fixture, 4);
}

static void a_changed_receipt_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct layout layout;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    read_layout(fixture, &layout);
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t at = layout.receipt_at[i] + 2; at < layout.receipt_end[i]; at += 7) {
            flip_and_verify(fixture, &layout, at, 0x01, &report);
            assert_int_equal(report.receipt, i);
            assert_int_equal(report.segment_offset, layout.receipt_at[i]);
            assert_int_equal(report.batch, i == 0 ? 0 : 1);
        }
    }
}

static void bytes_in_the_zeros_at_the_end_are_found(void **state)
{
    struct fixture *fixture = *state;
    struct layout layout;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    read_layout(fixture, &layout);
    const uint64_t places[] = {layout.tail_at,
                               layout.tail_at + 1,
                               layout.tail_at + 39,
                               layout.tail_at + 40,
                               layout.tail_at + layout.alignment,
                               layout.tail_at + 77777,
                               (1 << 20) - 1};
    for (size_t i = 0; i < SL_LENGTH(places); i++) {
        flip_and_verify(fixture, &layout, places[i], 0x80, &report);
        assert_int_equal(report.n_receipts, 4);
        assert_int_equal(report.receipt, 4);
        assert_in_range(report.segment_offset, layout.tail_at, places[i]);
    }
}

/* Changes a batch, and makes its CRCs right again: somebody who knows the format. */
static void forge(const struct layout *layout, size_t batch, uint64_t at, uint8_t mask)
{
    static uint8_t bytes[BATCH_BYTES_MAX];
    uint64_t begin = layout->batch_at[batch];
    uint32_t total = (uint32_t)(layout->batch_end[batch] - begin);
    fixture_peek(layout->path, begin, bytes, total);
    bytes[at - begin] ^= mask;
    struct reader head = reader_over(slice_of(bytes, BATCH_HEAD_BYTES));
    (void)read_bytes(&head, 16);
    uint32_t n = read_u32(&head);
    uint32_t receipts_bytes = read_u32(&head);
    struct reader receipts = reader_over(slice_of(bytes + BATCH_HEAD_BYTES, receipts_bytes));
    struct writer checksums = writer_over(bytes + BATCH_HEAD_BYTES + receipts_bytes, n * 4);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *entry = receipts.at;
        uint16_t length = read_u16be(&receipts);
        (void)read_bytes(&receipts, length);
        write_u32(&checksums, crc32c_of(slice_of(entry, 2u + length)));
    }
    struct writer crc = writer_over(bytes + total - 4, 4);
    write_u32(&crc, crc32c_of(slice_of(bytes, total - 4)));
    fixture_poke(layout->path, begin, bytes, total);
}

/* What makes one base64 letter into another: signatures are new in every run. */
static uint8_t mask_to_another_letter(const struct layout *layout, uint64_t at)
{
    uint8_t letter = 0;
    fixture_peek(layout->path, at, &letter, 1);
    return letter ^ (letter == 'A' ? 'B' : 'A');
}

static void forged_batches_are_refused_though_their_checksums_fit(void **state)
{
    struct fixture *fixture = *state;
    struct layout layout;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    read_layout(fixture, &layout);
    const uint64_t begin = layout.batch_at[1];
    const struct {
        uint64_t at;
        uint8_t mask;
        const char *problem;
    } changes[] = {
        {begin + 8, 1, "but receipt 1 is next"},
        {begin + 24, 1, "time is not that of its newest receipt"},
        /* A letter of the partner's name: still a receipt. */
        {layout.receipt_end[1] - 20, 1, ""},
        {layout.receipt_at[1] + 2 + 18, 2, "not those that were signed"},
        {layout.receipt_at[1] + 2, 1, "receipt 1 is not a receipt"},
        {layout.batch_end[1] - 10, mask_to_another_letter(&layout, layout.batch_end[1] - 10),
         "signature does not hold"},
        {layout.batch_end[1] - 4 - 92 - 3, 1, "signed by another key"},
    };
    for (size_t i = 0; i < SL_LENGTH(changes); i++) {
        forge(&layout, 1, changes[i].at, changes[i].mask);
        assert_invalid(fixture, &report);
        assert_int_equal(report.batch, 1);
        assert_int_equal(report.receipt, 1);
        if (!strstr(report.problem, changes[i].problem))
            fail_msg("expected \"%s\" in \"%s\"", changes[i].problem, report.problem);
        forge(&layout, 1, changes[i].at, changes[i].mask);
        fixture_assert_valid(fixture, 4);
    }
}

/* ------------------------------------------------------------------------------- whole files -- */

static void another_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    struct note_problem problem;
    char key_file[200], vkey_file[200], vkey[512];
    make_small_ledger(fixture);
    static const char *const origins[] = {FIXTURE_ORIGIN, "another.example"};
    static const char *const problems[] = {"another key", "another.example"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(key_file, sizeof key_file, "%s/other%zu.pem", fixture->root, i);
        snprintf(vkey_file, sizeof vkey_file, "%s/other%zu.vkey", fixture->root, i);
        assert_int_equal(note_key_generate(key_file, vkey_file, slice_of_str(origins[i]), &problem),
                         SL_OK);
        FILE *file = fopen(vkey_file, "re");
        assert_non_null(file);
        assert_non_null(fgets(vkey, sizeof vkey, file));
        fclose(file);
        const struct sluis_verify_options options = {.vkey = vkey};
        assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report),
                         SLUIS_VERIFY_INVALID);
        assert_non_null(strstr(report.problem, problems[i]));
    }
}

static void what_cannot_be_checked_is_not_called_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    struct sluis_verify_options options = {.vkey = fixture->vkey};
    char nowhere[256];
    make_small_ledger(fixture);
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", fixture->root);
    assert_int_equal(sluis_verify_folder(nowhere, &options, &report), SLUIS_VERIFY_UNCHECKED);
    assert_non_null(strstr(report.problem, "No such file"));
    assert_int_equal(sluis_verify_folder(fixture->index_folder, &options, &report),
                     SLUIS_VERIFY_UNCHECKED);
    assert_non_null(strstr(report.problem, "no segment"));
    assert_int_equal(sluis_verify_folder(fixture->key_file, &options, &report),
                     SLUIS_VERIFY_UNCHECKED);
    static const char *const keys[] = {"", "not a key", NULL};
    for (size_t i = 0; i < SL_LENGTH(keys); i++) {
        options.vkey = keys[i];
        assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report),
                         SLUIS_VERIFY_UNCHECKED);
        assert_non_null(strstr(report.problem, "verifier key"));
    }
}

static void a_file_that_was_cut_off_or_added_to_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct layout layout;
    struct sluis_verify_report report;
    make_small_ledger(fixture);
    read_layout(fixture, &layout);
    const off_t lengths[] = {0, 1, 4095, 4096, 8192, (1 << 20) - 1, (1 << 20) + 1, 2 << 20};
    char copy[256], saved[300];
    snprintf(copy, sizeof copy, "%s/saved", fixture->root);
    fixture_copy_ledger(fixture, copy);
    snprintf(saved, sizeof saved, "%s/00000000000000000000.seg", copy);
    for (size_t i = 0; i < SL_LENGTH(lengths); i++) {
        assert_int_equal(truncate(layout.path, lengths[i]), 0);
        assert_invalid(fixture, &report);
        assert_int_equal(report.n_receipts, 0);
        assert_int_equal(unlink(layout.path), 0);
        assert_int_equal(link(saved, layout.path), 0);
        assert_int_equal(unlink(saved), 0);
        assert_int_equal(rmdir(copy), 0);
        fixture_assert_valid(fixture, 4);
        fixture_copy_ledger(fixture, copy);
    }
}

static void make_three_segments(struct fixture *fixture, uint64_t first[3])
{
    fixture_open(fixture);
    fixture_release_many(fixture, 6000);
    fixture_close(fixture);
    size_t n = 0;
    DIR *folder = opendir(fixture->folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (segment_name_parse(slice_of_str(entry->d_name), &first[n < 3 ? n : 0]))
            n++;
    closedir(folder);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            if (first[j] > first[i]) {
                uint64_t swapped = first[i];
                first[i] = first[j];
                first[j] = swapped;
            }
    assert_int_equal(first[0], 0);
}

static void a_missing_segment_is_found_whichever_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    uint64_t first[3];
    char path[256], away[256];
    make_three_segments(fixture, first);
    fixture_assert_valid(fixture, 6000);
    snprintf(away, sizeof away, "%s/away", fixture->root);
    for (size_t i = 0; i < 2; i++) {
        fixture_segment_path(fixture, first[i], path);
        assert_int_equal(rename(path, away), 0);
        assert_invalid(fixture, &report);
        assert_int_equal(report.n_receipts, first[i]);
        assert_non_null(strstr(report.problem, "missing"));
        assert_int_equal(rename(away, path), 0);
    }
    /* The last one can't be missed from within: that takes a later checkpoint. */
    fixture_segment_path(fixture, first[2], path);
    assert_int_equal(rename(path, away), 0);
    fixture_assert_valid(fixture, first[2]);
    assert_int_equal(rename(away, path), 0);
    fixture_assert_valid(fixture, 6000);
}

static void a_segment_under_a_wrong_name_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    uint64_t first[3];
    char path[256], other[256];
    make_three_segments(fixture, first);
    fixture_segment_path(fixture, first[1], path);
    /* A stray one beside the sequence. */
    fixture_segment_path(fixture, first[1] + 1, other);
    assert_int_equal(link(path, other), 0);
    assert_invalid(fixture, &report);
    assert_int_equal(unlink(other), 0);
    /* The first one in place of the second. */
    assert_int_equal(unlink(path), 0);
    fixture_segment_path(fixture, 0, other);
    assert_int_equal(link(other, path), 0);
    assert_invalid(fixture, &report);
    assert_int_equal(report.n_receipts, first[1]);
    assert_non_null(strstr(report.problem, "its name says"));
}

static void a_middle_segment_that_ends_early_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    static uint8_t zeros[1 << 19];
    uint64_t first[3];
    char path[256];
    make_three_segments(fixture, first);
    fixture_segment_path(fixture, 0, path);
    fixture_poke(path, 1 << 19, zeros, sizeof zeros);
    assert_invalid(fixture, &report);
    assert_true(report.n_receipts < first[1]);
}

static void a_ledger_in_use_is_valid_at_every_moment(void **state)
{
    struct fixture *fixture = *state;
    struct record records[64];
    size_t n_under_way = SL_LENGTH(records), n_left = 4000;
    fixture_open(fixture);
    for (size_t i = 0; i < SL_LENGTH(records); i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    recorder_kick(fixture->recorder);
    while (n_under_way > 0) {
        struct sluis_verify_report report;
        uint64_t n_before = recorder_tree_size(fixture->recorder);
        if (fixture_verify(fixture, &report) != SLUIS_VERIFY_VALID)
            fail_msg("%s", report.problem);
        assert_true(report.n_receipts >= n_before);
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

static void a_ledger_in_use_on_disk_is_valid_at_every_moment(void **state)
{
    a_ledger_in_use_is_valid_at_every_moment(state);
}

int main(void)
{
#define VERIFY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        VERIFY_TEST(an_empty_ledger_is_valid),
        VERIFY_TEST(a_report_tells_what_was_checked),
        VERIFY_TEST(each_receipt_is_visited_once_in_order_until_enough),
        VERIFY_TEST(every_changed_byte_is_noticed_and_placed),
        VERIFY_TEST(a_changed_receipt_is_named),
        VERIFY_TEST(bytes_in_the_zeros_at_the_end_are_found),
        VERIFY_TEST(forged_batches_are_refused_though_their_checksums_fit),
        VERIFY_TEST(another_key_is_refused),
        VERIFY_TEST(what_cannot_be_checked_is_not_called_invalid),
        VERIFY_TEST(a_file_that_was_cut_off_or_added_to_is_found),
        VERIFY_TEST(a_missing_segment_is_found_whichever_it_is),
        VERIFY_TEST(a_segment_under_a_wrong_name_is_found),
        VERIFY_TEST(a_middle_segment_that_ends_early_is_found),
        VERIFY_TEST(a_ledger_in_use_is_valid_at_every_moment),
        cmocka_unit_test_setup_teardown(a_ledger_in_use_on_disk_is_valid_at_every_moment,
                                        setup_on_disk, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
