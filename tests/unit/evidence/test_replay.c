/*
 * test_replay.c - time zones that two machines see differently, erased people, and nobody's
 * receipts
 *
 * What a running gateway can show is tested with one, in tests/flow/test_replay.py.
 */
#include "history.h"

#include "evidence/replay.h"

#include <stdio.h>

enum { FOUND_MAX = 128 };

struct found {
    size_t n;
    struct {
        enum replay_fault fault;
        bool has_receipt;
        uint64_t receipt;
        char expected[200], found[200];
    } list[FOUND_MAX];
};

static void take(void *context, const struct replay_difference *difference)
{
    struct found *found = context;
    assert_true(found->n < FOUND_MAX);
    found->list[found->n].fault = difference->fault;
    found->list[found->n].has_receipt = difference->has_receipt;
    found->list[found->n].receipt = difference->receipt;
    snprintf(found->list[found->n].expected, 200, "%.*s", SLICE_PRINTF(difference->expected));
    snprintf(found->list[found->n].found, 200, "%.*s", SLICE_PRINTF(difference->found));
    found->n++;
}

/* Receipts [first, end) of the history, as if they were the ledger from `index` on. */
static void replay_some(const struct history *history, uint64_t index, size_t first, size_t end,
                        struct found *found, struct replay_counts *counts)
{
    SL_AUTO(archive) archive = NULL;
    SL_AUTO(replay) replay = NULL;
    struct archive_problem problem;
    found->n = 0;
    assert_int_equal(archive_load(text_slice(&history->file), &problem, &archive), SL_OK);
    assert_int_equal(replay_new(archive, take, found, &replay), SL_OK);
    for (size_t i = first; i < end; i++)
        assert_int_equal(replay_receipt(replay, index++, history_leaf(history, i)), SL_OK);
    replay_end(replay, counts);
}

static void replay_it(const struct history *history, struct found *found,
                      struct replay_counts *counts)
{
    replay_some(history, 0, 0, history->n_leaves, found, counts);
}

#define CONSENT                                                                                    \
    "consents:\n  - {id: c1, app: waze, partner: spotify, purpose: recommendation, "               \
    "in_return: x, data: {location: {}}, when: {hours: \"06:00-20:00\"}}\n"
#define AMSTERDAM "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\n" CONSENT

static const struct leaf_class kept = {SLICE_LITERAL("location"), {.kept = true}};
static const struct leaf_class dropped = {SLICE_LITERAL("location"), {.kept = false}};

static int64_t at(const char *text)
{
    int64_t time_ms = 0;
    assert_true(timestamp_parse(slice_of_str(text), &time_ms));
    return time_ms;
}

/* The gateway believed that Amsterdam has UTC, winter and summer. */
static void other_rules_for_a_zone_are_a_difference_only_where_they_matter(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    history_begin(&history);
    history_policy(&history, AMSTERDAM, zone_utc(), (struct leaf_policy){.granted = 1});
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    struct leaf_flow evening = history_flow(at("2026-12-01T19:30:00Z"), &kept, 1);
    struct leaf_flow night = history_flow(at("2026-12-01T05:30:00Z"), &dropped, 1);
    night.released = false;
    night.reason = slice_of_str("outside_hours");
    night.benefit = slice_of(NULL, 0);
    history_record(&history, &noon, "c1");
    history_record(&history, &evening, "c1");
    history_record(&history, &night, NULL);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(counts.n_zone_other, 1);
    assert_int_equal(counts.n_repeated, 3);
    assert_int_equal(found.n, 2);
    assert_int_equal(found.list[0].fault, REPLAY_ZONE);
    assert_int_equal(found.list[0].receipt, 2);
    assert_non_null(strstr(found.list[0].expected, "refuse, because: outside_hours"));
    assert_non_null(strstr(found.list[0].found, "release, because: consented"));
    assert_int_equal(found.list[1].receipt, 3);
    assert_non_null(strstr(found.list[1].expected, "release"));
    history_free(&history);
}

static void rules_that_are_the_same_are_not_mentioned(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    struct leaf_flow evening = history_flow(at("2026-12-01T18:59:59.999Z"), &kept, 1);
    history_record(&history, &evening, "c1");
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_zone_other + counts.n_zone_unknown, 0);
    history_free(&history);
}

/* A gateway of an older version compiled it; one of today can't read it, and grants nothing. */
static void policies_of_another_layout_are_decided_on_as_either_gateway_did(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    uint8_t blob[64] = "sluispol\1";
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    struct leaf_flow unread = history_flow(at("2026-12-01T12:00:00Z"), &dropped, 1);
    unread.released = false;
    unread.reason = slice_of_str("no_consent");
    unread.benefit = slice_of(NULL, 0);
    struct leaf_flow lie = history_flow(at("2026-12-01T22:00:00Z"), &kept, 1);
    history_begin(&history);
    history_pin(&history, AMSTERDAM, slice_of(blob, sizeof blob),
                (struct leaf_policy){.granted = 1});
    history_record(&history, &noon, "c1");
    history_record(&history, &unread, NULL);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_outdated, 1);
    assert_int_equal(counts.n_repeated, 2);
    history_record(&history, &lie, "c1");
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].fault, REPLAY_EFFECT);
    assert_int_equal(found.list[0].receipt, 3);
    history_free(&history);
}

#define DRIVER                                                                                     \
    "sluis: 1\nsubject: lotte\nconsents:\n"                                                        \
    "  - {id: c1, app: waze, partner: spotify, purpose: recommendation, "                          \
    "in_return: x, data: {location: {}}, situation: [driving]}\n"

static void the_situations_of_a_receipt_are_facts_of_its_decision(void **state)
{
    (void)state;
    static const struct slice told[] = {SLICE_LITERAL("driving"), SLICE_LITERAL("running")};
    struct history history;
    struct found found;
    struct replay_counts counts;
    struct leaf_flow driving = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    struct leaf_flow unknown = history_flow(at("2026-12-01T12:00:00Z"), &dropped, 1);
    driving.situations = told;
    driving.n_situations = 1;
    unknown.released = false;
    unknown.reason = slice_of_str("situation");
    unknown.benefit = slice_of(NULL, 0);
    history_begin(&history);
    history_policy(&history, DRIVER, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    history_record(&history, &driving, "c1");
    history_record(&history, &unknown, NULL);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_repeated, 2);

    /* More than was asked for; a release without what it needs; a refusal although it held. */
    struct leaf_flow chatty = driving, careless = driving, stubborn = unknown;
    chatty.n_situations = 2;
    careless.n_situations = 0;
    stubborn.situations = told;
    stubborn.n_situations = 1;
    history_record(&history, &chatty, "c1");
    history_record(&history, &careless, "c1");
    history_record(&history, &stubborn, NULL);
    replay_it(&history, &found, &counts);
    assert_true(found.n >= 3);
    assert_int_equal(found.list[0].fault, REPLAY_SITUATION);
    assert_int_equal(found.list[0].receipt, 3);
    assert_non_null(strstr(found.list[0].found, "running"));
    assert_int_equal(found.list[1].fault, REPLAY_EFFECT);
    assert_int_equal(found.list[1].receipt, 4);
    assert_int_equal(found.list[2].fault, REPLAY_EFFECT);
    assert_int_equal(found.list[2].receipt, 5);
    history_free(&history);
}

static void counts_that_are_not_what_changed_are_a_difference(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    history_policy(&history, "sluis: 1\nsubject: lotte\n", slice_of(NULL, 0),
                   (struct leaf_policy){.changed = 1});
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].fault, REPLAY_COUNTS);
    assert_non_null(strstr(found.list[0].expected, "0 granted, 0 changed, 1 withdrawn"));
    assert_non_null(strstr(found.list[0].found, "0 granted, 1 changed, 0 withdrawn"));
    history_free(&history);
}

/* Evidence from before the erasure; the key is still in it. */
static void after_an_erasure_no_receipt_may_follow(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    history_record(&history, &noon, "c1");
    history_erase(&history);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_erasures, 1);
    history_record(&history, &noon, "c1");
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].fault, REPLAY_ERASED);
    assert_int_equal(found.list[0].receipt, 3);
    history_free(&history);
}

/* Another key than the history's: all of its receipts are nobody's. */
static void make_strangers(struct history *history, bool is_whole)
{
    struct text file = {0};
    add_head(&file, is_whole);
    add_subject(&file, "max", 99);
    add_end(&file, 1, 0);
    free(history->file.bytes);
    history->file = file;
}

static void receipts_of_nobody_are_forgiven_up_to_the_last_erasure(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    struct leaf_flow refused = history_flow(at("2026-12-01T12:00:00Z"), &dropped, 1);
    refused.released = false;
    refused.reason = slice_of_str("no_consent");
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    history_record(&history, &noon, "c1");
    history_record(&history, &refused, NULL);
    history_erase(&history);
    history_record(&history, &refused, NULL);
    make_strangers(&history, true);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_erased, 1);
    assert_int_equal(counts.n_policies_erased, 1);
    assert_int_equal(counts.n_nobody, 2);
    assert_int_equal(counts.n_erasures, 1);

    history_record(&history, &noon, "c1");
    history_record(&history, &refused, NULL);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].fault, REPLAY_NOBODY);
    assert_int_equal(found.list[0].receipt, 5);
    assert_int_equal(replay_verdict(&counts), REPLAY_DIFFERENT);

    /* Receipts 7 and later are newer than the evidence, whose head says 7. */
    replay_some(&history, 7, 0, 3, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_newer, 2);
    assert_int_equal(counts.n_policies_newer, 1);

    make_strangers(&history, false);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_others, 5);
    assert_int_equal(counts.n_policies_others, 1);
    history_free(&history);
}

/* An honest one: the evidence was written later, when that person was gone. */
static void a_ledger_older_than_its_evidence_accuses_nobody(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    for (size_t i = 1; i < 7; i++)
        history_record(&history, &noon, "c1");
    make_strangers(&history, true); /* of the time of 7 receipts */
    replay_some(&history, 0, 0, 6, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_differences, 0);
    assert_int_equal(counts.n_unplaced, 6);
    assert_int_equal(replay_verdict(&counts), REPLAY_PARTLY);
    replay_some(&history, 0, 0, 7, &found, &counts);
    assert_int_equal(found.n, 7);
    assert_int_equal(counts.n_unplaced, 0);
    assert_int_equal(replay_verdict(&counts), REPLAY_DIFFERENT);
    history_free(&history);
}

/* The first of them is erased, the second was only left out of the evidence: it looks the same. */
static void what_an_erasure_may_explain_is_never_called_the_same(void **state)
{
    (void)state;
    struct history history;
    struct found found;
    struct replay_counts counts;
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    history_begin(&history);
    history_policy(&history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    for (size_t i = 1; i < 7; i++)
        history_record(&history, &noon, "c1");
    history_erase(&history);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(counts.n_repeated, 6);
    assert_int_equal(replay_verdict(&counts), REPLAY_SAME);
    make_strangers(&history, true);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_erased, 6);
    assert_int_equal(replay_verdict(&counts), REPLAY_PARTLY);
    history_free(&history);
}

static void many_receipts_of_nobody_are_told_and_then_counted(void **state)
{
    (void)state;
    struct history history;
    struct found found = {0};
    struct replay_counts counts;
    struct leaf_flow noon = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    history_begin(&history);
    history_record(&history, &noon, NULL);
    make_strangers(&history, true);
    SL_AUTO(archive) archive = NULL;
    SL_AUTO(replay) replay = NULL;
    struct archive_problem problem;
    assert_int_equal(archive_load(text_slice(&history.file), &problem, &archive), SL_OK);
    assert_int_equal(replay_new(archive, take, &found, &replay), SL_OK);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(replay_receipt(replay, 0, history_leaf(&history, 0)), SL_OK);
    replay_end(replay, &counts);
    assert_int_equal(found.n, 65);
    assert_int_equal(counts.n_differences, 100);
    assert_non_null(strstr(found.list[64].found, "36 more"));
    assert_int_equal(replay_receipt(replay, 0, slice_of_str("{}")), SL_EMALFORMED);
    history_free(&history);
}

/* 0 policy, 1 push, 2 its outcome, 3 push, 4 refused push, 5 pull. */
static void make_pushes(struct history *history)
{
    history_begin(history);
    history_policy(history, AMSTERDAM, slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    struct leaf_flow flow = history_flow(at("2026-12-01T12:00:00Z"), &kept, 1);
    struct leaf_flow night = history_flow(at("2026-12-01T01:00:00Z"), &dropped, 1);
    night.released = false;
    night.reason = slice_of_str("outside_hours");
    night.benefit = slice_of(NULL, 0);
    flow.kind = night.kind = LEAF_PUSH;
    history_record(history, &flow, "c1");
    history_outcome(history, 1, "c1");
    history_record(history, &flow, "c1");
    history_record(history, &night, NULL);
    flow.kind = LEAF_PULL;
    history_record(history, &flow, "c1");
}

static void an_outcome_belongs_to_one_released_push_of_its_person(void **state)
{
    (void)state;
    static const struct {
        uint64_t of;
        const char *consent, *expected;
    } wrong[] = {
        {1, "c1", "one outcome of the push that is receipt 1"},
        {3, NULL, "what the push, receipt 3, rests on"},
        {4, NULL, "a push of this person, released before"},
        {5, "c1", "a push of this person, released before"},
        {6, "c1", "a push of this person, released before"},
        {77, "c1", "a push of this person, released before"},
    };
    struct history history;
    struct found found;
    struct replay_counts counts;
    make_pushes(&history);
    history_end(&history);
    replay_it(&history, &found, &counts);
    assert_int_equal(found.n, 0);
    assert_int_equal(counts.n_repeated, 4);
    assert_int_equal(counts.n_outcomes, 1);
    assert_int_equal(counts.n_open_pushes, 1);
    history_free(&history);
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        make_pushes(&history);
        history_outcome(&history, wrong[i].of, wrong[i].consent);
        history_end(&history);
        replay_it(&history, &found, &counts);
        assert_int_equal(found.n, 1);
        assert_int_equal(found.list[0].fault, REPLAY_OUTCOME);
        assert_int_equal(found.list[0].receipt, 6);
        assert_non_null(strstr(found.list[0].expected, wrong[i].expected));
        history_free(&history);
    }
}

static void each_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= REPLAY_OUTCOME; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(replay_fault_name(i), replay_fault_name(j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_rules_for_a_zone_are_a_difference_only_where_they_matter),
        cmocka_unit_test(rules_that_are_the_same_are_not_mentioned),
        cmocka_unit_test(policies_of_another_layout_are_decided_on_as_either_gateway_did),
        cmocka_unit_test(the_situations_of_a_receipt_are_facts_of_its_decision),
        cmocka_unit_test(counts_that_are_not_what_changed_are_a_difference),
        cmocka_unit_test(after_an_erasure_no_receipt_may_follow),
        cmocka_unit_test(receipts_of_nobody_are_forgiven_up_to_the_last_erasure),
        cmocka_unit_test(a_ledger_older_than_its_evidence_accuses_nobody),
        cmocka_unit_test(what_an_erasure_may_explain_is_never_called_the_same),
        cmocka_unit_test(many_receipts_of_nobody_are_told_and_then_counted),
        cmocka_unit_test(an_outcome_belongs_to_one_released_push_of_its_person),
        cmocka_unit_test(each_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
