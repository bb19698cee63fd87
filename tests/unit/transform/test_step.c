/* The text of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/step.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct steps steps;
static uint8_t names[4096];

static enum steps_fault parse(const char *path, size_t *fault_at)
{
    size_t n = strlen(path);
    assert_true(n <= sizeof names);
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, path, n);
    memset(&steps, 0, sizeof steps);
    enum steps_fault fault = steps_parse(slice_of(copy, n), names, &steps, fault_at);
    free(copy);
    return fault;
}

static void expect_steps(const char *path, size_t n_steps)
{
    size_t fault_at;
    assert_int_equal(parse(path, &fault_at), STEPS_OK);
    assert_int_equal(steps.n, n_steps);
}

static void expect_name(size_t i, const char *name)
{
    assert_int_equal(steps.step[i].kind, STEP_NAME);
    assert_true(slice_equals_str(steps.step[i].name, name));
}

static void names_indices_and_any_are_read(void **state)
{
    (void)state;
    expect_steps("$", 0);
    expect_steps("$.a._b1.caf\u00e9", 3);
    expect_name(0, "a");
    expect_name(1, "_b1");
    expect_name(2, "caf\u00e9");
    expect_steps("$[0][*][4294967294].x", 4);
    assert_int_equal(steps.step[0].kind, STEP_INDEX);
    assert_int_equal(steps.step[0].index, 0);
    assert_int_equal(steps.step[1].kind, STEP_ANY);
    assert_int_equal(steps.step[2].index, 4294967294);
    assert_int_equal(steps.step[2].at, 7);
    expect_name(3, "x");
}

static void quoted_names_hold_anything(void **state)
{
    (void)state;
    expect_steps("$['a b'][\"c.d\"]['']['\"'][\"'\"]", 5);
    expect_name(0, "a b");
    expect_name(1, "c.d");
    expect_name(2, "");
    expect_name(3, "\"");
    expect_name(4, "'");
    expect_steps("$['\\'\\\\\\/\\b\\f\\n\\r\\t']['\\u00e9\\ud83d\\ude00'][\"\\\"\"]", 3);
    expect_name(0, "'\\/\b\f\n\r\t");
    expect_name(1, "\u00e9\U0001F600");
    expect_name(2, "\"");
}

static void what_is_outside_the_subset_is_refused_where_it_begins(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t at;
    } cases[] = {
        {"", 0},
        {"a", 0},
        {" $", 0},
        {"$ ", 1},
        {"$a", 1},
        {"$.", 2},
        {"$..a", 2},
        {"$.*", 2},
        {"$.1", 2},
        {"$.-a", 2},
        {"$.a-b", 3},
        {"$.a b", 3},
        {"$.'a'", 2},
        {"$.a.", 4},
        {"$[", 2},
        {"$[]", 2},
        {"$[a]", 2},
        {"$[-1]", 2},
        {"$[01]", 4},
        {"$[0", 3},
        {"$[0 ]", 3},
        {"$[ 0]", 2},
        {"$[4294967295]", 12},
        {"$[99999999999999999999]", 22},
        {"$[*", 3},
        {"$[0:2]", 3},
        {"$[0,1]", 3},
        {"$[?@.a]", 2},
        {"$['a]", 5},
        {"$['a\"]", 6},
        {"$['a'", 5},
        {"$['a'x]", 5},
        {"$['a','b']", 5},
        {"$['\\\"']", 3},
        {"$[\"\\'\"]", 3},
        {"$['\\x']", 3},
        {"$['\\u12']", 3},
        {"$['\\ud800']", 3},
        {"$['\t']", 3},
        {"$['\\", 3},
        {"$.a\xff", 0},
        {"$['\xc0\x80']", 0},
        {"@.a", 0},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        size_t fault_at = 999;
        enum steps_fault fault = parse(cases[i].path, &fault_at);
        if (fault != STEPS_SYNTAX || fault_at != cases[i].at)
            print_error("%s: fault at %zu, expected %zu\n", cases[i].path, fault_at, cases[i].at);
        assert_int_equal(fault, STEPS_SYNTAX);
        assert_int_equal(fault_at, cases[i].at);
    }
}

static void sixty_four_steps_pass_and_one_more_is_too_many(void **state)
{
    (void)state;
    char path[256] = "$";
    for (size_t i = 0; i < STEPS_MAX; i++)
        strcat(path, ".a");
    expect_steps(path, STEPS_MAX);
    size_t n = strlen(path);
    strcat(path, ".a");
    size_t fault_at;
    assert_int_equal(parse(path, &fault_at), STEPS_TOO_MANY);
    assert_int_equal(fault_at, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_indices_and_any_are_read),
        cmocka_unit_test(quoted_names_hold_anything),
        cmocka_unit_test(what_is_outside_the_subset_is_refused_where_it_begins),
        cmocka_unit_test(sixty_four_steps_pass_and_one_more_is_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
