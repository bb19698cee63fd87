/*
 * people.h - a flow whose answer is about many people: each record is its own subject's
 *
 * Shape   the app's answer is kept whole, and taken apart when it is there. Each record then is a
 *         flow of its own: looked up by the app's user name, judged by its subject's policy,
 *         reduced by its plan. Those that may leave are put in the order of the partner's
 *         pseudonyms and recorded as one group: all of them, or the answer is made anew without
 *         whoever said no meanwhile.
 * Hides   who is left out leaves no trace: no receipt, no gap, no place in an order, no error
 * Owns    flow->people, from people_begin() to flow_reset(); all of it is wiped
 *
 *   FORWARDED    people_take() for each piece of the answer, then people_finish()
 *   TRANSFORMED  the group is at the recorder, which ends in people_recorded()
 */
#ifndef SLUIS_FLOW_PEOPLE_H
#define SLUIS_FLOW_PEOPLE_H

#include "flow/flow.h"

/* On a route with records, before the app is asked; flow->filter is there. False: no memory. */
bool people_begin(struct flow *flow);
/* False: see filter_fault() of flow->filter. */
bool people_take(struct flow *flow, struct slice piece);
/* The answer is complete. Ends at the recorder, in a refusal, or in an answer about nobody. */
void people_finish(struct flow *flow);
/* The group came back. */
void people_recorded(struct flow *flow);
void people_free(struct people *people);

#endif
