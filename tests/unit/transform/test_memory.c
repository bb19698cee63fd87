/* Each allocation fails once: the step is refused, nothing leaks, and the next try succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* The linker sends the calls here (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static size_t n_until_failure; /* 0: none fails */

static bool fails_now(void)
{
    return n_until_failure > 0 && --n_until_failure == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails_now() ? NULL : __real_realloc(p, n);
}

/* Runs `step` with its first, second, ... allocation failing, until none is left to fail. */
static size_t fail_each_allocation(bool (*step)(void *), void *context)
{
    for (size_t n = 1;; n++) {
        n_until_failure = n;
        bool succeeded = step(context);
        bool none_failed = n_until_failure > 0;
        n_until_failure = 0;
        assert_int_equal(succeeded, none_failed);
        if (none_failed)
            return n - 1;
    }
}

static bool build_trie(void *context)
{
    (void)context;
    static const char *const paths[] = {"$.a.b[*].c", "$.a.d", "$['a name that is longer']"};
    struct path_trie *trie = NULL;
    if (path_trie_new(&trie) != SL_OK) {
        assert_null(trie);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < SL_LENGTH(paths); i++) {
        size_t fault_at = 0;
        enum path_fault fault = path_trie_add(trie, slice_of_str(paths[i]),
                                              (struct path_field){FIELD_VALUE, 0}, &fault_at);
        assert_true(fault == PATH_OK || fault == PATH_NO_MEMORY);
        ok = fault == PATH_OK;
    }
    ok = ok && path_trie_finish(trie) == PATH_OK;
    path_trie_free(trie);
    return ok;
}

static void a_trie_without_memory_is_refused(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(build_trie, NULL) >= 6);
}

static bool make_filter(void *context)
{
    struct limits limits = limits_default();
    struct filter *filter = NULL;
    (void)context;
    if (filter_new(&limits, &filter) != SL_OK) {
        assert_null(filter);
        return false;
    }
    filter_free(filter);
    return true;
}

static void a_filter_without_memory_is_refused(void **state)
{
    (void)state;
    assert_true(fail_each_allocation(make_filter, NULL) >= 6);
}

struct feeding {
    struct fixture fixture;
    struct text answer;
};

static bool feed_in_two(struct feeding *feeding)
{
    struct filter *filter = feeding->fixture.filter;
    size_t n_first = feeding->answer.n - 10;
    filter_begin(filter, feeding->fixture.trie, &feeding->fixture.reduction);
    enum sl_err err = filter_feed(filter, slice_of(feeding->answer.p, n_first));
    if (err == SL_OK)
        err = filter_feed(filter, slice_of(feeding->answer.p + n_first, 10));
    if (err == SL_OK)
        err = filter_finish(filter);
    assert_true(err == SL_OK || filter_fault(filter) == FILTER_TOO_LARGE);
    assert_int_equal(filter_output(filter).n > 0, err == SL_OK);
    return err == SL_OK;
}

/* A new filter each time, as one that has grown allocates no more. */
static bool feed(void *context)
{
    struct feeding *feeding = context;
    size_t n_chosen = n_until_failure;
    n_until_failure = 0;
    fixture_start(&feeding->fixture);
    n_until_failure = n_chosen;
    bool succeeded = feed_in_two(feeding);
    n_chosen = n_until_failure;
    n_until_failure = 0;
    assert_true(feed_in_two(feeding));
    filter_free(feeding->fixture.filter);
    feeding->fixture.filter = NULL;
    n_until_failure = n_chosen;
    return succeeded;
}

static void an_answer_without_memory_is_refused_and_the_next_one_is_not(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.k", FIELD_VALUE, 0}, {"$.u", FIELD_SUBJECT, 0}};
    struct feeding feeding = {0};
    fixture_init(&feeding.fixture, fields, SL_LENGTH(fields));
    text_add(&feeding.answer, "{\"u\":\"");
    text_add_times(&feeding.answer, "\\u0061", 1000);
    text_add(&feeding.answer, "\",\"d\":{\"0\":0");
    for (size_t i = 1; i < 600; i++) {
        char member[32];
        snprintf(member, sizeof member, ",\"%zu\":0", i);
        text_add(&feeding.answer, member);
    }
    text_add(&feeding.answer, "},\"k\":\"");
    text_add_times(&feeding.answer, "0123456789", 3000);
    text_add(&feeding.answer, "\"}");
    struct text user = {0};
    text_add_times(&user, "a", 1000);
    feeding.fixture.reduction.user = text_slice(&user);

    /* The key set twice (two tables each), the unescaped subject, the carry, the output. */
    assert_true(fail_each_allocation(feed, &feeding) >= 7);
    free(feeding.answer.p);
    free(user.p);
    fixture_end(&feeding.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trie_without_memory_is_refused),
        cmocka_unit_test(a_filter_without_memory_is_refused),
        cmocka_unit_test(an_answer_without_memory_is_refused_and_the_next_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
