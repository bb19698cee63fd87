/*
 * test_retention.c - how long contents are kept, and when that was
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

static char *with(const char *policies)
{
    static char to[256];
    snprintf(to, sizeof to, "retention: {policies: %s}\nroutes:", policies);
    return fixture_text("routes:", to, NULL);
}

static void without_the_section_everything_is_kept(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    assert_int_equal(fixture->config->retention_policies.n, 0);
    assert_accepted(fixture, fixture_text("routes:", "retention: {}\nroutes:", NULL));
    assert_int_equal(fixture->config->retention_policies.n, 0);
}

static void days_and_years_are_read(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with("90d"));
    assert_int_equal(fixture->config->retention_policies.n, 90);
    assert_int_equal(fixture->config->retention_policies.unit, 'd');
    assert_accepted(fixture, with("5y"));
    assert_int_equal(fixture->config->retention_policies.n, 5);
    assert_int_equal(fixture->config->retention_policies.unit, 'y');
}

static void assert_refused(struct fixture *fixture, const char *policies)
{
    assert_true(fixture_load(fixture, with(policies)) != SL_OK);
    if (!strstr(fixture_problems(fixture), "expected days or years, such as 90d or 5y"))
        fail_msg("%s: %s", policies, fixture_problems(fixture));
}

static void what_is_no_time_of_the_calendar_is_refused(void **state)
{
    static const char *const wrong[] = {"5",   "0y",  "0d",   "y",  "5m",
                                        "5 y", "-1y", "1.5y", "5Y", "99999999999d"};
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_refused(*state, wrong[i]);
}

static void the_longest_time_is_a_century(void **state)
{
    struct fixture *fixture = *state;
    char text[32];
    snprintf(text, sizeof text, "%dd", LIMIT_MAX_retention_days);
    assert_accepted(fixture, with(text));
    snprintf(text, sizeof text, "%dd", LIMIT_MAX_retention_days + 1);
    assert_refused(fixture, text);
    assert_accepted(fixture, with("100y"));
    assert_refused(fixture, "101y");
}

static void an_unknown_kind_of_contents_is_named(void **state)
{
    struct fixture *fixture = *state;
    char *text = fixture_text("routes:", "retention: {receipts: 5y}\nroutes:", NULL);
    assert_true(fixture_load(fixture, text) != SL_OK);
    assert_non_null(strstr(fixture_problems(fixture), "receipts"));
}

static void assert_before(const char *now, uint32_t n, char unit, const char *expected)
{
    const struct config_period period = {.n = n, .unit = unit};
    int64_t now_ms = 0, expected_ms = 0;
    assert_true(timestamp_parse(slice_of_str(now), &now_ms));
    assert_true(timestamp_parse(slice_of_str(expected), &expected_ms));
    assert_true(config_period_before_ms(&period, now_ms) == expected_ms);
}

static void time_is_counted_back_on_the_calendar(void **state)
{
    (void)state;
    assert_before("2026-11-28T10:00:00.123Z", 1, 'd', "2026-11-27T10:00:00.123Z");
    assert_before("2026-03-01T00:00:00Z", 1, 'd', "2026-02-28T00:00:00Z");
    assert_before("2026-11-28T10:00:00.123Z", 5, 'y', "2021-11-28T10:00:00.123Z");
    assert_before("2024-02-29T23:59:59Z", 4, 'y', "2020-02-29T23:59:59Z");
    assert_before("2024-02-29T23:59:59Z", 5, 'y', "2019-02-28T23:59:59Z");
    assert_before("2026-01-01T00:00:00Z", 36500, 'd', "1926-01-26T00:00:00Z");
}

#define FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE(without_the_section_everything_is_kept),
        FIXTURE(days_and_years_are_read),
        FIXTURE(what_is_no_time_of_the_calendar_is_refused),
        FIXTURE(the_longest_time_is_a_century),
        FIXTURE(an_unknown_kind_of_contents_is_named),
        FIXTURE(time_is_counted_back_on_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
