/*
 * witness_status.h - how it stands with the witnesses, for `sluis status`
 *
 * Spec    docs/formats/control.md
 */
#ifndef SLUIS_DAEMON_WITNESS_STATUS_H
#define SLUIS_DAEMON_WITNESS_STATUS_H

#include "flow/witnessed.h"

#include <jansson.h>

/* NULL without memory. */
json_t *witness_status(struct witnessed *witnessed);

#endif
