/*
 * test_siv.c - against the vector of RFC 5297, many times over one context
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "identify/siv.h"

#include <string.h>

/* RFC 5297 appendix A.2: two headers and a nonce, which is a third one. */
static const char key_hex[] = "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f";
static const char *const header_hex[3] = {
    "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
    "102030405060708090a0", "09f911029d74e35bd84156c5635688c0"};
static const char plain_text[] = "this is some plaintext to encrypt using SIV-AES";
static const char tag_hex[] = "7bdb6e3b432667eb06f4d14bff2fbd0f";
static const char sealed_hex[] = "cb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829"
                                 "ea64ad544a272e9c485b62a3fd5c0d";

enum { HEADERS = 3, HEADER_BYTES_MAX = 40, PLAIN_BYTES = sizeof plain_text - 1 };

struct vector {
    uint8_t key[32], headers[HEADERS][HEADER_BYTES_MAX], plain[PLAIN_BYTES], tag[16],
        sealed[PLAIN_BYTES];
};

static struct vector rfc_vector(void)
{
    struct vector vector;
    assert_true(hex_decode(slice_of_str(key_hex), vector.key, sizeof vector.key));
    for (size_t i = 0; i < HEADERS; i++)
        assert_true(
            hex_decode(slice_of_str(header_hex[i]), vector.headers[i], strlen(header_hex[i]) / 2));
    memcpy(vector.plain, plain_text, PLAIN_BYTES);
    assert_true(hex_decode(slice_of_str(tag_hex), vector.tag, sizeof vector.tag));
    assert_true(hex_decode(slice_of_str(sealed_hex), vector.sealed, sizeof vector.sealed));
    return vector;
}

static struct siv *siv_of(const struct vector *vector)
{
    struct siv *siv = NULL;
    struct slice headers[HEADERS];
    for (size_t i = 0; i < HEADERS; i++)
        headers[i] = slice_of(vector->headers[i], strlen(header_hex[i]) / 2);
    assert_int_equal(siv_new(vector->key, headers, HEADERS, &siv), SL_OK);
    return siv;
}

static void the_vector_of_rfc_5297_holds_in_both_directions_again_and_again(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    SL_AUTO(siv) siv = siv_of(&vector);
    for (int i = 0; i < 100; i++) {
        uint8_t tag[16], sealed[PLAIN_BYTES], plain[PLAIN_BYTES];
        assert_int_equal(siv_seal(siv, slice_of(vector.plain, PLAIN_BYTES), tag, sealed), SL_OK);
        assert_memory_equal(tag, vector.tag, sizeof tag);
        assert_memory_equal(sealed, vector.sealed, sizeof sealed);
        assert_true(siv_open(siv, vector.tag, slice_of(vector.sealed, PLAIN_BYTES), plain));
        assert_memory_equal(plain, vector.plain, sizeof plain);
    }
}

/* And a refusal leaves the context as it was: what follows opens. */
static void a_changed_bit_anywhere_does_not_open(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    SL_AUTO(siv) siv = siv_of(&vector);
    for (size_t i = 0; i < 8 * (16 + PLAIN_BYTES); i++) {
        uint8_t bytes[16 + PLAIN_BYTES], plain[PLAIN_BYTES] = {0}, untouched[PLAIN_BYTES] = {0};
        memcpy(bytes, vector.tag, 16);
        memcpy(bytes + 16, vector.sealed, PLAIN_BYTES);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(siv_open(siv, bytes, slice_of(bytes + 16, PLAIN_BYTES), plain));
        assert_memory_equal(plain, untouched, sizeof plain);
        assert_true(siv_open(siv, vector.tag, slice_of(vector.sealed, PLAIN_BYTES), plain));
    }
}

static void another_key_or_header_does_not_open(void **state)
{
    (void)state;
    struct vector right = rfc_vector(), wrong = right;
    uint8_t plain[PLAIN_BYTES];
    wrong.headers[2][0] ^= 1;
    SL_AUTO(siv) other_header = siv_of(&wrong);
    assert_false(siv_open(other_header, right.tag, slice_of(right.sealed, PLAIN_BYTES), plain));
    wrong = right;
    wrong.key[0] ^= 1;
    SL_AUTO(siv) other_key = siv_of(&wrong);
    assert_false(siv_open(other_key, right.tag, slice_of(right.sealed, PLAIN_BYTES), plain));
}

/* The shortest that is sealed: a whole block, as a subject's id is. */
static void a_plaintext_of_one_block_seals_the_same_each_time(void **state)
{
    (void)state;
    struct vector vector = rfc_vector();
    SL_AUTO(siv) siv = siv_of(&vector);
    SL_AUTO(siv) fresh = siv_of(&vector);
    uint8_t tag[16], sealed[16], first_tag[16], first_sealed[16], plain[16];
    struct slice block = slice_of(vector.plain, SIV_PLAIN_BYTES_MIN);
    assert_int_equal(siv_seal(fresh, block, first_tag, first_sealed), SL_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(siv_seal(siv, block, tag, sealed), SL_OK);
        assert_memory_equal(tag, first_tag, sizeof tag);
        assert_memory_equal(sealed, first_sealed, sizeof sealed);
        assert_true(siv_open(siv, tag, slice_of(sealed, sizeof sealed), plain));
        assert_memory_equal(plain, vector.plain, sizeof plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_rfc_5297_holds_in_both_directions_again_and_again),
        cmocka_unit_test(a_changed_bit_anywhere_does_not_open),
        cmocka_unit_test(a_plaintext_of_one_block_seals_the_same_each_time),
        cmocka_unit_test(another_key_or_header_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
