/*
 * push_again.h - a push that was sent before: Idempotency-Key
 *
 * Shape   an app that got no answer sends the same again, under the same key, and gets the answer
 *         that it missed: nothing is released or delivered twice. A key counts for a day, for one
 *         person and one app. A push that was refused left nothing behind, so it is judged anew.
 * Spec    draft-ietf-httpapi-idempotency-key-header: 409 while the first is under way, 422 when
 *         the same key comes with something else
 */
#ifndef SLUIS_FLOW_PUSH_AGAIN_H
#define SLUIS_FLOW_PUSH_AGAIN_H

#include "flow/flow.h"

/* IDENTIFIED. False: it was answered, and is not to go on. */
bool push_is_new(struct flow *flow);
/* The recorder met another one under the same key, that was a moment quicker. */
void push_was_double(struct flow *flow);

#endif
