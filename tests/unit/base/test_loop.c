/*
 * Sources and stopping, on the real clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/thread.h"
#include "base/timestamp.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A pipe whose reading end is a source that does what the test says. */
struct ear {
    struct loop_source source;
    struct loop *loop;
    int write_fd;
    unsigned n_ready;
    uint32_t events;
    void (*act)(struct ear *ear);
    struct ear *other;
};

static void ear_ready(struct loop_source *source, uint32_t events)
{
    struct ear *ear = (struct ear *)(void *)source;
    ear->n_ready++;
    ear->events = events;
    if (ear->act)
        ear->act(ear);
}

static void ear_init(struct ear *ear, struct loop *loop, void (*act)(struct ear *ear))
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    *ear =
        (struct ear){.source = {ear_ready, fds[0]}, .loop = loop, .write_fd = fds[1], .act = act};
    assert_int_equal(loop_add(loop, &ear->source, EPOLLIN), SL_OK);
}

static void ear_close(struct ear *ear)
{
    loop_remove(ear->loop, &ear->source);
    close(ear->source.fd);
    close(ear->write_fd);
}

static void say(struct ear *ear)
{
    assert_int_equal(write(ear->write_fd, "x", 1), 1);
}

static void hear(struct ear *ear)
{
    char c;
    assert_int_equal(read(ear->source.fd, &c, 1), 1);
}

static int setup(void **state)
{
    struct loop *loop = malloc(sizeof *loop);
    assert_non_null(loop);
    assert_int_equal(loop_init(loop), SL_OK);
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    loop_deinit(*state);
    free(*state);
    return 0;
}

static void hear_and_stop(struct ear *ear)
{
    hear(ear);
    loop_stop(ear->loop);
}

static void a_ready_source_is_served(void **state)
{
    struct loop *loop = *state;
    struct ear ear;
    ear_init(&ear, loop, hear_and_stop);
    say(&ear);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(ear.n_ready, 1);
    assert_int_equal(ear.events, EPOLLIN);
    ear_close(&ear);
}

static void a_source_can_change_what_it_waits_for(void **state)
{
    struct loop *loop = *state;
    struct ear ear;
    ear_init(&ear, loop, hear_and_stop);
    say(&ear);
    assert_int_equal(loop_change(loop, &ear.source, 0), SL_OK);
    loop_stop(loop);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(ear.n_ready, 0);
    assert_int_equal(loop_change(loop, &ear.source, EPOLLIN), SL_OK);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(ear.n_ready, 1);
    ear_close(&ear);
}

static void a_descriptor_that_can_not_be_watched_is_an_error(void **state)
{
    struct loop *loop = *state;
    struct loop_source source = {ear_ready, -1};
    assert_int_equal(loop_add(loop, &source, EPOLLIN), SL_EINTERNAL);
    assert_int_equal(loop_change(loop, &source, EPOLLIN), SL_EINTERNAL);
}

static void remove_both_and_stop(struct ear *ear)
{
    loop_stop(ear->loop);
    struct ear *other = ear->other;
    ear_close(other);
    memset(other, 0xdd, sizeof *other); /* as if freed: its event may not be served */
    ear_close(ear);
}

static void a_source_removed_by_another_is_not_served_in_the_same_turn(void **state)
{
    struct loop *loop = *state;
    struct ear ears[2];
    for (int i = 0; i < 2; i++) {
        ear_init(&ears[i], loop, remove_both_and_stop);
        ears[i].other = &ears[1 - i];
        say(&ears[i]);
    }
    assert_int_equal(loop_run(loop), SL_OK);
    /* The one that was served first is whole; the other was wiped by it. */
    assert_true(ears[0].n_ready == 1 || ears[1].n_ready == 1);
    assert_true(ears[0].n_ready == 0xdddddddd || ears[1].n_ready == 0xdddddddd);
}

static void remove_other_and_add_it_again(struct ear *ear)
{
    hear(ear);
    struct ear *other = ear->other;
    ear_close(other);
    ear_init(other, ear->loop, hear_and_stop);
    say(other);
}

static void a_source_used_again_gets_no_event_of_its_former_life(void **state)
{
    struct loop *loop = *state;
    struct ear first;
    struct ear second;
    ear_init(&first, loop, remove_other_and_add_it_again);
    ear_init(&second, loop, hear_and_stop);
    first.other = &second;
    say(&first);
    say(&second);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(second.n_ready, 1);
    char c;
    assert_int_equal(read(second.source.fd, &c, 1), -1);
    ear_close(&first);
    ear_close(&second);
}

static void a_stop_before_the_run_ends_it_after_one_turn(void **state)
{
    struct loop *loop = *state;
    loop_stop(loop);
    loop_stop(loop);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(loop->n_turns, 1);
}

static void *stop_from_thread(void *loop)
{
    loop_stop(loop);
    return NULL;
}

static void another_thread_can_stop_it(void **state)
{
    struct loop *loop = *state;
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        assert_int_equal(thread_start(&thread, "stopper", stop_from_thread, loop), SL_OK);
        assert_int_equal(loop_run(loop), SL_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

static struct loop *loop_of_handler;

static void stop_from_handler(int number)
{
    (void)number;
    loop_stop(loop_of_handler);
}

static void raise_signal(struct ear *ear)
{
    hear(ear);
    assert_int_equal(raise(SIGUSR1), 0);
}

static void a_signal_handler_can_stop_it(void **state)
{
    struct loop *loop = *state;
    struct ear ear;
    loop_of_handler = loop;
    struct sigaction action = {.sa_handler = stop_from_handler};
    struct sigaction before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    ear_init(&ear, loop, raise_signal);
    say(&ear);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_int_equal(ear.n_ready, 1);
    ear_close(&ear);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

struct turns {
    struct ear *ear;
    unsigned n_calls, n_served_before_call[8];
    int wait_ms;
};

static int count_turn(struct loop *loop, void *context)
{
    struct turns *turns = context;
    turns->n_served_before_call[turns->n_calls] = turns->ear->n_ready;
    if (++turns->n_calls == 4)
        loop_stop(loop);
    say(turns->ear);
    return turns->wait_ms;
}

static void the_turn_is_called_after_the_sources_of_each_turn(void **state)
{
    struct loop *loop = *state;
    struct ear ear;
    ear_init(&ear, loop, hear);
    struct turns turns = {.ear = &ear, .wait_ms = -1};
    loop->turn = count_turn;
    loop->turn_context = &turns;
    assert_int_equal(loop_run(loop), SL_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(turns.n_served_before_call[i], i);
    ear_close(&ear);
}

static int count_idle_turn(struct loop *loop, void *context)
{
    unsigned *n_calls = context;
    if (++*n_calls == 5)
        loop_stop(loop);
    return *n_calls % 2; /* at once, or after a millisecond: nothing else wakes it */
}

static void the_turn_is_called_again_when_it_said_so(void **state)
{
    struct loop *loop = *state;
    unsigned n_calls = 0;
    loop->turn = count_idle_turn;
    loop->turn_context = &n_calls;
    assert_int_equal(loop_run(loop), SL_OK);
    assert_true(n_calls >= 5);
}

struct alarm {
    struct loop_timer timer;
    struct loop *loop;
    int64_t fired_at_ms;
};

static void ring(struct loop_timer *timer)
{
    struct alarm *alarm = (struct alarm *)(void *)timer;
    alarm->fired_at_ms = clock_monotonic_ms();
    loop_stop(alarm->loop);
}

static void a_deadline_wakes_an_idle_loop_and_not_early(void **state)
{
    struct loop *loop = *state;
    struct alarm alarm = {.timer = {.fire = ring}, .loop = loop};
    int64_t deadline_ms = clock_monotonic_ms() + 30;
    loop_timer_set(loop, &alarm.timer, deadline_ms);
    assert_int_equal(loop_run(loop), SL_OK);
    assert_true(alarm.fired_at_ms >= deadline_ms);
    assert_int_equal(loop->n_timers, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ready_source_is_served),
        TEST(a_source_can_change_what_it_waits_for),
        TEST(a_descriptor_that_can_not_be_watched_is_an_error),
        TEST(a_source_removed_by_another_is_not_served_in_the_same_turn),
        TEST(a_source_used_again_gets_no_event_of_its_former_life),
        TEST(a_stop_before_the_run_ends_it_after_one_turn),
        TEST(another_thread_can_stop_it),
        TEST(a_signal_handler_can_stop_it),
        TEST(the_turn_is_called_after_the_sources_of_each_turn),
        TEST(the_turn_is_called_again_when_it_said_so),
        TEST(a_deadline_wakes_an_idle_loop_and_not_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
