/*
 * calls.h - what an operator's tool may ask of an open node, as JSON in and JSON out
 *
 * Shape   one function for each call, found by its name. The daemon answers calls from its control
 *         socket; `sluis` answers its own when no daemon runs and it holds the node itself: so
 *         both ways give the same answer
 * Threads one at a time; flows may run meanwhile
 * Errors  an answer always says in "outcome" how the call ended; NULL only without memory
 * Spec    docs/formats/control.md
 */
#ifndef SLUIS_DAEMON_CALLS_H
#define SLUIS_DAEMON_CALLS_H

#include "flow/node.h"

#include <jansson.h>

/* {"call": NAME, ..} -> {"outcome": .., ..}, to be released by the caller. */
json_t *calls_answer(struct node *node, const json_t *request);
/* The answer to what is no call at all: {"outcome": "misused", "text": ..}. */
json_t *calls_misused(const char *text);

#endif
