/*
 * test_recorder_heads.c - epochs end, and their heads say how many receipts each subject had
 *
 * The fixture's receipts are of days ago, so an epoch is due as soon as epochs may end. To end one
 * at a known place, a ledger is filled while they may not, stopped, and started again.
 */
#include "fixture.h"

#include "ledger/heads_file.h"
#include "ledger/recorder_parts.h"

#include <fcntl.h>
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

static int setup(void **state)
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

static void record_n(struct fixture *fixture, int who, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fixture_release(fixture, who), RECORD_DURABLE);
}

/* A refusal about someone unknown, who is always the same one for the same `name`. */
static void refuse_unknown(struct fixture *fixture, uint8_t name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct record record;
        fixture_draft(fixture, &record, RECORD_REFUSAL, -1);
        memset(record.subject, name, sizeof record.subject);
        assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    }
}

/* ------------------------------------------------------------------------------- reading -- */

struct found_heads {
    uint64_t n;
    struct leaf_heads list[16];
    uint64_t index[16], n_subjects_before[16]; /* receipts of subjects before each */
    uint64_t n_subjects;
};

static bool note_heads(void *context, uint64_t index, const uint8_t *bytes, size_t n)
{
    struct found_heads *found = context;
    struct leaf leaf;
    assert_int_equal(leaf_parse(slice_of(bytes, n), &leaf), SL_OK);
    if (leaf.kind == LEAF_HEADS) {
        assert_true(found->n < SL_LENGTH(found->list));
        found->list[found->n] = leaf.heads;
        found->index[found->n++] = index;
    } else {
        found->n_subjects++;
    }
    return true;
}

static struct found_heads read_heads(struct fixture *fixture)
{
    struct found_heads found = {0};
    struct sluis_verify_report report;
    struct sluis_verify_options options = {
        .vkey = fixture->vkey, .visit = note_heads, .visit_context = &found, .check_heads = true};
    if (sluis_verify_folder(fixture->folder, &options, &report) != SLUIS_VERIFY_VALID)
        fail_msg("%s", report.problem);
    assert_int_equal(report.n_epochs, found.n);
    assert_int_equal(report.headed_end, found.n > 0 ? found.list[found.n - 1].end : 0);
    options.visit = NULL;
    options.n_threads = 3;
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_epochs, found.n);
    return found;
}

/* The list of `heads`, checked to account for `n_receipts`. */
static void open_list(struct fixture *fixture, const struct leaf_heads *heads, uint64_t n_receipts,
                      struct heads_file *file)
{
    int fd = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum heads_check check = heads_file_open(file, fd, heads->epoch, slice_of_str(FIXTURE_ORIGIN));
    if (check == HEADS_SOUND)
        check = heads_file_check(file, heads, n_receipts);
    if (check != HEADS_SOUND)
        fail_msg("%s", file->problem);
    close(fd);
}

static uint64_t delta_of(struct fixture *fixture, struct heads_file *file, int who)
{
    struct hmac_key key;
    uint8_t label[HEADS_LABEL_BYTES];
    struct heads_place place;
    hmac_key_init(&key, slice_of(fixture->subjects[who].key, SUBJECT_KEY_BYTES));
    heads_label(&key, file->epoch, label);
    assert_int_equal(heads_file_find(file, label, &place), HEADS_SOUND);
    return place.delta;
}

/* Asserts the deltas of subjects 0, 1, 2 and 7 in the list of an epoch, and its length. */
static void assert_list(struct fixture *fixture, const struct leaf_heads *heads,
                        uint64_t n_receipts, uint64_t n_entries, const uint64_t deltas[4])
{
    static const int who[] = {0, 1, 2, FIXTURE_SUBJECTS - 1};
    struct heads_file file;
    open_list(fixture, heads, n_receipts, &file);
    for (size_t i = 0; i < SL_LENGTH(who); i++)
        assert_int_equal(delta_of(fixture, &file, who[i]), deltas[i]);
    assert_int_equal(file.head.n_entries, n_entries);
    heads_file_close(&file);
}

static void remove_index(struct fixture *fixture)
{
    char path[256];
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        snprintf(path, sizeof path, "%s/%s", fixture->index_folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void list_path(const struct fixture *fixture, uint64_t epoch, char path[256])
{
    char name[HEADS_NAME_BYTES + 1];
    heads_name(epoch, name);
    snprintf(path, 256, "%s/heads/%s", fixture->folder, name);
}

/* ------------------------------------------------------------------------------ the tests -- */

static void heads_say_how_many_receipts_each_subject_had(void **state)
{
    struct fixture *fixture = *state;
    struct record consent;
    fixture_open(fixture);
    record_n(fixture, 0, 3);
    record_n(fixture, 1, 1);
    fixture_draft(fixture, &consent, RECORD_CONSENT, FIXTURE_SUBJECTS - 1);
    assert_int_equal(fixture_record(fixture, &consent), RECORD_DURABLE);
    fixture_end_epoch(fixture);
    record_n(fixture, 1, 2);
    fixture_end_epoch(fixture);
    fixture_close(fixture);

    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 2);
    assert_int_equal(found.list[0].epoch, 0);
    assert_int_equal(found.list[0].first, 0);
    assert_int_equal(found.list[0].end, 5);
    assert_int_equal(found.index[0], 5);
    assert_list(fixture, &found.list[0], 5, 3, (const uint64_t[]){3, 1, 0, 1});
    assert_int_equal(found.list[1].epoch, 1);
    assert_int_equal(found.list[1].first, 5);
    assert_int_equal(found.list[1].end, 8);
    assert_int_equal(found.index[1], 8);
    assert_list(fixture, &found.list[1], 2, 1, (const uint64_t[]){0, 2, 0, 0});
}

static void someone_unknown_has_an_entry_as_others_have(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    record_n(fixture, 0, 2);
    refuse_unknown(fixture, 0xaa, 3);
    refuse_unknown(fixture, 0xbb, 1);
    refuse_unknown(fixture, 0xaa, 2);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    struct heads_file file;
    assert_int_equal(found.n, 1);
    open_list(fixture, &found.list[0], 8, &file);
    uint64_t n_of_delta[8] = {0};
    for (uint64_t i = 0; i < file.head.n_entries; i++) {
        uint8_t bytes[HEADS_ENTRY_BYTES];
        struct heads_entry entry;
        assert_int_equal(
            pread(file.fd, bytes, sizeof bytes, (off_t)(HEADS_HEAD_BYTES + i * HEADS_ENTRY_BYTES)),
            sizeof bytes);
        heads_entry_read(bytes, &entry);
        assert_true(entry.delta < 8);
        n_of_delta[entry.delta]++;
    }
    heads_file_close(&file);
    assert_int_equal(file.head.n_entries, 3);
    assert_int_equal(n_of_delta[1], 1);
    assert_int_equal(n_of_delta[2], 1); /* subject 0 */
    assert_int_equal(n_of_delta[5], 1);
}

static void an_epoch_without_receipts_of_subjects_does_not_end(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    record_n(fixture, 0, 1);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    fixture->epochs_end = true;
    for (int i = 0; i < 3; i++) { /* nothing but heads since: no more of them */
        fixture_open(fixture);
        assert_int_equal(recorder_epoch_due_ms(fixture->recorder), INT64_MAX);
        fixture_close(fixture);
    }
    fixture_assert_valid(fixture, 2);
}

static void an_epoch_ends_by_itself_while_the_gateway_is_idle(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.epoch_ms = 1;
    fixture->epochs_end = true;
    fixture_open(fixture);
    record_n(fixture, 0, 1);
    fixture_await_size(fixture, 2);
    record_n(fixture, 0, 1);
    fixture_await_size(fixture, 4);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 2);
    assert_list(fixture, &found.list[1], 1, 1, (const uint64_t[]){1, 0, 0, 0});
}

static void epochs_do_not_end_before_the_owner_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.epoch_ms = 1;
    fixture_open(fixture);
    record_n(fixture, 0, 5);
    assert_int_equal(recorder_tree_size(fixture->recorder), 5);
    fixture_close(fixture);
    fixture_open(fixture);
    record_n(fixture, 0, 5);
    fixture_close(fixture);
    fixture_assert_valid(fixture, 10);
}

static void epochs_under_load_account_for_every_receipt(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.epoch_ms = 1;
    fixture->epochs_end = true;
    fixture_open(fixture);
    for (int i = 0; i < 6; i++)
        fixture_release_many(fixture, 700);
    uint64_t size = 0;
    while (size != recorder_tree_size(fixture->recorder)) { /* until all of them have their heads */
        size = recorder_tree_size(fixture->recorder);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_true(found.n > 0);
    uint64_t sums[4] = {0}, next_first = 0;
    for (uint64_t i = 0; i < found.n; i++) {
        struct heads_file file;
        uint64_t n = found.list[i].end - found.list[i].first;
        for (uint64_t j = 0; j < i; j++)
            n -= found.index[j] >= found.list[i].first && found.index[j] < found.list[i].end;
        assert_int_equal(found.list[i].first, next_first);
        next_first = found.list[i].end;
        open_list(fixture, &found.list[i], n, &file);
        for (int who = 0; who < 4; who++)
            sums[who] += delta_of(fixture, &file, who);
        heads_file_close(&file);
    }
    for (int who = 0; who < 4; who++)
        assert_true(sums[who] <= 1050);
    if (next_first == found.index[found.n - 1]) /* nothing came after */
        for (int who = 0; who < 4; who++)
            assert_int_equal(sums[who], 1050);
}

static void a_stop_ends_no_epoch(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    record_n(fixture, 0, 2);
    fixture_close(fixture);
    fixture_open(fixture);
    record_n(fixture, 0, 1);
    record_n(fixture, 1, 1);
    fixture_close(fixture);
    fixture_open(fixture);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 1);
    assert_list(fixture, &found.list[0], 4, 2, (const uint64_t[]){3, 1, 0, 0});
}

/* ------------------------------------------------------------------ crashes and rebuilding -- */

static void a_list_that_cannot_be_written_holds_nobody_up_and_is_made_later(void **state)
{
    struct fixture *fixture = *state;
    char path[256], text[RECORDER_HEADS_PROBLEM_BYTES] = "";
    fixture_open(fixture);
    record_n(fixture, 0, 2);
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/heads", fixture->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* no folder */
    assert_true(fd >= 0);
    close(fd);
    fixture->epochs_end = true;
    fixture_open(fixture);
    while (!recorder_heads_problem(fixture->recorder, text))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_non_null(strstr(text, "heads of epoch 0: the folder of lists can't be opened: "));
    record_n(fixture, 0, 4); /* of the next epoch already */
    record_n(fixture, 1, 1);
    fixture_close(fixture);
    fixture_assert_valid(fixture, 7);

    assert_int_equal(unlink(path), 0);
    fixture_open(fixture);
    fixture_await_size(fixture, 9); /* those of epoch 0, then of 1 */
    assert_false(recorder_heads_problem(fixture->recorder, text));
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 2);
    assert_int_equal(found.list[0].end, 2);
    assert_list(fixture, &found.list[0], 2, 1, (const uint64_t[]){2, 0, 0, 0});
    assert_list(fixture, &found.list[1], 5, 2, (const uint64_t[]){4, 1, 0, 0});
}

/* Two epochs with heads, and receipts after them. */
static void make_epochs(struct fixture *fixture)
{
    fixture_open(fixture);
    record_n(fixture, 0, 3);
    record_n(fixture, 1, 1);
    fixture_end_epoch(fixture);
    record_n(fixture, 0, 2);
    record_n(fixture, 2, 1);
    fixture_end_epoch(fixture);
    record_n(fixture, 0, 4);
    record_n(fixture, 1, 2);
    fixture_close(fixture);
}

static void assert_third_epoch(struct fixture *fixture)
{
    fixture_open(fixture);
    fixture_end_epoch(fixture);
    record_n(fixture, 2, 1);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 4);
    assert_list(fixture, &found.list[2], 6, 2, (const uint64_t[]){4, 2, 0, 0});
    assert_list(fixture, &found.list[3], 1, 1, (const uint64_t[]){0, 0, 1, 0});
}

static void a_rebuilt_index_comes_to_the_same_epoch(void **state)
{
    struct fixture *fixture = *state;
    make_epochs(fixture);
    remove_index(fixture);
    assert_third_epoch(fixture);
}

static void a_rebuilt_index_comes_to_the_same_epoch_without_the_lists(void **state)
{
    struct fixture *fixture = *state;
    char path[256], aside[256];
    make_epochs(fixture);
    remove_index(fixture);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        list_path(fixture, epoch, path);
        snprintf(aside, sizeof aside, "%s/aside%d", fixture->root, (int)epoch);
        assert_int_equal(rename(path, aside), 0);
    }
    fixture_open(fixture);
    fixture_close(fixture);
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        list_path(fixture, epoch, path);
        snprintf(aside, sizeof aside, "%s/aside%d", fixture->root, (int)epoch);
        assert_int_equal(rename(aside, path), 0);
    }
    assert_third_epoch(fixture);
}

static void lists_that_lie_about_where_an_epoch_ended_do_not_matter(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    make_epochs(fixture);
    remove_index(fixture);
    const struct heads_head lie = {
        .epoch = 2, .first = 9, .end = 11, .n_entries = 1, .origin = SLICE_LITERAL(FIXTURE_ORIGIN)};
    uint8_t block[HEADS_HEAD_BYTES + HEADS_ENTRY_BYTES + HEADS_CRC_BYTES] = {0};
    heads_head_write(&lie, block);
    list_path(fixture, 2, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, block, sizeof block), sizeof block);
    close(fd);
    assert_third_epoch(fixture);
}

/* Heads of epoch 2, whose end is known, come at the next start. */
static void assert_third_epoch_is(struct fixture *fixture, uint64_t end)
{
    fixture->epochs_end = true;
    fixture_open(fixture);
    fixture_await_size(fixture, end + 3); /* one of subject 0, and the heads of two epochs */
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 4);
    assert_int_equal(found.list[2].end, end);
    assert_list(fixture, &found.list[2], 6, 2, (const uint64_t[]){4, 2, 0, 0});
    assert_list(fixture, &found.list[3], 1, 1, (const uint64_t[]){1, 0, 0, 0});
}

static void a_rebuilt_index_knows_an_epoch_that_was_closing(void **state)
{
    struct fixture *fixture = *state;
    char path[256], aside[256];
    make_epochs(fixture);
    fixture_segment_path(fixture, 0, path);
    snprintf(aside, sizeof aside, "%s/before", fixture->root);
    fixture_copy_file(path, aside);
    fixture_open(fixture);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_int_equal(found.n, 3);
    /* As if a crash came between the list and its receipt, and the index was lost. */
    fixture_copy_file(aside, path);
    remove_index(fixture);
    fixture_open(fixture);
    record_n(fixture, 0, 1);
    fixture_close(fixture);
    remove_index(fixture); /* now there is a receipt after the list's end */
    assert_third_epoch_is(fixture, found.list[2].end);
}

static void an_old_copy_of_the_index_catches_up_over_epochs(void **state)
{
    struct fixture *fixture = *state;
    char path[256], aside[256];
    fixture_open(fixture);
    record_n(fixture, 0, 3);
    record_n(fixture, 1, 1);
    fixture_end_epoch(fixture);
    record_n(fixture, 0, 1);
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/data.mdb", fixture->index_folder);
    snprintf(aside, sizeof aside, "%s/old.mdb", fixture->root);
    fixture_copy_file(path, aside);
    fixture_open(fixture);
    record_n(fixture, 0, 1);
    record_n(fixture, 2, 1);
    fixture_end_epoch(fixture);
    record_n(fixture, 0, 4);
    record_n(fixture, 1, 2);
    fixture_close(fixture);
    assert_int_equal(rename(aside, path), 0);
    assert_third_epoch(fixture);
}

/* ------------------------------------------------------------------------------- verifying -- */

static void assert_heads_invalid(struct fixture *fixture, enum sluis_verify_result expected,
                                 uint64_t receipt, const char *because)
{
    struct sluis_verify_report report;
    struct sluis_verify_options options = {.vkey = fixture->vkey, .check_heads = true};
    for (options.n_threads = 1; options.n_threads <= 2; options.n_threads++) {
        assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), expected);
        if (!strstr(report.problem, because))
            fail_msg("%s", report.problem);
        assert_true(report.is_about_heads);
        assert_int_equal(report.receipt, receipt);
    }
    options.check_heads = false; /* the receipts themselves hold */
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
}

static void a_list_that_is_missing_or_changed_shows(void **state)
{
    struct fixture *fixture = *state;
    char path[256], other[256], aside[256];
    make_epochs(fixture); /* heads at 4 and at 8 */
    list_path(fixture, 1, path);
    list_path(fixture, 0, other);
    snprintf(aside, sizeof aside, "%s/aside", fixture->root);
    fixture_copy_file(path, aside);
    assert_int_equal(unlink(path), 0);
    assert_heads_invalid(fixture, SLUIS_VERIFY_INVALID, 8, "epoch 1 is missing");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_heads_invalid(fixture, SLUIS_VERIFY_UNCHECKED, 8, "epoch 1 can't be read");
    assert_int_equal(rmdir(path), 0);
    fixture_copy_file(other, path);
    assert_heads_invalid(fixture, SLUIS_VERIFY_INVALID, 8, "is that of epoch 0 under another name");
    fixture_copy_file(aside, path);
    uint8_t byte;
    fixture_peek(path, HEADS_HEAD_BYTES + 39, &byte, 1);
    byte ^= 1;
    fixture_poke(path, HEADS_HEAD_BYTES + 39, &byte, 1);
    assert_heads_invalid(fixture, SLUIS_VERIFY_INVALID, 8, "was changed: its CRC is wrong");
    fixture_copy_file(aside, path);
    (void)read_heads(fixture); /* and now it holds again */
}

/* -------------------------------------------------------------------------------- erasing -- */

static struct recorder_head kept[RECORDER_HEADS_MAX];
static size_t n_kept;
static _Atomic uint64_t forgotten;

static enum sl_err each_kept(void *context, uint64_t epoch,
                             bool (*visit)(void *visit_context, const struct heads_entry *entry),
                             void *visit_context)
{
    (void)context;
    for (size_t i = 0; i < n_kept; i++)
        if (kept[i].epoch == epoch && !visit(visit_context, &kept[i].entry))
            break;
    return SL_OK;
}

static void forget_kept(void *context, uint64_t epoch)
{
    (void)context;
    atomic_store(&forgotten, epoch + 1);
}

static enum sl_err commit_erasure(void *context, struct record *record)
{
    (void)context;
    n_kept = record->n_heads;
    memcpy(kept, record->heads, n_kept * sizeof *kept);
    return SL_OK;
}

static void erase_subject_1(struct fixture *fixture)
{
    struct record record;
    fixture->config.ops.commit_change = commit_erasure;
    fixture->config.ops.each_kept = each_kept;
    fixture->config.ops.forget_kept = forget_kept;
    fixture_close(fixture);
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_ERASURE, 1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
}

static void an_erased_subject_keeps_its_entry(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&forgotten, 0);
    fixture_open(fixture);
    record_n(fixture, 0, 2);
    record_n(fixture, 1, 3);
    erase_subject_1(fixture);
    assert_int_equal(n_kept, 1);
    assert_int_equal(kept[0].epoch, 0);
    assert_int_equal(kept[0].entry.delta, 4);
    fixture_close(fixture);
    fixture->subjects[1].known = false; /* the key is gone */
    fixture_open(fixture);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    assert_int_equal(atomic_load(&forgotten), 1);
    struct found_heads found = read_heads(fixture);
    assert_list(fixture, &found.list[0], 6, 2, (const uint64_t[]){2, 4, 0, 0});
}

static void an_erased_subject_keeps_its_entry_when_the_index_is_lost(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    record_n(fixture, 0, 2);
    record_n(fixture, 1, 3);
    erase_subject_1(fixture);
    fixture_close(fixture);
    fixture->subjects[1].known = false;
    remove_index(fixture);
    fixture_open(fixture);
    fixture_end_epoch(fixture);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_list(fixture, &found.list[0], 6, 2, (const uint64_t[]){2, 4, 0, 0});
}

static void an_erased_subject_keeps_its_entry_of_an_epoch_that_is_closing_too(void **state)
{
    struct fixture *fixture = *state;
    char path[256], text[RECORDER_HEADS_PROBLEM_BYTES] = "";
    fixture_open(fixture);
    record_n(fixture, 1, 2);
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/heads", fixture->folder);
    fixture_copy_file(fixture->vkey_file, path); /* no folder: the heads have to wait */
    fixture->epochs_end = true;
    fixture_open(fixture);
    while (!recorder_heads_problem(fixture->recorder, text))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    record_n(fixture, 0, 1);
    record_n(fixture, 1, 3);
    erase_subject_1(fixture);
    assert_int_equal(n_kept, 2);
    fixture_close(fixture);
    fixture->subjects[1].known = false;
    assert_int_equal(unlink(path), 0);
    fixture_open(fixture);
    fixture_await_size(fixture, 9);
    fixture_close(fixture);
    struct found_heads found = read_heads(fixture);
    assert_list(fixture, &found.list[0], 2, 1, (const uint64_t[]){0, 2, 0, 0});
    assert_list(fixture, &found.list[1], 5, 2, (const uint64_t[]){1, 4, 0, 0});
}

#define HEADS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEADS_TEST(heads_say_how_many_receipts_each_subject_had),
        HEADS_TEST(someone_unknown_has_an_entry_as_others_have),
        HEADS_TEST(an_epoch_without_receipts_of_subjects_does_not_end),
        HEADS_TEST(an_epoch_ends_by_itself_while_the_gateway_is_idle),
        HEADS_TEST(epochs_do_not_end_before_the_owner_says_so),
        HEADS_TEST(epochs_under_load_account_for_every_receipt),
        HEADS_TEST(a_stop_ends_no_epoch),
        HEADS_TEST(a_list_that_cannot_be_written_holds_nobody_up_and_is_made_later),
        HEADS_TEST(a_rebuilt_index_comes_to_the_same_epoch),
        HEADS_TEST(a_rebuilt_index_comes_to_the_same_epoch_without_the_lists),
        HEADS_TEST(lists_that_lie_about_where_an_epoch_ended_do_not_matter),
        HEADS_TEST(a_rebuilt_index_knows_an_epoch_that_was_closing),
        HEADS_TEST(an_old_copy_of_the_index_catches_up_over_epochs),
        HEADS_TEST(a_list_that_is_missing_or_changed_shows),
        HEADS_TEST(an_erased_subject_keeps_its_entry),
        HEADS_TEST(an_erased_subject_keeps_its_entry_when_the_index_is_lost),
        HEADS_TEST(an_erased_subject_keeps_its_entry_of_an_epoch_that_is_closing_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
