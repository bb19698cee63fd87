/*
 * test_quota.c - windows of a calendar, against known instants and a twin that walks the minutes
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/decide.h"
#include "policy/quota.h"
#include "policy/timezone.h"
#include "policy/zone.h"

static uint8_t bytes[ZONE_BYTES_MAX];

static struct slice zone_of(const char *name)
{
    struct writer writer = writer_over(bytes, sizeof bytes);
    assert_int_equal(timezone_read(slice_of_str(name), &writer), SL_OK);
    return writer_slice(&writer);
}

static void assert_window(struct slice zone, enum quota_period period, const char *at,
                          const char *start, const char *end)
{
    struct quota_window window = quota_window_at(zone, period, instant(at));
    if (window.start_s != instant(start) / 1000 || window.end_s != instant(end) / 1000)
        fail_msg("the %s around %s is from %lld to %lld", quota_period_name(period), at,
                 (long long)window.start_s, (long long)window.end_s);
}

static void windows_are_those_of_the_local_calendar(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    const char *at = "2026-11-28T03:38:19Z"; /* a Saturday, 04:38 */
    assert_window(zone, QUOTA_HOUR, at, "2026-11-28T03:00:00Z", "2026-11-28T04:00:00Z");
    assert_window(zone, QUOTA_DAY, at, "2026-11-27T23:00:00Z", "2026-11-28T23:00:00Z");
    assert_window(zone, QUOTA_WEEK, at, "2026-11-22T23:00:00Z", "2026-11-29T23:00:00Z");
    assert_window(zone, QUOTA_MONTH, at, "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z");
    assert_window(zone_of("Asia/Kathmandu"), QUOTA_HOUR, at, "2026-11-28T03:15:00Z",
                  "2026-11-28T04:15:00Z");
    assert_window(zone_of("UTC"), QUOTA_MONTH, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z",
                  "2027-01-01T00:00:00Z");
    assert_window(zone_utc(), QUOTA_WEEK, "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z",
                  "1970-01-05T00:00:00Z");
}

static void a_window_begins_at_its_first_and_ends_before_the_next_ones_first_instant(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_window(zone, QUOTA_DAY, "2026-11-27T23:00:00Z", "2026-11-27T23:00:00Z",
                  "2026-11-28T23:00:00Z");
    assert_window(zone, QUOTA_DAY, "2026-11-28T22:59:59Z", "2026-11-27T23:00:00Z",
                  "2026-11-28T23:00:00Z");
}

static void the_repeated_hour_is_one_window_of_two_hours(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    const char *first = "2026-10-25T00:30:00Z", *second = "2026-10-25T01:30:00Z"; /* 02:30 twice */
    assert_window(zone, QUOTA_HOUR, first, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    assert_window(zone, QUOTA_HOUR, second, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    assert_window(zone, QUOTA_HOUR, "2026-10-25T01:00:00Z", "2026-10-25T00:00:00Z",
                  "2026-10-25T02:00:00Z");
    assert_window(zone, QUOTA_HOUR, "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z",
                  "2026-10-25T03:00:00Z");
    /* Half an hour is repeated on Lord Howe: from 02:00 back to 01:30. */
    assert_window(zone_of("Australia/Lord_Howe"), QUOTA_HOUR, "2026-04-04T15:10:00Z",
                  "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z");
}

static void the_skipped_hour_is_no_window(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_window(zone, QUOTA_HOUR, "2026-03-29T00:59:59Z", "2026-03-29T00:00:00Z",
                  "2026-03-29T01:00:00Z"); /* 01 */
    assert_window(zone, QUOTA_HOUR, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z",
                  "2026-03-29T02:00:00Z"); /* 03 */
}

static void days_on_which_clocks_change_have_23_or_25_hours(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_window(zone, QUOTA_DAY, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z",
                  "2026-03-29T22:00:00Z");
    assert_window(zone, QUOTA_DAY, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z",
                  "2026-10-25T23:00:00Z");
    /* Havana's day begins at 01:00 in March, and has its first hour twice in November. */
    zone = zone_of("America/Havana");
    assert_window(zone, QUOTA_DAY, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z",
                  "2026-03-09T04:00:00Z");
    assert_window(zone, QUOTA_DAY, "2026-03-08T04:59:59Z", "2026-03-07T05:00:00Z",
                  "2026-03-08T05:00:00Z");
    assert_window(zone, QUOTA_DAY, "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z",
                  "2026-11-02T05:00:00Z");
}

/* What the wall shows, named by a number; the same one for all of a window. */
static int64_t shown(struct slice zone, enum quota_period period, int64_t utc_s)
{
    const int64_t local_s = zone_local_s(zone, utc_s) + 86400 * (int64_t)1000000;
    const int64_t day = local_s / 86400;
    const struct civil_date date = civil_from_days(day - 1000000);
    switch (period) {
    case QUOTA_HOUR:
        return local_s / 3600;
    case QUOTA_DAY:
        return day;
    case QUOTA_WEEK:
        return (day - 1000000 + 7000003) / 7;
    case QUOTA_MONTH:
        break;
    }
    return date.year * 12 + date.month;
}

static void windows_are_those_of_a_twin_that_walks_the_minutes(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "Europe/Amsterdam", "America/New_York",  "Australia/Lord_Howe", "America/Havana",
        "Europe/Dublin",    "Africa/Casablanca", "Asia/Kathmandu",      "America/Santiago"};
    srand(1);
    for (size_t z = 0; z < SL_LENGTH(zones); z++) {
        struct slice zone = zone_of(zones[z]);
        for (unsigned i = 0; i < 120; i++) {
            /* 2001 to 2100, and for half of them near the end of a span. */
            int64_t at_s = 978307200 + (int64_t)(rand() % 52000000) * 60;
            if (i % 2 == 0 && zone_span_at(zone, at_s).until_s < INT64_MAX)
                at_s = zone_span_at(zone, at_s).until_s + (rand() % 360 - 180) * 60;
            enum quota_period period = i % 16 == 0 ? QUOTA_MONTH : (enum quota_period)(i % 3);
            struct quota_window window = quota_window_at(zone, period, at_s * 1000);
            const int64_t now = shown(zone, period, at_s);
            int64_t start_s = at_s, end_s = at_s;
            while (shown(zone, period, start_s - 60) == now)
                start_s -= 60;
            while (shown(zone, period, end_s) == now)
                end_s += 60;
            if (window.start_s != start_s || window.end_s != end_s)
                fail_msg("%s in %s at %lld: %lld to %lld, the twin says %lld to %lld",
                         quota_period_name(period), zones[z], (long long)at_s,
                         (long long)window.start_s, (long long)window.end_s, (long long)start_s,
                         (long long)end_s);
        }
    }
}

static void spans_join_without_a_gap_and_have_the_offset_of_the_clock(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Amsterdam", "Europe/Dublin", "America/Santiago",
                                        "Africa/Casablanca", "UTC"};
    for (size_t z = 0; z < SL_LENGTH(zones); z++) {
        struct slice zone = zone_of(zones[z]);
        int64_t at_s = -2208988800; /* 1900 */
        for (unsigned i = 0; i < 600 && at_s < INT64_C(7258118400); i++) {
            struct zone_span span = zone_span_at(zone, at_s);
            assert_true(span.from_s <= at_s && at_s < span.until_s);
            assert_int_equal(at_s + span.offset_s, zone_local_s(zone, at_s));
            if (span.until_s == INT64_MAX)
                break;
            assert_int_equal(span.until_s - 1 + span.offset_s,
                             zone_local_s(zone, span.until_s - 1));
            assert_int_equal(zone_span_at(zone, span.until_s).from_s, span.until_s);
            at_s = span.until_s;
        }
    }
}

static void a_broken_clock_has_windows_too(void **state)
{
    (void)state;
    static const int64_t times_ms[] = {INT64_MIN, -1, 0, INT64_MAX};
    struct slice zone = zone_of("Europe/Amsterdam");
    for (size_t i = 0; i < SL_LENGTH(times_ms); i++) {
        for (unsigned period = 0; period < N_QUOTA_PERIODS; period++) {
            struct quota_window window =
                quota_window_at(zone, (enum quota_period)period, times_ms[i]);
            int64_t at_s = zone_seconds(times_ms[i]);
            assert_true(window.start_s <= at_s && at_s < window.end_s);
        }
    }
}

static void a_quota_is_a_number_per_period(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t n;
        enum quota_period period;
    } good[] = {{"1 per hour", 1, QUOTA_HOUR},
                {"24 per day", 24, QUOTA_DAY},
                {"1000 per week", 1000, QUOTA_WEEK},
                {"7 per month", 7, QUOTA_MONTH}};
    static const char *const bad[] = {"",          "24",           "per day",     " per day",
                                      "0 per day", "1001 per day", "24 per days", "24 per ",
                                      "24 per",    "24  per day",  "-1 per day",  "24 per day "};
    uint32_t n;
    enum quota_period period;
    for (size_t i = 0; i < SL_LENGTH(good); i++) {
        assert_true(quota_parse(slice_of_str(good[i].text), 1000, &n, &period));
        assert_int_equal(n, good[i].n);
        assert_int_equal(period, good[i].period);
        enum quota_period again;
        assert_true(quota_period_of_code(quota_period_code(period), &again));
        assert_int_equal(again, period);
    }
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(quota_parse(slice_of_str(bad[i]), 1000, &n, &period));
    assert_false(quota_period_of_code(86401, &period));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_those_of_the_local_calendar),
        cmocka_unit_test(a_window_begins_at_its_first_and_ends_before_the_next_ones_first_instant),
        cmocka_unit_test(the_repeated_hour_is_one_window_of_two_hours),
        cmocka_unit_test(the_skipped_hour_is_no_window),
        cmocka_unit_test(days_on_which_clocks_change_have_23_or_25_hours),
        cmocka_unit_test(windows_are_those_of_a_twin_that_walks_the_minutes),
        cmocka_unit_test(spans_join_without_a_gap_and_have_the_offset_of_the_clock),
        cmocka_unit_test(a_broken_clock_has_windows_too),
        cmocka_unit_test(a_quota_is_a_number_per_period),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
