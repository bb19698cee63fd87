/*
 * push.h - what an app sends about a person, to a partner
 *
 * Shape   the app names the person as it does itself; the partner gets the body, reduced, under its
 *         own pseudonym. The receipt is durable before the first byte goes to the partner. How that
 *         ended is a second receipt; only then the app is answered.
 */
#ifndef SLUIS_FLOW_PUSH_H
#define SLUIS_FLOW_PUSH_H

#include "flow/flow.h"

/* Whose, by the app's own name; and what the partner calls them. SL_ESTORE, SL_EINTERNAL. */
SL_NODISCARD enum sl_err push_identify(struct flow *flow);
/* DECIDED: reduces the body; ends in flow_record_release() or flow_refuse(). */
void flow_push(struct flow *flow);
/* RECORDED: to the partner with it. */
void push_forward(struct flow *flow);
/* For the store: what a start after a crash has to know. The rest of it is set. */
struct store_push *push_note(struct flow *flow);
/* push.outcome and push.index hold; `has_outcome`: it is recorded, at this place. */
void push_answer(struct flow *flow, bool has_outcome, uint64_t outcome_index);
/* From the engine's mailbox: the outcome's receipt is durable, or can't be. */
void push_settled(struct flow *flow);

#endif
