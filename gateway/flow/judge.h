/*
 * judge.h - the decision on a flow, at two moments: before the app is asked, and when the receipt
 * is written
 *
 * An app may take seconds to answer. What was allowed when the partner asked may not be when the
 * answer would leave: a window closed, a consent ended, an account changed. So the plan is made at
 * the first moment and must still be the same at the second, whose time stands in the receipt.
 */
#ifndef SLUIS_FLOW_JUDGE_H
#define SLUIS_FLOW_JUDGE_H

#include "flow/flow.h"

/* IDENTIFIED: decides as of flow->time_ms, and writes what the decision rests on into the flow. */
SL_NODISCARD enum sl_err judge_flow(struct flow *flow);
/*
 * FORWARDED, on a route whose answers tell of a situation: decides as of now, knowing that too, and
 * makes the plan. `situations`: as situation_field_read() has it. False: *reason says why not.
 */
bool judge_flow_answered(struct flow *flow, uint8_t situations, enum reason *reason);
/*
 * TRANSFORMED: decides again, as of now. True when the plan is the same; the flow then rests on
 * what holds now. False: *reason says why the answer must not leave.
 */
bool judge_flow_again(struct flow *flow, enum reason *reason);

#endif
