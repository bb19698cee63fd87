/* The tables of legal moves, read as promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/state.h"

/* The way each kind of flow takes. */
static const enum flow_state pull_way[] = {FLOW_RECEIVED,    FLOW_IDENTIFIED,  FLOW_DECIDED,
                                           FLOW_FORWARDED,   FLOW_TRANSFORMED, FLOW_RECORDED,
                                           FLOW_RELEASED};
static const enum flow_state push_way[] = {FLOW_RECEIVED,    FLOW_IDENTIFIED, FLOW_DECIDED,
                                           FLOW_TRANSFORMED, FLOW_RECORDED,   FLOW_FORWARDED,
                                           FLOW_SETTLED};
enum { WAY = sizeof pull_way / sizeof *pull_way };
static const enum flow_state *const ways[] = {[ROUTE_PULL] = pull_way, [ROUTE_PUSH] = push_way};

static bool may_move(enum route_kind kind, int from, int to)
{
    return flow_state_may_move(kind, (enum flow_state)from, (enum flow_state)to);
}

static void only_recorded_leads_to_released(void **state)
{
    (void)state;
    for (int from = 0; from < N_FLOW_STATES; from++) {
        assert_int_equal(may_move(ROUTE_PULL, from, FLOW_RELEASED), from == FLOW_RECORDED);
        assert_false(may_move(ROUTE_PUSH, from, FLOW_RELEASED));
    }
}

static void of_a_push_only_recorded_leads_to_forwarded(void **state)
{
    (void)state;
    for (int from = 0; from < N_FLOW_STATES; from++)
        assert_int_equal(may_move(ROUTE_PUSH, from, FLOW_FORWARDED), from == FLOW_RECORDED);
}

static void only_transformed_leads_to_recorded(void **state)
{
    (void)state;
    for (int from = 0; from < N_FLOW_STATES; from++) {
        assert_int_equal(may_move(ROUTE_PULL, from, FLOW_RECORDED), from == FLOW_TRANSFORMED);
        assert_int_equal(may_move(ROUTE_PUSH, from, FLOW_RECORDED), from == FLOW_TRANSFORMED);
    }
}

static void every_state_on_the_way_can_be_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY - 1; i++)
        assert_true(may_move(ROUTE_PULL, (int)pull_way[i], FLOW_REFUSED));
}

static void a_push_can_be_refused_until_it_is_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAY; i++) {
        enum flow_state at = push_way[i];
        bool is_recorded = at == FLOW_RECORDED || at == FLOW_FORWARDED || at == FLOW_SETTLED;
        assert_int_equal(may_move(ROUTE_PUSH, (int)at, FLOW_REFUSED), !is_recorded);
    }
}

static void nothing_leaves_the_ends(void **state)
{
    (void)state;
    static const enum flow_state ends[] = {FLOW_RELEASED, FLOW_SETTLED, FLOW_REFUSED};
    for (int kind = ROUTE_PULL; kind <= ROUTE_PUSH; kind++)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            for (int to = 0; to < N_FLOW_STATES; to++)
                assert_false(may_move((enum route_kind)kind, (int)ends[i], to));
}

static void no_stage_is_skipped_or_repeated(void **state)
{
    (void)state;
    for (int kind = ROUTE_PULL; kind <= ROUTE_PUSH; kind++)
        for (size_t from = 0; from < WAY; from++)
            for (size_t to = 0; to < WAY; to++)
                assert_int_equal(
                    may_move((enum route_kind)kind, (int)ways[kind][from], (int)ways[kind][to]),
                    to == from + 1);
}

static void a_legal_move_changes_the_state(void **state)
{
    (void)state;
    enum flow_state at = FLOW_RECEIVED;
    flow_state_move(ROUTE_PULL, &at, FLOW_IDENTIFIED);
    assert_int_equal(at, FLOW_IDENTIFIED);
    assert_string_equal(flow_state_name(at), "identified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_recorded_leads_to_released),
        cmocka_unit_test(of_a_push_only_recorded_leads_to_forwarded),
        cmocka_unit_test(only_transformed_leads_to_recorded),
        cmocka_unit_test(every_state_on_the_way_can_be_refused),
        cmocka_unit_test(a_push_can_be_refused_until_it_is_recorded),
        cmocka_unit_test(nothing_leaves_the_ends),
        cmocka_unit_test(no_stage_is_skipped_or_repeated),
        cmocka_unit_test(a_legal_move_changes_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
