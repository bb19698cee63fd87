/*
 * test_groups.c - the receipts of one answer about several people: all of them together, or none
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS = 4 };

struct group {
    struct record record;
    struct record members[MEMBERS];
    struct record *pointers[MEMBERS];
    struct fixture_demand demand;
};

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

/* Of the subjects 0, 1, 2 and 0 once more. */
static void draft(struct fixture *fixture, struct group *group)
{
    static const int who[MEMBERS] = {0, 1, 2, 0};
    memset(group, 0, sizeof *group);
    for (size_t i = 0; i < MEMBERS; i++) {
        fixture_draft(fixture, &group->members[i], RECORD_RELEASE, who[i]);
        group->pointers[i] = &group->members[i];
    }
    group->record = (struct record){
        .reply_to = &fixture->box,
        .kind = RECORD_GROUP,
        .members = group->pointers,
        .n_members = MEMBERS,
    };
}

static void a_group_stands_together_in_its_order(void **state)
{
    struct fixture *fixture = *state;
    static struct group group;
    fixture_open(fixture);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    draft(fixture, &group);
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_DURABLE);
    assert_int_equal(group.record.index, 1);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(group.members[i].outcome, RECORD_DURABLE);
        assert_int_equal(group.members[i].index, 1 + i);
    }
    assert_int_equal(fixture_release(fixture, 2), RECORD_DURABLE);
    fixture_assert_valid(fixture, 2 + MEMBERS);
    fixture_close(fixture);
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(fixture_count(fixture, 0), 3);
    assert_int_equal(fixture_count(fixture, 1), 1);
    assert_int_equal(fixture_count(fixture, 2), 2);
}

static void one_stale_member_holds_back_all_and_uses_no_number(void **state)
{
    struct fixture *fixture = *state;
    static struct group group;
    fixture_open(fixture);
    draft(fixture, &group);
    group.members[2].policy_version++;
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_STALE);
    for (size_t i = 0; i < MEMBERS; i++)
        assert_int_equal(group.members[i].outcome, i == 2 ? RECORD_STALE : RECORD_DURABLE);
    fixture_assert_valid(fixture, 0);
    draft(fixture, &group);
    memset(group.members[1].subject, 0xee, sizeof group.members[1].subject); /* gone meanwhile */
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_STALE);
    assert_int_equal(group.members[1].outcome, RECORD_STALE);
    draft(fixture, &group);
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_DURABLE);
    assert_int_equal(group.record.index, 0);
    fixture_assert_valid(fixture, MEMBERS);
}

static void a_demand_is_met_for_all_or_for_none(void **state)
{
    struct fixture *fixture = *state;
    static struct group group;
    fixture_open(fixture);
    draft(fixture, &group);
    group.demand = (struct fixture_demand){.err = SL_EMALFORMED, .index = UINT64_MAX};
    group.record.demand = &group.demand;
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_DENIED);
    fixture_assert_valid(fixture, 0);
    group.demand.err = SL_OK;
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_DURABLE);
    assert_int_equal(group.demand.index, 0);
    assert_int_equal(fixture->n_durable, 1);
    fixture_assert_valid(fixture, MEMBERS);
    /* Who is stale needs nothing any more. */
    draft(fixture, &group);
    group.record.demand = &group.demand;
    group.members[0].policy_version++;
    assert_int_equal(fixture_record(fixture, &group.record), RECORD_STALE);
    assert_int_equal(fixture->n_durable, 1);
}

static void a_group_is_never_cut_by_the_end_of_a_batch(void **state)
{
    struct fixture *fixture = *state;
    static struct group groups[3];
    static struct record single[3];
    fixture->limits.batch_receipts = 6;
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    for (size_t i = 0; i < 3; i++) {
        fixture_draft(fixture, &single[i], RECORD_RELEASE, 0);
        draft(fixture, &groups[i]);
        assert_true(recorder_submit(fixture->recorder, &single[i]));
        assert_true(recorder_submit(fixture->recorder, &groups[i].record));
    }
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    for (size_t n = 0; n < 6;) {
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next)
            n++;
    }
    /* 1 + 4 + 1, 4, 1 + 4 */
    static const uint64_t firsts[] = {1, 6, 11};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(groups[i].record.outcome, RECORD_DURABLE);
        assert_int_equal(groups[i].record.index, firsts[i]);
        assert_int_equal(groups[i].members[MEMBERS - 1].index, firsts[i] + MEMBERS - 1);
    }
    struct sluis_verify_report report;
    assert_int_equal(fixture_verify(fixture, &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_batches, 3);
    fixture_assert_valid(fixture, 15);
}

static void a_group_larger_than_what_is_left_of_a_segment_begins_the_next(void **state)
{
    struct fixture *fixture = *state;
    static struct group group;
    uint64_t size = 0;
    fixture->limits.segment_bytes = 1 << 20;
    fixture->limits.consent_reserve_bytes = 1 << 16;
    fixture_open(fixture);
    for (size_t i = 0; i < 400; i++, size += MEMBERS) {
        draft(fixture, &group);
        assert_int_equal(fixture_record(fixture, &group.record), RECORD_DURABLE);
        assert_int_equal(group.record.index, size);
    }
    fixture_assert_valid(fixture, size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_stands_together_in_its_order),
        TEST(one_stale_member_holds_back_all_and_uses_no_number),
        TEST(a_demand_is_met_for_all_or_for_none),
        TEST(a_group_is_never_cut_by_the_end_of_a_batch),
        TEST(a_group_larger_than_what_is_left_of_a_segment_begins_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
