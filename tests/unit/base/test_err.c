/*
 * Names of the failures; a broken invariant ends the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void every_failure_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = SL_OK; a <= SL_EINTERNAL; a++) {
        assert_string_not_equal(sl_err_name((enum sl_err)a), "unknown");
        for (int b = SL_OK; b < a; b++)
            assert_string_not_equal(sl_err_name((enum sl_err)a), sl_err_name((enum sl_err)b));
    }
}

static enum sl_err pass_on(enum sl_err err, int *n_steps)
{
    (*n_steps)++;
    SL_TRY(err);
    (*n_steps)++;
    return SL_OK;
}

static void try_returns_the_first_failure_and_goes_on_without_one(void **state)
{
    (void)state;
    int n_steps = 0;
    assert_int_equal(pass_on(SL_ELIMIT, &n_steps), SL_ELIMIT);
    assert_int_equal(n_steps, 1);
    assert_int_equal(pass_on(SL_OK, &n_steps), SL_OK);
    assert_int_equal(n_steps, 3);
}

static void a_broken_invariant_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        SL_ASSERT(child != 0);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

struct thing {
    int n_freed;
};

static void thing_free(struct thing *thing)
{
    if (thing)
        thing->n_freed++;
}
SL_DEFINE_AUTO(thing, thing_free)

static void what_is_held_by_attribute_is_freed_when_its_scope_ends(void **state)
{
    (void)state;
    struct thing given_away = {0};
    struct thing held = {0};
    {
        SL_AUTO(thing) a = &given_away;
        SL_AUTO(thing) b = &held;
        assert_int_equal(a->n_freed + b->n_freed, 0);
        a = NULL;
    }
    assert_int_equal(given_away.n_freed, 0);
    assert_int_equal(held.n_freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_has_a_name_of_its_own),
        cmocka_unit_test(try_returns_the_first_failure_and_goes_on_without_one),
        cmocka_unit_test(a_broken_invariant_aborts),
        cmocka_unit_test(what_is_held_by_attribute_is_freed_when_its_scope_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
