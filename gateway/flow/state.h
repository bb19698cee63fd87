/*
 * state.h - how a flow travels: the states, and the one table of legal moves
 *
 *   RECEIVED -> IDENTIFIED -> DECIDED -> FORWARDED -> TRANSFORMED -> RECORDED -> RELEASED
 *       \______________\__________\___________\_____________\____________\______> REFUSED
 *
 * Only RECORDED leads to RELEASED; a test reads that off the table. A refusal has its receipt
 * too, but nothing depends on it: when the ledger can't be written, the flow is REFUSED all the
 * same, without one.
 */
#ifndef SLUIS_FLOW_STATE_H
#define SLUIS_FLOW_STATE_H

#include <stdbool.h>

enum flow_state {
    FLOW_RECEIVED,    /* a known partner, on a known route */
    FLOW_IDENTIFIED,  /* who, whose, what, why */
    FLOW_DECIDED,     /* the policy grants something: there is a plan */
    FLOW_FORWARDED,   /* the app answers */
    FLOW_TRANSFORMED, /* the answer is reduced to the plan */
    FLOW_RECORDED,    /* the receipt is durable, under a signed checkpoint */
    FLOW_RELEASED,
    FLOW_REFUSED,
};
enum { N_FLOW_STATES = FLOW_REFUSED + 1 };

const char *flow_state_name(enum flow_state state);
bool flow_state_may_move(enum flow_state from, enum flow_state to);
/* The one way to move. An illegal move is our own bug and stops the process. */
void flow_state_move(enum flow_state *state, enum flow_state to);

#endif
