/*
 * test_subject_table.c - the bounded table of subjects, also against a naive twin
 */
#include "ledger/subject_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void make_id(uint32_t who, uint8_t id[SUBJECT_ID_BYTES])
{
    memset(id, 0, SUBJECT_ID_BYTES);
    /* Few different buckets, so that chains form. */
    id[0] = (uint8_t)(who % 3);
    memcpy(id + 8, &who, sizeof who);
}

static struct subject_entry *add(struct subject_table *table, uint32_t who)
{
    uint8_t id[SUBJECT_ID_BYTES];
    make_id(who, id);
    assert_true(subject_table_make_room(table));
    return subject_table_add(table, id);
}

static struct subject_entry *find(struct subject_table *table, uint32_t who)
{
    uint8_t id[SUBJECT_ID_BYTES];
    make_id(who, id);
    return subject_table_find(table, id);
}

static void what_was_added_is_found(void **state)
{
    (void)state;
    SL_AUTO(subject_table) table = NULL;
    assert_int_equal(subject_table_new(8, &table), SL_OK);
    for (uint32_t who = 0; who < 8; who++)
        add(table, who)->n = 100 + who;
    for (uint32_t who = 0; who < 8; who++)
        assert_int_equal(find(table, who)->n, 100 + who);
    assert_null(find(table, 8));
}

static void a_new_entry_takes_the_place_of_one_that_rested(void **state)
{
    (void)state;
    SL_AUTO(subject_table) table = NULL;
    assert_int_equal(subject_table_new(4, &table), SL_OK);
    for (uint32_t who = 0; who < 4; who++)
        add(table, who);
    (void)add(table, 4); /* the hand has gone round once: all rest, the first goes */
    assert_null(find(table, 0));
    assert_non_null(find(table, 1)); /* used again */
    (void)add(table, 5);
    assert_non_null(find(table, 1));
    assert_null(find(table, 2));
}

static void a_reused_entry_holds_nothing_of_its_predecessor(void **state)
{
    (void)state;
    SL_AUTO(subject_table) table = NULL;
    static const struct hmac_key no_key;
    assert_int_equal(subject_table_new(1, &table), SL_OK);
    struct subject_entry *entry = add(table, 0);
    hmac_key_init(&entry->key, slice_of("secret", 6));
    entry->n = 7;
    entry->policy_version = 8;
    entry = add(table, 1);
    assert_memory_equal(&entry->key, &no_key, sizeof no_key);
    assert_int_equal(entry->n, 0);
    assert_int_equal(entry->policy_version, 0);
}

static void a_count_that_is_not_saved_is_never_forgotten(void **state)
{
    (void)state;
    SL_AUTO(subject_table) table = NULL;
    assert_int_equal(subject_table_new(3, &table), SL_OK);
    for (uint32_t who = 0; who < 3; who++)
        subject_table_advance(table, add(table, who), 0);
    subject_table_advance(table, find(table, 1), 0); /* twice is listed once */
    assert_int_equal(subject_table_n_dirty(table), 3);
    assert_int_equal(subject_table_dirty(table, 1)->n, 2);
    assert_false(subject_table_make_room(table));
    subject_table_clear_dirty(table);
    assert_int_equal(subject_table_n_dirty(table), 0);
    assert_true(subject_table_make_room(table));
}

static void of_an_erased_subject_only_the_label_is_left_until_the_index_has_dropped_it(void **state)
{
    (void)state;
    SL_AUTO(subject_table) table = NULL;
    static const struct subject_entry nothing;
    assert_int_equal(subject_table_new(2, &table), SL_OK);
    struct subject_entry *entry = add(table, 0);
    hmac_key_init(&entry->key, slice_of("secret", 6));
    memset(entry->label, 7, sizeof entry->label);
    struct subject_entry expected = {.used = true, .dirty = true, .gone = true};
    memcpy(expected.label, entry->label, sizeof expected.label);
    (void)add(table, 3); /* of the same bucket */
    subject_table_advance(table, find(table, 3), 0);

    subject_table_erase(table, entry);
    assert_null(find(table, 0));
    assert_non_null(find(table, 3));
    assert_memory_equal(entry, &expected, sizeof expected);
    assert_int_equal(subject_table_n_dirty(table), 2);
    assert_ptr_equal(subject_table_dirty(table, 1), entry);
    assert_false(subject_table_make_room(table));
    subject_table_clear_dirty(table);
    assert_memory_equal(entry, &nothing, sizeof nothing);
    (void)add(table, 0);
    assert_non_null(find(table, 0));
    assert_non_null(find(table, 3));
}

static void it_agrees_with_a_naive_twin(void **state)
{
    (void)state;
    enum { ENTRIES = 16, SUBJECTS = 64, STEPS = 20000 };
    SL_AUTO(subject_table) table = NULL;
    uint64_t counts[SUBJECTS] = {0}, saved[SUBJECTS] = {0};
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    assert_int_equal(subject_table_new(ENTRIES, &table), SL_OK);
    for (int step = 0; step < STEPS; step++) {
        uint32_t who = (uint32_t)random() % SUBJECTS;
        struct subject_entry *entry = find(table, who);
        if (!entry && subject_table_make_room(table)) {
            entry = add(table, who);
            entry->n = saved[who]; /* as from the index */
        }
        if (entry) {
            assert_int_equal(entry->n, counts[who]);
            subject_table_advance(table, entry, 0);
            counts[who]++;
        }
        if (!entry || random() % 20 == 0) {
            assert_true(entry || subject_table_n_dirty(table) == ENTRIES);
            memcpy(saved, counts, sizeof saved);
            subject_table_clear_dirty(table);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found),
        cmocka_unit_test(a_new_entry_takes_the_place_of_one_that_rested),
        cmocka_unit_test(a_reused_entry_holds_nothing_of_its_predecessor),
        cmocka_unit_test(a_count_that_is_not_saved_is_never_forgotten),
        cmocka_unit_test(
            of_an_erased_subject_only_the_label_is_left_until_the_index_has_dropped_it),
        cmocka_unit_test(it_agrees_with_a_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
