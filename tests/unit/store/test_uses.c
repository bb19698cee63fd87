/*
 * test_uses.c - what is limited is counted once, in its window, by all or by none
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include "store/uses.h"

#include <string.h>

enum { DAY = 86400, HOUR = 3600, PER_DAY = 1, PER_MONTH = 3 };

static const uint8_t lotte[16] = {1, 2, 3, 4, 5, 6, 7, 8}, mo[16] = {2};
static const int64_t noon = 20000 * (int64_t)DAY + 12 * HOUR;

static struct store_allowance per_day(const uint8_t id[16], const char *consent, int64_t day,
                                      uint32_t at_most)
{
    return (struct store_allowance){.owner = store_owner_of_consent(id, slice_of_str(consent)),
                                    .period = PER_DAY,
                                    .start_s = day * DAY,
                                    .end_s = (day + 1) * DAY,
                                    .at_most = at_most,
                                    .n_uses = 1};
}

static enum sl_err charge(struct fixture *fixture, struct store_allowance allowance)
{
    return store_charge(fixture->store, noon, &allowance, 1);
}

static uint32_t used(struct fixture *fixture, struct store_allowance allowance)
{
    SL_AUTO(store_reader) reader = NULL;
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_uses_read(reader, &allowance, 1), SL_OK);
    return allowance.n_used;
}

static void commit(struct fixture *fixture)
{
    assert_int_equal(store_batch_commit(fixture->store), SL_OK);
}

static void exactly_as_many_are_charged_as_are_allowed(void **state)
{
    struct fixture *fixture = *state;
    struct store_allowance allowance = per_day(lotte, "drive", 20000, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(charge(fixture, allowance), SL_OK); /* all in one batch */
    assert_int_equal(charge(fixture, allowance), SL_EMALFORMED);
    assert_int_equal(used(fixture, allowance), 0); /* nobody else sees it yet */
    commit(fixture);
    assert_int_equal(used(fixture, allowance), 3);
    assert_int_equal(charge(fixture, allowance), SL_EMALFORMED);
    commit(fixture);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(used(fixture, allowance), 3);
    assert_int_equal(charge(fixture, allowance), SL_EMALFORMED);
    commit(fixture);
}

static void a_batch_that_nothing_was_put_into_is_committed_as_well(void **state)
{
    commit(*state);
    commit(*state);
}

static void each_consent_window_and_person_has_a_count_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(charge(fixture, per_day(lotte, "drive", 20000, 1)), SL_OK);
    assert_int_equal(charge(fixture, per_day(lotte, "run", 20000, 1)), SL_OK);
    assert_int_equal(charge(fixture, per_day(lotte, "drive", 20001, 1)), SL_OK);
    assert_int_equal(charge(fixture, per_day(lotte, "drive", 19999, 1)), SL_OK);
    assert_int_equal(charge(fixture, per_day(mo, "drive", 20000, 1)), SL_OK);
    struct store_allowance partner = per_day(lotte, "drive", 20000, 1);
    partner.owner = store_owner_of_partner(slice_of_str("drive"));
    assert_int_equal(charge(fixture, partner), SL_OK);
    struct store_allowance month = per_day(lotte, "drive", 20000, 1);
    month.period = PER_MONTH;
    assert_int_equal(charge(fixture, month), SL_OK);
    commit(fixture);
    assert_int_equal(used(fixture, partner), 1);
    assert_int_equal(used(fixture, per_day(mo, "drive", 20000, 1)), 1);
    assert_int_equal(used(fixture, per_day(mo, "run", 20000, 1)), 0);
}

static void a_flow_is_charged_to_all_of_its_consents_or_to_none(void **state)
{
    struct fixture *fixture = *state;
    struct store_allowance both[] = {per_day(lotte, "drive", 20000, 9),
                                     per_day(lotte, "run", 20000, 1)};
    assert_int_equal(store_charge(fixture->store, noon, both, 2), SL_OK);
    assert_int_equal(both[0].n_used, 1);
    assert_int_equal(both[1].n_used, 1);
    assert_int_equal(store_charge(fixture->store, noon, both, 2), SL_EMALFORMED);
    commit(fixture);
    assert_int_equal(used(fixture, both[0]), 1);
    assert_int_equal(used(fixture, both[1]), 1);
}

static void several_uses_are_charged_at_once_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    struct store_allowance allowance = per_day(lotte, "drive", 20000, 5);
    allowance.n_uses = 3;
    assert_int_equal(charge(fixture, allowance), SL_OK);
    assert_int_equal(charge(fixture, allowance), SL_EMALFORMED);
    allowance.n_uses = 2;
    assert_int_equal(charge(fixture, allowance), SL_OK);
    allowance.n_uses = 1;
    assert_int_equal(charge(fixture, allowance), SL_EMALFORMED);
    commit(fixture);
    assert_int_equal(used(fixture, allowance), 5);
}

static void after_a_change_of_zone_what_was_used_counts_in_both_windows(void **state)
{
    struct fixture *fixture = *state;
    struct store_allowance amsterdam = per_day(lotte, "drive", 20000, 2), new_york = amsterdam;
    new_york.start_s += 6 * HOUR;
    new_york.end_s += 6 * HOUR;
    assert_int_equal(charge(fixture, amsterdam), SL_OK);
    assert_int_equal(charge(fixture, new_york), SL_OK);
    assert_int_equal(charge(fixture, new_york), SL_EMALFORMED);
    assert_int_equal(charge(fixture, amsterdam), SL_EMALFORMED);
    commit(fixture);
    struct store_allowance next = per_day(lotte, "drive", 20002, 2);
    assert_int_equal(used(fixture, next), 0);
    next = per_day(lotte, "drive", 20001, 2); /* its first hours are New York's yesterday */
    assert_int_equal(used(fixture, next), 1);
}

static void windows_are_dropped_an_hour_after_their_end(void **state)
{
    struct fixture *fixture = *state;
    struct store_allowance first = per_day(lotte, "drive", 20000, 9);
    struct store_allowance second = per_day(lotte, "run", 20001, 9);
    struct store_allowance of_mo = per_day(mo, "drive", 20000, 9);
    assert_int_equal(store_charge(fixture->store, noon, &first, 1), SL_OK);
    assert_int_equal(store_charge(fixture->store, noon, &of_mo, 1), SL_OK);
    /* Another consent of the same person, when the first window's end is nearly an hour ago. */
    assert_int_equal(store_charge(fixture->store, first.end_s + HOUR - 1, &second, 1), SL_OK);
    commit(fixture);
    assert_int_equal(used(fixture, first), 1);
    assert_int_equal(store_charge(fixture->store, first.end_s + HOUR, &second, 1), SL_OK);
    commit(fixture);
    assert_int_equal(used(fixture, first), 0);
    assert_int_equal(used(fixture, second), 2);
    assert_int_equal(used(fixture, of_mo), 1); /* stays until mo uses something */
}

static void others_write_when_a_batch_is_committed(void **state)
{
    struct fixture *fixture = *state;
    char yaml[32], blob[32];
    struct store_change change = fixture_change("lotte", lotte, 0, yaml, blob);
    assert_int_equal(charge(fixture, per_day(lotte, "drive", 20000, 9)), SL_OK);
    commit(fixture);
    assert_int_equal(store_put_policy(fixture->store, &change, NULL), SL_OK);
}

static void a_read_sees_the_counts_of_its_own_moment(void **state)
{
    struct fixture *fixture = *state;
    SL_AUTO(store_reader) reader = NULL;
    struct store_subject subject;
    struct store_allowance allowance = per_day(lotte, "drive", 20000, 9);
    assert_int_equal(store_reader_new(fixture->store, &reader), SL_OK);
    assert_int_equal(store_read(reader, lotte, &subject), SL_OK);
    assert_int_equal(charge(fixture, allowance), SL_OK);
    commit(fixture);
    assert_int_equal(store_uses_read(reader, &allowance, 1), SL_OK);
    assert_int_equal(allowance.n_used, 0);
    store_read_end(reader);
    assert_int_equal(store_uses_read(reader, &allowance, 1), SL_OK);
    assert_int_equal(allowance.n_used, 1);
}

#define OPEN(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(exactly_as_many_are_charged_as_are_allowed),
        OPEN(a_batch_that_nothing_was_put_into_is_committed_as_well),
        OPEN(each_consent_window_and_person_has_a_count_of_its_own),
        OPEN(a_flow_is_charged_to_all_of_its_consents_or_to_none),
        OPEN(several_uses_are_charged_at_once_or_not_at_all),
        OPEN(after_a_change_of_zone_what_was_used_counts_in_both_windows),
        OPEN(windows_are_dropped_an_hour_after_their_end),
        OPEN(others_write_when_a_batch_is_committed),
        OPEN(a_read_sees_the_counts_of_its_own_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
