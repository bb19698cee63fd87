/* The table of legal moves, read as promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/state.h"

static void only_recorded_leads_to_released(void **state)
{
    (void)state;
    for (int from = 0; from < N_FLOW_STATES; from++)
        assert_int_equal(flow_state_may_move((enum flow_state)from, FLOW_RELEASED),
                         from == FLOW_RECORDED);
}

static void only_transformed_leads_to_recorded(void **state)
{
    (void)state;
    for (int from = 0; from < N_FLOW_STATES; from++)
        assert_int_equal(flow_state_may_move((enum flow_state)from, FLOW_RECORDED),
                         from == FLOW_TRANSFORMED);
}

static void every_state_on_the_way_can_be_refused(void **state)
{
    (void)state;
    for (int from = FLOW_RECEIVED; from <= FLOW_RECORDED; from++)
        assert_true(flow_state_may_move((enum flow_state)from, FLOW_REFUSED));
}

static void nothing_leaves_the_two_ends(void **state)
{
    (void)state;
    for (int to = 0; to < N_FLOW_STATES; to++) {
        assert_false(flow_state_may_move(FLOW_RELEASED, (enum flow_state)to));
        assert_false(flow_state_may_move(FLOW_REFUSED, (enum flow_state)to));
    }
}

static void no_stage_is_skipped_or_repeated(void **state)
{
    (void)state;
    for (int from = FLOW_RECEIVED; from < FLOW_RELEASED; from++)
        for (int to = FLOW_RECEIVED; to <= FLOW_RELEASED; to++)
            assert_int_equal(flow_state_may_move((enum flow_state)from, (enum flow_state)to),
                             to == from + 1);
}

static void a_legal_move_changes_the_state(void **state)
{
    (void)state;
    enum flow_state at = FLOW_RECEIVED;
    flow_state_move(&at, FLOW_IDENTIFIED);
    assert_int_equal(at, FLOW_IDENTIFIED);
    assert_string_equal(flow_state_name(at), "identified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_recorded_leads_to_released),
        cmocka_unit_test(only_transformed_leads_to_recorded),
        cmocka_unit_test(every_state_on_the_way_can_be_refused),
        cmocka_unit_test(nothing_leaves_the_two_ends),
        cmocka_unit_test(no_stage_is_skipped_or_repeated),
        cmocka_unit_test(a_legal_move_changes_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
