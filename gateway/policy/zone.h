/*
 * zone.h - the rules of one time zone as bytes, and the local clock read off them
 *
 * Shape   position-independent bytes, read in place; a compiled policy carries its zone with it,
 *         so that deciding needs no file and gives the same answer on every machine
 * Units   seconds since 1970-01-01T00:00:00Z; offsets are seconds east of UTC; little-endian
 * Spec    docs/formats/policy.md, "Zone"; the rule is that of RFC 9636 section 3.3.1
 *
 *      0  u16  n_transitions
 *      2  u8   1 when a yearly rule follows the last transition, 0 when its offset stays
 *      3  u8   0
 *      4  i32  offset before the first transition
 *      8  i32  the rule's standard offset        12  i32  its daylight-saving offset
 *     16  day  on which daylight saving begins   28  day  on which it ends
 *     40  n_transitions times: i64 instant, i32 offset from then on
 *
 *     day, 12 bytes: u8 kind, u8 month, u8 week, u8 weekday, u16 day, u16 0, i32 time of day
 */
#ifndef SLUIS_POLICY_ZONE_H
#define SLUIS_POLICY_ZONE_H

#include "base/timestamp.h"
#include "base/writer.h"

enum {
    ZONE_HEAD_BYTES = 40,
    ZONE_TRANSITION_BYTES = 12,
    ZONE_TRANSITIONS_MAX = 512,
    ZONE_BYTES_MAX = ZONE_HEAD_BYTES + ZONE_TRANSITIONS_MAX * ZONE_TRANSITION_BYTES,
};

struct zone_day {
    enum zone_day_kind {
        ZONE_DAY_OF_WEEK,  /* Mm.w.d: weekday (0 is Sunday) of week 1 to 5 (last) of a month */
        ZONE_DAY_OF_YEAR,  /* n: 0 to 365, February 29 counted */
        ZONE_DAY_NOT_LEAP, /* Jn: 1 to 365, February 29 never counted */
    } kind;
    uint8_t month, week, weekday;
    uint16_t day;
    int32_t time_s; /* of the local day, -167 to 167 hours */
};

struct zone_rule {
    int32_t standard_s, daylight_s;
    struct zone_day start, end;
};

struct zone_transition {
    int64_t at_s;
    int32_t offset_s;
};

/* What is written; `rule` is NULL when the last offset stays. */
struct zone {
    int32_t first_offset_s;
    size_t n_transitions;
    const struct zone_transition *transitions;
    const struct zone_rule *rule;
};

void zone_write(struct writer *writer, const struct zone *zone);
/* The bytes of UTC; static storage. */
struct slice zone_utc(void);
/* True when the functions below may read `zone`, which has exactly that length. */
bool zone_is_valid(struct slice zone);

/* Whole seconds of a time that may come from a broken clock: within the years 1 to 9999. */
int64_t zone_seconds(int64_t time_ms);
/* What a clock on the wall shows at `utc_s`, as seconds of a local 1970-01-01T00:00:00. */
int64_t zone_local_s(struct slice zone, int64_t utc_s);
/*
 * A stretch around `utc_s` in which the clocks do not change: from_s <= utc_s < until_s. It may
 * touch another one of the same offset. Without an end on a side: the least or greatest i64.
 */
struct zone_span {
    int64_t from_s, until_s;
    int32_t offset_s;
};
struct zone_span zone_span_at(struct slice zone, int64_t utc_s);
/* The first instant at which the local date is `date` (or a later one, where a day is left out). */
int64_t zone_day_start_s(struct slice zone, struct civil_date date);

#endif
