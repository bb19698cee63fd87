/*
 * zone.c - from an instant to the local clock
 *
 * Up to the last listed transition the offset is looked up; after it a yearly rule counts, as in
 * the footer of a TZif file. The rule gives, for each year, the instant daylight saving begins
 * and the one at which it ends. South of the equator (and in Ireland, whose "standard" time is
 * the summer's) the end comes first; then the interval runs into the next year. Since a rule's
 * time of day may be days away from its date, the years before and after are looked at as well.
 */
#include "policy/zone.h"

#include "base/err.h"

#include <string.h>

enum {
    DAY_S = 86400,
    OFFSET_MAX_S = 26 * 3600 - 1, /* RFC 9636 section 3.2, "utoff" */
    RULE_TIME_MAX_S = 167 * 3600 + 3599,
};

enum {
    AT_N = 0,
    AT_HAS_RULE = 2,
    AT_FIRST = 4,
    AT_STANDARD = 8,
    AT_DAYLIGHT = 12,
    AT_START = 16,
    AT_END = 28
};

static void write_day(struct writer *writer, const struct zone_day *day)
{
    write_u8(writer, (uint8_t)day->kind);
    write_u8(writer, day->month);
    write_u8(writer, day->week);
    write_u8(writer, day->weekday);
    write_u16(writer, day->day);
    write_u16(writer, 0);
    write_u32(writer, (uint32_t)day->time_s);
}

void zone_write(struct writer *writer, const struct zone *zone)
{
    SL_ASSERT(zone->n_transitions <= ZONE_TRANSITIONS_MAX);
    write_u16(writer, (uint16_t)zone->n_transitions);
    write_u8(writer, zone->rule ? 1 : 0);
    write_u8(writer, 0);
    write_u32(writer, (uint32_t)zone->first_offset_s);
    if (zone->rule) {
        write_u32(writer, (uint32_t)zone->rule->standard_s);
        write_u32(writer, (uint32_t)zone->rule->daylight_s);
        write_day(writer, &zone->rule->start);
        write_day(writer, &zone->rule->end);
    } else {
        write_zeros(writer, ZONE_HEAD_BYTES - AT_STANDARD);
    }
    for (size_t i = 0; i < zone->n_transitions; i++) {
        write_u64(writer, (uint64_t)zone->transitions[i].at_s);
        write_u32(writer, (uint32_t)zone->transitions[i].offset_s);
    }
}

struct slice zone_utc(void)
{
    static const uint8_t bytes[ZONE_HEAD_BYTES];
    return slice_of(bytes, sizeof bytes);
}

static uint16_t u16_at(struct slice zone, size_t at)
{
    return (uint16_t)(zone.p[at] | zone.p[at + 1] << 8);
}

static int32_t i32_at(struct slice zone, size_t at)
{
    return (int32_t)(u16_at(zone, at) | (uint32_t)u16_at(zone, at + 2) << 16);
}

static struct zone_transition transition_at(struct slice zone, size_t i)
{
    size_t at = ZONE_HEAD_BYTES + i * ZONE_TRANSITION_BYTES;
    uint64_t low = (uint32_t)i32_at(zone, at);
    uint64_t high = (uint32_t)i32_at(zone, at + 4);
    return (struct zone_transition){(int64_t)(low | high << 32), i32_at(zone, at + 8)};
}

static struct zone_day day_at(struct slice zone, size_t at)
{
    return (struct zone_day){.kind = (enum zone_day_kind)zone.p[at],
                             .month = zone.p[at + 1],
                             .week = zone.p[at + 2],
                             .weekday = zone.p[at + 3],
                             .day = u16_at(zone, at + 4),
                             .time_s = i32_at(zone, at + 8)};
}

static bool offset_is_valid(int32_t offset_s)
{
    return offset_s >= -OFFSET_MAX_S && offset_s <= OFFSET_MAX_S;
}

static bool day_is_valid(const struct zone_day *day)
{
    if (day->time_s < -RULE_TIME_MAX_S || day->time_s > RULE_TIME_MAX_S)
        return false;
    switch (day->kind) {
    case ZONE_DAY_OF_WEEK:
        return day->month >= 1 && day->month <= 12 && day->week >= 1 && day->week <= 5 &&
               day->weekday <= 6;
    case ZONE_DAY_OF_YEAR:
        return day->day <= 365;
    case ZONE_DAY_NOT_LEAP:
        return day->day >= 1 && day->day <= 365;
    default:
        return false;
    }
}

bool zone_is_valid(struct slice zone)
{
    if (zone.n < ZONE_HEAD_BYTES)
        return false;
    size_t n = u16_at(zone, AT_N);
    if (n > ZONE_TRANSITIONS_MAX || zone.n != ZONE_HEAD_BYTES + n * ZONE_TRANSITION_BYTES ||
        zone.p[AT_HAS_RULE] > 1 || zone.p[3] != 0 || !offset_is_valid(i32_at(zone, AT_FIRST)))
        return false;
    if (zone.p[AT_HAS_RULE]) {
        struct zone_day start = day_at(zone, AT_START), end = day_at(zone, AT_END);
        if (!offset_is_valid(i32_at(zone, AT_STANDARD)) ||
            !offset_is_valid(i32_at(zone, AT_DAYLIGHT)) || !day_is_valid(&start) ||
            !day_is_valid(&end))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct zone_transition transition = transition_at(zone, i);
        if (!offset_is_valid(transition.offset_s))
            return false;
        if (i > 0 && transition_at(zone, i - 1).at_s >= transition.at_s)
            return false;
    }
    return true;
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the day that `day` names in `year`. */
static int64_t rule_day(const struct zone_day *day, int32_t year)
{
    int64_t first = days_from_civil((struct civil_date){year, 1, 1});
    if (day->kind == ZONE_DAY_OF_YEAR)
        return first + day->day;
    if (day->kind == ZONE_DAY_NOT_LEAP)
        return first + day->day - 1 + (is_leap(year) && day->day >= 60);

    int64_t month_first = days_from_civil((struct civil_date){year, day->month, 1});
    int64_t next_first = day->month == 12
                             ? days_from_civil((struct civil_date){year + 1, 1, 1})
                             : days_from_civil((struct civil_date){year, day->month + 1, 1});
    int64_t weekday_of_first = ((month_first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t found =
        month_first + (day->weekday - weekday_of_first + 7) % 7 + 7 * (int64_t)(day->week - 1);
    return found < next_first ? found : found - 7;
}

static int64_t rule_instant_s(const struct zone_day *day, int32_t year, int32_t offset_s)
{
    return rule_day(day, year) * DAY_S + day->time_s - offset_s;
}

struct rule {
    int32_t standard_s, daylight_s;
    struct zone_day start, end;
};

static struct rule rule_of(struct slice zone)
{
    return (struct rule){i32_at(zone, AT_STANDARD), i32_at(zone, AT_DAYLIGHT),
                         day_at(zone, AT_START), day_at(zone, AT_END)};
}

static int32_t year_at(const struct rule *rule, int64_t utc_s)
{
    const int64_t local_s = utc_s + rule->standard_s;
    return civil_from_days(local_s / DAY_S - (local_s % DAY_S < 0)).year;
}

/* The daylight saving that begins in `year`. */
static struct zone_span daylight_of(const struct rule *rule, int32_t year)
{
    int64_t start_s = rule_instant_s(&rule->start, year, rule->standard_s);
    int64_t end_s = rule_instant_s(&rule->end, year, rule->daylight_s);
    if (end_s < start_s)
        end_s = rule_instant_s(&rule->end, year + 1, rule->daylight_s);
    return (struct zone_span){start_s, end_s, rule->daylight_s};
}

static int32_t offset_by_rule_s(struct slice zone, int64_t utc_s)
{
    const struct rule rule = rule_of(zone);
    const int32_t this_year = year_at(&rule, utc_s);
    for (int32_t year = this_year - 1; year <= this_year + 1; year++) {
        const struct zone_span daylight = daylight_of(&rule, year);
        if (utc_s >= daylight.from_s && utc_s < daylight.until_s)
            return rule.daylight_s;
    }
    return rule.standard_s;
}

/* Between two daylight savings, or in one; those of five years lie on both sides of any instant. */
static struct zone_span span_by_rule(struct slice zone, int64_t utc_s)
{
    const struct rule rule = rule_of(zone);
    const int32_t this_year = year_at(&rule, utc_s);
    struct zone_span span = {INT64_MIN, INT64_MAX, rule.standard_s};
    for (int32_t year = this_year - 2; year <= this_year + 2; year++) {
        const struct zone_span daylight = daylight_of(&rule, year);
        if (utc_s >= daylight.from_s && utc_s < daylight.until_s)
            return daylight;
        if (daylight.until_s <= utc_s && daylight.until_s > span.from_s)
            span.from_s = daylight.until_s;
        if (daylight.from_s > utc_s && daylight.from_s < span.until_s)
            span.until_s = daylight.from_s;
    }
    return span;
}

/* The number of transitions at or before utc_s. */
static size_t n_transitions_until(struct slice zone, int64_t utc_s)
{
    size_t low = 0, high = u16_at(zone, AT_N);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (transition_at(zone, middle).at_s <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_s(struct slice zone, int64_t utc_s)
{
    size_t n = u16_at(zone, AT_N);
    size_t low = n_transitions_until(zone, utc_s);
    if (low == n && zone.p[AT_HAS_RULE])
        return offset_by_rule_s(zone, utc_s);
    return low > 0 ? transition_at(zone, low - 1).offset_s : i32_at(zone, AT_FIRST);
}

struct zone_span zone_span_at(struct slice zone, int64_t utc_s)
{
    size_t n = u16_at(zone, AT_N);
    size_t low = n_transitions_until(zone, utc_s);
    const bool is_listed = low < n, by_rule = !is_listed && zone.p[AT_HAS_RULE];
    struct zone_span span = {INT64_MIN, INT64_MAX, i32_at(zone, AT_FIRST)};
    if (low > 0)
        span.offset_s = transition_at(zone, low - 1).offset_s;
    if (by_rule)
        span = span_by_rule(zone, utc_s);
    if (is_listed)
        span.until_s = transition_at(zone, low).at_s;
    if (low > 0 && transition_at(zone, low - 1).at_s > span.from_s)
        span.from_s = transition_at(zone, low - 1).at_s;
    return span;
}

int64_t zone_seconds(int64_t time_ms)
{
    static const int64_t min_s = -62135596800, max_s = 253402300799;
    int64_t utc_s = time_ms / 1000 - (time_ms % 1000 < 0);
    return utc_s < min_s ? min_s : utc_s > max_s ? max_s : utc_s;
}

int64_t zone_local_s(struct slice zone, int64_t utc_s)
{
    return utc_s + offset_s(zone, utc_s);
}

/*
 * Clocks go back and forth, so the local clock can't be inverted by arithmetic. It is looked at
 * every quarter of an hour from before any zone reaches the day, then second by second.
 */
int64_t zone_day_start_s(struct slice zone, struct civil_date date)
{
    enum { STEP_S = 900 };
    const int64_t wanted_s = days_from_civil(date) * DAY_S;
    int64_t utc_s = wanted_s - OFFSET_MAX_S - 1;
    while (zone_local_s(zone, utc_s) < wanted_s)
        utc_s += STEP_S;
    utc_s -= STEP_S;
    while (zone_local_s(zone, utc_s) < wanted_s)
        utc_s++;
    return utc_s;
}
