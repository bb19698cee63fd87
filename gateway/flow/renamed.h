/*
 * renamed.h - a partner asks what it calls somebody now: GET /sluis/v1/pseudonyms/<pseudonym>
 *
 * This is no flow: a name of the partner's own becomes another one. Nobody is looked up, so it
 * tells nothing of whether there is such a person, and no receipt is written.
 */
#ifndef SLUIS_FLOW_RENAMED_H
#define SLUIS_FLOW_RENAMED_H

#include "flow/flow.h"

/* A handler of api.h. */
void flow_rename(struct flow *flow);

#endif
