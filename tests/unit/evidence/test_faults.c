/*
 * test_faults.c - each allocation fails once: the outcome is the same, or "no memory" and nothing
 *
 * The linker sends our allocations (not those of jansson and libyaml) through the counter below.
 */
#include "made.h"

#include "evidence/replay.h"

static size_t n_allocations;
static size_t failing = SIZE_MAX; /* the number of the allocation that fails */

void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t n, size_t n_bytes);
void *__real_realloc(void *block, size_t n_bytes);
void *__real_reallocarray(void *block, size_t n, size_t n_bytes);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t n, size_t n_bytes);
void *__wrap_realloc(void *block, size_t n_bytes);
void *__wrap_reallocarray(void *block, size_t n, size_t n_bytes);

static bool fails(void)
{
    return n_allocations++ == failing;
}

void *__wrap_malloc(size_t n_bytes)
{
    return fails() ? NULL : __real_malloc(n_bytes);
}

void *__wrap_calloc(size_t n, size_t n_bytes)
{
    return fails() ? NULL : __real_calloc(n, n_bytes);
}

void *__wrap_realloc(void *block, size_t n_bytes)
{
    return fails() ? NULL : __real_realloc(block, n_bytes);
}

void *__wrap_reallocarray(void *block, size_t n, size_t n_bytes)
{
    return fails() ? NULL : __real_reallocarray(block, n, n_bytes);
}

#define POLICY(precision)                                                                          \
    "sluis: 1\nsubject: lotte\nconsents:\n  - {id: c1, app: waze, partner: spotify, "              \
    "purpose: recommendation, in_return: x, data: {location: {precision: " precision "}}}\n"

static enum sl_err replay_all(const struct history *history, struct replay_counts *counts)
{
    SL_AUTO(archive) archive = NULL;
    SL_AUTO(replay) replay = NULL;
    struct archive_problem problem;
    SL_TRY(archive_load(text_slice(&history->file), &problem, &archive));
    enum sl_err err = replay_new(archive, NULL, NULL, &replay);
    for (uint64_t i = 0; i < history->n_leaves && err == SL_OK; i++)
        err = replay_receipt(replay, i, history_leaf(history, i));
    if (err == SL_OK)
        replay_end(replay, counts);
    replay_free(replay);
    replay = NULL;
    return err;
}

static void a_failed_allocation_changes_no_verdict(void **state)
{
    (void)state;
    struct history history;
    struct replay_counts counts = {0};
    struct leaf_class class = {slice_of_str("location"), {.kept = true, .coarseness = {{10000}}}};
    struct leaf_flow flow = history_flow(5000, &class, 1);
    history_begin(&history);
    history_policy(&history, POLICY("5km"), slice_of(NULL, 0), (struct leaf_policy){.granted = 1});
    history_policy(&history, POLICY("10km"), slice_of(NULL, 0), (struct leaf_policy){.changed = 1});
    history_record(&history, &flow, "c1");
    history_end(&history);
    n_allocations = 0;
    assert_int_equal(replay_all(&history, &counts), SL_OK);
    assert_int_equal(counts.n_differences, 0);
    assert_int_equal(counts.n_repeated, 1);
    assert_int_equal(counts.n_policies, 2);
    const size_t n_needed = n_allocations;
    size_t n_failed = 0;
    for (size_t i = 0; i < n_needed; i++) {
        n_allocations = 0;
        failing = i;
        enum sl_err err = replay_all(&history, &counts);
        failing = SIZE_MAX;
        if (err == SL_OK)
            assert_int_equal(counts.n_differences, 0);
        else
            assert_int_equal(err, SL_EINTERNAL);
        n_failed += err != SL_OK;
    }
    assert_true(n_failed > 20);
    history_free(&history);
}

/* Once with each allocation failing; how often it was said that it could not be checked. */
static size_t check_with_failures(const struct made *made, const json_t *value,
                                  enum sluis_verify_result expected)
{
    struct export_report report;
    n_allocations = 0;
    assert_int_equal(made_check(made, value, &report), expected);
    export_report_free(&report);
    const size_t n_needed = n_allocations;
    size_t n_failed = 0;
    for (size_t i = 0; i < n_needed; i++) {
        n_allocations = 0;
        failing = i;
        enum sluis_verify_result result = made_check(made, value, &report);
        failing = SIZE_MAX;
        if (result != expected)
            assert_int_equal(result, SLUIS_VERIFY_UNCHECKED);
        if (result != SLUIS_VERIFY_VALID)
            assert_true(report.problem[0]);
        n_failed += result != expected;
        export_report_free(&report);
    }
    return n_failed;
}

static void a_failed_allocation_makes_no_export_valid_or_invalid(void **state)
{
    (void)state;
    struct made made;
    memset(&made, 0, sizeof made);
    history_begin(&made.history);
    history_policy(&made.history, POLICY("5km"), slice_of(NULL, 0), (struct leaf_policy){0});
    history_policy(&made.history, POLICY("2km"), slice_of(NULL, 0), (struct leaf_policy){0});
    history_erase(&made.history);
    made_end(&made, 100000);
    made.record.life = &made.lives.list[0];
    json_t *record = record_dpv(&made.record);
    assert_true(check_with_failures(&made, record, SLUIS_VERIFY_VALID) > 20);
    json_t *other = json_deep_copy(record);
    json_object_set_new(other, "dct:language", json_string("nl"));
    assert_true(check_with_failures(&made, other, SLUIS_VERIFY_INVALID) > 20);
    assert_true(check_with_failures(&made, made.evidence[0], SLUIS_VERIFY_VALID) > 0);
    json_decref(other);
    json_decref(record);
    made_free(&made);
}

static void a_failed_allocation_traces_no_other_consents(void **state)
{
    (void)state;
    struct made made;
    struct consent_lives lives;
    memset(&made, 0, sizeof made);
    history_begin(&made.history);
    history_policy(&made.history, POLICY("5km"), slice_of(NULL, 0), (struct leaf_policy){0});
    history_policy(&made.history, POLICY("2km"), slice_of(NULL, 0), (struct leaf_policy){0});
    made_end(&made, 100000);
    size_t n_failed = 0;
    enum sl_err err;
    do {
        n_allocations = 0;
        failing = n_failed;
        err = consents_trace(made.versions, 2, 100000, &lives);
        failing = SIZE_MAX;
        n_failed += err != SL_OK;
    } while (err == SL_EINTERNAL);
    assert_int_equal(err, SL_OK);
    assert_int_equal(n_failed, 3); /* a list of lives, and each of two events */
    assert_int_equal(lives.n, 1);
    assert_int_equal(lives.list[0].n_events, 2);
    consent_lives_free(&lives);
    made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_changes_no_verdict),
        cmocka_unit_test(a_failed_allocation_makes_no_export_valid_or_invalid),
        cmocka_unit_test(a_failed_allocation_traces_no_other_consents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
