/*
 * Links and sessions: spent once, ended in time, and nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/writer.h"
#include "edge/page/session.h"

#include <string.h>

#include <string.h>

static const uint8_t lotte[SESSION_SUBJECT_BYTES] = {1}, daan[SESSION_SUBJECT_BYTES] = {2};

struct given {
    struct session_table *table;
    char link[SESSION_TOKEN_CHARS + 1], token[SESSION_TOKEN_CHARS + 1];
    struct session session;
};

static void give_link(struct given *given, const uint8_t *subject, int64_t now_ms)
{
    if (!given->table)
        assert_int_equal(session_table_new(&given->table), SL_OK);
    assert_int_equal(session_link_new(given->table, subject, now_ms, given->link), SL_OK);
    assert_int_equal(strlen(given->link), SESSION_TOKEN_CHARS);
}

static bool spend(struct given *given, int64_t now_ms)
{
    return session_open(given->table, slice_of_str(given->link), now_ms, given->token,
                        &given->session);
}

static bool use(struct given *given, int64_t now_ms)
{
    return session_use(given->table, slice_of_str(given->token), now_ms, &given->session);
}

static void a_link_opens_one_session_and_looking_does_not_spend_it(void **state)
{
    (void)state;
    struct given given = {0};
    give_link(&given, lotte, 1000);
    assert_true(session_link_holds(given.table, slice_of_str(given.link), 1000));
    assert_true(session_link_holds(given.table, slice_of_str(given.link), 1000));
    assert_true(spend(&given, 1000));
    assert_memory_equal(given.session.subject, lotte, sizeof lotte);
    assert_false(session_link_holds(given.table, slice_of_str(given.link), 1000));
    assert_false(spend(&given, 1000));
    session_table_free(given.table);
}

static void a_link_lasts_five_minutes_to_the_millisecond(void **state)
{
    (void)state;
    struct given given = {0};
    give_link(&given, lotte, 1000);
    assert_true(session_link_holds(given.table, slice_of_str(given.link), 1000 + 299999));
    assert_false(session_link_holds(given.table, slice_of_str(given.link), 1000 + 300000));
    assert_false(spend(&given, 1000 + 300000));
    session_table_free(given.table);
}

static void a_token_that_is_none_is_nobodys(void **state)
{
    (void)state;
    struct given given = {0};
    give_link(&given, lotte, 0);
    assert_true(spend(&given, 0));
    struct slice token = slice_of_str(given.token);
    struct session out;
    assert_false(session_use(given.table, slice_of(token.p, token.n - 1), 0, &out));
    assert_false(session_use(given.table, slice_of(NULL, 0), 0, &out));
    assert_false(session_use(given.table, slice_of_str(given.link), 0, &out));
    char other[SESSION_TOKEN_CHARS + 1];
    memcpy(other, given.token, sizeof other);
    other[0] = other[0] == 'A' ? 'B' : 'A';
    assert_false(session_use(given.table, slice_of_str(other), 0, &out));
    assert_true(session_use(given.table, token, 0, &out));
    session_table_free(given.table);
}

static void a_session_ends_a_quarter_of_an_hour_after_its_last_use(void **state)
{
    (void)state;
    struct given given = {0};
    give_link(&given, lotte, 0);
    assert_true(spend(&given, 0));
    assert_true(use(&given, SESSION_IDLE_MS - 1));
    assert_true(use(&given, 2 * SESSION_IDLE_MS - 2));
    assert_false(use(&given, 3 * SESSION_IDLE_MS - 2));
    assert_false(use(&given, 2 * SESSION_IDLE_MS)); /* once ended, ended */
    session_table_free(given.table);
}

static void a_session_in_use_ends_after_half_a_day(void **state)
{
    (void)state;
    struct given given = {0};
    give_link(&given, lotte, 0);
    assert_true(spend(&given, 0));
    int64_t now_ms = 0;
    for (; now_ms < SESSION_AGE_MAX_MS; now_ms += SESSION_IDLE_MS / 2)
        assert_true(use(&given, now_ms));
    assert_false(use(&given, now_ms));
    session_table_free(given.table);
}

static void one_ends_only_sessions_of_ones_own(void **state)
{
    (void)state;
    struct given hers = {0};
    give_link(&hers, lotte, 0);
    assert_true(spend(&hers, 0));
    struct given his = {.table = hers.table};
    give_link(&his, daan, 0);
    assert_true(spend(&his, 0));
    assert_false(session_end(his.table, daan, hers.session.number));
    assert_true(use(&hers, 0));

    give_link(&hers, lotte, 0);
    session_end_all(hers.table, lotte);
    assert_false(use(&hers, 0));
    assert_false(spend(&hers, 0)); /* the link that was out is taken back, too */
    assert_true(use(&his, 0));
    struct session list[4];
    assert_int_equal(session_list(his.table, lotte, 0, list, 4), 0);
    assert_int_equal(session_list(his.table, daan, 0, list, 4), 1);
    assert_true(session_end(his.table, daan, his.session.number));
    assert_false(use(&his, 0));
    session_table_free(his.table);
}

static void a_full_table_forgets_what_would_end_first(void **state)
{
    (void)state;
    struct given first = {0};
    give_link(&first, lotte, 0);
    struct given more = {.table = first.table};
    for (int i = 1; i < SESSION_LINKS_MAX; i++)
        give_link(&more, daan, i);
    assert_true(session_link_holds(first.table, slice_of_str(first.link), 1));
    give_link(&more, daan, SESSION_LINKS_MAX);
    assert_false(session_link_holds(first.table, slice_of_str(first.link), 1));

    struct given kept = {.table = first.table};
    give_link(&kept, lotte, 1000);
    assert_true(spend(&kept, 1000));
    for (int i = 1; i < SESSIONS_MAX; i++) {
        give_link(&more, daan, 1000 + i);
        assert_true(spend(&more, 1000 + i));
    }
    assert_true(use(&kept, 1000 + SESSIONS_MAX)); /* now the newest */
    give_link(&more, daan, 2000 + SESSIONS_MAX);
    assert_true(spend(&more, 2000 + SESSIONS_MAX));
    assert_true(use(&kept, 2000 + SESSIONS_MAX));
    session_table_free(first.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_opens_one_session_and_looking_does_not_spend_it),
        cmocka_unit_test(a_link_lasts_five_minutes_to_the_millisecond),
        cmocka_unit_test(a_token_that_is_none_is_nobodys),
        cmocka_unit_test(a_session_ends_a_quarter_of_an_hour_after_its_last_use),
        cmocka_unit_test(a_session_in_use_ends_after_half_a_day),
        cmocka_unit_test(one_ends_only_sessions_of_ones_own),
        cmocka_unit_test(a_full_table_forgets_what_would_end_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
