/*
 * test_keywrap.c - against the vector of RFC 3394, and against what must not unwrap
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "store/keywrap.h"

#include <string.h>

/* RFC 3394 section 4.6: 256 bits of key data with a 256-bit key-encryption key. */
static const char kek_hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_hex[] = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f";
static const char wrapped_hex[] =
    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21";

struct vector {
    uint8_t kek[32], key[32], wrapped[40];
};

static struct vector rfc_vector(void)
{
    struct vector vector;
    assert_true(hex_decode(slice_of_str(kek_hex), vector.kek, sizeof vector.kek));
    assert_true(hex_decode(slice_of_str(key_hex), vector.key, sizeof vector.key));
    assert_true(hex_decode(slice_of_str(wrapped_hex), vector.wrapped, sizeof vector.wrapped));
    return vector;
}

static void the_vector_of_rfc_3394_holds_in_both_directions_again_and_again(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    struct keywrap *keywrap = NULL;
    assert_int_equal(keywrap_new(vector.kek, &keywrap), SL_OK);
    for (int i = 0; i < 3; i++) {
        uint8_t wrapped[40], key[32];
        assert_int_equal(keywrap_wrap(keywrap, vector.key, wrapped), SL_OK);
        assert_memory_equal(wrapped, vector.wrapped, sizeof wrapped);
        assert_int_equal(keywrap_unwrap(keywrap, vector.wrapped, key), SL_OK);
        assert_memory_equal(key, vector.key, sizeof key);
    }
    keywrap_free(keywrap);
}

static void a_changed_bit_anywhere_does_not_unwrap_and_leaves_the_key_untouched(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    struct keywrap *keywrap = NULL;
    assert_int_equal(keywrap_new(vector.kek, &keywrap), SL_OK);
    for (size_t i = 0; i < sizeof vector.wrapped * 8; i++) {
        uint8_t wrapped[40], key[32], untouched[32];
        memcpy(wrapped, vector.wrapped, sizeof wrapped);
        wrapped[i / 8] ^= (uint8_t)(1 << i % 8);
        memset(key, 0xaa, sizeof key);
        memset(untouched, 0xaa, sizeof untouched);
        assert_int_equal(keywrap_unwrap(keywrap, wrapped, key), SL_EMALFORMED);
        assert_memory_equal(key, untouched, sizeof key);
    }
    uint8_t key[32];
    assert_int_equal(keywrap_unwrap(keywrap, vector.wrapped, key), SL_OK);
    keywrap_free(keywrap);
}

static void another_key_encryption_key_does_not_unwrap(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    vector.kek[31] ^= 1;
    struct keywrap *keywrap = NULL;
    uint8_t key[32];
    assert_int_equal(keywrap_new(vector.kek, &keywrap), SL_OK);
    assert_int_equal(keywrap_unwrap(keywrap, vector.wrapped, key), SL_EMALFORMED);
    keywrap_free(keywrap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_rfc_3394_holds_in_both_directions_again_and_again),
        cmocka_unit_test(a_changed_bit_anywhere_does_not_unwrap_and_leaves_the_key_untouched),
        cmocka_unit_test(another_key_encryption_key_does_not_unwrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
