/*
 * recorded.h - the flow's receipt: drafted, handed to the recorder, and taken back
 */
#ifndef SLUIS_FLOW_RECORDED_H
#define SLUIS_FLOW_RECORDED_H

#include "flow/flow.h"

/* Of a node whose witnesses have not seen its newest receipts for too long? */
bool flow_is_unwitnessed(const struct flow *flow);
/* TRANSFORMED: asks the recorder for the receipt of a release. */
void flow_record_release(struct flow *flow);
/* Any state on the way: refuses, and asks the recorder for the receipt of that. */
void flow_refuse(struct flow *flow, enum reason reason);
/*
 * TRANSFORMED: the draft of a release that others record (people.h), pinning `body`. SL_ELIMIT: it
 * does not fit.
 */
SL_NODISCARD enum sl_err flow_draft_release(struct flow *flow, struct slice body);
/* Ends without a receipt, which can't be written. */
void flow_unrecorded(struct flow *flow);
/* From the engine's mailbox: the receipt is durable, or can't be. */
void flow_recorded(struct flow *flow);

#endif
