#include "ledger/subject_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VKEY "gateway.example/1+09acc964+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh"
#define FILE_TEXT                                                                                  \
    "sluis subject key v1\nledger " VKEY "\nkey oKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKA\n"

static void a_file_is_the_text_of_the_document(void **state)
{
    (void)state;
    struct subject_key key = {.ledger = SLICE_LITERAL(VKEY)}, again;
    uint8_t block[SUBJECT_KEY_FILE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    memset(key.key, 0xa0, sizeof key.key);
    subject_key_write(&key, &writer);
    assert_true(slice_equals_str(writer_slice(&writer), FILE_TEXT));
    assert_int_equal(subject_key_parse(writer_slice(&writer), &again), SL_OK);
    assert_true(slice_equals(again.ledger, key.ledger));
    assert_memory_equal(again.key, key.key, sizeof key.key);
}

static void the_longest_name_fits(void **state)
{
    (void)state;
    char name[NOTE_NAME_BYTES_MAX], vkey[NOTE_VKEY_BYTES_MAX];
    const uint8_t public[NOTE_KEY_BYTES] = {7};
    memset(name, 'n', sizeof name);
    struct writer text = writer_over(vkey, sizeof vkey);
    vkey_write(&text, slice_of(name, sizeof name), VKEY_ED25519, public);
    struct subject_key key = {.ledger = writer_slice(&text)}, again;
    uint8_t block[SUBJECT_KEY_FILE_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    subject_key_write(&key, &writer);
    assert_false(writer.overflow);
    assert_int_equal(subject_key_parse(writer_slice(&writer), &again), SL_OK);
}

static void what_is_not_exactly_that_is_no_key(void **state)
{
    (void)state;
    static const uint8_t whole[] = FILE_TEXT;
    struct subject_key untouched = {.key = {77}};
    for (size_t n = 0; n < sizeof whole - 1; n++)
        assert_int_equal(subject_key_parse(slice_of(whole, n), &untouched), SL_EMALFORMED);
    assert_int_equal(subject_key_parse(slice_of(whole, sizeof whole), &untouched), SL_EMALFORMED);
    uint8_t bytes[sizeof whole - 1];
    for (size_t i = 0; i < sizeof bytes; i++) {
        memcpy(bytes, whole, sizeof bytes);
        bytes[i] = '!';
        assert_int_equal(subject_key_parse(slice_of(bytes, sizeof bytes), &untouched),
                         SL_EMALFORMED);
    }
    assert_int_equal(untouched.key[0], 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_the_text_of_the_document),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(what_is_not_exactly_that_is_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
