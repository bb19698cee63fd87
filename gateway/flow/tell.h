/*
 * tell.h - an app tells the gateway in which situation a user of its own is; rows of api.c
 *
 *   PUT, GET, DELETE /sluis/v1/subjects/{user}/situation
 *
 * {user} is the app's own name of the person. The store is never asked whether there is such a
 * person: one whom the gateway knows and one whom it does not are the same here, by construction.
 */
#ifndef SLUIS_FLOW_TELL_H
#define SLUIS_FLOW_TELL_H

#include "flow/flow.h"

void flow_put_situation(struct flow *flow);
void flow_get_situation(struct flow *flow);
void flow_delete_situation(struct flow *flow);

#endif
