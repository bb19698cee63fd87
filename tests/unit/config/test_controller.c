/*
 * test_controller.c - the section that names the operator in consent receipts
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

/* The right configuration with more at its end. */
static char *with(const char *more)
{
    char *right = fixture_right();
    size_t n = strlen(right) + strlen(more) + 1;
    char *text = malloc(n);
    assert_non_null(text);
    snprintf(text, n, "%s%s", right, more);
    free(right);
    return text;
}

static unsigned lines_of(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void assert_wrong(struct fixture *fixture, const char *more, unsigned line, unsigned column,
                         const char *part)
{
    char *right = fixture_right();
    unsigned before = lines_of(right);
    free(right);
    assert_one_problem(fixture, with(more), before + line, column, part);
}

static void without_the_section_there_is_no_controller(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    assert_false(fixture->config->has_controller);
}

static void each_text_is_read_under_its_name(void **state)
{
    struct fixture *fixture = *state;
    char more[4096] = "controller:\n", expected[64];
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        size_t n = strlen(more);
        snprintf(more + n, sizeof more - n, "  %s: https://a@b/%u\n", controller_text_name(i), i);
    }
    assert_accepted(fixture, with(more));
    assert_true(fixture->config->has_controller);
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        snprintf(expected, sizeof expected, "https://a@b/%u", i);
        assert_true(slice_equals_str(fixture->config->controller.texts[i], expected));
    }
}

static void a_name_is_enough_and_must_be_there(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with("controller:\n  name: Canal Museum\n"));
    assert_int_equal(fixture->config->controller.texts[CONTROLLER_EMAIL].n, 0);
    assert_wrong(fixture, "controller:\n  city: Utrecht\n", 2, 3, "has no `name`");
}

static void what_is_odd_is_said_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    assert_wrong(fixture, "controller:\n  name: a\n  nmae: b\n", 3, 3, "nmae");
    assert_wrong(fixture, "controller:\n  name: a\n  url: http://a.example\n", 3, 8, "https://");
    assert_wrong(fixture, "controller:\n  name: a\n  withdraw_at: at the desk\n", 3, 16,
                 "https://");
    assert_wrong(fixture, "controller:\n  name: a\n  email: nobody\n", 3, 10, "e-mail address");
    assert_wrong(fixture, "controller:\n  name: [a]\n", 2, 9, "a list");
}

static void a_text_has_at_most_controller_bytes(void **state)
{
    struct fixture *fixture = *state;
    char more[512], name[LIMIT_MAX_controller_bytes + 2];
    memset(name, 'x', sizeof name);
    name[LIMIT_MAX_controller_bytes] = 0;
    snprintf(more, sizeof more, "controller:\n  name: %s\n", name);
    assert_accepted(fixture, with(more));
    name[LIMIT_MAX_controller_bytes] = 'x';
    name[LIMIT_MAX_controller_bytes + 1] = 0;
    snprintf(more, sizeof more, "controller:\n  name: %s\n", name);
    assert_wrong(fixture, more, 2, 9, "at most 256 bytes");
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(without_the_section_there_is_no_controller), OPEN(each_text_is_read_under_its_name),
        OPEN(a_name_is_enough_and_must_be_there),         OPEN(what_is_odd_is_said_with_its_place),
        OPEN(a_text_has_at_most_controller_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
