/*
 * test_demands.c - what flows need in the store is durable there before their receipts are
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 1200 };

struct flow {
    struct record record;
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

static void open_without_start(struct fixture *fixture)
{
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
}

static void submit(struct fixture *fixture, struct flow *flow, enum record_kind kind, int who,
                   enum sl_err err)
{
    fixture_draft(fixture, &flow->record, kind, who);
    flow->demand = (struct fixture_demand){.err = err, .index = UINT64_MAX};
    flow->record.demand = &flow->demand;
    assert_true(recorder_submit(fixture->recorder, &flow->record));
}

static void start_and_await(struct fixture *fixture, size_t n)
{
    assert_int_equal(recorder_start(fixture->recorder), SL_OK);
    while (n > 0) {
        mailbox_wait(&fixture->box);
        for (struct mail *mail = mailbox_take(&fixture->box); mail; mail = mail->next)
            n--;
    }
}

static void demands_of_a_batch_are_committed_once_before_it_is_written(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flows[5];
    open_without_start(fixture);
    for (int i = 0; i < 5; i++)
        submit(fixture, &flows[i], RECORD_RELEASE, i % 2, SL_OK);
    start_and_await(fixture, 5);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(flows[i].record.outcome, RECORD_DURABLE);
        assert_int_equal(flows[i].record.index, i);
        assert_int_equal(flows[i].demand.index, i); /* as it was told at admission */
    }
    assert_int_equal(fixture->n_durable, 5);
    assert_int_equal(fixture->n_commits, 1);
    assert_int_equal(fixture->size_at_commit, 0);
    fixture_assert_valid(fixture, 5);
}

static void flows_without_a_demand_cost_no_commit(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    assert_int_equal(fixture->n_commits, 0);
}

static void a_flow_that_the_store_denies_leaves_no_receipt_and_uses_no_number(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flows[4];
    open_without_start(fixture);
    submit(fixture, &flows[0], RECORD_RELEASE, 0, SL_EMALFORMED);
    submit(fixture, &flows[1], RECORD_RELEASE, 0, SL_OK);
    submit(fixture, &flows[2], RECORD_RELEASE, 0, SL_ELIMIT);
    submit(fixture, &flows[3], RECORD_REFUSAL, 0, SL_OK);
    start_and_await(fixture, 4);
    assert_int_equal(flows[0].record.outcome, RECORD_DENIED);
    assert_int_equal(flows[1].record.outcome, RECORD_DURABLE);
    assert_int_equal(flows[2].record.outcome, RECORD_FULL);
    assert_int_equal(flows[3].record.outcome, RECORD_DURABLE);
    assert_int_equal(flows[3].record.index, 1);
    fixture_assert_valid(fixture, 2);
    assert_int_equal(fixture->n_durable, 2);
}

static void the_store_is_let_go_of_when_all_of_a_batch_are_denied(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flow;
    open_without_start(fixture);
    submit(fixture, &flow, RECORD_RELEASE, 0, SL_EMALFORMED);
    start_and_await(fixture, 1);
    assert_int_equal(flow.record.outcome, RECORD_DENIED);
    fixture_close(fixture);
    assert_false(fixture->demands_open);
}

static void a_stale_release_demands_nothing(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flow;
    open_without_start(fixture);
    fixture_draft(fixture, &flow.record, RECORD_RELEASE, 0);
    flow.record.policy_version--;
    flow.record.demand = &flow.demand;
    assert_true(recorder_submit(fixture->recorder, &flow.record));
    start_and_await(fixture, 1);
    assert_int_equal(flow.record.outcome, RECORD_STALE);
    assert_int_equal(fixture->n_kept, 0);
}

static void demands_are_committed_before_a_change_in_the_same_batch(void **state)
{
    struct fixture *fixture = *state;
    static struct flow before, after;
    struct record change;
    open_without_start(fixture);
    submit(fixture, &before, RECORD_RELEASE, 0, SL_OK);
    fixture_draft(fixture, &change, RECORD_CONSENT, 1);
    assert_true(recorder_submit(fixture->recorder, &change));
    submit(fixture, &after, RECORD_RELEASE, 0, SL_OK);
    start_and_await(fixture, 3); /* commit_change() sees that nothing is open */
    assert_int_equal(change.outcome, RECORD_DURABLE);
    assert_int_equal(after.record.outcome, RECORD_DURABLE);
    assert_int_equal(fixture->n_commits, 2);
    fixture_assert_valid(fixture, 3);
}

static void when_demands_cannot_be_committed_nothing_of_the_batch_is_written(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flows[2];
    open_without_start(fixture);
    fixture->flows_err = SL_ESTORE;
    submit(fixture, &flows[0], RECORD_RELEASE, 0, SL_OK);
    submit(fixture, &flows[1], RECORD_RELEASE, 1, SL_OK);
    start_and_await(fixture, 2);
    assert_int_equal(flows[0].record.outcome, RECORD_FAILED);
    assert_int_equal(flows[1].record.outcome, RECORD_FAILED);
    assert_true(recorder_has_failed(fixture->recorder));
    assert_non_null(strstr(recorder_failure(fixture->recorder), "store"));
    fixture_assert_valid(fixture, 0);
}

static void a_demand_that_fails_stops_the_recorder_and_lets_go_of_the_store(void **state)
{
    struct fixture *fixture = *state;
    static struct flow flow;
    open_without_start(fixture);
    submit(fixture, &flow, RECORD_RELEASE, 0, SL_ESTORE);
    start_and_await(fixture, 1);
    assert_int_equal(flow.record.outcome, RECORD_FAILED);
    assert_true(recorder_has_failed(fixture->recorder));
    assert_false(fixture->demands_open);
}

static void a_batch_has_no_more_demands_than_the_store_has_room_for(void **state)
{
    struct fixture *fixture = *state;
    struct flow *flows = calloc(MANY, sizeof *flows);
    assert_non_null(flows);
    fixture->limits.batch_receipts = LIMIT_MAX_batch_receipts;
    open_without_start(fixture);
    for (int i = 0; i < MANY; i++)
        submit(fixture, &flows[i], RECORD_RELEASE, i % 4, SL_OK);
    start_and_await(fixture, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(flows[i].record.outcome, RECORD_DURABLE);
    assert_int_equal(fixture->n_commits, 3); /* 512, 512 and 176 */
    free(flows);
}

#define DEMANDS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEMANDS_TEST(demands_of_a_batch_are_committed_once_before_it_is_written),
        DEMANDS_TEST(flows_without_a_demand_cost_no_commit),
        DEMANDS_TEST(a_flow_that_the_store_denies_leaves_no_receipt_and_uses_no_number),
        DEMANDS_TEST(the_store_is_let_go_of_when_all_of_a_batch_are_denied),
        DEMANDS_TEST(a_stale_release_demands_nothing),
        DEMANDS_TEST(demands_are_committed_before_a_change_in_the_same_batch),
        DEMANDS_TEST(when_demands_cannot_be_committed_nothing_of_the_batch_is_written),
        DEMANDS_TEST(a_demand_that_fails_stops_the_recorder_and_lets_go_of_the_store),
        DEMANDS_TEST(a_batch_has_no_more_demands_than_the_store_has_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
