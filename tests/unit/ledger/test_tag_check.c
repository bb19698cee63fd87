/*
 * test_tag_check.c - unique or not, against a naive twin, in little memory and with many suspects
 *
 * The checker is built here with values of 10 bits instead of 32, so that tags that differ meet
 * each other's values all the time, as they hardly ever do.
 */
#define TAG_VALUE_BITS 10
#include "ledger/tag_check.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { TAGS_MAX = 60000, LEAF_BYTES = LEAF_TAG_AT + LEAF_TAG_CHARS + 10 };

static char leaves[TAGS_MAX][LEAF_BYTES + 1];

static void write_leaf(size_t receipt, uint64_t tag)
{
    snprintf(leaves[receipt], sizeof leaves[receipt], "%s%022llu\",", LEAF_BEFORE_TAG,
             (unsigned long long)tag);
}

/* True when there are twins. */
static bool check_all(size_t memory_bytes, uint64_t n_guessed, size_t n, uint64_t *first,
                      uint64_t *second, size_t *n_passes)
{
    SL_AUTO(tag_check) check = NULL;
    assert_int_equal(tag_check_new(memory_bytes, n_guessed, &check), SL_OK);
    *n_passes = 0;
    do {
        ++*n_passes;
        for (size_t i = 0; i < n; i++)
            if (tag_check_add(check, i, slice_of_str(leaves[i]))) {
                tag_check_twins(check, first, second);
                return true;
            }
    } while (tag_check_end_pass(check));
    return false;
}

static void tags_that_differ_are_unique_in_any_memory(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 1000, 20000};
    static const size_t memories[] = {TAG_CHECK_BYTES_MIN, 5000, 1 << 16, 1 << 20};
    for (size_t receipt = 0; receipt < 20000; receipt++)
        write_leaf(receipt, receipt * 7919);
    for (size_t i = 0; i < SL_LENGTH(sizes); i++)
        for (size_t j = 0; j < SL_LENGTH(memories); j++) {
            uint64_t first, second;
            size_t n_passes;
            assert_false(check_all(memories[j], sizes[i], sizes[i], &first, &second, &n_passes));
            assert_true(n_passes >= sizes[i] / (memories[j] / 4) + 1);
        }
}

/* Some tags again, at random places; the earlier and the later one are named. */
static void a_tag_that_comes_twice_is_found_with_both_receipts(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    for (int round = 0; round < 60; round++) {
        size_t n = 2 + (size_t)random() % (round % 2 ? 200 : 20000);
        size_t n_twins = 1 + (size_t)random() % 3;
        uint64_t base = (uint64_t)random() << 20;
        for (size_t receipt = 0; receipt < n; receipt++)
            write_leaf(receipt, base + receipt);
        for (size_t i = 0; i < n_twins; i++) {
            size_t later = 1 + (size_t)random() % (n - 1), earlier = (size_t)random() % later;
            memcpy(leaves[later], leaves[earlier], sizeof leaves[later]);
        }
        uint64_t first = 0, second = 0;
        size_t n_passes, memory_bytes = TAG_CHECK_BYTES_MIN << random() % 6;
        uint64_t n_guessed = random() % 2 ? n : (uint64_t)random() % (3 * n);
        assert_true(check_all(memory_bytes, n_guessed, n, &first, &second, &n_passes));
        assert_true(first < second && second < n);
        assert_string_equal(leaves[first], leaves[second]);
        for (size_t i = 0; i < first; i++)
            assert_string_not_equal(leaves[i], leaves[first]);
    }
}

/* More than there is room for suspects. */
static void a_ledger_of_nothing_but_one_tag_is_found(void **state)
{
    (void)state;
    for (size_t receipt = 0; receipt < TAGS_MAX; receipt++)
        write_leaf(receipt, 7);
    uint64_t first = 77, second = 77;
    size_t n_passes;
    assert_true(check_all(TAG_CHECK_BYTES_MIN, TAGS_MAX, TAGS_MAX, &first, &second, &n_passes));
    assert_int_equal(first, 0);
    assert_int_equal(second, 1);
}

/* It says one receipt and there are 60,000: the table fills up, and the parts become more. */
static void a_bad_guess_costs_passes_and_nothing_else(void **state)
{
    (void)state;
    for (size_t receipt = 0; receipt < TAGS_MAX; receipt++)
        write_leaf(receipt, receipt);
    uint64_t first, second;
    size_t n_passes;
    assert_false(check_all(TAG_CHECK_BYTES_MIN, 1, TAGS_MAX, &first, &second, &n_passes));
    assert_true(n_passes > 1);
    write_leaf(TAGS_MAX - 1, 0);
    assert_true(check_all(TAG_CHECK_BYTES_MIN, 1, TAGS_MAX, &first, &second, &n_passes));
    assert_int_equal(first, 0);
    assert_int_equal(second, TAGS_MAX - 1);
}

static void what_has_no_tag_is_passed_over(void **state)
{
    (void)state;
    for (size_t receipt = 0; receipt < 100; receipt++)
        snprintf(leaves[receipt], sizeof leaves[receipt], "%sheads\",\"time\":\"2026-11-23",
                 LEAF_BEFORE_NODE_KIND);
    snprintf(leaves[50], sizeof leaves[50], "%s", LEAF_BEFORE_TAG);
    snprintf(leaves[51], sizeof leaves[51], "%s", LEAF_BEFORE_TAG);
    write_leaf(52, 1);
    uint64_t first, second;
    size_t n_passes;
    assert_false(check_all(TAG_CHECK_BYTES_MIN, 100, 100, &first, &second, &n_passes));
    assert_int_equal(n_passes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_that_differ_are_unique_in_any_memory),
        cmocka_unit_test(a_tag_that_comes_twice_is_found_with_both_receipts),
        cmocka_unit_test(a_ledger_of_nothing_but_one_tag_is_found),
        cmocka_unit_test(a_bad_guess_costs_passes_and_nothing_else),
        cmocka_unit_test(what_has_no_tag_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
