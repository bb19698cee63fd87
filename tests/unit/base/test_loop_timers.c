/*
 * The wheel of deadlines, in simulated time: against a plain list of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* ------------------------------------------------------- time passes only while the loop waits --
 */

static int64_t simulated_ms;
static int64_t extra_wait_ms; /* as if the machine had been asleep */
static unsigned n_waits;

int64_t __wrap_clock_monotonic_ms(void);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int cap, int wait_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int cap, int wait_ms);

int64_t __wrap_clock_monotonic_ms(void)
{
    return simulated_ms;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int cap, int wait_ms)
{
    n_waits++;
    int n = __real_epoll_wait(epoll_fd, events, cap, 0);
    if (n != 0)
        return n;
    if (wait_ms < 0)
        fail_msg("the loop waits forever");
    simulated_ms += wait_ms + extra_wait_ms;
    extra_wait_ms = 0;
    return 0;
}

struct alarm {
    struct loop_timer timer;
    struct loop *loop;
    int64_t deadline_ms, fired_at_ms;
    unsigned n_fired;
    bool is_set;
    void (*act)(struct alarm *alarm);
    struct alarm *other;
};

static unsigned n_fired_in_all, stop_after;

static void fire(struct loop_timer *timer)
{
    struct alarm *alarm = (struct alarm *)(void *)timer;
    alarm->n_fired++;
    alarm->is_set = false;
    alarm->fired_at_ms = simulated_ms;
    if (++n_fired_in_all == stop_after)
        loop_stop(alarm->loop);
    if (alarm->act)
        alarm->act(alarm);
}

static void set(struct loop *loop, struct alarm *alarm, int64_t deadline_ms)
{
    alarm->timer.fire = fire;
    alarm->loop = loop;
    alarm->deadline_ms = deadline_ms;
    alarm->is_set = true;
    loop_timer_set(loop, &alarm->timer, deadline_ms);
}

static void run_until_fired(struct loop *loop, unsigned n)
{
    stop_after = n_fired_in_all + n;
    assert_int_equal(loop_run(loop), SL_OK);
}

static int setup(void **state)
{
    struct loop *loop = malloc(sizeof *loop);
    assert_non_null(loop);
    simulated_ms = 1234567;
    n_fired_in_all = n_waits = 0;
    extra_wait_ms = 0;
    assert_int_equal(loop_init(loop), SL_OK);
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    struct loop *loop = *state;
    assert_int_equal(loop->n_timers, 0);
    loop_deinit(loop);
    free(loop);
    return 0;
}

static void assert_on_time(const struct alarm *alarm)
{
    assert_int_equal(alarm->n_fired, 1);
    assert_true(alarm->fired_at_ms >= alarm->deadline_ms);
    assert_true(alarm->fired_at_ms <= alarm->deadline_ms + LOOP_TICK_MS);
}

static void every_distance_up_to_three_rotations_fires_on_time(void **state)
{
    struct loop *loop = *state;
    enum { ROTATION_MS = LOOP_TICK_MS * LOOP_SLOTS };
    for (int64_t distance_ms = 1; distance_ms < 3 * ROTATION_MS; distance_ms += 37) {
        struct alarm alarm = {0};
        set(loop, &alarm, simulated_ms + distance_ms);
        run_until_fired(loop, 1);
        assert_on_time(&alarm);
    }
}

static void the_edges_of_a_rotation_fire_on_time(void **state)
{
    struct loop *loop = *state;
    enum { ROTATION_MS = LOOP_TICK_MS * LOOP_SLOTS };
    for (int64_t start = 0; start < LOOP_TICK_MS; start++) {
        for (int64_t off = -2 * LOOP_TICK_MS; off <= 2 * LOOP_TICK_MS; off++) {
            simulated_ms += start;
            struct alarm alarm = {0};
            loop_stop(loop); /* one turn, so that the loop has seen the time */
            assert_int_equal(loop_run(loop), SL_OK);
            set(loop, &alarm, simulated_ms + ROTATION_MS + off);
            run_until_fired(loop, 1);
            assert_on_time(&alarm);
        }
    }
}

static void a_deadline_that_has_passed_fires_at_the_next_tick(void **state)
{
    struct loop *loop = *state;
    struct alarm alarms[3] = {0};
    set(loop, &alarms[0], simulated_ms);
    set(loop, &alarms[1], simulated_ms - 100000);
    set(loop, &alarms[2], INT64_MIN / 2);
    int64_t start_ms = simulated_ms;
    run_until_fired(loop, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(alarms[i].n_fired, 1);
        assert_true(alarms[i].fired_at_ms <= start_ms + LOOP_TICK_MS);
    }
}

static void a_cleared_deadline_does_not_fire(void **state)
{
    struct loop *loop = *state;
    struct alarm alarms[3] = {0};
    for (int i = 0; i < 3; i++)
        set(loop, &alarms[i], simulated_ms + 50); /* all in one slot */
    loop_timer_clear(loop, &alarms[1].timer);
    loop_timer_clear(loop, &alarms[1].timer);
    run_until_fired(loop, 2);
    assert_int_equal(alarms[1].n_fired, 0);
    assert_on_time(&alarms[0]);
    assert_on_time(&alarms[2]);
}

static void setting_again_moves_the_deadline(void **state)
{
    struct loop *loop = *state;
    struct alarm alarm = {0};
    set(loop, &alarm, simulated_ms + 50);
    set(loop, &alarm, simulated_ms + 5000);
    assert_int_equal(loop->n_timers, 1);
    run_until_fired(loop, 1);
    assert_on_time(&alarm);
    set(loop, &alarm, simulated_ms + 5000);
    set(loop, &alarm, simulated_ms + 50);
    alarm.n_fired = 0;
    run_until_fired(loop, 1);
    assert_on_time(&alarm);
}

static void clear_other(struct alarm *alarm)
{
    loop_timer_clear(alarm->loop, &alarm->other->timer);
    loop_stop(alarm->loop);
}

static void one_that_fires_may_clear_another_that_is_due(void **state)
{
    struct loop *loop = *state;
    struct alarm alarms[2] = {0};
    for (int i = 0; i < 2; i++) {
        alarms[i].act = clear_other;
        alarms[i].other = &alarms[1 - i];
        set(loop, &alarms[i], simulated_ms + 50);
    }
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(alarms[0].n_fired + alarms[1].n_fired, 1);
}

static void set_other_in_the_past(struct alarm *alarm)
{
    set(alarm->loop, alarm->other, simulated_ms - 1);
}

static void one_that_fires_may_set_another_and_itself(void **state)
{
    struct loop *loop = *state;
    struct alarm alarms[2] = {0};
    alarms[0].act = set_other_in_the_past;
    alarms[0].other = &alarms[1];
    alarms[1].act = set_other_in_the_past;
    alarms[1].other = &alarms[1];
    int64_t start_ms = simulated_ms;
    set(loop, &alarms[0], simulated_ms + 5);
    run_until_fired(loop, 10);
    assert_int_equal(alarms[1].n_fired, 9);
    /* One tick each: a timer that keeps setting itself does not stop the loop. */
    assert_int_equal((simulated_ms - start_ms) / LOOP_TICK_MS, 10);
    loop_timer_clear(loop, &alarms[1].timer);
}

static void a_machine_that_slept_fires_everything_once(void **state)
{
    struct loop *loop = *state;
    struct alarm alarms[200] = {0};
    for (int i = 0; i < 200; i++)
        set(loop, &alarms[i], simulated_ms + 10 + i * 333);
    extra_wait_ms = 10000000;
    run_until_fired(loop, 200);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(alarms[i].n_fired, 1);
        assert_int_equal(alarms[i].fired_at_ms, alarms[0].fired_at_ms);
    }
}

static void a_loop_without_deadlines_that_slept_keeps_time(void **state)
{
    struct loop *loop = *state;
    struct alarm alarm = {0};
    for (int i = 0; i < 20; i++) {
        simulated_ms += 1000003;
        loop_stop(loop);
        assert_int_equal(loop_run(loop), SL_OK);
        alarm.n_fired = 0;
        set(loop, &alarm, simulated_ms + 20);
        run_until_fired(loop, 1);
        assert_on_time(&alarm);
    }
}

static void waiting_for_a_far_deadline_wakes_rarely(void **state)
{
    struct loop *loop = *state;
    struct alarm alarm = {0};
    set(loop, &alarm, simulated_ms + 600000);
    run_until_fired(loop, 1);
    assert_on_time(&alarm);
    assert_true(n_waits <= 600000 / (LOOP_TICK_MS * (LOOP_SLOTS - 1)) + 3);
}

/* Random setting, moving and clearing; a plain array says what should have fired. */
static void a_long_random_life_agrees_with_a_plain_list(void **state)
{
    struct loop *loop = *state;
    enum { N_ALARMS = 200, N_ROUNDS = 20000 };
    static struct alarm alarms[N_ALARMS];
    memset(alarms, 0, sizeof alarms);
    unsigned seed = 20261123;
    struct alarm pace = {0};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct alarm *alarm = &alarms[rand_r(&seed) % N_ALARMS];
        unsigned choice = (unsigned)rand_r(&seed) % 4;
        alarm->n_fired = 0;
        if (choice == 0) {
            loop_timer_clear(loop, &alarm->timer);
            alarm->is_set = false;
        } else {
            int64_t range_ms = choice == 1 ? 30 : choice == 2 ? 3000 : 30000;
            set(loop, alarm, simulated_ms + rand_r(&seed) % range_ms);
        }
        /* Time passes until the pace fires. */
        set(loop, &pace, simulated_ms + 1 + rand_r(&seed) % 50);
        stop_after = 0;
        while (pace.is_set) {
            loop_stop(loop);
            assert_int_equal(loop_run(loop), SL_OK);
            if (pace.is_set)
                simulated_ms += rand_r(&seed) % 5;
        }
        unsigned n_set = 0;
        for (int i = 0; i < N_ALARMS; i++) {
            n_set += alarms[i].is_set;
            assert_true(!alarms[i].is_set ||
                        alarms[i].deadline_ms + LOOP_TICK_MS + 5 > simulated_ms);
            assert_true(alarms[i].n_fired <= 1);
            if (alarms[i].n_fired)
                assert_true(alarms[i].fired_at_ms >= alarms[i].deadline_ms);
        }
        assert_int_equal(loop->n_timers, n_set);
    }
    for (int i = 0; i < N_ALARMS; i++)
        loop_timer_clear(loop, &alarms[i].timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_distance_up_to_three_rotations_fires_on_time),
        TEST(the_edges_of_a_rotation_fire_on_time),
        TEST(a_deadline_that_has_passed_fires_at_the_next_tick),
        TEST(a_cleared_deadline_does_not_fire),
        TEST(setting_again_moves_the_deadline),
        TEST(one_that_fires_may_clear_another_that_is_due),
        TEST(one_that_fires_may_set_another_and_itself),
        TEST(a_machine_that_slept_fires_everything_once),
        TEST(a_loop_without_deadlines_that_slept_keeps_time),
        TEST(waiting_for_a_far_deadline_wakes_rarely),
        TEST(a_long_random_life_agrees_with_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
