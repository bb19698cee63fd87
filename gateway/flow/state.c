/*
 * state.c - the tables
 */
#include "flow/state.h"

#include "base/err.h"

enum { TO = 1 };

/* legal[kind][from][to] */
static const bool legal[][N_FLOW_STATES][N_FLOW_STATES] = {
    [ROUTE_PULL] =
        {
            [FLOW_RECEIVED] = {[FLOW_IDENTIFIED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_IDENTIFIED] = {[FLOW_DECIDED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_DECIDED] = {[FLOW_FORWARDED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_FORWARDED] = {[FLOW_TRANSFORMED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_TRANSFORMED] = {[FLOW_RECORDED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_RECORDED] = {[FLOW_RELEASED] = TO, [FLOW_REFUSED] = TO},
        },
    [ROUTE_PUSH] =
        {
            [FLOW_RECEIVED] = {[FLOW_IDENTIFIED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_IDENTIFIED] = {[FLOW_DECIDED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_DECIDED] = {[FLOW_TRANSFORMED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_TRANSFORMED] = {[FLOW_RECORDED] = TO, [FLOW_REFUSED] = TO},
            [FLOW_RECORDED] = {[FLOW_FORWARDED] = TO},
            [FLOW_FORWARDED] = {[FLOW_SETTLED] = TO},
        },
};

const char *flow_state_name(enum flow_state state)
{
    static const char *const names[N_FLOW_STATES] = {
        [FLOW_RECEIVED] = "received",       [FLOW_IDENTIFIED] = "identified",
        [FLOW_DECIDED] = "decided",         [FLOW_FORWARDED] = "forwarded",
        [FLOW_TRANSFORMED] = "transformed", [FLOW_RECORDED] = "recorded",
        [FLOW_RELEASED] = "released",       [FLOW_SETTLED] = "settled",
        [FLOW_REFUSED] = "refused",
    };
    return names[state];
}

bool flow_state_may_move(enum route_kind kind, enum flow_state from, enum flow_state to)
{
    return legal[kind][from][to];
}

void flow_state_move(enum route_kind kind, enum flow_state *state, enum flow_state to)
{
    SL_ASSERT(flow_state_may_move(kind, *state, to));
    *state = to;
}
