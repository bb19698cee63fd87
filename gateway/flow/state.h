/*
 * state.h - how a flow travels: the states, and the two tables of legal moves
 *
 *   pull   RECEIVED -> IDENTIFIED -> DECIDED -> FORWARDED -> TRANSFORMED -> RECORDED -> RELEASED
 *   push   RECEIVED -> IDENTIFIED -> DECIDED -> TRANSFORMED -> RECORDED -> FORWARDED -> SETTLED
 *
 * From each before RELEASED and FORWARDED a flow can be REFUSED; a pull from FORWARDED, too: it is
 * the app that it was forwarded to. Only RECORDED leads to RELEASED, and of a push to FORWARDED; a
 * test reads that off the tables. A refusal has its receipt too, but nothing depends on it: when
 * the ledger can't be written, the flow is REFUSED all the same, without one.
 */
#ifndef SLUIS_FLOW_STATE_H
#define SLUIS_FLOW_STATE_H

#include "config/config.h"

#include <stdbool.h>

enum flow_state {
    FLOW_RECEIVED,    /* a known partner or app, on a known route */
    FLOW_IDENTIFIED,  /* who, whose, what, why */
    FLOW_DECIDED,     /* the policy grants something: there is a plan */
    FLOW_FORWARDED,   /* pull: the app answers; push: the partner gets it */
    FLOW_TRANSFORMED, /* the app's answer, or what it sent, is reduced to the plan */
    FLOW_RECORDED,    /* the receipt is durable, under a signed checkpoint */
    FLOW_RELEASED,    /* pull */
    FLOW_SETTLED,     /* push: its delivery has ended, and that is recorded, or can't be */
    FLOW_REFUSED,
};
enum { N_FLOW_STATES = FLOW_REFUSED + 1 };

const char *flow_state_name(enum flow_state state);
bool flow_state_may_move(enum route_kind kind, enum flow_state from, enum flow_state to);
void flow_state_move(enum route_kind kind, enum flow_state *state, enum flow_state to);

#endif
