/*
 * test_account.c - user names at apps, and that no two subjects share one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <string.h>

static const struct slice waze = SLICE_LITERAL("waze"), spotify = SLICE_LITERAL("spotify");

static enum sl_err put_because(struct fixture *fixture, const char *name, const uint8_t id[16],
                               uint64_t expected_version, enum store_refusal *why)
{
    char yaml[32], blob[32];
    struct store_change change = fixture_change(name, id, expected_version, yaml, blob);
    change.why = why;
    return store_put_policy(fixture->store, &change, NULL);
}

static enum sl_err put(struct fixture *fixture, const char *name, const uint8_t id[16],
                       uint64_t expected_version)
{
    return put_because(fixture, name, id, expected_version, NULL);
}

static void add(struct fixture *fixture, const char *name, uint8_t id[16])
{
    assert_int_equal(store_add_subject(fixture->store, slice_of_str(name), id, NULL), SL_OK);
}

static void set(struct fixture *fixture, const uint8_t id[16], struct slice app, const char *user)
{
    assert_int_equal(store_set_account(fixture->store, id, app, slice_of_str(user), NULL), SL_OK);
}

static void assert_refused(struct fixture *fixture, const uint8_t id[16], struct slice app,
                           const char *user, enum store_refusal expected)
{
    enum store_refusal why = expected == STORE_CONFLICT ? STORE_UNKNOWN : STORE_CONFLICT;
    assert_int_equal(store_set_account(fixture->store, id, app, slice_of_str(user), &why),
                     SL_EMALFORMED);
    assert_int_equal(why, expected);
}

static void assert_account(struct fixture *fixture, const uint8_t id[16], struct slice app,
                           const char *user)
{
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals_str(store_account(&subject, app), user));
}

static bool is_found(struct fixture *fixture, struct slice app, const char *user,
                     const uint8_t id[16])
{
    SL_AUTO(store_reader) reader = NULL;
    uint8_t found_id[16];
    bool found = true;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_find_user(reader, app, slice_of_str(user), found_id, &found), SL_OK);
    return found && memcmp(found_id, id, 16) == 0;
}

static void a_user_is_found_by_the_name_that_holds_at_the_app(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], daan[16];
    char longest[STORE_USER_BYTES_MAX + 2];
    add(fixture, "lotte", lotte);
    add(fixture, "daan", daan);
    assert_true(is_found(fixture, waze, "lotte", lotte));
    set(fixture, lotte, waze, "lot-77");
    assert_true(is_found(fixture, waze, "lot-77", lotte));
    assert_false(is_found(fixture, waze, "lotte", lotte));
    assert_true(is_found(fixture, spotify, "lotte", lotte));
    assert_false(is_found(fixture, spotify, "lot-77", lotte));
    set(fixture, daan, waze, "lotte");
    assert_true(is_found(fixture, waze, "lotte", daan));
    assert_false(is_found(fixture, waze, "", lotte));
    memset(longest, 'x', sizeof longest - 1);
    longest[STORE_USER_BYTES_MAX] = 0;
    set(fixture, lotte, waze, longest);
    assert_true(is_found(fixture, waze, longest, lotte));
    longest[STORE_USER_BYTES_MAX] = 'x';
    longest[STORE_USER_BYTES_MAX + 1] = 0;
    assert_false(is_found(fixture, waze, longest, lotte));
}

static void an_account_overrides_the_name_at_its_app_only(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16], unknown[16] = {1};
    store_new_id(id);
    assert_int_equal(put(fixture, "lotte", id, 0), SL_OK);
    assert_int_equal(store_set_account(fixture->store, id, waze, slice_of_str("lot-77"), NULL),
                     SL_OK);
    assert_int_equal(store_set_account(fixture->store, unknown, waze, slice_of_str("x"), NULL),
                     SL_EMALFORMED);
    assert_int_equal(put(fixture, "lotte", id, 1), SL_OK); /* a change keeps accounts */

    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals_str(store_account(&subject, waze), "lot-77"));
    assert_true(slice_equals_str(store_account(&subject, spotify), "lotte"));
    assert_int_equal(store_set_account(fixture->store, id, waze, slice_of(NULL, 0), NULL), SL_OK);
    assert_int_equal(store_read(reader, id, &subject), SL_OK);
    assert_true(slice_equals_str(store_account(&subject, waze), "lotte"));
}

/* Whose a user name is, as an answer about many has it. */
static void assert_user(struct fixture *fixture, struct slice app, const char *user,
                        const uint8_t *id)
{
    SL_AUTO(store_reader) reader = NULL;
    uint8_t found_id[16];
    bool found = false;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_find_user(reader, app, slice_of_str(user), found_id, &found), SL_OK);
    assert_int_equal(found, id != NULL);
    if (id)
        assert_memory_equal(found_id, id, 16);
}

static void a_user_is_found_by_the_account_or_by_a_name_without_one(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], daan[16];
    char longest[300];
    add(fixture, "lotte", lotte);
    add(fixture, "daan", daan);
    set(fixture, lotte, waze, "lot-77");
    assert_user(fixture, waze, "lot-77", lotte);
    assert_user(fixture, spotify, "lot-77", NULL);
    assert_user(fixture, waze, "lotte", NULL);
    assert_user(fixture, spotify, "lotte", lotte);
    assert_user(fixture, waze, "daan", daan);
    /* What nobody of waze is called any more, somebody else may be. */
    set(fixture, daan, waze, "lotte");
    assert_user(fixture, waze, "lotte", daan);
    assert_user(fixture, waze, "daan", NULL);
    set(fixture, daan, waze, "");
    assert_user(fixture, waze, "daan", daan);

    memset(longest, 'x', sizeof longest);
    longest[STORE_USER_BYTES_MAX] = 0;
    set(fixture, daan, waze, longest);
    assert_user(fixture, waze, longest, daan);
    longest[STORE_USER_BYTES_MAX] = 'x';
    longest[STORE_USER_BYTES_MAX + 1] = 0;
    assert_user(fixture, waze, longest, NULL);
    assert_user(fixture, waze, "", NULL);
    assert_user(fixture, waze, "nobody", NULL);
}

static void accounts_have_limits_and_users_that_change_a_path_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[16];
    char long_text[257];
    memset(long_text, 'u', sizeof long_text);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, NULL), SL_OK);
    struct slice app = slice_of_str("waze");
    struct store *store = fixture->store;
    assert_int_equal(store_set_account(store, id, app, slice_of(long_text, 255), NULL), SL_OK);
    assert_int_equal(store_set_account(store, id, app, slice_of(long_text, 256), NULL), SL_ELIMIT);
    assert_int_equal(store_set_account(store, id, slice_of(long_text, 32), app, NULL), SL_OK);
    assert_int_equal(store_set_account(store, id, slice_of(long_text, 33), app, NULL), SL_ELIMIT);
    assert_int_equal(store_set_account(store, id, slice_of(NULL, 0), app, NULL), SL_EMALFORMED);
    static const char *const refused[] = {".", "..", "a/b", "a\\b", "a\nb", "\xff"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_int_equal(store_set_account(store, id, app, slice_of_str(refused[i]), NULL),
                         SL_EMALFORMED);
    assert_int_equal(store_add_subject(store, slice_of_str(".."), id, NULL), SL_EMALFORMED);
}

static void a_user_name_that_another_subject_has_set_is_taken_at_that_app_only(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    set(fixture, lotte, waze, "l77");
    assert_refused(fixture, mo, waze, "l77", STORE_TAKEN);
    assert_account(fixture, mo, waze, "mo");
    set(fixture, mo, spotify, "l77");
    set(fixture, lotte, waze, "l77"); /* one's own again */
    assert_account(fixture, lotte, waze, "l77");
}

static void a_user_name_given_up_is_free_for_another(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    set(fixture, lotte, waze, "l77");
    set(fixture, lotte, waze, "l78");
    set(fixture, mo, waze, "l77");
    assert_refused(fixture, lotte, waze, "l77", STORE_TAKEN);
    set(fixture, lotte, waze, "");
    set(fixture, mo, waze, "l78");
    assert_account(fixture, mo, waze, "l78");
}

static void the_name_of_a_subject_is_taken_at_each_app_where_it_has_no_account(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    assert_refused(fixture, mo, waze, "lotte", STORE_TAKEN);
    set(fixture, lotte, spotify, "l77");
    assert_refused(fixture, mo, waze, "lotte", STORE_TAKEN);
    set(fixture, mo, spotify, "lotte");
    set(fixture, mo, waze, "mo"); /* one's own name, set */
    assert_account(fixture, mo, waze, "mo");
}

static void an_account_stays_while_another_subject_has_the_name_below_it(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    set(fixture, lotte, waze, "l77");
    set(fixture, mo, waze, "lotte");
    assert_refused(fixture, lotte, waze, "", STORE_TAKEN);
    assert_account(fixture, lotte, waze, "l77");
    set(fixture, mo, waze, "");
    set(fixture, lotte, waze, "");
    assert_account(fixture, lotte, waze, "lotte");
    assert_refused(fixture, mo, waze, "lotte", STORE_TAKEN);
}

static void removing_an_account_that_was_never_set_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16];
    add(fixture, "lotte", lotte);
    set(fixture, lotte, waze, "");
    assert_account(fixture, lotte, waze, "lotte");
}

static void a_new_subject_can_not_have_a_name_that_is_a_user_name_anywhere(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], id[16];
    SL_AUTO(store_reader) reader = NULL;
    add(fixture, "lotte", lotte);
    set(fixture, lotte, waze, "mo.x");
    set(fixture, lotte, spotify, "anna");

    enum store_refusal why = STORE_CONFLICT;
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("anna"), id, &why),
                     SL_EMALFORMED);
    assert_int_equal(why, STORE_TAKEN);
    why = STORE_CONFLICT;
    store_new_id(id);
    assert_int_equal(put_because(fixture, "mo.x", id, 0, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_TAKEN);
    uint64_t n_changes = 1;
    assert_int_equal(store_n_changes(fixture->store, &n_changes), SL_OK);
    assert_int_equal(n_changes, 0);
    bool found = true;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_find(reader, slice_of_str("mo.x"), id, &found), SL_OK);
    assert_false(found);
    /* The beginning of a user name, and what goes on after one, are other names. */
    add(fixture, "mo", id);
    add(fixture, "mo.", id);
    add(fixture, "mo.xx", id);
    set(fixture, lotte, waze, "");
    add(fixture, "mo.x", id);
}

static void each_refusal_says_why(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], id[16], unknown[16] = {1};
    add(fixture, "lotte", lotte);
    assert_refused(fixture, unknown, waze, "x", STORE_UNKNOWN);
    assert_refused(fixture, unknown, waze, "", STORE_UNKNOWN);
    assert_refused(fixture, lotte, waze, "..", STORE_UNSAFE);

    enum store_refusal why = STORE_UNKNOWN;
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("lotte"), id, &why),
                     SL_EMALFORMED);
    assert_int_equal(why, STORE_CONFLICT);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str(".."), id, &why),
                     SL_EMALFORMED);
    assert_int_equal(why, STORE_UNSAFE);
    assert_int_equal(put_because(fixture, "lotte", lotte, 1, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_CONFLICT);
    store_new_id(id);
    why = STORE_UNKNOWN;
    assert_int_equal(put_because(fixture, "lotte", id, 0, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_CONFLICT);
    assert_int_equal(put_because(fixture, "..", id, 0, &why), SL_EMALFORMED);
    assert_int_equal(why, STORE_UNSAFE);
}

static void user_names_stay_taken_after_opening_again(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    set(fixture, lotte, waze, "l77");
    fixture_close(fixture);
    fixture_open(fixture);
    assert_refused(fixture, mo, waze, "l77", STORE_TAKEN);
    assert_refused(fixture, mo, spotify, "lotte", STORE_TAKEN);
}

static void the_longest_user_names_at_the_longest_app_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    uint8_t lotte[16], mo[16];
    char user[256] = {0}, app[33] = {0};
    memset(user, 'u', 255);
    memset(app, 'a', 32);
    add(fixture, "lotte", lotte);
    add(fixture, "mo", mo);
    set(fixture, lotte, slice_of_str(app), user);
    assert_refused(fixture, mo, slice_of_str(app), user, STORE_TAKEN);
    user[254] = 'v';
    set(fixture, mo, slice_of_str(app), user);
    assert_account(fixture, mo, slice_of_str(app), user);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_user_is_found_by_the_name_that_holds_at_the_app),
        OPEN(an_account_overrides_the_name_at_its_app_only),
        OPEN(a_user_is_found_by_the_account_or_by_a_name_without_one),
        OPEN(accounts_have_limits_and_users_that_change_a_path_are_refused),
        OPEN(a_user_name_that_another_subject_has_set_is_taken_at_that_app_only),
        OPEN(a_user_name_given_up_is_free_for_another),
        OPEN(the_name_of_a_subject_is_taken_at_each_app_where_it_has_no_account),
        OPEN(an_account_stays_while_another_subject_has_the_name_below_it),
        OPEN(removing_an_account_that_was_never_set_changes_nothing),
        OPEN(a_new_subject_can_not_have_a_name_that_is_a_user_name_anywhere),
        OPEN(each_refusal_says_why),
        OPEN(user_names_stay_taken_after_opening_again),
        OPEN(the_longest_user_names_at_the_longest_app_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
