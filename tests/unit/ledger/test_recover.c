/*
 * test_recover.c - what a start makes of the ledger that it finds
 */
#define TAGS_AT_ONCE 2048
#include "ledger/recover.c"

#include "fixture.h"
#include "ledger/index_reader.h"
#include "ledger/segment_writer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static void remove_index(struct fixture *fixture)
{
    char path[256];
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        snprintf(path, sizeof path, "%s/%s", fixture->index_folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(fixture->index_folder), 0);
}

/* Sets the index aside; swap_index() puts it back. */
static void keep_index(struct fixture *fixture, const char *suffix)
{
    char command[600];
    snprintf(command, sizeof command, "cp -r %s %s%s", fixture->index_folder, fixture->index_folder,
             suffix);
    assert_int_equal(system(command), 0);
}

static void swap_index(struct fixture *fixture, const char *suffix)
{
    char kept[256];
    snprintf(kept, sizeof kept, "%s%s", fixture->index_folder, suffix);
    remove_index(fixture);
    assert_int_equal(rename(kept, fixture->index_folder), 0);
}

/* The batches of the first segment: where each begins, and where the next would. */
struct places {
    char path[256];
    uint64_t segment_bytes;
    size_t n;
    uint64_t at[64];
};

static void find_places(struct fixture *fixture, struct places *places)
{
    static uint8_t bytes[1 << 20];
    struct segment_head head;
    fixture_segment_path(fixture, 0, places->path);
    fixture_peek(places->path, 0, bytes, sizeof bytes);
    assert_int_equal(segment_head_parse(slice_of(bytes, SEGMENT_ALIGNMENT_MAX), &head), SL_OK);
    places->segment_bytes = head.segment_bytes;
    places->n = 0;
    uint64_t at = head.alignment_bytes;
    uint32_t total;
    places->at[0] = at;
    while (batch_length(slice_of(bytes + at, BATCH_HEAD_BYTES), &total) == SL_OK) {
        at = align_up(at + total, head.alignment_bytes);
        assert_true(++places->n < SL_LENGTH(places->at));
        places->at[places->n] = at;
    }
}

/* n batches of one receipt each, of subject 0. Closed. */
static void make_ledger(struct fixture *fixture, size_t n)
{
    fixture_open(fixture);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
}

/* Opens without starting, and checks size and count of subject 0. */
static void assert_opens_with(struct fixture *fixture, uint64_t size)
{
    enum sl_err err = recorder_open(&fixture->config, &fixture->problem, &fixture->recorder);
    if (err != SL_OK)
        fail_msg("%s", fixture->problem.text);
    assert_int_equal(recorder_tree_size(fixture->recorder), size);
    assert_int_equal(fixture_count(fixture, 0), size);
}

static void assert_refuses(struct fixture *fixture, const char *because, const char *advice)
{
    assert_int_equal(fixture_open_fails(fixture), SL_ESTORE);
    if (!strstr(fixture->problem.text, because) || !strstr(fixture->problem.text, advice))
        fail_msg("expected \"%s\" and \"%s\" in \"%s\"", because, advice, fixture->problem.text);
}

/* --------------------------------------------------------------------- the index is rebuilt -- */

static void a_missing_index_is_rebuilt(void **state)
{
    struct fixture *fixture = *state;
    make_ledger(fixture, 5);
    remove_index(fixture);
    assert_opens_with(fixture, 5);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, 6);
}

static void an_index_that_is_behind_catches_up(void **state)
{
    struct fixture *fixture = *state;
    make_ledger(fixture, 3);
    keep_index(fixture, ".kept");
    make_ledger(fixture, 4);
    swap_index(fixture, ".kept");
    assert_opens_with(fixture, 7);
    fixture_close(fixture);
    assert_opens_with(fixture, 7); /* and stays there */
}

static void counters_are_found_again_for_each_subject(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fixture_release_many(fixture, 5000); /* of subjects 0 to 3, over more than one set of tags */
    struct record record;
    fixture_draft(fixture, &record, RECORD_CONSENT, FIXTURE_SUBJECTS - 1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    for (int i = 0; i < 3; i++) {
        fixture_draft(fixture, &record, RECORD_REFUSAL, -1);
        assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    }
    fixture_close(fixture);
    remove_index(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(recorder_tree_size(fixture->recorder), 5004);
    for (int who = 0; who < 4; who++)
        assert_int_equal(fixture_count(fixture, who), 1250);
    assert_int_equal(fixture_count(fixture, 4), 0);
    assert_int_equal(fixture_count(fixture, FIXTURE_SUBJECTS - 1), 1);
    assert_true(recorder_newest_time_ms(fixture->recorder) > 0);
}

static void places_in_the_index_lead_to_the_batch(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    struct index_problem problem;
    struct index_reader *reader = NULL;
    struct index_batch found;
    bool has = false;
    make_ledger(fixture, 6);
    find_places(fixture, &places);
    for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
        assert_int_equal(index_reader_open(fixture->index_folder, &problem, &reader), SL_OK);
        for (uint64_t i = 0; i < 6; i++) {
            assert_int_equal(index_reader_place(reader, i, &found, &has), SL_OK);
            assert_true(has);
            assert_int_equal(found.first_index, 0); /* of the tile */
            assert_int_equal(found.segment_first, 0);
            assert_int_equal(found.offset, places.at[0]);
        }
        index_reader_free(reader);
        reader = NULL;
        remove_index(fixture);
        assert_opens_with(fixture, 6);
        fixture_close(fixture);
    }
}

static void a_damaged_index_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    static uint8_t garbage[8192];
    memset(garbage, 0x77, sizeof garbage);
    make_ledger(fixture, 3);
    snprintf(path, sizeof path, "%s/data.mdb", fixture->index_folder);
    /* Cut off behind its two heads: what they point at is gone. */
    assert_int_equal(truncate(path, 8192), 0);
    assert_refuses(fixture, "index", "");
    fixture_poke(path, 0, garbage, sizeof garbage);
    assert_refuses(fixture, "damaged", "sluis ledger index");
    remove_index(fixture);
    assert_opens_with(fixture, 3);
}

/* ----------------------------------------------------------------------- unfinished batches -- */

enum tear { TEAR_TAIL, TEAR_HEAD, TEAR_MIDDLE };

/* Makes the last batch one that was never finished. */
static void tear_last(const struct places *places, enum tear how, uint64_t n_bytes)
{
    static uint8_t zeros[1 << 16];
    uint64_t begin = places->at[places->n - 1], end = places->at[places->n];
    assert_true(end - begin <= sizeof zeros && n_bytes < end - begin);
    switch (how) {
    case TEAR_TAIL: /* only the first n_bytes were written */
        fixture_poke(places->path, begin + n_bytes, zeros, end - begin - n_bytes);
        break;
    case TEAR_HEAD: /* only what comes after them was */
        fixture_poke(places->path, begin, zeros, n_bytes);
        break;
    case TEAR_MIDDLE:
        fixture_poke(places->path, begin + n_bytes, zeros, 8);
        break;
    }
}

static void an_unfinished_batch_is_dropped_and_the_ledger_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    struct places places;
    static const uint64_t lengths[] = {1, 3, 4, 7, 8, 39, 40, 41, 100, 300, 512, 600};
    make_ledger(fixture, 2);
    uint64_t size = 2;
    for (enum tear how = TEAR_TAIL; how <= TEAR_MIDDLE; how++) {
        for (size_t i = 0; i < SL_LENGTH(lengths); i++) {
            keep_index(fixture, ".kept"); /* it has seen all but the last batch */
            make_ledger(fixture, 1);
            swap_index(fixture, ".kept");
            find_places(fixture, &places);
            assert_int_equal(places.n, size + 1);
            tear_last(&places, how, lengths[i]);
            assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_INVALID);
            assert_int_equal(report.receipt, size);
            assert_opens_with(fixture, size);
            fixture_assert_valid(fixture, size); /* overwritten before anything else */
            fixture_close(fixture);
        }
        make_ledger(fixture, 1);
        fixture_assert_valid(fixture, ++size);
    }
}

static void the_same_holds_without_an_index(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    make_ledger(fixture, 3);
    find_places(fixture, &places);
    tear_last(&places, TEAR_MIDDLE, 200);
    remove_index(fixture);
    assert_opens_with(fixture, 2);
    fixture_assert_valid(fixture, 2);
}

static void the_very_first_batch_may_be_unfinished(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    make_ledger(fixture, 1);
    find_places(fixture, &places);
    tear_last(&places, TEAR_TAIL, 300);
    remove_index(fixture);
    assert_opens_with(fixture, 0);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, 1);
}

static void a_broken_batch_before_a_whole_one_is_damage(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    uint8_t before[1 << 16], after[1 << 16];
    make_ledger(fixture, 3);
    find_places(fixture, &places);
    remove_index(fixture);
    uint8_t kept[8], zeros[8] = {0};
    for (size_t i = 0; i < 2; i++) { /* any but the last */
        fixture_peek(places.path, places.at[i] + 200, kept, sizeof kept);
        fixture_poke(places.path, places.at[i] + 200, zeros, sizeof zeros);
        fixture_peek(places.path, 0, before, sizeof before);
        assert_refuses(fixture, "is damaged", "keep this one as evidence");
        fixture_peek(places.path, 0, after, sizeof after);
        assert_memory_equal(before, after, sizeof before); /* nothing was touched */
        fixture_poke(places.path, places.at[i] + 200, kept, sizeof kept);
    }
    assert_opens_with(fixture, 3);
}

static void bytes_far_behind_the_last_batch_are_damage(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.segment_bytes = 4 << 20;
    make_ledger(fixture, 2);
    char path[256];
    fixture_segment_path(fixture, 0, path);
    uint8_t one = 1;
    /* Beyond what one batch could have reached. */
    fixture_poke(path, 3 << 20, &one, 1);
    assert_refuses(fixture, "is damaged", "evidence");
    one = 0;
    fixture_poke(path, 3 << 20, &one, 1);
    assert_opens_with(fixture, 2);
}

static void a_whole_batch_that_is_wrong_is_never_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    make_ledger(fixture, 2);
    find_places(fixture, &places);
    /* The first batch once more, in the place of a third: sound, and not the next. */
    uint8_t batch[1 << 16];
    uint64_t n = places.at[1] - places.at[0];
    fixture_peek(places.path, places.at[0], batch, n);
    fixture_poke(places.path, places.at[2], batch, n);
    assert_refuses(fixture, "receipt 2 is next", "evidence");
}

/* --------------------------------------------------------------------- taken away, replaced -- */

static void a_ledger_behind_its_index_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    static uint8_t zeros[1 << 16];
    make_ledger(fixture, 3);
    find_places(fixture, &places);
    /* The last batch is gone, without a trace in the segments: an older copy. */
    uint64_t n = places.at[3] - places.at[2];
    fixture_poke(places.path, places.at[2], zeros, n);
    fixture_assert_valid(fixture, 2);
    char place[100];
    snprintf(place, sizeof place, "(segment 00000000000000000000.seg, byte %llu: nothing is there)",
             (unsigned long long)places.at[2]);
    assert_refuses(fixture, "behind what its index has seen (3 receipts)", place);
    assert_refuses(fixture, place, "restore the newest");
}

static void a_changed_last_batch_is_refused_when_the_index_has_seen_it(void **state)
{
    struct fixture *fixture = *state;
    struct places places;
    uint8_t byte;
    make_ledger(fixture, 3);
    find_places(fixture, &places);
    fixture_peek(places.path, places.at[2] + 100, &byte, 1);
    byte ^= 1;
    fixture_poke(places.path, places.at[2] + 100, &byte, 1);
    assert_refuses(fixture, "behind what its index has seen", "restore the newest");
    remove_index(fixture); /* nobody remembers it: then it looks like an unfinished one */
    assert_opens_with(fixture, 2);
}

static void another_history_under_the_same_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char old[256];
    make_ledger(fixture, 2);
    snprintf(old, sizeof old, "%s/old", fixture->root);
    fixture_copy_ledger(fixture, old);
    keep_index(fixture, ".old");
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 1), RECORD_DURABLE);
    fixture_close(fixture);
    keep_index(fixture, ".one");
    /* From the old copy, another third receipt. */
    swap_index(fixture, ".old");
    char segment[256], source[400];
    fixture_segment_path(fixture, 0, segment);
    snprintf(source, sizeof source, "%s/00000000000000000000.seg", old);
    assert_int_equal(unlink(segment), 0);
    assert_int_equal(rename(source, segment), 0);
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 2), RECORD_DURABLE);
    fixture_close(fixture);
    fixture_assert_valid(fixture, 3);
    swap_index(fixture, ".one");
    assert_refuses(fixture, "another batch is there", "restore the newest");
}

static void missing_segments_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    make_ledger(fixture, 2);
    fixture_segment_path(fixture, 0, path);
    assert_int_equal(unlink(path), 0);
    assert_refuses(fixture, "behind what its index has seen (2 receipts)", "restore");
}

static void a_segment_that_was_cut_off_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    make_ledger(fixture, 2);
    fixture_segment_path(fixture, 0, path);
    static const off_t lengths[] = {500000, 4096, 100, 0};
    for (size_t i = 0; i < SL_LENGTH(lengths); i++) {
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_refuses(fixture, "cut off", "restore the newest");
    }
    remove_index(fixture);
    assert_refuses(fixture, "cut off", "restore the newest");
}

static void another_key_or_origin_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct note_problem problem;
    make_ledger(fixture, 2);
    for (int without_index = 0; without_index < 2; without_index++) {
        if (without_index)
            remove_index(fixture);
        fixture->config.origin = slice_of_str("another.example");
        assert_refuses(fixture, "is of the origin \"" FIXTURE_ORIGIN "\"",
                       "that this ledger was begun with");
        fixture->config.origin = slice_of_str(FIXTURE_ORIGIN);
        assert_int_equal(unlink(fixture->key_file), 0);
        assert_int_equal(unlink(fixture->vkey_file), 0);
        assert_int_equal(note_key_generate(fixture->key_file, fixture->vkey_file,
                                           slice_of_str(FIXTURE_ORIGIN), &problem),
                         SL_OK);
        assert_refuses(fixture, "signed by another key", "that this ledger was begun with");
    }
}

/* ------------------------------------------------------------------------- around the folder -- */

static void a_second_process_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_refuses(fixture, "in use by another process", "only one sluisd");
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE); /* the first goes on */
    fixture_close(fixture);
    fixture_open(fixture);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.folder = "/nowhere/state/ledger";
    assert_refuses(fixture, "/nowhere/state/ledger", "is the state folder there");
    fixture->config.folder = fixture->folder;
    fixture->config.index_folder = "/nowhere/state/index";
    assert_refuses(fixture, "/nowhere/state/index", "is the state folder there");
    fixture->config.folder = fixture->key_file; /* a file where a folder should be */
    assert_refuses(fixture, "Not a directory", "");
}

static void leftovers_of_a_crash_do_no_harm(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    make_ledger(fixture, 2);
    /* A segment that was being prepared. */
    snprintf(path, sizeof path, "%s/next.tmp", fixture->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    make_ledger(fixture, 1);
    fixture_assert_valid(fixture, 3);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_segment_that_was_begun_and_never_used_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct segment_problem problem;
    SL_AUTO(segment_writer) writer = NULL;
    make_ledger(fixture, 2);
    /* As a crash right after the rolling leaves it. */
    assert_int_equal(
        segment_writer_open(fixture->folder, fixture->config.origin, 1 << 20, &problem, &writer),
        SL_OK);
    assert_int_equal(segment_writer_begin(writer, 2), SL_OK);
    segment_writer_free(writer);
    writer = NULL;
    fixture_assert_valid(fixture, 2);
    assert_opens_with(fixture, 2);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, 3);
    fixture_close(fixture);
    assert_opens_with(fixture, 3);
}

int main(void)
{
#define RECOVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        RECOVER_TEST(a_missing_index_is_rebuilt),
        RECOVER_TEST(an_index_that_is_behind_catches_up),
        RECOVER_TEST(counters_are_found_again_for_each_subject),
        RECOVER_TEST(places_in_the_index_lead_to_the_batch),
        RECOVER_TEST(a_damaged_index_is_refused_with_advice),
        RECOVER_TEST(an_unfinished_batch_is_dropped_and_the_ledger_goes_on),
        RECOVER_TEST(the_same_holds_without_an_index),
        RECOVER_TEST(the_very_first_batch_may_be_unfinished),
        RECOVER_TEST(a_broken_batch_before_a_whole_one_is_damage),
        RECOVER_TEST(bytes_far_behind_the_last_batch_are_damage),
        RECOVER_TEST(a_whole_batch_that_is_wrong_is_never_dropped),
        RECOVER_TEST(a_ledger_behind_its_index_is_refused),
        RECOVER_TEST(a_changed_last_batch_is_refused_when_the_index_has_seen_it),
        RECOVER_TEST(another_history_under_the_same_key_is_refused),
        RECOVER_TEST(missing_segments_are_refused),
        RECOVER_TEST(a_segment_that_was_cut_off_is_refused),
        RECOVER_TEST(another_key_or_origin_is_refused),
        RECOVER_TEST(a_second_process_is_refused),
        RECOVER_TEST(a_folder_that_cannot_be_made_is_named),
        RECOVER_TEST(leftovers_of_a_crash_do_no_harm),
        RECOVER_TEST(a_segment_that_was_begun_and_never_used_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
