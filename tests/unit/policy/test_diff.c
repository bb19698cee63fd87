/*
 * test_diff.c - what is said about a change, and what is counted
 */
#include "help.h"

#include <stdio.h>

#include "policy/diff.h"

static char lines[8192];

/* Compares two policies (NULL: none) and returns the lines. */
static struct policy_change compare(const char *old_yaml, const char *new_yaml)
{
    SL_AUTO(policy_document) old = old_yaml ? load(old_yaml) : NULL;
    SL_AUTO(policy_document) new = new_yaml ? load(new_yaml) : NULL;
    struct policy_change change, quiet;
    struct writer writer = writer_over(lines, sizeof lines - 1);
    policy_compare(old, new, &change, &writer);
    assert_false(writer.overflow);
    lines[writer.n] = 0;
    policy_compare(old, new, &quiet, NULL);
    assert_memory_equal(&change, &quiet, sizeof change);
    return change;
}

#define FLOW "app: waze, partner: spotify, purpose: recommendation, in_return: Music, "

static void first_policy_grants_and_its_end_withdraws(void **state)
{
    (void)state;
#define POLICY                                                                                     \
    HEAD "consents: [{id: a, " FLOW "data: {location: {}}}]\nrefuse: [data: [location]]\n"
    struct policy_change change = compare(NULL, POLICY);
    assert_int_equal(change.granted, 1);
    assert_int_equal(change.refusals_added, 1);
    assert_int_equal(change.changed + change.withdrawn + change.refusals_removed, 0);
    assert_string_equal(lines, "granted: a (waze → spotify, recommendation)\nrefused: location\n");
    change = compare(POLICY, NULL);
    assert_int_equal(change.withdrawn, 1);
    assert_int_equal(change.refusals_removed, 1);
    assert_int_equal(change.granted + change.changed + change.refusals_added, 0);
    assert_string_equal(lines, "withdrawn: a (waze → spotify, recommendation)\n"
                               "no longer refused: location\n");
    compare(NULL, NULL);
    assert_string_equal(lines, "");
}

static void spelling_and_order_are_no_change(void **state)
{
    (void)state;
    struct policy_change change = compare(
        HEAD "consents:\n  - {id: a, " FLOW "data: {listening.track: {detail: artist}, "
             "location: {precision: 5km}}, when: {days: [mon-fri]}}\n"
             "  - {id: b, " FLOW "data: {trip.number: {}}, situation: [driving, riding]}\n"
             "refuse:\n  - data: [location, trip.question]\n  - {data: [location.speed]}\n",
        "# Another hand\n" HEAD "refuse:\n  - {data: [location.speed]}\n"
        "  - data: [trip.question, location]\n"
        "consents:\n  - {id: b, " FLOW "situation: [riding, driving], data: {trip.number: {}}}\n"
        "  - {id: a, " FLOW "data: {location: {precision: 5000m}, listening.artist: {}}, "
        "when: {days: [mon, tue-fri], hours: \"00:00-24:00\"}}\n");
    static const struct policy_change none;
    assert_memory_equal(&change, &none, sizeof change);
    assert_string_equal(lines, "");
}

/* One consent, before and after; `words` is the whole line but its head. */
static void assert_line(const char *before, const char *after, const char *direction,
                        const char *words)
{
    char old[1024], new[1024], expected[1024];
    snprintf(old, sizeof old, HEAD "consents: [{id: a, " FLOW "%s}]\n", before);
    snprintf(new, sizeof new, HEAD "consents: [{id: a, " FLOW "%s}]\n", after);
    struct policy_change change = compare(old, new);
    assert_int_equal(change.changed, 1);
    assert_int_equal(change.granted + change.withdrawn, 0);
    snprintf(expected, sizeof expected, "%s: a (waze → spotify, recommendation): %s\n", direction,
             words);
    assert_string_equal(lines, expected);
}

/* The same change in both directions. */
static void assert_both_ways(const char *wide, const char *narrow, const char *narrowed,
                             const char *widened)
{
    assert_line(wide, narrow, "narrowed", narrowed);
    assert_line(narrow, wide, "widened", widened);
}

#define LOCATION "data: {location: {}}"

static void each_aspect_is_named_with_its_direction(void **state)
{
    (void)state;
    assert_both_ways("data: {location: {precision: 1km}}", "data: {location: {precision: 5km}}",
                     "location precision 5km instead of 1km",
                     "location precision 1km instead of 5km");
    assert_both_ways(LOCATION, "data: {location: {time: 15min}}",
                     "location time 15min instead of as it is",
                     "location time as it is instead of 15min");
    assert_both_ways("data: {location: {}, location.speed: {}}", LOCATION, "without location.speed",
                     "with location.speed");
    assert_both_ways(LOCATION, LOCATION ", situation: [driving]", "only when driving",
                     "no longer only when driving");
    assert_both_ways(LOCATION, LOCATION ", when: {days: [mon-fri]}", "mon-fri", "at any time");
    assert_both_ways(LOCATION ", when: {hours: \"06:00-20:00\"}",
                     LOCATION ", when: {hours: \"07:00-20:00\"}", "07:00-20:00", "06:00-20:00");
    assert_both_ways(LOCATION, LOCATION ", from: 2026-11-01", "from 2026-11-01", "from the start");
    assert_both_ways(LOCATION, LOCATION ", until: 2026-11-01", "until 2026-11-01",
                     "without an end");
    assert_both_ways(LOCATION ", at_most: 9 per day", LOCATION ", at_most: 1 per day",
                     "at most 1 per day", "at most 9 per day");
    assert_both_ways(LOCATION, LOCATION ", at_most: 1 per day", "at most 1 per day",
                     "as often as asked");
}

static void what_goes_both_ways_is_just_changed(void **state)
{
    (void)state;
    assert_line(LOCATION, "data: {location.speed: {}}", "changed",
                "without location; with location.speed");
    assert_line(LOCATION ", when: {hours: \"06:00-20:00\"}",
                LOCATION ", when: {hours: \"07:00-21:00\"}", "changed", "07:00-21:00");
    assert_line(LOCATION ", at_most: 1 per hour", LOCATION ", at_most: 24 per day", "changed",
                "at most 24 per day");
}

static void grant_of_a_track_names_all_that_it_makes_known(void **state)
{
    (void)state;
    compare(HEAD "consents: [{id: a, " FLOW LOCATION "}]\n",
            HEAD "consents: [{id: a, " FLOW "data: {location: {}, listening.track: {}}}]\n");
    static const char *const names[] = {"listening.track", "listening.album", "listening.artist",
                                        "listening.genre"};
    for (size_t i = 0; i < SL_LENGTH(names); i++)
        assert_non_null(strstr(lines, names[i]));
    assert_non_null(strstr(lines, "widened"));
}

static void another_benefit_flow_or_time_zone_is_a_change(void **state)
{
    (void)state;
    struct policy_change change =
        compare(HEAD "consents: [{id: a, " FLOW LOCATION "}]\n",
                HEAD "consents: [{id: a, app: waze, partner: nike, purpose: sales, "
                     "in_return: Shoes, " LOCATION "}]\n");
    assert_int_equal(change.changed, 1);
    assert_string_equal(lines, "changed: a (waze → nike, sales): was for (waze → spotify, "
                               "recommendation); in return: Shoes\n");
#define NIGHT                                                                                      \
    "consents: [{id: a, " FLOW LOCATION ", when: {hours: \"22:00-06:00\"}}]\n"                     \
    "refuse: [{data: [location], when: {days: [sun]}}]\n"
    change = compare(HEAD NIGHT, "sluis: 1\nsubject: lotte\ntimezone: Asia/Tokyo\n" NIGHT);
    assert_int_equal(change.changed, 1);
    assert_int_equal(change.refusals_added, 1);
    assert_int_equal(change.refusals_removed, 1);
    assert_non_null(strstr(lines, "time zone Asia/Tokyo"));
    change = compare(HEAD "consents: [{id: a, " FLOW LOCATION "}]\n",
                     "sluis: 1\nsubject: lotte\ntimezone: Asia/Tokyo\n"
                     "consents: [{id: a, " FLOW LOCATION "}]\n");
    assert_int_equal(change.changed, 0); /* nothing of it depends on the clock */
}

static void refusals_are_told_in_full(void **state)
{
    (void)state;
    struct policy_change change =
        compare(HEAD "refuse: [{}, {data: [location, trip.number], app: waze, partner: spotify, "
                     "purpose: sales, when: {hours: \"22:00-06:00\"}}]\n",
                HEAD "refuse: [{}, {}, {data: [location], when: {hours: \"22:00-06:00\"}}]\n");
    assert_int_equal(change.refusals_added, 2);
    assert_int_equal(change.refusals_removed, 1);
    assert_string_equal(lines, "refused: everything\nrefused: location (22:00-06:00)\n"
                               "no longer refused: location, trip.number (app waze, partner "
                               "spotify, purpose sales, 22:00-06:00)\n");
}

static void lines_that_do_not_fit_overflow_the_writer_only(void **state)
{
    (void)state;
    SL_AUTO(policy_document) new = load(POLICY);
    struct policy_change change;
    char little[10];
    struct writer writer = writer_over(little, sizeof little);
    policy_compare(NULL, new, &change, &writer);
    assert_true(writer.overflow);
    assert_int_equal(change.granted, 1);
}

static void a_wider_bucket_is_narrower(void **state)
{
    (void)state;
    assert_both_ways("data: {location.speed: {}}", "data: {location.speed: {bucket: 10}}",
                     "location.speed bucket 10 instead of as it is",
                     "location.speed bucket as it is instead of 10");
    assert_both_ways("data: {location.speed: {bucket: 0.5}}", "data: {location.speed: {bucket: 2}}",
                     "location.speed bucket 2 instead of 0.5",
                     "location.speed bucket 0.5 instead of 2");
}

static void fewer_of_a_list_is_narrower(void **state)
{
    (void)state;
    assert_both_ways("data: {listening.genre: {}}", "data: {listening.genre: {top: 5}}",
                     "listening.genre top 5 instead of as it is",
                     "listening.genre top as it is instead of 5");
    assert_both_ways("data: {listening.genre: {top: 5}}", "data: {listening.genre: {top: 3}}",
                     "listening.genre top 3 instead of 5", "listening.genre top 5 instead of 3");
}

static void a_shorter_cut_is_wider(void **state)
{
    (void)state;
    assert_both_ways(
        "data: {run.route: {precision: 200m}}", "data: {run.route: {precision: 200m, cut: 500m}}",
        "run.route cut 500m instead of as it is", "run.route cut as it is instead of 500m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_policy_grants_and_its_end_withdraws),
        cmocka_unit_test(spelling_and_order_are_no_change),
        cmocka_unit_test(each_aspect_is_named_with_its_direction),
        cmocka_unit_test(what_goes_both_ways_is_just_changed),
        cmocka_unit_test(grant_of_a_track_names_all_that_it_makes_known),
        cmocka_unit_test(another_benefit_flow_or_time_zone_is_a_change),
        cmocka_unit_test(refusals_are_told_in_full),
        cmocka_unit_test(lines_that_do_not_fit_overflow_the_writer_only),
        cmocka_unit_test(a_wider_bucket_is_narrower),
        cmocka_unit_test(fewer_of_a_list_is_narrower),
        cmocka_unit_test(a_shorter_cut_is_wider),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
