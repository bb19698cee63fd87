/*
 * quota.c - from an instant to the window around it
 *
 *     local clock   .. 01:59 | 02:00 .. 02:59 | 02:00 .. 02:59 | 03:00 ..     clocks go back
 *     UTC              23:59 | 00:00    00:59 | 01:00    01:59 | 02:00
 *     hours          ────────┤◀────────── one window ─────────▶├─────────
 *
 * What the wall shows at the instant names the window: from `first` to before `next`, in local
 * seconds. Its ends are found by going from one stretch without a change of the clocks to the one
 * before, or after, for as long as the wall still shows the same.
 */
#include "policy/quota.h"

#include "policy/blob.h"
#include "policy/decide.h"
#include "policy/zone.h"

static const int64_t DAY_S = 86400, HOUR_S = 3600;

static const struct {
    const char *name;
    uint32_t code;
} periods[N_QUOTA_PERIODS] = {
    [QUOTA_HOUR] = {"hour", 3600},
    [QUOTA_DAY] = {"day", 86400},
    [QUOTA_WEEK] = {"week", 604800},
    [QUOTA_MONTH] = {"month", 2592000},
};

const char *quota_period_name(enum quota_period period)
{
    return periods[period].name;
}

uint32_t quota_period_code(enum quota_period period)
{
    return periods[period].code;
}

bool quota_period_of_code(uint32_t code, enum quota_period *period)
{
    for (unsigned i = 0; i < N_QUOTA_PERIODS; i++) {
        if (periods[i].code == code) {
            *period = (enum quota_period)i;
            return true;
        }
    }
    return false;
}

bool quota_parse(struct slice text, uint32_t max, uint32_t *at_most, enum quota_period *period)
{
    static const struct slice per = SLICE_LITERAL(" per ");
    size_t n_digits = 0;
    while (n_digits < text.n && text.p[n_digits] >= '0' && text.p[n_digits] <= '9')
        n_digits++;
    struct slice rest = slice_of(text.p + n_digits, text.n - n_digits);
    uint64_t number;
    if (rest.n <= per.n || !slice_equals(slice_of(rest.p, per.n), per) ||
        !slice_to_u64(slice_of(text.p, n_digits), max, &number) || number == 0)
        return false;
    rest = slice_of(rest.p + per.n, rest.n - per.n);
    for (unsigned i = 0; i < N_QUOTA_PERIODS; i++) {
        if (slice_equals_str(rest, periods[i].name)) {
            *at_most = (uint32_t)number;
            *period = (enum quota_period)i;
            return true;
        }
    }
    return false;
}

/* What the wall shows during a window, as seconds of a local 1970-01-01T00:00:00. */
struct shown {
    int64_t first_s, next_s;
};

static int64_t floor_to(int64_t value, int64_t unit)
{
    return value - ((value % unit) + unit) % unit;
}

static struct shown month_shown(int64_t local_s)
{
    struct civil_date date = civil_from_days(floor_to(local_s, DAY_S) / DAY_S);
    struct civil_date first = {date.year, date.month, 1};
    struct civil_date next = {date.year + (date.month == 12), date.month % 12 + 1, 1};
    return (struct shown){days_from_civil(first) * DAY_S, days_from_civil(next) * DAY_S};
}

static struct shown shown_at(enum quota_period period, int64_t local_s)
{
    static const int64_t first_monday_s = 4 * 86400; /* 1970-01-05 */
    int64_t first_s;
    switch (period) {
    case QUOTA_HOUR:
        first_s = floor_to(local_s, HOUR_S);
        return (struct shown){first_s, first_s + HOUR_S};
    case QUOTA_DAY:
        first_s = floor_to(local_s, DAY_S);
        return (struct shown){first_s, first_s + DAY_S};
    case QUOTA_WEEK:
        first_s = floor_to(local_s - first_monday_s, 7 * DAY_S) + first_monday_s;
        return (struct shown){first_s, first_s + 7 * DAY_S};
    case QUOTA_MONTH:
        break;
    }
    return month_shown(local_s);
}

static bool shows(struct shown shown, int64_t local_s)
{
    return local_s >= shown.first_s && local_s < shown.next_s;
}

static int64_t find_start(struct slice zone, struct shown shown, int64_t utc_s)
{
    for (;;) {
        struct zone_span span = zone_span_at(zone, utc_s);
        int64_t first_s = shown.first_s - span.offset_s;
        if (first_s > span.from_s)
            return first_s;
        /* The wall shows it since the clocks changed; or it did before that, too. */
        utc_s = span.from_s - 1;
        if (!shows(shown, zone_local_s(zone, utc_s)))
            return span.from_s;
    }
}

static int64_t find_end(struct slice zone, struct shown shown, int64_t utc_s)
{
    for (;;) {
        struct zone_span span = zone_span_at(zone, utc_s);
        int64_t next_s = shown.next_s - span.offset_s;
        if (next_s < span.until_s)
            return next_s;
        utc_s = span.until_s;
        if (!shows(shown, zone_local_s(zone, utc_s)))
            return span.until_s;
    }
}

struct quota_window quota_window_at(struct slice zone, enum quota_period period, int64_t time_ms)
{
    int64_t utc_s = zone_seconds(time_ms);
    struct shown shown = shown_at(period, zone_local_s(zone, utc_s));
    return (struct quota_window){find_start(zone, shown, utc_s), find_end(zone, shown, utc_s)};
}

bool quota_of_consent(struct slice blob, size_t index, int64_t time_ms, struct quota *out)
{
    SL_ASSERT(index < policy_blob_n_consents(blob));
    const size_t at = blob_consent_at(index);
    if (blob_u32(blob, at + 60) == 0 ||
        !quota_period_of_code(blob_u32(blob, at + 64), &out->period))
        return false;
    out->consent = policy_blob_consent_id(blob, index);
    out->at_most = blob_u32(blob, at + 60);
    out->window = quota_window_at(blob_zone(blob), out->period, time_ms);
    return true;
}
