/*
 * test_check_policy.c - what a policy names against what the configuration has
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "policy/policy.h"

#include <string.h>

static const struct vocabulary_term other_purpose = {.name = SLICE_LITERAL("research")};

/* What is right by the fixture's configuration. */
static struct policy_consent right_consent(const struct fixture *fixture)
{
    return (struct policy_consent){
        .id = slice_of_str("drive"),
        .app = slice_of_str("waze"),
        .partner = slice_of_str("spotify"),
        .purpose = fixture->config->partners[0].purposes[0],
        .in_return = slice_of_str("Playlists that fit the drive"),
        .line = 5,
        .column = 3,
    };
}

static void check(struct fixture *fixture, const struct policy_consent *consent,
                  const struct policy_refusal *refusal)
{
    struct policy_document policy = {.n_consents = consent ? 1 : 0,
                                     .consents = consent,
                                     .n_refusals = refusal ? 1 : 0,
                                     .refusals = refusal};
    yaml_problems_deinit(&fixture->problems);
    config_check_policy(fixture->config, &policy, &fixture->problems);
}

static void assert_problem(struct fixture *fixture, bool warning, const char *text)
{
    if (fixture->problems.n != 1 || fixture->problems.list[0].warning != warning ||
        !strstr(fixture_problems(fixture), text))
        fail_msg("expected %s; found\n%s", text, fixture_problems(fixture));
    assert_int_equal(fixture->problems.n_errors, warning ? 0 : 1);
}

static void a_policy_within_the_contract_has_no_problem(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_consent consent = right_consent(fixture);
    check(fixture, &consent, NULL);
    assert_int_equal(fixture->problems.n, 0);
    consent.in_return = slice_of(NULL, 0); /* asking nothing in return is the person's right */
    check(fixture, &consent, NULL);
    assert_int_equal(fixture->problems.n, 0);
}

static void unknown_apps_and_partners_are_errors_with_a_suggestion(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_consent consent = right_consent(fixture);
    consent.app = slice_of_str("wase");
    check(fixture, &consent, NULL);
    assert_problem(fixture, false,
                   "5:3 consent \"drive\": unknown app \"wase\"; did you mean \"waze\"?");
    consent.app = slice_of_str("strava");
    check(fixture, &consent, NULL);
    assert_problem(fixture, false, "expected one of: waze, music");
    consent = right_consent(fixture);
    consent.partner = slice_of_str("spotfy");
    check(fixture, &consent, NULL);
    assert_problem(fixture, false, "unknown partner \"spotfy\"; did you mean \"spotify\"?");
}

static void a_purpose_outside_the_contract_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_consent consent = right_consent(fixture);
    consent.purpose = &other_purpose;
    check(fixture, &consent, NULL);
    assert_problem(fixture, false,
                   "contract does not hold the purpose \"research\"; expected one of: "
                   "recommendation");
}

static void a_benefit_that_the_contract_does_not_promise_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_consent consent = right_consent(fixture);
    consent.in_return = slice_of_str("Playlists that fit the ride");
    check(fixture, &consent, NULL);
    assert_problem(fixture, false, "did you mean \"Playlists that fit the drive\"?");
    consent.in_return = slice_of_str("Money");
    check(fixture, &consent, NULL);
    assert_problem(fixture, false, "does not promise \"Money\"");
}

static void all_problems_of_a_consent_are_told(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_consent consent = right_consent(fixture);
    consent.app = slice_of_str("strava");
    consent.purpose = &other_purpose;
    consent.in_return = slice_of_str("Money");
    check(fixture, &consent, NULL);
    assert_int_equal(fixture->problems.n_errors, 3);
}

/* Refusing must always be possible, but a slip of the pen must not go unnoticed. */
static void a_refusal_of_what_is_not_there_is_a_warning_but_a_slip_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    struct policy_refusal refusal = {.line = 7, .column = 3};
    check(fixture, NULL, &refusal);
    assert_int_equal(fixture->problems.n, 0);
    refusal.app = slice_of_str("waze");
    refusal.partner = slice_of_str("spotify");
    check(fixture, NULL, &refusal);
    assert_int_equal(fixture->problems.n, 0);
    refusal.partner = slice_of_str("cambridge-analytica");
    check(fixture, NULL, &refusal);
    assert_problem(fixture, true, "7:3 unknown partner \"cambridge-analytica\"");
    refusal.partner = slice_of_str("spotfy");
    check(fixture, NULL, &refusal);
    assert_problem(fixture, false, "did you mean \"spotify\"?");
    refusal.partner = slice_of_str("spotify");
    refusal.app = slice_of_str("wase");
    check(fixture, NULL, &refusal);
    assert_problem(fixture, false, "unknown app \"wase\" in a refusal; did you mean \"waze\"?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_policy_within_the_contract_has_no_problem),
        TEST(unknown_apps_and_partners_are_errors_with_a_suggestion),
        TEST(a_purpose_outside_the_contract_is_an_error),
        TEST(a_benefit_that_the_contract_does_not_promise_is_an_error),
        TEST(all_problems_of_a_consent_are_told),
        TEST(a_refusal_of_what_is_not_there_is_a_warning_but_a_slip_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
