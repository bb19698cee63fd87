/*
 * test_apart.c - work in a process of its own comes back whole, or not at all
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/apart.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_BYTES = 300000 }; /* more than a pipe holds */

static uint8_t answer[ANSWER_BYTES];

static void fill(void *context, void *out)
{
    memset(out, *(const int *)context, ANSWER_BYTES);
}

static void what_the_work_leaves_comes_back_whole(void **state)
{
    (void)state;
    int byte = 0x5a;
    bool came_back = false;
    assert_int_equal(apart_run(fill, &byte, answer, sizeof answer, &came_back), SL_OK);
    assert_true(came_back);
    for (size_t i = 0; i < sizeof answer; i++)
        assert_int_equal(answer[i], 0x5a);
}

static void change_memory(void *context, void *out)
{
    *(int *)context = 99;
    *(int *)out = *(int *)context;
}

static void the_callers_memory_stays_as_it_was(void **state)
{
    (void)state;
    int mine = 1, theirs = 0;
    bool came_back = false;
    assert_int_equal(apart_run(change_memory, &mine, &theirs, sizeof theirs, &came_back), SL_OK);
    assert_true(came_back);
    assert_int_equal(mine, 1);
    assert_int_equal(theirs, 99);
}

static void end_badly(void *context, void *out)
{
    memset(out, 0xff, ANSWER_BYTES);
    fprintf(stderr, "this is not seen\n");
    switch (*(const int *)context) {
    case 0:
        _exit(0);
    case 1:
        abort();
    case 2:
        raise(SIGKILL);
        break;
    case 3:
        raise(SIGSEGV);
        break;
    default:
        raise(SIGBUS);
    }
}

static void an_end_in_any_other_way_leaves_the_answer_alone(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        bool came_back = true;
        memset(answer, 0x11, sizeof answer);
        assert_int_equal(apart_run(end_badly, &how, answer, sizeof answer, &came_back), SL_OK);
        assert_false(came_back);
        for (size_t i = 0; i < sizeof answer; i += 1000)
            assert_int_equal(answer[i], 0x11);
    }
}

static void no_child_is_left_behind(void **state)
{
    (void)state;
    int how = 1;
    bool came_back;
    assert_int_equal(apart_run(end_badly, &how, answer, sizeof answer, &came_back), SL_OK);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_work_leaves_comes_back_whole),
        cmocka_unit_test(the_callers_memory_stays_as_it_was),
        cmocka_unit_test(an_end_in_any_other_way_leaves_the_answer_alone),
        cmocka_unit_test(no_child_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
