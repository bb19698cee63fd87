/*
 * The section `witnesses`: a trust file that a gateway can fulfil, and what hangs on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG       "log demo.sluis.example/1+93818c2f+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
#define OTHER_LOG "log other.example/1+040d3e13+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\n"
#define NORTH     "witness north n.example+ef78b26e+BEOnLnFEAXYt9mtowm373yaCquyfJHTspGE+QkoPuv08"
#define SOUTH     "witness south s.example+2dcc557e+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6"

/* One of the two is enough. */
#define TRUST                                                                                      \
    LOG NORTH " http://127.0.0.1:8470\n" SOUTH " https://s.example/w/\n"                           \
              "group g any north south\nquorum g\n"

/* The right configuration, with a section that names the file `trust`. */
static char *with_section(const char *more)
{
    char section[512];
    snprintf(section, sizeof section, "witnesses:\n  policy: trust\n%slimits: {", more);
    return fixture_text("limits: {", section, NULL);
}

static char *with_trust(struct fixture *fixture, const char *trust)
{
    fixture_write(fixture, "trust", trust, 0644);
    return with_section("");
}

static void a_trust_file_and_two_times_are_read(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    assert_null(fixture->config->witnesses);
    assert_accepted(fixture, with_trust(fixture, TRUST));
    const struct config_witnesses *witnesses = fixture->config->witnesses;
    assert_int_equal(witnesses->every_s, 2);
    assert_int_equal(witnesses->refuse_after_s, 86400);
    assert_null(witnesses->ca_file);
    assert_int_equal(witnesses->policy->n_witnesses, 2);
    assert_true(slice_equals_str(witnesses->policy->witness_urls[1], "https://s.example/w/"));
    assert_true(slice_equals_str(witnesses->policy->logs[0].name, "demo.sluis.example/1"));
    assert_accepted(fixture, with_section("  every: 10s\n  refuse_after: 15min\n"));
    assert_int_equal(fixture->config->witnesses->every_s, 10);
    assert_int_equal(fixture->config->witnesses->refuse_after_s, 900);
}

static void every_is_1_to_10_seconds(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "trust", TRUST, 0644);
    static const char *const wrong[] = {"0s", "11s", "1min", "2", "s", "-1s", "1.5s", "01s", "2 s"};
    assert_accepted(fixture, with_section("  every: 1s\n"));
    assert_accepted(fixture, with_section("  every: 10s\n"));
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        char line[64];
        snprintf(line, sizeof line, "  every: %s\n", wrong[i]);
        assert_one_problem(fixture, with_section(line), 44, 10, "a duration of 1 to 10 seconds");
    }
}

static void flows_are_refused_after_10_seconds_to_7_days_or_never(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "trust", TRUST, 0644);
    static const struct {
        const char *text;
        unsigned seconds;
    } right[] = {{"10s", 10}, {"7d", 604800}, {"168h", 604800}, {"never", 0}, {"0", 0}};
    static const char *const wrong[] = {"9s", "0s", "8d", "604801s", "always", "7", "99999999999d"};
    for (size_t i = 0; i < SL_LENGTH(right); i++) {
        char line[64];
        snprintf(line, sizeof line, "  refuse_after: %s\n", right[i].text);
        assert_accepted(fixture, with_section(line));
        assert_int_equal(fixture->config->witnesses->refuse_after_s, right[i].seconds);
    }
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        char line[64];
        snprintf(line, sizeof line, "  refuse_after: %s\n", wrong[i]);
        assert_one_problem(fixture, with_section(line), 44, 17, "10 to 604800 seconds");
    }
}

static void alarm_and_refusal_come_after_three_rounds_at_least(void **state)
{
    struct fixture *fixture = *state;
    fixture_write(fixture, "trust", TRUST, 0644);
    assert_accepted(fixture, with_section("  every: 4s\n  refuse_after: 12s\n"));
    assert_one_problem(fixture, with_section("  every: 4s\n  refuse_after: 11s\n"), 45, 17,
                       "three times as long");
    static const char *const alarms[] = {"11999", "12000"};
    for (size_t i = 0; i < SL_LENGTH(alarms); i++) {
        char section[256];
        snprintf(section, sizeof section,
                 "witnesses: {policy: trust, every: 4s}\nlimits: {witness_alarm_ms: %s, ",
                 alarms[i]);
        char *text = fixture_text("limits: {", section, NULL);
        if (i > 0)
            assert_accepted(fixture, text);
        else
            assert_one_problem(fixture, text, 43, 9, "witness_alarm_ms is 11999");
    }
}

static void what_is_wrong_with_the_file_is_told_with_its_line(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *trust, *part;
    } wrong[] = {
        {LOG NORTH "\n", "trust: there is no quorum"},
        {LOG "witness north nonsense\nquorum north\n", "trust:2: the key is not"},
        {LOG "quorum none\n", "`quorum none` asks for no witness"},
        {LOG NORTH "\nquorum north\n", "by the witnesses that have a url"},
        {LOG NORTH " http://127.0.0.1:1\n" SOUTH "\ngroup g all north south\nquorum g\n",
         "by the witnesses that have a url"},
        {OTHER_LOG NORTH " http://127.0.0.1:1\nquorum north\n",
         "not this node's demo.sluis.example/1"},
    };
    for (size_t i = 0; i < SL_LENGTH(wrong); i++)
        assert_one_problem(fixture, with_trust(fixture, wrong[i].trust), 43, 11, wrong[i].part);
    assert_accepted(fixture, with_trust(fixture, NORTH " http://127.0.0.1:1\nquorum north\n"));
    assert_accepted(fixture, with_trust(fixture, OTHER_LOG LOG NORTH " http://127.0.0.1:1\n"
                                                                     "quorum north\n"));
    assert_one_problem(fixture,
                       fixture_text("limits: {", "witnesses: {policy: none}\nlimits: {", NULL), 42,
                       21, "can't be opened");
    assert_one_problem(fixture,
                       fixture_text("limits: {", "witnesses: {every: 2s}\nlimits: {", NULL), 42, 12,
                       "no `policy`");
    fixture_write(fixture, "trust", TRUST, 0644);
    assert_one_problem(fixture, with_section("  evry: 2s\n"), 44, 3, "every");
    assert_one_problem(fixture, with_section("  ca: nowhere\n"), 44, 7, "can't be opened");
}

static void a_url_is_http_with_a_host_and_nothing_but_a_path(void **state)
{
    struct fixture *fixture = *state;
    static const char *const right[] = {
        "http://127.0.0.1:8470",   "http://127.0.0.1",  "http://[::1]:8470/",
        "http://localhost:1/a/b",  "https://w.example", "https://w.example:8443/log/",
        "https://[2001:db8::1]/w",
    };
    static const char *const wrong[] = {
        "w.example",          "ftp://w.example",          "https://",
        "https:///w",         "https://u@w.example",      "https://w.example?x",
        "https://w.example#", "https://w.example:0",      "https://w.example:65536",
        "https://w.example:", "https://w.ex\xc3\xa4mple", "https://w.example\\w",
        "HTTPS://w.example",
    };
    char trust[1024];
    for (size_t i = 0; i < SL_LENGTH(right); i++) {
        snprintf(trust, sizeof trust, NORTH " %s\nquorum north\n", right[i]);
        assert_accepted(fixture, with_trust(fixture, trust));
    }
    for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
        snprintf(trust, sizeof trust, NORTH " %s\nquorum north\n", wrong[i]);
        assert_one_problem(fixture, with_trust(fixture, trust), 43, 11,
                           "witness north has the url");
    }
}

static void a_url_has_at_most_1024_bytes(void **state)
{
    struct fixture *fixture = *state;
    char trust[2048], path[LIMIT_MAX_witness_url_bytes + 2];
    memset(path, 'p', sizeof path);
    int n_before = (int)strlen("https://w.example/");
    snprintf(trust, sizeof trust, NORTH " https://w.example/%.*s\nquorum north\n",
             LIMIT_MAX_witness_url_bytes - n_before, path);
    assert_accepted(fixture, with_trust(fixture, trust));
    snprintf(trust, sizeof trust, NORTH " https://w.example/%.*s\nquorum north\n",
             LIMIT_MAX_witness_url_bytes + 1 - n_before, path);
    assert_one_problem(fixture, with_trust(fixture, trust), 43, 11, "1025 bytes; at most 1024");
}

static void http_to_another_machine_is_a_warning(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        fixture_load(fixture, with_trust(fixture, NORTH " http://192.0.2.1/\nquorum north\n")),
        SL_OK);
    assert_int_equal(fixture->problems.n, 1);
    assert_true(fixture->problems.list[0].warning);
    assert_non_null(strstr(fixture_problems(fixture), "asked by http"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trust_file_and_two_times_are_read),
        TEST(every_is_1_to_10_seconds),
        TEST(flows_are_refused_after_10_seconds_to_7_days_or_never),
        TEST(alarm_and_refusal_come_after_three_rounds_at_least),
        TEST(what_is_wrong_with_the_file_is_told_with_its_line),
        TEST(a_url_is_http_with_a_host_and_nothing_but_a_path),
        TEST(a_url_has_at_most_1024_bytes),
        TEST(http_to_another_machine_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
