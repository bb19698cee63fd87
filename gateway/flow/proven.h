/*
 * proven.h - a partner, or an app, asks for a receipt of its own: GET /sluis/v1/receipts/<index>
 *
 * This is no flow: no person's data moves, and no receipt is written.
 */
#ifndef SLUIS_FLOW_PROVEN_H
#define SLUIS_FLOW_PROVEN_H

#include "flow/flow.h"

/* A handler of api.h. The answer may come at once, or by flow_proven(). */
void flow_prove_receipt(struct flow *flow);
/* The request came back from the prover. */
void flow_proven(struct prover_request *request);

#endif
