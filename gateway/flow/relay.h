/*
 * relay.h - the two middle stages: ask the app, and reduce what it answers while it comes in
 */
#ifndef SLUIS_FLOW_RELAY_H
#define SLUIS_FLOW_RELAY_H

#include "flow/flow.h"

/* DECIDED: sends the app's own request; ends in flow_record_release() or flow_refuse(). */
void flow_relay(struct flow *flow);

#endif
