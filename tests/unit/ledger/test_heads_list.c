#include "fixture.h"

#include "base/base64.h"
#include "ledger/heads_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct heads_head sound = {
    .epoch = 3,
    .first = 17,
    .end = 40,
    .n_entries = 5,
    .origin = SLICE_LITERAL(FIXTURE_ORIGIN),
};

static void a_label_is_that_of_the_document(void **state)
{
    (void)state;
    /* Python: hmac.new(b"\xa0" * 32, b"head\0" + struct.pack(">Q", 3), "sha256").hexdigest() */
    static const char expected[] =
        "b05e1dc4db89ba98fa8c8748d2ddf7b4577868411cc18665d4695529d06a50a0";
    uint8_t secret[32], label[HEADS_LABEL_BYTES], wanted[HEADS_LABEL_BYTES];
    struct hmac_key key;
    memset(secret, 0xa0, sizeof secret);
    hmac_key_init(&key, slice_of(secret, sizeof secret));
    heads_label(&key, 3, label);
    assert_true(hex_decode(slice_of_str(expected), wanted, sizeof wanted));
    assert_memory_equal(label, wanted, sizeof label);
    heads_label(&key, 4, label);
    assert_memory_not_equal(label, wanted, sizeof label);
}

static void a_name_is_the_epoch_in_20_digits(void **state)
{
    (void)state;
    static const uint64_t epochs[] = {0, 3, 1234567, UINT64_MAX};
    for (size_t i = 0; i < SL_LENGTH(epochs); i++) {
        char name[HEADS_NAME_BYTES + 1];
        uint64_t found = 1;
        heads_name(epochs[i], name);
        assert_int_equal(strlen(name), HEADS_NAME_BYTES);
        assert_true(heads_name_parse(slice_of_str(name), &found));
        assert_true(found == epochs[i]);
    }
    static const char *const others[] = {
        "00000000000000000003.seg",   "00000000000000000003.head",  "00000000000000000003.heads2",
        "0000000000000000000a.heads", "99999999999999999999.heads", "list.tmp",
    };
    for (size_t i = 0; i < SL_LENGTH(others); i++) {
        uint64_t untouched = 77;
        assert_false(heads_name_parse(slice_of_str(others[i]), &untouched));
        assert_int_equal(untouched, 77);
    }
}

static void a_head_reads_back(void **state)
{
    (void)state;
    uint8_t block[HEADS_HEAD_BYTES];
    struct heads_head found;
    heads_head_write(&sound, block);
    assert_int_equal(heads_head_parse(slice_of(block, sizeof block), &found), SL_OK);
    assert_int_equal(found.epoch, 3);
    assert_int_equal(found.first, 17);
    assert_int_equal(found.end, 40);
    assert_int_equal(found.n_entries, 5);
    assert_true(slice_equals(found.origin, sound.origin));
}

static void a_head_with_any_bit_changed_is_none(void **state)
{
    (void)state;
    uint8_t block[HEADS_HEAD_BYTES];
    struct heads_head untouched = {.epoch = 77};
    heads_head_write(&sound, block);
    for (size_t bit = 0; bit < 8 * sizeof block; bit++) {
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(heads_head_parse(slice_of(block, sizeof block), &untouched),
                         SL_EMALFORMED);
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < sizeof block; n++)
        assert_int_equal(heads_head_parse(slice_of(block, n), &untouched), SL_EMALFORMED);
    assert_int_equal(untouched.epoch, 77);
}

static void an_entry_is_a_label_and_eight_bytes_big_end_first(void **state)
{
    (void)state;
    struct heads_entry entry = {.delta = 0x0102030405060708}, again;
    uint8_t bytes[HEADS_ENTRY_BYTES];
    memset(entry.label, 0xee, sizeof entry.label);
    heads_entry_write(&entry, bytes);
    assert_memory_equal(bytes, entry.label, sizeof entry.label);
    assert_memory_equal(bytes + 32, "\1\2\3\4\5\6\7\10", 8);
    heads_entry_read(bytes, &again);
    assert_memory_equal(again.label, entry.label, sizeof entry.label);
    assert_true(again.delta == entry.delta);
}

static void a_file_that_no_file_system_could_hold_has_no_length(void **state)
{
    (void)state;
    assert_int_equal(heads_file_bytes(1), 512 + 40 + 4);
    assert_int_equal(heads_file_bytes((INT64_MAX - 516) / 40), 516 + (INT64_MAX - 516) / 40 * 40);
    assert_int_equal(heads_file_bytes((INT64_MAX - 516) / 40 + 1), 0);
    assert_int_equal(heads_file_bytes(UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_is_that_of_the_document),
        cmocka_unit_test(a_name_is_the_epoch_in_20_digits),
        cmocka_unit_test(a_head_reads_back),
        cmocka_unit_test(a_head_with_any_bit_changed_is_none),
        cmocka_unit_test(an_entry_is_a_label_and_eight_bytes_big_end_first),
        cmocka_unit_test(a_file_that_no_file_system_could_hold_has_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
