/*
 * situation_body.h - what an app says of the moment: {"situation": ["driving"], "expires_in": 900}
 *
 * Pure: no clock. A lifetime is a number of seconds from now, so that nobody's clocks have to
 * agree.
 */
#ifndef SLUIS_FLOW_SITUATION_BODY_H
#define SLUIS_FLOW_SITUATION_BODY_H

#include "flow/situations.h"

struct json_t;

/* Its members, ended by NULL. */
extern const char *const situation_body_members[];

enum { SITUATION_DETAIL_BYTES = 256 };

/*
 * `object` has no other members than those. False: `detail` says what was found and expected, for
 * the caller; *out is then untouched.
 */
bool situation_body_read(const struct json_t *object, const struct config *config,
                         struct situations_told *out, char detail[SITUATION_DETAIL_BYTES]);

#endif
