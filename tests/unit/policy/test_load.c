/*
 * test_load.c - every key of a policy: what it takes, what it refuses, and in what words
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/zone.h"

#define CONSENT                                                                                    \
    "  - id: a\n    app: waze\n    partner: spotify\n    purpose: recommendation\n"                \
    "    in_return: music\n"

/* A policy with one consent; `more` are keys of it, each on a line of four blanks. Line 10 on. */
static const char *with(const char *more)
{
    static char text[70000];
    snprintf(text, sizeof text, HEAD "consents:\n" CONSENT "%s", more);
    return text;
}

static const char *with_data(const char *more)
{
    static char text[70000];
    snprintf(text, sizeof text, HEAD "consents:\n" CONSENT "    data: {location: {}}\n%s", more);
    return text;
}

static void assert_problem(const char *text, bool is_warning, uint32_t line, uint32_t column,
                           const char *words)
{
    struct policy_document *policy = NULL;
    yaml_problems_deinit(&problems);
    enum sl_err err = policy_load(slice_of_str(text), vocabulary, &problems, &policy);
    assert_int_equal(err, is_warning ? SL_OK : SL_EMALFORMED);
    assert_int_equal(policy != NULL, is_warning);
    policy_free(policy);
    for (size_t i = 0; i < problems.n; i++) {
        const struct yaml_problem *problem = &problems.list[i];
        if (problem->line == line && problem->column == column && problem->warning == is_warning &&
            strstr(problem->text, words))
            return;
    }
    fail_msg("nothing at %u:%u says \"%s\", but at %u:%u \"%s\"", line, column, words,
             problems.n ? problems.list[0].line : 0, problems.n ? problems.list[0].column : 0,
             problems.n ? problems.list[0].text : "nothing");
}

static void assert_error(const char *text, uint32_t line, uint32_t column, const char *words)
{
    assert_problem(text, false, line, column, words);
}

static void assert_warning(const char *text, uint32_t line, uint32_t column, const char *words)
{
    assert_problem(text, true, line, column, words);
}

static void all_keys_are_read(void **state)
{
    (void)state;
    struct policy_document *policy =
        load(HEAD "consents:\n"
                  "  - id: drive-playlists\n    app: waze\n    partner: spotify\n"
                  "    purpose: recommendation\n"
                  "    data:\n      location: {precision: 5km, time: 15min}\n"
                  "      listening.track: {detail: artist}\n"
                  "    in_return: Playlists that fit the drive\n"
                  "    situation: [driving, listening]\n"
                  "    when: {days: [mon-wed, sun], hours: \"06:30-20:00\"}\n"
                  "    from: 2026-11-01\n    until: 2027-05-01\n    at_most: 24 per day\n"
                  "refuse:\n"
                  "  - data: [location, location.speed]\n    app: waze\n    partner: spotify\n"
                  "    purpose: sales\n    when: {hours: \"22:00-06:00\"}\n");
    assert_true(slice_equals_str(policy->subject, "lotte"));
    assert_true(slice_equals_str(policy->timezone, "Europe/Amsterdam"));
    assert_int_equal(policy->n_consents, 1);
    const struct policy_consent *consent = &policy->consents[0];
    assert_true(slice_equals_str(consent->id, "drive-playlists"));
    assert_true(slice_equals_str(consent->app, "waze"));
    assert_true(slice_equals_str(consent->partner, "spotify"));
    assert_true(slice_equals_str(consent->purpose->name, "recommendation"));
    assert_int_equal(consent->n_grants, 2);
    assert_ptr_equal(consent->grants[0].class, class_named("location"));
    assert_int_equal(consent->grants[0].coarseness.by[COARSE_PRECISION], 5000);
    assert_int_equal(consent->grants[0].coarseness.by[COARSE_TIME], 900);
    assert_null(consent->grants[0].detail);
    assert_ptr_equal(consent->grants[1].detail, class_named("listening.artist"));
    assert_int_equal(consent->grants[1].line, 11);
    assert_true(slice_equals_str(consent->in_return, "Playlists that fit the drive"));
    assert_int_equal(consent->n_situations, 2);
    assert_true(slice_equals_str(consent->situations[1]->name, "listening"));
    assert_true(consent->has_window);
    assert_int_equal(consent->window.days, 0x47);
    assert_int_equal(consent->window.start_minute, 390);
    assert_int_equal(consent->window.end_minute, 1200);
    assert_true(consent->has_from && consent->has_until);
    assert_int_equal(consent->from.month, 11);
    assert_int_equal(consent->until.year, 2027);
    assert_int_equal(consent->at_most, 24);
    assert_int_equal(consent->at_most_per_s, 86400);
    assert_int_equal(consent->line, 5);
    assert_int_equal(policy->n_refusals, 1);
    const struct policy_refusal *refusal = &policy->refusals[0];
    assert_int_equal(refusal->n_classes, 2);
    assert_true(slice_equals_str(refusal->purpose->name, "sales"));
    assert_int_equal(refusal->window.days, 0x7f);
    assert_int_equal(refusal->window.end_minute, 360);
    policy_free(policy);
}

static void policy_without_consents_is_one(void **state)
{
    (void)state;
    struct policy_document *policy = load("sluis: 1\nsubject: A.b_c@d-1\n");
    assert_int_equal(policy->n_consents + policy->n_refusals, 0);
    assert_true(slice_equals_str(policy->timezone, "UTC"));
    policy_free(policy);
    policy_free(load("sluis: 1\nsubject: lotte\nconsents: []\nrefuse: []\n"));
}

static void format_and_subject_must_be_given(void **state)
{
    (void)state;
    assert_error("subject: lotte\n", 1, 1, "expected `sluis: 1`");
    assert_error("sluis: 2\nsubject: lotte\n", 1, 8, "expected 1");
    assert_error("sluis: 1.0\nsubject: lotte\n", 1, 8, "expected 1");
    assert_error("sluis: 1\n", 1, 1, "no `subject`");
    assert_error("sluis: 1\nsubject: lotte/x\n", 2, 10, "`subject: lotte/x`");
    assert_error("sluis: 1\nsubject: ..\n", 2, 10, "other than . and ..");
    assert_error("sluis: 1\nsubject: .\n", 2, 10, "other than . and ..");
    assert_error("sluis: 1\nsubject: \"\"\n", 2, 10, "nothing for `subject`");
    assert_error("sluis: 1\nsubject: [lotte]\n", 2, 10, "a list for `subject`");
    assert_error("sluis: 1\nsubject: lotte\nconsent: []\n", 3, 1, "did you mean \"consents\"?");
    assert_error("sluis: 1\nsubject: lotte\nconsents: {}\n", 3, 11, "no list");
    assert_error("sluis: 1\nsubject: lotte\nconsents:\n", 3, 10, "no list");
    assert_error("- sluis\n", 1, 1, "expected a mapping");
}

static void unknown_time_zones_are_refused_with_a_suggestion(void **state)
{
    (void)state;
    assert_error("sluis: 1\nsubject: a\ntimezone: Europe/Amsterdm\n", 3, 11,
                 "did you mean \"Europe/Amsterdam\"?");
    assert_error("sluis: 1\nsubject: a\ntimezone: Middle/Earth\n", 3, 11, "expected a name");
    assert_error("sluis: 1\nsubject: a\ntimezone: ../../etc/passwd\n", 3, 11, "unknown time zone");
    assert_error("sluis: 1\nsubject: a\ntimezone: [UTC]\n", 3, 11, "unknown time zone");
}

static void rules_of_a_zone_that_are_given_replace_those_of_tzdata(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Amsterdam", "Never/Heard_of_It"};
    for (size_t i = 0; i < SL_LENGTH(zones); i++) {
        char yaml[128];
        struct policy_document *policy = NULL;
        uint8_t block[512];
        struct writer writer = writer_over(block, sizeof block);
        snprintf(yaml, sizeof yaml, "sluis: 1\nsubject: a\ntimezone: %s\n", zones[i]);
        assert_int_equal(
            policy_load_in_zone(slice_of_str(yaml), vocabulary, zone_utc(), &problems, &policy),
            SL_OK);
        assert_true(slice_equals_str(policy->timezone, zones[i]));
        assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
        assert_true(slice_equals(policy_blob_zone(writer_slice(&writer)), zone_utc()));
        policy_free(policy);
    }
    struct policy_document *policy = NULL;
    assert_int_equal(policy_load_in_zone(slice_of_str("sluis: 1\nsubject: a\ntimezone: a/../b\n"),
                                         vocabulary, zone_utc(), &problems, &policy),
                     SL_EMALFORMED);
}

static void local_time_needs_a_time_zone(void **state)
{
    (void)state;
#define NO_ZONE "sluis: 1\nsubject: lotte\nconsents:\n" CONSENT "    data: {location: {}}\n"
    assert_error(NO_ZONE "    when: {days: [mon]}\n", 10, 11, "`when` needs a `timezone`");
    assert_error(NO_ZONE "    from: 2026-01-01\n", 10, 11, "`from` needs a `timezone`");
    assert_error(NO_ZONE "    until: 2026-01-01\n", 10, 12, "`until` needs a `timezone`");
    assert_error("sluis: 1\nsubject: a\nrefuse:\n  - when: {days: [mon]}\n", 4, 11,
                 "`when` needs a `timezone`");
    policy_free(load(NO_ZONE));
}

static void consents_name_who_what_and_why(void **state)
{
    (void)state;
    assert_error(HEAD "consents:\n  - {}\n", 5, 5, "no `id`");
    assert_error(HEAD "consents:\n  - {}\n", 5, 5, "no `app`");
    assert_error(HEAD "consents:\n  - {}\n", 5, 5, "no `partner`");
    assert_error(HEAD "consents:\n  - {}\n", 5, 5, "no `purpose`");
    assert_error(HEAD "consents:\n  - {}\n", 5, 5, "no `data`");
    assert_error(HEAD "consents:\n  - hello\n", 5, 5, "expected a mapping");
    assert_error(HEAD "consents:\n  - {id: Drive}\n", 5, 10, "`id: Drive`");
    assert_error(HEAD "consents:\n  - {app: wa ze}\n", 5, 11, "`app: wa ze`");
    assert_error(HEAD "consents:\n  - {partner: [x]}\n", 5, 15, "a list for `partner`");
    assert_error(HEAD "consents:\n  - {purpose: recomendation}\n", 5, 15,
                 "did you mean \"recommendation\"?");
    assert_error(HEAD "consents:\n  - {purpose: fun}\n", 5, 15, "expected one of sales, product");
    assert_error(HEAD "consents:\n  - {partnr: x}\n", 5, 6, "did you mean \"partner\"?");
}

static void ids_of_consents_differ(void **state)
{
    (void)state;
    assert_error(HEAD "consents:\n" CONSENT "    data: {location: {}}\n" CONSENT
                      "    data: {location.speed: {}}\n",
                 11, 9, "taken by the consent on line 5");
}

static void names_are_allowed_up_to_their_limit(void **state)
{
    (void)state;
    char text[512];
    for (int n = 32; n <= 33; n++) {
        snprintf(text, sizeof text,
                 HEAD "consents:\n  - id: %0*d\n    app: %0*d\n"
                      "    partner: %0*d\n    purpose: sales\n    data: {location: {}}\n"
                      "    in_return: x\n",
                 n, 0, n, 0, n, 0);
        if (n == 32) {
            policy_free(load(text));
        } else {
            assert_error(text, 5, 9, "1 to 32 characters");
            assert_int_equal(problems.n_errors, 3);
        }
    }
    snprintf(text, sizeof text, "sluis: 1\nsubject: %064d\n", 0);
    policy_free(load(text));
    snprintf(text, sizeof text, "sluis: 1\nsubject: %065d\n", 0);
    assert_error(text, 2, 10, "1 to 64 characters");
}

static void benefit_is_a_line_of_text_and_missing_it_is_pointed_out(void **state)
{
    (void)state;
    char text[512];
    for (int n = 120; n <= 121; n++) {
        snprintf(text, sizeof text,
                 HEAD "consents:\n  - id: a\n    app: b\n    partner: c\n"
                      "    purpose: sales\n    data: {location: {}}\n    in_return: %0*d\n",
                 n, 0);
        if (n == 120)
            policy_free(load(text));
        else
            assert_error(text, 10, 16, "121 bytes");
    }
    assert_error(HEAD "consents:\n  - in_return: \"a\\nb\"\n", 5, 16, "control characters");
    assert_warning(HEAD "consents:\n  - {id: a, app: b, partner: c, purpose: sales,"
                        " data: {location: {}}}\n",
                   5, 5, "gives without getting anything");
}

static void grants_name_classes_and_what_is_possible_for_them(void **state)
{
    (void)state;
    assert_error(with("    data: [location]\n"), 10, 11, "no mapping");
    assert_error(with("    data: {}\n"), 10, 11, "no mapping");
    assert_error(with("    data: {locatoin: {}}\n"), 10, 12, "did you mean \"location\"?");
    assert_error(with("    data: {location.latitude: {}}\n"), 10, 12, "write \"location\"");
    assert_error(with("    data: {location: }\n"), 10, 22, "write {}");
    assert_error(with("    data: {location: [5km]}\n"), 10, 22, "expected a mapping");
    assert_error(with("    data: {location: {size: 5km}}\n"), 10, 23, "unknown key \"size\"");
    assert_error(with("    data: {location.speed: {precision: 5km}}\n"), 10, 29,
                 "not possible for location.speed; possible: time");
    assert_error(with("    data: {profile.email: {time: 1h}}\n"), 10, 28, "as it is or not at all");
    assert_error(with("    data: {location: {detail: x}}\n"), 10, 23, "possible: precision time");
    assert_error(with("    data: {listening.track: {detail: track}}\n"), 10, 38,
                 "expected one of album, artist, genre");
    assert_error(with("    data: {listening.artist: {detail: album}}\n"), 10, 39,
                 "expected one of genre");
    assert_error(with("    data: {listening.track: {detail: [artist]}}\n"), 10, 38,
                 "expected the name");
    struct policy_document *policy =
        load(with("    data: {listening.track: {detail: listening.genre}}\n"));
    assert_ptr_equal(policy->consents[0].grants[0].detail, class_named("listening.genre"));
    policy_free(policy);
}

static void distances_and_durations_carry_a_unit_and_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t value; /* 0: refused */
    } distances[] = {{"1m", 1},
                     {"200m", 200},
                     {"5km", 5000},
                     {"1000km", 1000000},
                     {"1000000m", 1000000},
                     {"1001km", 0},
                     {"1000001m", 0},
                     {"0m", 0},
                     {"5 km", 0},
                     {"5", 0},
                     {"km", 0},
                     {"-5km", 0},
                     {"05km", 0},
                     {"5.5km", 0},
                     {"5KM", 0},
                     {"5kmx", 0},
                     {"99999999999999999999km", 0}},
      times[] = {{"1s", 1},
                 {"15min", 900},
                 {"2h", 7200},
                 {"1d", 86400},
                 {"365d", 365 * 86400},
                 {"366d", 0},
                 {"31536000s", 31536000},
                 {"31536001s", 0},
                 {"0s", 0},
                 {"15m", 0},
                 {"1w", 0},
                 {"1 h", 0},
                 {"4294967296d", 0}};
    char text[128];
    for (size_t i = 0; i < SL_LENGTH(distances); i++) {
        snprintf(text, sizeof text, "    data: {location: {precision: %s}}\n", distances[i].text);
        if (distances[i].value == 0) {
            assert_error(with(text), 10, 34, "expected a distance");
            continue;
        }
        struct policy_document *policy = load(with(text));
        assert_int_equal(policy->consents[0].grants[0].coarseness.by[COARSE_PRECISION],
                         distances[i].value);
        policy_free(policy);
    }
    for (size_t i = 0; i < SL_LENGTH(times); i++) {
        snprintf(text, sizeof text, "    data: {location: {time: %s}}\n", times[i].text);
        if (times[i].value == 0) {
            assert_error(with(text), 10, 29, "expected a duration");
            continue;
        }
        struct policy_document *policy = load(with(text));
        assert_int_equal(policy->consents[0].grants[0].coarseness.by[COARSE_TIME], times[i].value);
        policy_free(policy);
    }
}

static void situations_are_known_and_listed_once(void **state)
{
    (void)state;
    assert_error(with_data("    situation: driving\n"), 11, 16, "no list");
    assert_error(with_data("    situation: []\n"), 11, 16, "is empty");
    assert_error(with_data("    situation: [drivng]\n"), 11, 17, "did you mean \"driving\"?");
    assert_error(with_data("    situation: [driving, driving]\n"), 11, 26, "listed twice");
    assert_error(with_data("    situation: [[driving]]\n"), 11, 17, "expected the name");
    policy_free(load(with_data("    situation: [driving, riding, cycling, walking, running, "
                               "listening, at_home, at_work]\n")));
    assert_error(with_data("    situation: [driving, riding, cycling, walking, running, listening, "
                           "at_home, at_work, staying]\n"),
                 11, 16, "at most 8");
}

static void windows_are_days_and_hours(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        uint8_t days;
        uint16_t start, end;
    } good[] = {
        {"{days: [mon]}", 0x01, 0, 1440},
        {"{days: [mon-fri]}", 0x1f, 0, 1440},
        {"{days: [fri-mon]}", 0x71, 0, 1440},
        {"{days: [sun-sun]}", 0x40, 0, 1440},
        {"{days: [mon-sun]}", 0x7f, 0, 1440},
        {"{hours: \"00:00-24:00\"}", 0x7f, 0, 1440},
        {"{hours: 06:00-20:30}", 0x7f, 360, 1230},
        {"{hours: \"22:00-06:00\"}", 0x7f, 1320, 360},
        {"{hours: \"22:00-00:00\"}", 0x7f, 1320, 1440},
        {"{hours: \"08:00-08:00\"}", 0x7f, 480, 480},
        {"{hours: \"23:59-24:00\"}", 0x7f, 1439, 1440},
    };
    char text[128];
    for (size_t i = 0; i < SL_LENGTH(good); i++) {
        snprintf(text, sizeof text, "    when: %s\n", good[i].when);
        struct policy_document *policy = load(with_data(text));
        assert_int_equal(policy->consents[0].window.days, good[i].days);
        assert_int_equal(policy->consents[0].window.start_minute, good[i].start);
        assert_int_equal(policy->consents[0].window.end_minute, good[i].end);
        policy_free(policy);
    }
    static const char *const bad_hours[] = {"6:00-20:00",  "06:00",       "24:00-06:00",
                                            "06:00-24:01", "06:60-07:00", "06:00 - 20:00",
                                            "06-20",       "06:00-20:0x", "aa:bb-cc:dd"};
    for (size_t i = 0; i < SL_LENGTH(bad_hours); i++) {
        snprintf(text, sizeof text, "    when: {hours: \"%s\"}\n", bad_hours[i]);
        assert_error(with_data(text), 11, 19, "expected two times of day");
    }
    assert_error(with_data("    when: {}\n"), 11, 11, "`when` is empty");
    assert_error(with_data("    when: {days: []}\n"), 11, 18, "an empty list");
    assert_error(with_data("    when: {days: mon-fri}\n"), 11, 18, "no list");
    assert_error(with_data("    when: {days: [monday]}\n"), 11, 19, "\"monday\" in `days`");
    assert_error(with_data("    when: {days: [mon-fry]}\n"), 11, 19, "\"mon-fry\"");
    assert_error(with_data("    when: {day: [mon]}\n"), 11, 12, "did you mean \"days\"?");
}

static void dates_are_real_and_in_order(void **state)
{
    (void)state;
    assert_error(with_data("    from: 2026-02-29\n"), 11, 11, "expected a day");
    assert_error(with_data("    from: 1 May\n"), 11, 11, "expected a day");
    assert_error(with_data("    until: 2026-1-1\n"), 11, 12, "expected a day");
    assert_error(with_data("    from: 2026-05-01\n    until: 2026-05-01\n"), 12, 12, "not after");
    assert_error(with_data("    from: 2026-05-02\n    until: 2026-05-01\n"), 12, 12, "not after");
    policy_free(load(with_data("    from: 2028-02-29\n    until: 2028-03-01\n")));
}

static void at_most_is_a_number_per_period(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t n, per_s;
    } good[] = {{"1 per hour", 1, 3600},
                {"24 per day", 24, 86400},
                {"7 per week", 7, 604800},
                {"1000000 per month", 1000000, 2592000}};
    static const char *const bad[] = {"24",          "0 per day", "1000001 per day", "24 per year",
                                      "24 a day",    " per day",  "24  per day",     "-1 per day",
                                      "1.5 per day", "per day"};
    char text[128];
    for (size_t i = 0; i < SL_LENGTH(good); i++) {
        snprintf(text, sizeof text, "    at_most: %s\n", good[i].text);
        struct policy_document *policy = load(with_data(text));
        assert_int_equal(policy->consents[0].at_most, good[i].n);
        assert_int_equal(policy->consents[0].at_most_per_s, good[i].per_s);
        policy_free(policy);
    }
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        snprintf(text, sizeof text, "    at_most: \"%s\"\n", bad[i]);
        assert_error(with_data(text), 11, 14, "a number up to 1000000 and a period");
    }
}

static void refusals_are_checked_like_consents(void **state)
{
    (void)state;
#define REFUSE "sluis: 1\nsubject: a\ntimezone: UTC\nrefuse:\n"
    assert_error(REFUSE "  - data: location\n", 5, 11, "no list");
    assert_error(REFUSE "  - data: []\n", 5, 11, "is empty");
    assert_error(REFUSE "  - data: [locaton]\n", 5, 12, "did you mean \"location\"?");
    assert_error(REFUSE "  - data: [location, location]\n", 5, 22, "listed twice");
    assert_error(REFUSE "  - purpose: sale\n", 5, 14, "did you mean \"sales\"?");
    assert_error(REFUSE "  - app: W\n", 5, 10, "`app: W`");
    assert_error(REFUSE "  - dat: [location]\n", 5, 5, "did you mean \"data\"?");
    assert_error(REFUSE "  - when: {hours: x}\n", 5, 19, "two times of day");
    assert_warning(REFUSE "  - {}\n", 5, 5, "refuses everything, always");
    struct policy_document *policy = load(REFUSE "  - partner: spotify\n");
    assert_int_equal(policy->refusals[0].n_classes, 0);
    policy_free(policy);
}

static void overlaps_and_consents_without_effect_are_pointed_out(void **state)
{
    (void)state;
#define SECOND "  - {id: b, app: waze, partner: spotify, purpose: recommendation, in_return: x, "
    assert_warning(with_data(SECOND "data: {location: {}}}\n"), 11, 5,
                   "\"b\" grants location as \"a\" on line 5 does");
    assert_warning(
        with("    data: {listening.track: {}}\n" SECOND "data: {listening.genre: {}}}\n"), 11, 5,
        "grants listening.genre");
    /* no overlap: other data, other time of the week, other time of the year */
    policy_free(load(with_data(SECOND "data: {location.speed: {}}}\n")));
    assert_int_equal(problems.n, 0);
    policy_free(load(with_data("    when: {days: [mon-fri]}\n" SECOND
                               "data: {location: {}}, when: {days: [sat, sun]}}\n")));
    assert_int_equal(problems.n, 0);
    policy_free(load(
        with_data("    until: 2026-05-01\n" SECOND "data: {location: {}}, from: 2026-05-01}\n")));
    assert_int_equal(problems.n, 0);
    assert_warning(with_data("    when: {hours: \"22:00-06:00\"}\n" SECOND
                             "data: {location: {}}, when: {hours: \"05:59-12:00\"}}\n"),
                   12, 5, "grants location");
    assert_warning(with("    data: {listening.track: {}, listening.artist: {time: 1h}}\n"), 10, 33,
                   "listening.artist is granted by listening.track already");

    assert_warning(with_data("refuse: [data: [location]]\n"), 5, 5, "\"a\" has no effect");
    assert_warning(with_data("    when: {hours: \"22:00-05:00\"}\n"
                             "refuse: [{data: [location], when: {hours: \"21:00-06:00\"}}]\n"),
                   5, 5, "\"a\" has no effect");
    policy_free(load(with_data("refuse: [{data: [location], when: {hours: \"21:00-06:00\"}}]\n")));
    assert_int_equal(problems.n, 0);
    policy_free(load(with_data("refuse: [{data: [location], purpose: sales}]\n")));
    assert_int_equal(problems.n, 0);
    policy_free(load(with("    data: {location: {}, listening.genre: {}}\n"
                          "refuse: [data: [location]]\n")));
    assert_int_equal(problems.n, 0);
}

static void every_mistake_is_reported_in_one_run(void **state)
{
    (void)state;
    struct policy_document *policy = NULL;
    yaml_problems_deinit(&problems);
    const char *text = "sluis: 3\nsubject: a/b\ntimezone: X/Y\nsubject: c\n"
                       "consents:\n  - {id: A, app: 'B', purpose: c, data: {d: {}}}\n"
                       "refuse:\n  - {data: [e], when: {hours: 7}}\n";
    assert_int_equal(policy_load(slice_of_str(text), vocabulary, &problems, &policy),
                     SL_EMALFORMED);
    assert_null(policy);
    /* sluis, subject, duplicate, zone, id, app, no partner, purpose, class d, class e, hours */
    assert_int_equal(problems.n_errors, 11);
}

static void policy_is_allowed_up_to_its_bytes(void **state)
{
    (void)state;
    static char text[LIMIT_MAX_policy_bytes + 1];
    memset(text, '#', sizeof text);
    const char *start = "sluis: 1\nsubject: lotte\n";
    memcpy(text, start, strlen(start));
    struct policy_document *policy = NULL;
    assert_int_equal(policy_load(slice_of(text, sizeof text - 1), vocabulary, &problems, &policy),
                     SL_OK);
    policy_free(policy);
    policy = NULL;
    assert_int_equal(policy_load(slice_of(text, sizeof text), vocabulary, &problems, &policy),
                     SL_ELIMIT);
    assert_null(policy);
}

static void consents_and_refusals_are_allowed_up_to_their_number(void **state)
{
    (void)state;
    static char text[70000];
    for (int n = 64; n <= 65; n++) {
        size_t at = (size_t)snprintf(text, sizeof text, HEAD "consents:\n");
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at,
                                   "  - {id: c%d, app: a%d, partner: p, purpose: sales, "
                                   "data: {location: {}}, in_return: x}\n",
                                   i, i);
        if (n == 64)
            policy_free(load(text));
        else
            assert_error(text, 5, 3, "65 entries; at most 64");
        at = (size_t)snprintf(text, sizeof text, HEAD "refuse:\n");
        for (int i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "  - data: [location]\n");
        if (n == 64)
            policy_free(load(text));
        else
            assert_error(text, 5, 3, "65 entries; at most 64");
    }
}

static void a_bucket_is_a_decimal_of_at_most_three_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t thousandths; /* 0: refused */
    } cases[] = {
        {"10", 10000}, {"0.5", 500},  {"0.001", 1},       {"2.25", 2250}, {"1000000", 1000000000},
        {"0", 0},      {"0.0001", 0}, {"1000000.001", 0}, {"1000001", 0}, {"-1", 0},
        {".5", 0},     {"5.", 0},     {"0.50", 0},        {"05", 0},      {"1e3", 0},
        {"10km", 0},   {"ten", 0}};
    char text[128];
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        snprintf(text, sizeof text, "    data: {location.speed: {bucket: %s}}\n", cases[i].text);
        if (cases[i].thousandths == 0) {
            assert_error(with(text), 10, 37, "expected a number from 0.001 to 1000000");
            continue;
        }
        struct policy_document *policy = load(with(text));
        assert_int_equal(policy->consents[0].grants[0].coarseness.by[COARSE_BUCKET],
                         cases[i].thousandths);
        policy_free(policy);
    }
    assert_error(with("    data: {location: {bucket: 10}}\n"), 10, 23,
                 "`bucket` is not possible for location; possible: precision time");
    assert_error(with("    data: {profile.email: {bucket: 10}}\n"), 10, 28,
                 "as it is or not at all");
}

static void top_is_a_number_up_to_a_thousand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t value; /* 0: refused */
    } cases[] = {{"1", 1},  {"5", 5},   {"1000", 1000}, {"0", 0},    {"1001", 0},
                 {"05", 0}, {"5.5", 0}, {"-5", 0},      {"five", 0}, {"4294967297", 0}};
    char text[128];
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        snprintf(text, sizeof text, "    data: {listening.genre: {top: %s}}\n", cases[i].text);
        if (cases[i].value == 0) {
            assert_error(with(text), 10, 35, "expected a number from 1 to 1000");
            continue;
        }
        struct policy_document *policy = load(with(text));
        assert_int_equal(policy->consents[0].grants[0].coarseness.by[COARSE_TOP], cases[i].value);
        policy_free(policy);
    }
}

static void a_route_can_be_cut_at_both_ends(void **state)
{
    (void)state;
    struct policy_document *policy =
        load(with("    data: {run.route: {precision: 200m, cut: 500m}}\n"));
    const struct coarseness *coarseness = &policy->consents[0].grants[0].coarseness;
    assert_int_equal(coarseness->by[COARSE_PRECISION], 200);
    assert_int_equal(coarseness->by[COARSE_CUT], 500);
    policy_free(policy);
    assert_error(with("    data: {run.route: {cut: 101km}}\n"), 10, 29,
                 "expected a distance from 1m to 100km");
    assert_error(with("    data: {run.route: {cut: 0m}}\n"), 10, 29, "expected a distance");
    assert_error(with("    data: {location: {cut: 500m}}\n"), 10, 23,
                 "`cut` is not possible for location; possible: precision time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_are_read),
        cmocka_unit_test(policy_without_consents_is_one),
        cmocka_unit_test(format_and_subject_must_be_given),
        cmocka_unit_test(unknown_time_zones_are_refused_with_a_suggestion),
        cmocka_unit_test(rules_of_a_zone_that_are_given_replace_those_of_tzdata),
        cmocka_unit_test(local_time_needs_a_time_zone),
        cmocka_unit_test(consents_name_who_what_and_why),
        cmocka_unit_test(ids_of_consents_differ),
        cmocka_unit_test(names_are_allowed_up_to_their_limit),
        cmocka_unit_test(benefit_is_a_line_of_text_and_missing_it_is_pointed_out),
        cmocka_unit_test(grants_name_classes_and_what_is_possible_for_them),
        cmocka_unit_test(distances_and_durations_carry_a_unit_and_have_limits),
        cmocka_unit_test(situations_are_known_and_listed_once),
        cmocka_unit_test(windows_are_days_and_hours),
        cmocka_unit_test(dates_are_real_and_in_order),
        cmocka_unit_test(at_most_is_a_number_per_period),
        cmocka_unit_test(refusals_are_checked_like_consents),
        cmocka_unit_test(overlaps_and_consents_without_effect_are_pointed_out),
        cmocka_unit_test(every_mistake_is_reported_in_one_run),
        cmocka_unit_test(policy_is_allowed_up_to_its_bytes),
        cmocka_unit_test(consents_and_refusals_are_allowed_up_to_their_number),
        cmocka_unit_test(a_bucket_is_a_decimal_of_at_most_three_places),
        cmocka_unit_test(top_is_a_number_up_to_a_thousand),
        cmocka_unit_test(a_route_can_be_cut_at_both_ends),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
