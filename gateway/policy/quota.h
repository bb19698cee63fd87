/*
 * quota.h - `at_most` of a consent: how many flows, in which window of the person's calendar
 *
 * Shape   pure functions of a compiled policy and a time. An hour, day, week (from Monday) or month
 *         is what the clock and the calendar on the person's wall show: all instants in a row at
 *         which they show the same one. So an hour that is shown twice is one window of two hours,
 *         one that the clocks leave out is none, and a day has 23, 24 or 25 hours.
 * Units   seconds since 1970, UTC
 * Spec    docs/formats/policy.md, "At most"
 */
#ifndef SLUIS_POLICY_QUOTA_H
#define SLUIS_POLICY_QUOTA_H

#include "base/slice.h"

/* The numbers stand in keys of the store. */
enum quota_period { QUOTA_HOUR, QUOTA_DAY, QUOTA_WEEK, QUOTA_MONTH };
enum { N_QUOTA_PERIODS = QUOTA_MONTH + 1 };
/* "hour", "day", .. */
const char *quota_period_name(enum quota_period period);
/* As it stands in a compiled policy: 3600, 86400, 604800, and 2592000 for a month. */
uint32_t quota_period_code(enum quota_period period);
bool quota_period_of_code(uint32_t code, enum quota_period *period);
/* "24 per day", from 1 to `max`. */
bool quota_parse(struct slice text, uint32_t max, uint32_t *at_most, enum quota_period *period);

struct quota_window {
    int64_t start_s, end_s; /* the end is not in it */
};
/* The window of the zone's calendar (zone.h) that `time_ms` lies in. */
struct quota_window quota_window_at(struct slice zone, enum quota_period period, int64_t time_ms);

struct quota {
    struct slice consent; /* its id; points into the blob */
    uint32_t at_most;
    enum quota_period period;
    struct quota_window window;
};
/* That of consent `index` at `time_ms`; false: it has none. */
bool quota_of_consent(struct slice blob, size_t index, int64_t time_ms, struct quota *out);

#endif
