/*
 * How old what waits may be, and what follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "submit/age.h"

enum { NOW = 1000000 };

static struct age age;

static void nothing_waits_at_first(void **state)
{
    (void)state;
    age_init(&age, 3000, 10000, 0, NOW);
    assert_false(age.is_missed || age.refuses);
    assert_int_equal(age.age_ms, 0);
    assert_int_equal(age_next_ms(&age), NOW + 3000);
}

static void it_is_missed_and_then_refused_at_their_moments(void **state)
{
    (void)state;
    age_init(&age, 3000, 10000, 0, NOW);
    age_update(&age, NOW + 2999);
    assert_false(age.is_missed);
    age_update(&age, NOW + 3000);
    assert_true(age.is_missed && !age.refuses);
    assert_int_equal(age_next_ms(&age), NOW + 10000);
    age_update(&age, NOW + 9999);
    assert_false(age.refuses);
    age_update(&age, NOW + 10000);
    assert_true(age.is_missed && age.refuses);
    assert_int_equal(age_next_ms(&age), INT64_MAX);
}

static void a_quorum_brings_both_back(void **state)
{
    (void)state;
    age_init(&age, 3000, 10000, 0, NOW);
    age_update(&age, NOW + 20000);
    age_clean(&age, NOW + 19000); /* taken then, cosigned now */
    age_update(&age, NOW + 20000);
    assert_false(age.is_missed || age.refuses);
    assert_int_equal(age.age_ms, 1000);
    age_clean(&age, NOW + 5000); /* an older round's answer takes nothing back */
    age_update(&age, NOW + 20000);
    assert_int_equal(age.age_ms, 1000);
}

static void without_a_window_nothing_is_ever_refused(void **state)
{
    (void)state;
    age_init(&age, 3000, 0, 0, NOW);
    age_update(&age, INT64_MAX);
    assert_true(age.is_missed && !age.refuses);
    assert_int_equal(age_next_ms(&age), INT64_MAX);
}

static void what_waited_before_counts_for_refusing_and_not_for_the_alarm(void **state)
{
    (void)state;
    age_init(&age, 3000, 10000, 9999, NOW);
    assert_false(age.is_missed || age.refuses);
    assert_int_equal(age_next_ms(&age), NOW + 1);
    age_update(&age, NOW + 1);
    assert_true(age.refuses && !age.is_missed);
    assert_int_equal(age_next_ms(&age), NOW + 3000);
    age_update(&age, NOW + 3000);
    assert_true(age.is_missed);
    age_init(&age, 3000, 10000, 10000, NOW);
    assert_true(age.refuses);
    age_init(&age, 3000, 10000, UINT64_MAX, NOW);
    assert_true(age.refuses);
    age_init(&age, 3000, 0, UINT64_MAX, NOW);
    age_update(&age, NOW + 3000);
    assert_true(age.is_missed && !age.refuses);
}

/* An alarm later than the refusal is possible, and must not hide it. */
static void the_nearer_moment_is_the_next(void **state)
{
    (void)state;
    age_init(&age, 30000, 10000, 0, NOW);
    assert_int_equal(age_next_ms(&age), NOW + 10000);
    age_update(&age, NOW + 10000);
    assert_true(age.refuses && !age.is_missed);
    assert_int_equal(age_next_ms(&age), NOW + 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits_at_first),
        cmocka_unit_test(it_is_missed_and_then_refused_at_their_moments),
        cmocka_unit_test(a_quorum_brings_both_back),
        cmocka_unit_test(without_a_window_nothing_is_ever_refused),
        cmocka_unit_test(what_waited_before_counts_for_refusing_and_not_for_the_alarm),
        cmocka_unit_test(the_nearer_moment_is_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
