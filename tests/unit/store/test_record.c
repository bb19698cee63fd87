/*
 * test_record.c - layouts: what was written reads back, and nothing shorter, longer or odd does
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/record.h"

#include <string.h>

static const struct record_live example_live = {
    .version = 0x0102030405060708,
    .digest = {1, 2, 3},
    .wrapped_key = {4, 5, 6},
    .name = SLICE_LITERAL("lotte"),
    .accounts = SLICE_LITERAL("\4\3wazelot"),
    .blob = SLICE_LITERAL("blob"),
};

static const struct record_history example_history = {
    .time_ms = -5,
    .vocabulary_version = 3,
    .digest = {9},
    .yaml = SLICE_LITERAL("sluis: 1\n"),
    .blob = SLICE_LITERAL("compiled"),
};

static void a_live_record_reads_back_as_it_was_written(void **state)
{
    (void)state;
    uint8_t block[256];
    struct writer writer = writer_over(block, sizeof block);
    record_live_write(&example_live, &writer);
    assert_int_equal(writer.n, record_live_bytes(&example_live));

    struct record_live live;
    assert_true(record_live_read(writer_slice(&writer), &live));
    assert_true(live.version == example_live.version);
    assert_memory_equal(live.digest, example_live.digest, sizeof live.digest);
    assert_memory_equal(live.wrapped_key, example_live.wrapped_key, sizeof live.wrapped_key);
    assert_true(slice_equals(live.name, example_live.name));
    assert_true(slice_equals(live.accounts, example_live.accounts));
    assert_true(slice_equals(live.blob, example_live.blob));
}

static void a_history_record_reads_back_as_it_was_written(void **state)
{
    (void)state;
    uint8_t block[256];
    struct writer writer = writer_over(block, sizeof block);
    record_history_write(&example_history, &writer);
    assert_int_equal(writer.n, record_history_bytes(&example_history));

    struct record_history history;
    assert_true(record_history_read(writer_slice(&writer), &history));
    assert_true(history.time_ms == -5);
    assert_int_equal(history.vocabulary_version, 3);
    assert_memory_equal(history.digest, example_history.digest, sizeof history.digest);
    assert_true(slice_equals(history.yaml, example_history.yaml));
    assert_true(slice_equals(history.blob, example_history.blob));
}

static void a_record_cut_off_or_longer_than_it_says_is_refused(void **state)
{
    (void)state;
    uint8_t live_block[256] = {0}, history_block[256] = {0};
    struct writer live_writer = writer_over(live_block, sizeof live_block);
    struct writer history_writer = writer_over(history_block, sizeof history_block);
    record_live_write(&example_live, &live_writer);
    record_history_write(&example_history, &history_writer);
    struct record_live live;
    struct record_history history;
    for (size_t n = 0; n <= live_writer.n + 1; n++)
        assert_int_equal(record_live_read(slice_of(live_block, n), &live), n == live_writer.n);
    for (size_t n = 0; n <= history_writer.n + 1; n++)
        assert_int_equal(record_history_read(slice_of(history_block, n), &history),
                         n == history_writer.n);
}

static void a_record_of_another_format_is_refused(void **state)
{
    (void)state;
    uint8_t block[256];
    struct writer writer = writer_over(block, sizeof block);
    record_live_write(&example_live, &writer);
    block[0] = 2;
    struct record_live live;
    assert_false(record_live_read(writer_slice(&writer), &live));

    writer = writer_over(block, sizeof block);
    record_history_write(&example_history, &writer);
    block[0] = 0;
    struct record_history history;
    assert_false(record_history_read(writer_slice(&writer), &history));
}

static void keys_sort_by_subject_then_by_number(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 1, 255, 256, 65536, UINT64_MAX};
    uint8_t before[RECORD_KEY_BYTES] = {0}, key[RECORD_KEY_BYTES];
    for (uint8_t subject = 1; subject < 3; subject++) {
        uint8_t id[16] = {subject};
        for (size_t i = 0; i < SL_LENGTH(numbers); i++) {
            record_key_write(id, numbers[i], key);
            assert_true(memcmp(before, key, sizeof key) < 0);
            memcpy(before, key, sizeof key);

            uint8_t read_id[16];
            uint64_t number;
            assert_true(record_key_read(slice_of(key, sizeof key), read_id, &number));
            assert_memory_equal(read_id, id, sizeof id);
            assert_true(number == numbers[i]);
        }
    }
    uint64_t number;
    uint8_t id[16];
    assert_false(record_key_read(slice_of(key, sizeof key - 1), id, &number));
}

static void numbers_of_changes_sort_as_numbers(void **state)
{
    (void)state;
    const uint64_t numbers[] = {1, 255, 256, 65536, UINT64_MAX};
    uint8_t before[RECORD_NUMBER_BYTES] = {0}, key[RECORD_NUMBER_BYTES];
    uint64_t number = 0;
    for (size_t i = 0; i < SL_LENGTH(numbers); i++) {
        record_number_write(numbers[i], key);
        assert_true(memcmp(before, key, sizeof key) < 0);
        memcpy(before, key, sizeof key);
        assert_true(record_number_read(slice_of(key, sizeof key), &number));
        assert_true(number == numbers[i]);
    }
    assert_false(record_number_read(slice_of(key, sizeof key - 1), &number));
}

static struct slice set(struct slice accounts, const char *app, const char *user, uint8_t *block)
{
    struct writer writer = writer_over(block, 256);
    record_accounts_write(accounts, slice_of_str(app), slice_of_str(user), &writer);
    assert_false(writer.overflow);
    return writer_slice(&writer);
}

static void an_account_is_replaced_and_removed_without_touching_others(void **state)
{
    (void)state;
    uint8_t a[256], b[256];
    struct slice accounts = {NULL, 0};
    accounts = set(accounts, "waze", "lot", a);
    accounts = set(accounts, "spotify", "lotte.k", b);
    assert_true(slice_equals_str(record_account_find(accounts, slice_of_str("waze")), "lot"));
    accounts = set(accounts, "waze", "lotte", a);
    assert_true(slice_equals_str(record_account_find(accounts, slice_of_str("waze")), "lotte"));
    assert_true(
        slice_equals_str(record_account_find(accounts, slice_of_str("spotify")), "lotte.k"));
    accounts = set(accounts, "spotify", "", b);
    assert_int_equal(record_account_find(accounts, slice_of_str("spotify")).n, 0);
    assert_int_equal(record_account_find(accounts, slice_of_str("waz")).n, 0);
    accounts = set(accounts, "waze", "", a);
    assert_int_equal(accounts.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_record_reads_back_as_it_was_written),
        cmocka_unit_test(a_history_record_reads_back_as_it_was_written),
        cmocka_unit_test(a_record_cut_off_or_longer_than_it_says_is_refused),
        cmocka_unit_test(a_record_of_another_format_is_refused),
        cmocka_unit_test(keys_sort_by_subject_then_by_number),
        cmocka_unit_test(numbers_of_changes_sort_as_numbers),
        cmocka_unit_test(an_account_is_replaced_and_removed_without_touching_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
