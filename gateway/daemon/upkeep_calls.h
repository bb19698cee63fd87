/*
 * upkeep_calls.h - the calls that take something away for good, and how far that is
 *
 * Spec    docs/formats/control.md
 */
#ifndef SLUIS_DAEMON_UPKEEP_CALLS_H
#define SLUIS_DAEMON_UPKEEP_CALLS_H

#include "flow/node.h"

#include <jansson.h>

json_t *upkeep_erase_call(struct node *node, const json_t *request);
json_t *upkeep_retention_call(struct node *node, const json_t *request);
/* {"clean": .., "state": ..}, a member of the status. */
json_t *upkeep_json(struct upkeep *upkeep);

#endif
