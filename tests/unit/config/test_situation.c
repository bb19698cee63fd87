/*
 * test_situation.c - a field of the answer that tells in which situation its subject is
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const char fields[] = "      fields: {\"$.items";

static char *with_situation(const char *situation)
{
    char answers[2048];
    snprintf(answers, sizeof answers, "      situation: %s\n%s", situation, fields);
    return fixture_text(fields, answers, NULL);
}

static const struct config_situation_field *loaded(const struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->config->n_routes; i++) {
        if (fixture->config->routes[i].situation)
            return fixture->config->routes[i].situation;
    }
    fail_msg("no route has a situation");
    return NULL;
}

static void a_value_says_one_situation_or_several(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_situation("{$.state: {DRIVING: driving, \"ON FOOT\": [walking, "
                                            "driving], 'true': at_home}}"));
    const struct config_situation_field *field = loaded(fixture);
    assert_int_equal(field->n_values, 3);
    assert_int_equal(field->n_terms, 3);
    assert_true(slice_equals_str(field->values[1].text, "ON FOOT"));
    assert_int_equal(field->values[0].situations, 1);
    assert_int_equal(field->values[1].situations, 3);
    assert_int_equal(field->values[2].situations, 4);
    assert_true(slice_equals_str(field->terms[2]->name, "at_home"));
}

static void refuse(struct fixture *fixture, const char *situation, const char *part)
{
    assert_int_equal(fixture_load(fixture, with_situation(situation)), SL_EMALFORMED);
    if (!strstr(fixture_problems(fixture), part))
        fail_msg("%s: \"%s\" is not in \"%s\"", situation, part, fixture_problems(fixture));
}

static void what_says_nothing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char one[] = "one field and what it says";
    refuse(fixture, "driving", one);
    refuse(fixture, "[driving]", one);
    refuse(fixture, "{}", one);
    refuse(fixture, "{$.state: driving}", one);
    refuse(fixture, "{$.state: {}}", one);
    refuse(fixture, "{$.state: {A: driving}, $.other: {A: driving}}", one);
    refuse(fixture, "{$.state: {A: drivng}}", "did you mean \"driving\"?");
    refuse(fixture, "{$.state: {A: {b: driving}}}", "a situation of the vocabulary");
    refuse(fixture, "{$.state: {A: []}}", "[driving]");
    refuse(fixture, "{state: {A: driving}}", "path \"state\"");
    refuse(fixture, "{$..state: {A: driving}}", "path \"$..state\"");
    refuse(fixture, "{$.state: {\"\": driving}}", "a value of 1 to 128 bytes");
}

static void a_route_tells_of_at_most_route_situations(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_situation("{$.s: {A: [driving, riding, cycling, walking, "
                                            "running, listening, at_home, at_work]}}"));
    assert_int_equal(loaded(fixture)->n_terms, LIMIT_MAX_route_situations);
    refuse(fixture,
           "{$.s: {A: [driving, riding, cycling, walking, running, listening, at_home, at_work], "
           "B: match_day}}",
           "more than 8 situations");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_value_says_one_situation_or_several),
        TEST(what_says_nothing_is_refused),
        TEST(a_route_tells_of_at_most_route_situations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
