/*
 * window.h - weekly windows of local time, and how two of them relate
 *
 * A window that goes over midnight belongs to the day on which it begins: "fri, 22:00-06:00"
 * covers the early Saturday, not the early Friday.
 */
#ifndef SLUIS_POLICY_WINDOW_H
#define SLUIS_POLICY_WINDOW_H

#include "policy/policy.h"

/* `day` is 0 on Monday; `minute` counts from local midnight. */
bool window_covers(struct policy_window window, unsigned day, unsigned minute);
/* The same for a clock on the wall, in seconds of a local 1970-01-01T00:00:00. */
bool window_covers_local(struct policy_window window, int64_t local_s);

enum window_relation { WINDOW_APART, WINDOW_OVERLAPS, WINDOW_INSIDE };
/* How `a` lies to `b`; inside means that b covers every minute of a. NULL is all week. */
enum window_relation window_relate(const struct policy_window *a, const struct policy_window *b);

#endif
