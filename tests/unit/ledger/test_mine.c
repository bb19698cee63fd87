/*
 * test_mine.c - which receipts are a subject's, and which should be
 */
#include "ledger/mine.h"

#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[32] = {1, 2, 3};

struct ledger {
    struct mine *mine;
    struct hmac_key key, other;
    uint64_t size;
};

static int setup(void **state)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    const uint8_t another[32] = {9};
    assert_non_null(ledger);
    assert_int_equal(mine_new(secret, &ledger->mine), SL_OK);
    hmac_key_init(&ledger->key, slice_of(secret, sizeof secret));
    hmac_key_init(&ledger->other, slice_of(another, sizeof another));
    *state = ledger;
    return 0;
}

static int teardown(void **state)
{
    struct ledger *ledger = *state;
    mine_free(ledger->mine);
    free(ledger);
    return 0;
}

/* A receipt under this key and number comes by. Gives back whether it was taken for the subject's.
 */
static bool take(struct ledger *ledger, const struct hmac_key *key, uint64_t number)
{
    static const uint8_t digest[SHA256_BYTES];
    struct leaf_draft draft;
    struct leaf leaf;
    bool is_mine = false;
    uint64_t found = UINT64_MAX;
    assert_int_equal(leaf_draft_erasure(0, &draft), SL_OK);
    leaf_complete(&draft, key, number, digest, digest);
    assert_int_equal(leaf_parse(slice_of(draft.bytes, draft.n), &leaf), SL_OK);
    assert_int_equal(mine_take(ledger->mine, ledger->size++, &leaf, &is_mine, &found), SL_OK);
    if (is_mine)
        assert_int_equal(found, number);
    return is_mine;
}

static void assert_fault(struct ledger *ledger, size_t i, enum mine_fault_kind kind, uint64_t first,
                         uint64_t last, const char *text)
{
    struct mine_result result = mine_result(ledger->mine);
    uint8_t block[256];
    struct writer writer = writer_over(block, sizeof block);
    assert_true(i < result.n_faults);
    assert_int_equal(result.faults[i].kind, kind);
    assert_int_equal(result.faults[i].first, first);
    assert_int_equal(result.faults[i].last, last);
    mine_fault_write(&result.faults[i], &writer);
    assert_false(writer.overflow);
    if (!slice_equals_str(writer_slice(&writer), text))
        fail_msg("%.*s", SLICE_PRINTF(writer_slice(&writer)));
}

static void receipts_are_found_among_those_of_others(void **state)
{
    struct ledger *ledger = *state;
    for (uint64_t n = 0; n < 3000; n++) {
        assert_false(take(ledger, &ledger->other, n));
        assert_true(take(ledger, &ledger->key, n));
    }
    struct mine_result result = mine_result(ledger->mine);
    assert_int_equal(result.n_found, 3000);
    assert_int_equal(result.n_newer, 3000);
    assert_int_equal(result.n_faults, 0);
    assert_true(result.erased);
}

static void numbers_that_are_left_out_are_named(void **state)
{
    struct ledger *ledger = *state;
    assert_true(take(ledger, &ledger->key, 0));
    assert_true(take(ledger, &ledger->key, 2));
    assert_true(take(ledger, &ledger->key, 700));
    assert_true(take(ledger, &ledger->key, 701));
    assert_int_equal(mine_result(ledger->mine).n_faults, 2);
    assert_fault(ledger, 0, MINE_MISSING, 1, 1,
                 "your receipt with number 1 is missing: receipt 1 has number 2");
    assert_fault(ledger, 1, MINE_MISSING, 3, 699,
                 "your receipts with numbers 3 to 699 are missing: receipt 2 has number 700");
    assert_int_equal(mine_result(ledger->mine).n_found, 4);
}

static void the_first_receipts_can_be_missing_too(void **state)
{
    struct ledger *ledger = *state;
    assert_true(take(ledger, &ledger->key, 2));
    assert_fault(ledger, 0, MINE_MISSING, 0, 1,
                 "your receipts with numbers 0 to 1 are missing: receipt 0 has number 2");
}

static void a_number_that_comes_again_or_late_is_named(void **state)
{
    struct ledger *ledger = *state;
    assert_true(take(ledger, &ledger->key, 0));
    assert_true(take(ledger, &ledger->key, 2));
    assert_true(take(ledger, &ledger->key, 1));
    assert_true(take(ledger, &ledger->key, 2));
    assert_true(take(ledger, &ledger->key, 3));
    assert_int_equal(mine_result(ledger->mine).n_faults, 3);
    assert_fault(ledger, 1, MINE_OUT_OF_TURN, 1, 1,
                 "receipt 2 has your number 1, out of turn: once more, or after higher ones");
    assert_fault(ledger, 2, MINE_OUT_OF_TURN, 2, 2,
                 "receipt 3 has your number 2, out of turn: once more, or after higher ones");
    assert_int_equal(mine_result(ledger->mine).n_found, 5);
}

static void a_thousand_that_are_missing_in_a_row_hide_the_rest_until_the_heads(void **state)
{
    struct ledger *ledger = *state;
    assert_true(take(ledger, &ledger->key, 0));
    assert_false(take(ledger, &ledger->key, 5000));
    assert_int_equal(mine_result(ledger->mine).n_faults, 0);
}

static void very_many_faults_are_all_kept(void **state)
{
    struct ledger *ledger = *state;
    for (uint64_t n = 1; n < 1000; n += 2)
        assert_true(take(ledger, &ledger->key, n));
    assert_int_equal(mine_result(ledger->mine).n_faults, 500);
    assert_fault(ledger, 499, MINE_MISSING, 998, 998,
                 "your receipt with number 998 is missing: receipt 499 has number 999");
}

#define MINE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MINE_TEST(receipts_are_found_among_those_of_others),
        MINE_TEST(numbers_that_are_left_out_are_named),
        MINE_TEST(the_first_receipts_can_be_missing_too),
        MINE_TEST(a_number_that_comes_again_or_late_is_named),
        MINE_TEST(a_thousand_that_are_missing_in_a_row_hide_the_rest_until_the_heads),
        MINE_TEST(very_many_faults_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
