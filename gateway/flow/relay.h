/*
 * relay.h - the two middle stages: ask the app, and reduce what it answers while it comes in
 */
#ifndef SLUIS_FLOW_RELAY_H
#define SLUIS_FLOW_RELAY_H

#include "flow/flow.h"

/* Whether a Content-Type is of the media type that a route declares. */
bool flow_media_type_matches(struct slice value, struct slice expected);
/* DECIDED: what the filter is to do, by the decision. */
void flow_plan_reduction(struct flow *flow);
/* DECIDED: sends the app's own request; ends in flow_record_release() or flow_refuse(). */
void flow_relay(struct flow *flow);

/* What the filter is to do for the flow's subject, by the plan. */
void flow_plan_reduction(struct flow *flow);
/* Why an answer that the filter refused is refused. */
enum reason flow_reason_of_fault(enum filter_fault fault);

#endif
