/*
 * test_recorder.c - outcomes, order, numbers and threads of the recorder
 */
#include "fixture.h"

#include "base/base64.h"
#include "ledger/checkpoint.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* A copy of every leaf, for looking at after the walk. */
struct kept_leaves {
    size_t n;
    struct {
        size_t n_bytes;
        uint8_t bytes[LEAF_BYTES_MAX];
    } leaves[64];
};

static bool keep_leaf(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    struct kept_leaves *kept = context;
    assert_int_equal(index, kept->n);
    assert_true(kept->n < SL_LENGTH(kept->leaves));
    memcpy(kept->leaves[kept->n].bytes, leaf, leaf_bytes);
    kept->leaves[kept->n++].n_bytes = leaf_bytes;
    return true;
}

static void read_ledger(struct fixture *fixture, struct kept_leaves *kept)
{
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {
        .vkey = fixture->vkey, .visit = keep_leaf, .visit_context = kept};
    kept->n = 0;
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
}

static void assert_leaf_is(const struct kept_leaves *kept, size_t i,
                           const struct fixture_subject *subject, uint64_t n)
{
    struct hmac_key key;
    uint8_t tag[LEAF_TAG_BYTES], found[LEAF_TAG_BYTES];
    struct leaf leaf;
    hmac_key_init(&key, slice_of(subject->key, sizeof subject->key));
    leaf_tag(&key, n, tag);
    assert_int_equal(leaf_parse(slice_of(kept->leaves[i].bytes, kept->leaves[i].n_bytes), &leaf),
                     SL_OK);
    assert_true(base64url_decode(leaf.tag, found, sizeof found));
    assert_memory_equal(found, tag, sizeof tag);
}

static void a_release_is_durable_and_has_the_next_index(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (uint64_t i = 0; i < 3; i++) {
        struct record record;
        fixture_draft(fixture, &record, RECORD_RELEASE, 0);
        assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
        assert_int_equal(record.index, i);
        assert_int_equal(recorder_tree_size(fixture->recorder), i + 1);
        fixture_assert_valid(fixture, i + 1); /* while the recorder runs */
    }
    assert_false(recorder_has_failed(fixture->recorder));
    assert_false(recorder_is_full(fixture->recorder));
    assert_string_equal(recorder_failure(fixture->recorder), "");
}

static void receipts_of_a_subject_are_numbered_without_gaps(void **state)
{
    struct fixture *fixture = *state;
    static const int who[] = {0, 1, 0, 0, 1, 2, 0};
    static const uint64_t number[] = {0, 0, 1, 2, 1, 0, 3};
    struct kept_leaves kept;
    fixture_open(fixture);
    for (size_t i = 0; i < SL_LENGTH(who); i++)
        assert_int_equal(fixture_release(fixture, who[i]), RECORD_DURABLE);
    read_ledger(fixture, &kept);
    assert_int_equal(kept.n, SL_LENGTH(who));
    for (size_t i = 0; i < SL_LENGTH(who); i++)
        assert_leaf_is(&kept, i, &fixture->subjects[who[i]], number[i]);
}

static void numbers_go_on_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct kept_leaves kept;
    fixture_open(fixture);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(fixture_count(fixture, 0), 3);
    assert_int_equal(recorder_tree_size(fixture->recorder), 3);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    read_ledger(fixture, &kept);
    assert_int_equal(kept.n, 4);
    assert_leaf_is(&kept, 3, &fixture->subjects[0], 3);
}

static void a_release_decided_on_an_older_policy_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_RELEASE, 0);
    record.policy_version--;
    assert_int_equal(fixture_record(fixture, &record), RECORD_STALE);
    fixture_draft(fixture, &record, RECORD_REFUSAL, 0);
    record.policy_version--;
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    fixture_assert_valid(fixture, 1);
}

static void a_release_after_a_withdrawal_in_the_same_batch_is_stale(void **state)
{
    struct fixture *fixture = *state;
    struct record before, change, after, other;
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    fixture_draft(fixture, &before, RECORD_RELEASE, 0);
    fixture_draft(fixture, &change, RECORD_CONSENT, 0);
    fixture_draft(fixture, &after, RECORD_RELEASE, 0);
    fixture_draft(fixture, &other, RECORD_RELEASE, 1);
    assert_true(recorder_submit(fixture->recorder, &before));
    assert_true(recorder_submit(fixture->recorder, &change));
    assert_true(recorder_submit(fixture->recorder, &after));
    assert_true(recorder_submit(fixture->recorder, &other));
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    mailbox_wait(&fixture->box);
    struct mail *back = mailbox_take(&fixture->box);
    assert_ptr_equal(back, &before.mail);
    assert_ptr_equal(back->next, &change.mail);
    assert_ptr_equal(back->next->next, &after.mail);
    assert_ptr_equal(back->next->next->next, &other.mail);
    assert_int_equal(before.outcome, RECORD_DURABLE);
    assert_int_equal(change.outcome, RECORD_DURABLE);
    assert_int_equal(after.outcome, RECORD_STALE);
    assert_int_equal(other.outcome, RECORD_DURABLE);
    assert_int_equal(before.index, 0);
    assert_int_equal(change.index, 1);
    assert_int_equal(other.index, 2);
    fixture_assert_valid(fixture, 3);
}

static void a_rejected_change_leaves_no_receipt_and_uses_no_number(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    struct kept_leaves kept;
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_CONSENT, 0);
    record.policy_version = 17;
    assert_int_equal(fixture_record(fixture, &record), RECORD_REJECTED);
    fixture_draft(fixture, &record, RECORD_CONSENT, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    assert_int_equal(record.index, 0);
    read_ledger(fixture, &kept);
    assert_leaf_is(&kept, 0, &fixture->subjects[0], 0);
}

static void the_first_consent_makes_a_subject_known(void **state)
{
    struct fixture *fixture = *state;
    const int new_one = FIXTURE_SUBJECTS - 1;
    struct record record;
    struct kept_leaves kept;
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_RELEASE, new_one);
    assert_int_equal(fixture_record(fixture, &record), RECORD_STALE);
    fixture_draft(fixture, &record, RECORD_CONSENT, new_one);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, new_one), RECORD_DURABLE);
    read_ledger(fixture, &kept);
    assert_int_equal(kept.n, 2);
    assert_leaf_is(&kept, 0, &fixture->subjects[new_one], 0);
    assert_leaf_is(&kept, 1, &fixture->subjects[new_one], 1);
}

static void unknown_subjects_have_receipts_with_tags_that_differ(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    struct kept_leaves kept;
    struct leaf a, b;
    fixture_open(fixture);
    for (int i = 0; i < 2; i++) {
        fixture_draft(fixture, &record, RECORD_REFUSAL, -1);
        assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    }
    read_ledger(fixture, &kept);
    assert_int_equal(kept.n, 2);
    assert_int_equal(leaf_parse(slice_of(kept.leaves[0].bytes, kept.leaves[0].n_bytes), &a), SL_OK);
    assert_int_equal(leaf_parse(slice_of(kept.leaves[1].bytes, kept.leaves[1].n_bytes), &b), SL_OK);
    assert_false(slice_equals(a.tag, b.tag));
    assert_false(slice_equals(a.basis, b.basis));
}

static void a_subject_that_went_away_is_recorded_as_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_REFUSAL, FIXTURE_SUBJECTS - 1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    fixture_assert_valid(fixture, 1);
}

static void a_store_that_fails_stops_the_recorder_for_good(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture->load_err = SL_ESTORE;
    assert_int_equal(fixture_release(fixture, 1), RECORD_FAILED);
    fixture->load_err = SL_OK;
    assert_int_equal(fixture_release(fixture, 0), RECORD_FAILED);
    assert_true(recorder_has_failed(fixture->recorder));
    assert_true(strlen(recorder_failure(fixture->recorder)) > 20);
    fixture_assert_valid(fixture, 1);
}

static void a_change_that_cannot_be_committed_stops_the_recorder(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    fixture->commit_err = SL_ESTORE;
    fixture_draft(fixture, &record, RECORD_CONSENT, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_FAILED);
    assert_true(recorder_has_failed(fixture->recorder));
    fixture_assert_valid(fixture, 0);
}

static void the_queue_takes_its_limit_and_consents_beyond_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.queue_receipts = 16;
    struct record records[18];
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    for (size_t i = 0; i < 16; i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    fixture_draft(fixture, &records[16], RECORD_RELEASE, 0);
    assert_false(recorder_submit(fixture->recorder, &records[16]));
    fixture_draft(fixture, &records[17], RECORD_CONSENT, 0);
    assert_true(recorder_submit(fixture->recorder, &records[17]));
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    mailbox_wait(&fixture->box);
    size_t n_back = 0;
    for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next)
        n_back++;
    assert_int_equal(n_back, 17);
    assert_int_equal(fixture_release(fixture, 1), RECORD_DURABLE); /* there is room again */
}

static void a_batch_has_at_most_its_limit(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    fixture->limits.batch_receipts = 7;
    fixture->limits.queue_receipts = 64;
    struct record records[15];
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    for (size_t i = 0; i < SL_LENGTH(records); i++) {
        fixture_draft(fixture, &records[i], RECORD_RELEASE, 0);
        assert_true(recorder_submit(fixture->recorder, &records[i]));
    }
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    recorder_stop(fixture->recorder);
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 15);
    assert_int_equal(report.n_batches, 3);
}

static void segments_roll_over_without_a_gap(void **state)
{
    struct fixture *fixture = *state;
    struct sluis_verify_report report;
    fixture_open(fixture);
    for (int i = 0; i < 5; i++)
        fixture_release_many(fixture, 1500);
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_receipts, 7500);
    assert_true(report.n_segments >= 4);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(recorder_tree_size(fixture->recorder), 7500);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_assert_valid(fixture, 7501);
}

static void segments_are_as_long_as_they_may_be_and_aligned(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    struct stat segment;
    fixture->limits.segment_bytes = (1 << 20) + 4097;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_segment_path(fixture, 0, path);
    assert_int_equal(stat(path, &segment), 0);
    assert_int_equal(segment.st_size, (1 << 20) + 4096);
    fixture_assert_valid(fixture, 1);
}

static void the_newest_checkpoint_verifies_and_names_the_size(void **state)
{
    struct fixture *fixture = *state;
    uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX];
    struct slice text;
    size_t n_signatures = 0;
    struct checkpoint checkpoint;
    char vkey[RECORDER_VKEY_BYTES_MAX];
    SL_AUTO(note_verifier) verifier = NULL;
    fixture_open(fixture);
    assert_int_equal(recorder_checkpoint(fixture->recorder, note), 0);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    for (int restarted = 0; restarted < 2; restarted++) {
        size_t n = recorder_checkpoint(fixture->recorder, note);
        note_verifier_free(verifier);
        verifier = NULL;
        recorder_vkey(fixture->recorder, vkey);
        assert_int_equal(note_verifier_new(slice_of_str(vkey), &verifier), SL_OK);
        assert_int_equal(note_verify(verifier, slice_of(note, n), &text, &n_signatures),
                         NOTE_VALID);
        assert_int_equal(checkpoint_parse(text, &checkpoint), SL_OK);
        assert_int_equal(checkpoint.size, 2);
        assert_true(slice_equals_str(checkpoint.origin, FIXTURE_ORIGIN));
        fixture_close(fixture);
        fixture_open(fixture);
    }
}

static void heads_that_are_not_due_are_rejected(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_draft(fixture, &record, RECORD_NODE, -1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_REJECTED);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
    fixture_assert_valid(fixture, 2);
}

/* ------------------------------------------------------------------------- many threads -- */

enum { THREADS = 4, PER_THREAD = 2000, IN_FLIGHT = 32 };

struct submitter {
    struct fixture *fixture;
    pthread_t thread;
    uint64_t n_durable, n_stale, n_other;
    uint8_t *seen; /* one for each index */
};

static void *submit_many(void *context)
{
    struct submitter *submitter = context;
    struct record records[IN_FLIGHT];
    struct mailbox box;
    size_t n_started = 0, n_back = 0;
    if (mailbox_init(&box) != SL_OK)
        return NULL;
    while (n_started < IN_FLIGHT) {
        struct record *record = &records[n_started];
        fixture_draft(submitter->fixture, record, RECORD_RELEASE, (int)(n_started % 4));
        record->reply_to = &box;
        if (!recorder_submit(submitter->fixture->recorder, record))
            abort();
        n_started++;
    }
    recorder_kick(submitter->fixture->recorder);
    while (n_back < PER_THREAD) {
        mailbox_wait(&box);
        for (struct mail *mail = mailbox_take(&box), *next; mail; mail = next) {
            struct record *record = (struct record *)(void *)mail;
            next = mail->next;
            n_back++;
            submitter->n_durable += record->outcome == RECORD_DURABLE;
            submitter->n_other += record->outcome != RECORD_DURABLE;
            if (record->outcome == RECORD_DURABLE)
                submitter->seen[record->index]++;
            if (n_started < PER_THREAD) {
                n_started++;
                if (!recorder_submit(submitter->fixture->recorder, record))
                    abort();
            }
        }
        recorder_kick(submitter->fixture->recorder);
    }
    mailbox_deinit(&box);
    return NULL;
}

static void many_threads_get_each_index_once(void **state)
{
    struct fixture *fixture = *state;
    struct submitter submitters[THREADS];
    uint8_t *seen = calloc(THREADS * PER_THREAD, 1);
    assert_non_null(seen);
    fixture_open(fixture);
    for (size_t i = 0; i < THREADS; i++) {
        submitters[i] = (struct submitter){.fixture = fixture, .seen = seen};
        assert_int_equal(pthread_create(&submitters[i].thread, NULL, submit_many, &submitters[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(submitters[i].thread, NULL), 0);
        assert_int_equal(submitters[i].n_durable, PER_THREAD);
        assert_int_equal(submitters[i].n_other, 0);
    }
    for (size_t i = 0; i < THREADS * PER_THREAD; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
    fixture_assert_valid(fixture, THREADS * PER_THREAD);
}

int main(void)
{
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_release_is_durable_and_has_the_next_index),
        LEDGER_TEST(receipts_of_a_subject_are_numbered_without_gaps),
        LEDGER_TEST(numbers_go_on_after_a_restart),
        LEDGER_TEST(a_release_decided_on_an_older_policy_is_stale),
        LEDGER_TEST(a_release_after_a_withdrawal_in_the_same_batch_is_stale),
        LEDGER_TEST(a_rejected_change_leaves_no_receipt_and_uses_no_number),
        LEDGER_TEST(the_first_consent_makes_a_subject_known),
        LEDGER_TEST(unknown_subjects_have_receipts_with_tags_that_differ),
        LEDGER_TEST(a_subject_that_went_away_is_recorded_as_unknown),
        LEDGER_TEST(a_store_that_fails_stops_the_recorder_for_good),
        LEDGER_TEST(a_change_that_cannot_be_committed_stops_the_recorder),
        LEDGER_TEST(the_queue_takes_its_limit_and_consents_beyond_it),
        LEDGER_TEST(a_batch_has_at_most_its_limit),
        LEDGER_TEST(segments_roll_over_without_a_gap),
        LEDGER_TEST(segments_are_as_long_as_they_may_be_and_aligned),
        LEDGER_TEST(the_newest_checkpoint_verifies_and_names_the_size),
        LEDGER_TEST(heads_that_are_not_due_are_rejected),
        LEDGER_TEST(many_threads_get_each_index_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
