/*
 * What apps told: against a list that is searched from end to end, by both clocks, full, and from
 * many threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"
#include "base/timestamp.h"
#include "flow/situations.h"
#include "policy/vocabulary_default.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_APPS = 2, N_NAMES = 96, CAP = 64 };

static const struct config_app apps[N_APPS];
static struct config config = {.n_apps = N_APPS, .apps = apps, .limits = {.situations = CAP}};
static const struct situations_now start = {1000000, 1795396800000};

static int load_words(void **state)
{
    (void)state;
    struct vocabulary *words = NULL;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "test");
    assert_int_equal(vocabulary_load(vocabulary_default_text(), &problems, &words), SL_OK);
    yaml_problems_deinit(&problems);
    config.vocabulary = words;
    return 0;
}

static int free_words(void **state)
{
    (void)state;
    vocabulary_free((struct vocabulary *)(uintptr_t)config.vocabulary);
    return 0;
}

static int setup(void **state)
{
    struct situations *situations = NULL;
    config.limits.situations = CAP;
    assert_int_equal(situations_new(&config, &situations), SL_OK);
    *state = situations;
    return 0;
}

static int teardown(void **state)
{
    situations_free(*state);
    return 0;
}

static const struct vocabulary_term *word(const char *name)
{
    const struct vocabulary_term *term =
        vocabulary_situation_find(config.vocabulary, slice_of_str(name));
    assert_non_null(term);
    return term;
}

static struct situations_now later(int64_t ms)
{
    return (struct situations_now){start.monotonic_ms + ms, start.wall_ms + ms};
}

static struct situations_told driving_for(uint32_t seconds)
{
    return (struct situations_told){.n = 1, .terms = {word("driving")}, .left_s = seconds};
}

static void tell(struct situations *situations, size_t app, const char *user, uint32_t seconds,
                 struct situations_now now)
{
    const struct situations_told told = driving_for(seconds);
    uint32_t wait_s = 0;
    assert_int_equal(situations_tell(situations, app, slice_of_str(user), &told, now, &wait_s),
                     SITUATIONS_TOLD);
}

static bool is_known(struct situations *situations, size_t app, const char *user,
                     struct situations_now now)
{
    struct situations_told told;
    situations_known(situations, app, slice_of_str(user), now, &told);
    return told.n > 0;
}

static void nothing_is_known_until_it_is_told(void **state)
{
    assert_false(is_known(*state, 0, "lotte", start));
    tell(*state, 0, "lotte", 60, start);
    assert_true(is_known(*state, 0, "lotte", start));
    assert_false(is_known(*state, 0, "lott", start));
    assert_false(is_known(*state, 0, "", start));
    situations_forget(*state, 0, slice_of_str("lotte"));
    situations_forget(*state, 0, slice_of_str("nobody"));
    assert_false(is_known(*state, 0, "lotte", start));
    assert_int_equal(situations_count(*state, start), 0);
}

static void one_apps_word_is_not_anothers(void **state)
{
    tell(*state, 0, "lotte", 60, start);
    assert_false(is_known(*state, 1, "lotte", start));
    situations_forget(*state, 1, slice_of_str("lotte"));
    assert_true(is_known(*state, 0, "lotte", start));
}

static void what_is_told_replaces_what_was_and_comes_back_in_the_order_of_names(void **state)
{
    struct situations_told told = driving_for(60), found;
    uint32_t wait_s = 0;
    told.n = 3;
    told.terms[0] = word("running");
    told.terms[1] = word("at_home");
    told.terms[2] = word("listening");
    tell(*state, 0, "lotte", 3600, start);
    assert_int_equal(situations_tell(*state, 0, slice_of_str("lotte"), &told, start, &wait_s),
                     SITUATIONS_TOLD);
    situations_known(*state, 0, slice_of_str("lotte"), later(1), &found);
    assert_int_equal(found.n, 3);
    assert_int_equal(found.left_s, 60);
    assert_ptr_equal(found.terms[0], word("at_home"));
    assert_ptr_equal(found.terms[1], word("listening"));
    assert_ptr_equal(found.terms[2], word("running"));
    assert_int_equal(situations_count(*state, start), 1);
}

static void a_lifetime_ends_by_whichever_clock_is_first(void **state)
{
    tell(*state, 0, "lotte", 60, start);
    assert_true(is_known(*state, 0, "lotte", later(59999)));
    assert_false(is_known(*state, 0, "lotte", later(60000)));
    /* Set back a day: the monotonic clock goes on. Asleep for an hour: the wall clock did. */
    assert_false(
        is_known(*state, 0, "lotte",
                 (struct situations_now){start.monotonic_ms + 60000, start.wall_ms - 86400000}));
    assert_false(
        is_known(*state, 0, "lotte",
                 (struct situations_now){start.monotonic_ms + 1, start.wall_ms + 3600000}));
    assert_true(is_known(*state, 0, "lotte", later(59999)));
    assert_int_equal(situations_count(*state, later(60000)), 0);
}

static void a_full_table_refuses_and_keeps_what_it_has(void **state)
{
    struct situations_told told = driving_for(60);
    uint32_t wait_s = 0;
    char user[16];
    for (int i = 0; i < CAP; i++) {
        snprintf(user, sizeof user, "user%d", i);
        tell(*state, 0, user, i == 7 ? 10 : 60, start);
    }
    assert_int_equal(situations_tell(*state, 0, slice_of_str("late"), &told, later(500), &wait_s),
                     SITUATIONS_FULL);
    assert_int_equal(wait_s, 10);
    for (int i = 0; i < CAP; i++) {
        snprintf(user, sizeof user, "user%d", i);
        assert_true(is_known(*state, 0, user, later(500)));
    }
    tell(*state, 0, "user3", 30, later(500));  /* who has a place may go on */
    tell(*state, 1, "late", 60, later(500));   /* and another app has its own */
    tell(*state, 0, "late", 60, later(10000)); /* the place of user7 */
    assert_false(is_known(*state, 0, "user7", later(10000)));
    assert_int_equal(
        situations_tell(*state, 0, slice_of_str("later"), &told, later(10000), &wait_s),
        SITUATIONS_FULL);
    assert_int_equal(wait_s, 21);
    situations_forget(*state, 0, slice_of_str("user1"));
    tell(*state, 0, "later", 60, later(10000));
    assert_int_equal(situations_count(*state, later(10000)), CAP + 1);
    /* A clock set forth by a year ends them all, and makes room at once. */
    const struct situations_now next_year = {start.monotonic_ms + 10001,
                                             start.wall_ms + INT64_C(31536000000)};
    tell(*state, 0, "next", 60, next_year);
    assert_int_equal(situations_count(*state, next_year), 1);
}

/* --- against a naive twin -------------------------------------------------------------------- */

static struct {
    bool is_told;
    int64_t ends_ms;
    const struct vocabulary_term *term;
} twin[N_APPS][N_NAMES];

static size_t twin_count(size_t app, int64_t now_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < N_NAMES; i++)
        n += twin[app][i].is_told && now_ms < twin[app][i].ends_ms;
    return n;
}

static void compare(struct situations *situations, size_t app, size_t name, int64_t now_ms)
{
    char user[16];
    struct situations_told found;
    snprintf(user, sizeof user, "u%zu", name);
    situations_known(situations, app, slice_of_str(user), later(now_ms), &found);
    const bool holds = twin[app][name].is_told && now_ms < twin[app][name].ends_ms;
    assert_int_equal(found.n, holds ? 1 : 0);
    if (holds) {
        assert_ptr_equal(found.terms[0], twin[app][name].term);
        assert_int_equal(found.left_s, (twin[app][name].ends_ms - now_ms + 999) / 1000);
    }
}

static void it_is_the_same_as_a_list(void **state)
{
    const unsigned seed = (unsigned)clock_now_ms();
    int64_t now_ms = 0;
    srand(seed);
    print_message("seed %u\n", seed);
    memset(twin, 0, sizeof twin);
    for (int step = 0; step < 100000; step++) {
        const size_t app = (size_t)rand() % N_APPS, name = (size_t)rand() % N_NAMES;
        char user[16];
        uint32_t wait_s = 0;
        snprintf(user, sizeof user, "u%zu", name);
        now_ms += rand() % 400;
        if (rand() % 5 == 0) {
            situations_forget(*state, app, slice_of_str(user));
            twin[app][name].is_told = false;
        } else if (rand() % 2 == 0) {
            struct situations_told told = driving_for(1 + (uint32_t)rand() % 40);
            told.terms[0] = vocabulary_situation_at(
                config.vocabulary, (size_t)rand() % vocabulary_n_situations(config.vocabulary));
            const bool has_place = twin[app][name].is_told && now_ms < twin[app][name].ends_ms;
            const bool fits = has_place || twin_count(app, now_ms) < CAP;
            assert_int_equal(
                situations_tell(*state, app, slice_of_str(user), &told, later(now_ms), &wait_s),
                fits ? SITUATIONS_TOLD : SITUATIONS_FULL);
            if (fits) {
                twin[app][name].is_told = true;
                twin[app][name].ends_ms = now_ms + (int64_t)told.left_s * 1000;
                twin[app][name].term = told.terms[0];
            }
        }
        compare(*state, app, name, now_ms);
        if (step % 1000 == 0) {
            for (size_t i = 0; i < N_APPS * N_NAMES; i++)
                compare(*state, i / N_NAMES, i % N_NAMES, now_ms);
            assert_int_equal(situations_count(*state, later(now_ms)),
                             twin_count(0, now_ms) + twin_count(1, now_ms));
        }
    }
}

/* --- threads --------------------------------------------------------------------------------- */

struct teller {
    pthread_t thread;
    struct situations *situations;
    unsigned number;
};

/* Each has users of its own, and shares one with all others. */
static void *tell_and_ask(void *context)
{
    const struct teller *teller = context;
    for (unsigned i = 0; i < 20000; i++) {
        char mine[16];
        snprintf(mine, sizeof mine, "t%u-%u", teller->number, i % 8);
        tell(teller->situations, 0, mine, 60, start);
        tell(teller->situations, 0, "everybody's", 60, start);
        assert_true(is_known(teller->situations, 0, mine, start));
        if (i % 3 == 0)
            situations_forget(teller->situations, 0, slice_of_str(mine));
        if (i % 1000 == 0)
            assert_true(situations_count(teller->situations, start) <= CAP);
    }
    return NULL;
}

static void threads_tell_and_ask_at_once(void **state)
{
    struct teller tellers[4];
    for (unsigned i = 0; i < SL_LENGTH(tellers); i++) {
        tellers[i] = (struct teller){.situations = *state, .number = i};
        assert_int_equal(thread_start(&tellers[i].thread, "teller", tell_and_ask, &tellers[i]),
                         SL_OK);
    }
    for (unsigned i = 0; i < SL_LENGTH(tellers); i++)
        pthread_join(tellers[i].thread, NULL);
    assert_true(is_known(*state, 0, "everybody's", start));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known_until_it_is_told),
        TEST(one_apps_word_is_not_anothers),
        TEST(what_is_told_replaces_what_was_and_comes_back_in_the_order_of_names),
        TEST(a_lifetime_ends_by_whichever_clock_is_first),
        TEST(a_full_table_refuses_and_keeps_what_it_has),
        TEST(it_is_the_same_as_a_list),
        TEST(threads_tell_and_ask_at_once),
    };
    return cmocka_run_group_tests(tests, load_words, free_words);
}
