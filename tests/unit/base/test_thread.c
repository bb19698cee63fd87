/*
 * A thread that no signal disturbs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"

#include <signal.h>
#include <stdbool.h>

struct seen {
    sigset_t mask;
    char name[16];
};

static void *look_around(void *context)
{
    struct seen *seen = context;
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    return seen;
}

static void all_signals_are_blocked_in_it_and_none_in_its_starter(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE};
    struct seen seen;
    pthread_t thread;
    sigset_t own;
    assert_int_equal(thread_start(&thread, "looker", look_around, &seen), SL_OK);
    void *returned = NULL;
    assert_int_equal(pthread_join(thread, &returned), 0);
    assert_ptr_equal(returned, &seen);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &own), 0);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal(sigismember(&seen.mask, signals[i]), 1);
        assert_int_equal(sigismember(&own, signals[i]), 0);
    }
}

static int n_creates_to_fail;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    if (n_creates_to_fail > 0) {
        n_creates_to_fail--;
        return 11; /* EAGAIN */
    }
    return __real_pthread_create(thread, attributes, run, context);
}

static void a_thread_that_can_not_start_leaves_the_signals_alone(void **state)
{
    (void)state;
    struct seen seen;
    pthread_t thread;
    sigset_t own;
    n_creates_to_fail = 1;
    assert_int_equal(thread_start(&thread, "looker", look_around, &seen), SL_EINTERNAL);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &own), 0);
    assert_int_equal(sigismember(&own, SIGTERM), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_signals_are_blocked_in_it_and_none_in_its_starter),
        cmocka_unit_test(a_thread_that_can_not_start_leaves_the_signals_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
