/*
 * test_erasure.c - the last receipt of a subject, and what comes after it
 */
#include "fixture.h"

#include "base/base64.h"
#include "ledger/recorder_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

enum { LEAVES_MAX = 16 };

struct seen {
    size_t n;
    enum leaf_kind kinds[LEAVES_MAX];
    uint8_t tags[LEAVES_MAX][LEAF_TAG_BYTES];
};

static bool see(void *context, uint64_t index, const uint8_t *bytes, size_t n_bytes)
{
    struct seen *seen = context;
    struct leaf leaf;
    assert_true(index < LEAVES_MAX);
    assert_int_equal(leaf_parse(slice_of(bytes, n_bytes), &leaf), SL_OK);
    seen->kinds[index] = leaf.kind;
    assert_true(base64url_decode(leaf.tag, seen->tags[index], LEAF_TAG_BYTES));
    seen->n = index + 1;
    return true;
}

static void look(struct fixture *fixture, struct seen *seen)
{
    struct sluis_verify_report report;
    const struct sluis_verify_options options = {
        .vkey = fixture->vkey, .visit = see, .visit_context = seen};
    memset(seen, 0, sizeof *seen);
    assert_int_equal(sluis_verify_folder(fixture->folder, &options, &report), SLUIS_VERIFY_VALID);
}

static void assert_tag(const struct seen *seen, size_t index, const struct fixture *fixture,
                       int who, uint64_t n)
{
    struct hmac_key key;
    uint8_t tag[LEAF_TAG_BYTES];
    hmac_key_init(&key, slice_of(fixture->subjects[who].key, SUBJECT_KEY_BYTES));
    leaf_tag(&key, n, tag);
    assert_memory_equal(seen->tags[index], tag, sizeof tag);
}

static void submit(struct fixture *fixture, struct record *record, enum record_kind kind, int who)
{
    fixture_draft(fixture, record, kind, who);
    assert_true(recorder_submit(fixture->recorder, record));
}

static void await(struct fixture *fixture, size_t n)
{
    for (size_t n_back = 0; n_back < n;) {
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next)
            n_back++;
    }
}

static void an_erasure_is_the_subjects_last_receipt_in_the_order_of_the_ledger(void **state)
{
    struct fixture *fixture = *state;
    struct record before, withdrawal, erasure, after, refusal, other;
    struct seen seen;
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    submit(fixture, &before, RECORD_RELEASE, 0);
    submit(fixture, &withdrawal, RECORD_CONSENT, 0);
    submit(fixture, &erasure, RECORD_ERASURE, 0);
    submit(fixture, &after, RECORD_RELEASE, 0);
    after.policy_version++;
    submit(fixture, &refusal, RECORD_REFUSAL, 0);
    submit(fixture, &other, RECORD_RELEASE, 1);
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    await(fixture, 6);
    assert_int_equal(before.outcome, RECORD_DURABLE);
    assert_int_equal(withdrawal.outcome, RECORD_DURABLE);
    assert_int_equal(erasure.outcome, RECORD_DURABLE);
    assert_int_equal(after.outcome, RECORD_STALE);
    assert_int_equal(refusal.outcome, RECORD_DURABLE);
    assert_int_equal(other.outcome, RECORD_DURABLE);
    look(fixture, &seen);
    assert_int_equal(seen.n, 5);
    assert_int_equal(seen.kinds[2], LEAF_ERASURE);
    for (size_t i = 0; i < 3; i++)
        assert_tag(&seen, i, fixture, 0, i);
    /* The refusal that came after it is nobody's. */
    struct hmac_key key;
    uint8_t tag[LEAF_TAG_BYTES];
    hmac_key_init(&key, slice_of(fixture->subjects[0].key, SUBJECT_KEY_BYTES));
    leaf_tag(&key, 3, tag);
    assert_memory_not_equal(seen.tags[3], tag, sizeof tag);
    assert_tag(&seen, 4, fixture, 1, 0);
}

/* Its receipt is completed for good when it is committed, so all before it must be durable. */
static void what_comes_before_an_erasure_is_durable_when_it_is_committed(void **state)
{
    struct fixture *fixture = *state;
    struct record before, erasure;
    struct seen seen;
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    submit(fixture, &before, RECORD_RELEASE, 0);
    submit(fixture, &erasure, RECORD_ERASURE, 0);
    fixture->commit_err = SL_ESTORE; /* the recorder stops there */
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    await(fixture, 2);
    assert_int_equal(before.outcome, RECORD_DURABLE);
    assert_int_equal(erasure.outcome, RECORD_FAILED);
    look(fixture, &seen);
    assert_int_equal(seen.n, 1);
}

static void nobody_can_not_be_erased(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_ERASURE, FIXTURE_SUBJECTS - 1);
    assert_int_equal(fixture_record(fixture, &record), RECORD_REJECTED);
    fixture_draft(fixture, &record, RECORD_ERASURE, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    fixture_draft(fixture, &record, RECORD_ERASURE, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_REJECTED);
    fixture_assert_valid(fixture, 1);
}

static void an_erasure_without_room_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    struct seen seen;
    fixture_open(fixture);
    fixture->commit_err = SL_ELIMIT;
    fixture_draft(fixture, &record, RECORD_ERASURE, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_FULL);
    fixture->commit_err = SL_OK;
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_draft(fixture, &record, RECORD_ERASURE, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    look(fixture, &seen);
    assert_tag(&seen, 0, fixture, 0, 0);
    assert_tag(&seen, 1, fixture, 0, 1);
}

static void the_index_forgets_how_many_receipts_there_were(void **state)
{
    struct fixture *fixture = *state;
    struct record record;
    fixture_open(fixture);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    assert_int_equal(fixture_release(fixture, 1), RECORD_DURABLE);
    fixture_draft(fixture, &record, RECORD_ERASURE, 0);
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(fixture_count(fixture, 0), 0);
    assert_int_equal(fixture_count(fixture, 1), 1);
    assert_int_equal(recorder_n_changes(fixture->recorder), 1);
}

/* As a start does with the note of an erasure whose receipt a crash left out. */
static void a_receipt_that_was_kept_over_a_crash_is_recorded_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct record kept, record;
    struct hmac_key key;
    struct seen seen;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_draft(fixture, &kept, RECORD_ERASURE, 0);
    hmac_key_init(&key, slice_of(fixture->subjects[0].key, SUBJECT_KEY_BYTES));
    leaf_complete(&kept.leaf, &key, 1, kept.basis, kept.body);
    fixture_close(fixture);
    fixture->subjects[0].known = false;

    fixture_open(fixture);
    fixture_draft(fixture, &record, RECORD_NODE, -1);
    record.leaf = kept.leaf;
    assert_int_equal(fixture_record(fixture, &record), RECORD_DURABLE);
    fixture_close(fixture);
    look(fixture, &seen);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.kinds[1], LEAF_ERASURE);
    assert_tag(&seen, 1, fixture, 0, 1);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(recorder_n_changes(fixture->recorder), 1);
}

int main(void)
{
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_erasure_is_the_subjects_last_receipt_in_the_order_of_the_ledger),
        LEDGER_TEST(what_comes_before_an_erasure_is_durable_when_it_is_committed),
        LEDGER_TEST(nobody_can_not_be_erased),
        LEDGER_TEST(an_erasure_without_room_changes_nothing),
        LEDGER_TEST(the_index_forgets_how_many_receipts_there_were),
        LEDGER_TEST(a_receipt_that_was_kept_over_a_crash_is_recorded_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
