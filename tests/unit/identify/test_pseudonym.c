/*
 * test_pseudonym.c - pseudonyms: stable, invertible, different for each partner, unforgeable
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "identify/pseudonym.h"
#include "identify/siv.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

static const uint8_t node_key[32] = {1, 2, 3, 4};
static const uint8_t lotte[16] = {0xaa, 0xbb, 0xcc};

static struct pseudonym_cipher *cipher_of(const char *partner)
{
    struct pseudonym_cipher *cipher = NULL;
    assert_int_equal(pseudonym_cipher_new(node_key, slice_of_str(partner), 1, &cipher), SL_OK);
    return cipher;
}

static void a_pseudonym_reads_back_as_the_subject_and_never_changes(void **state)
{
    (void)state;
    SL_AUTO(pseudonym_cipher) cipher = cipher_of("spotify");
    SL_AUTO(pseudonym_cipher) again = cipher_of("spotify");
    char text[PSEUDONYM_CHARS + 1], same[PSEUDONYM_CHARS + 1];
    uint8_t id[16];
    assert_int_equal(pseudonym_write(cipher, lotte, text), SL_OK);
    assert_int_equal(pseudonym_write(again, lotte, same), SL_OK);
    assert_string_equal(text, same);
    assert_int_equal(strlen(text), PSEUDONYM_CHARS);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_"),
                     PSEUDONYM_CHARS);
    assert_true(pseudonym_read(again, slice_of_str(text), id));
    assert_memory_equal(id, lotte, sizeof id);
}

static void two_partners_know_a_subject_by_unrelated_names(void **state)
{
    (void)state;
    SL_AUTO(pseudonym_cipher) spotify = cipher_of("spotify");
    SL_AUTO(pseudonym_cipher) strava = cipher_of("strava");
    char text[PSEUDONYM_CHARS + 1], other[PSEUDONYM_CHARS + 1];
    uint8_t id[16];
    assert_int_equal(pseudonym_write(spotify, lotte, text), SL_OK);
    assert_int_equal(pseudonym_write(strava, lotte, other), SL_OK);
    assert_string_not_equal(text, other);
    assert_false(pseudonym_read(strava, slice_of_str(text), id));
    assert_false(pseudonym_read(spotify, slice_of_str(other), id));
}

static void another_node_key_gives_other_pseudonyms(void **state)
{
    (void)state;
    uint8_t other_key[32] = {1, 2, 3, 5};
    struct pseudonym_cipher *other = NULL;
    assert_int_equal(pseudonym_cipher_new(other_key, slice_of_str("spotify"), 1, &other), SL_OK);
    SL_AUTO(pseudonym_cipher) cipher = cipher_of("spotify");
    char text[PSEUDONYM_CHARS + 1];
    uint8_t id[16];
    assert_int_equal(pseudonym_write(cipher, lotte, text), SL_OK);
    assert_false(pseudonym_read(other, slice_of_str(text), id));
    pseudonym_cipher_free(other);
}

static void each_changed_cut_or_lengthened_text_is_no_pseudonym(void **state)
{
    (void)state;
    SL_AUTO(pseudonym_cipher) cipher = cipher_of("spotify");
    char text[PSEUDONYM_CHARS + 3] = "";
    uint8_t id[16], untouched[16];
    assert_int_equal(pseudonym_write(cipher, lotte, text), SL_OK);
    memset(id, 0x77, sizeof id);
    memset(untouched, 0x77, sizeof untouched);
    for (size_t i = 0; i < PSEUDONYM_CHARS; i++) {
        char kept = text[i];
        text[i] = kept == 'A' ? 'B' : 'A';
        assert_false(pseudonym_read(cipher, slice_of_str(text), id));
        text[i] = '=';
        assert_false(pseudonym_read(cipher, slice_of_str(text), id));
        text[i] = kept;
        assert_false(pseudonym_read(cipher, slice_of(text, i), id));
    }
    assert_memory_equal(id, untouched, sizeof id);
    text[PSEUDONYM_CHARS] = 'A';
    assert_false(pseudonym_read(cipher, slice_of_str(text), id));
    assert_true(pseudonym_read(cipher, slice_of(text, PSEUDONYM_CHARS), id));
}

/* The last character holds two bits that no byte needs: only one spelling is a pseudonym. */
static void a_second_spelling_of_the_same_bytes_is_no_pseudonym(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    SL_AUTO(pseudonym_cipher) cipher = cipher_of("spotify");
    char text[PSEUDONYM_CHARS + 1];
    uint8_t id[16];
    assert_int_equal(pseudonym_write(cipher, lotte, text), SL_OK);
    unsigned n_spellings = 0;
    for (size_t i = 0; i < 64; i++) {
        text[PSEUDONYM_CHARS - 1] = alphabet[i];
        n_spellings += pseudonym_read(cipher, slice_of_str(text), id);
    }
    assert_int_equal(n_spellings, 1);
}

/* The key as OpenSSL's HKDF derives it, the text as our SIV seals it under that key. */
static void the_key_is_hkdf_of_the_node_key_and_the_partner(void **state)
{
    (void)state;
    static const char info[] = "sluis pseudonym v1\0spotify";
    char digest[] = "SHA256";
    uint8_t key[32];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)node_key, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info,
                                          sizeof info - 1),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    assert_int_equal(EVP_KDF_derive(ctx, key, sizeof key, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);

    SL_AUTO(pseudonym_cipher) cipher = cipher_of("spotify");
    struct siv *siv = NULL;
    char text[PSEUDONYM_CHARS + 1];
    uint8_t bytes[32], expected[32];
    struct slice header = slice_of_str("sluis pseudonym v1");
    assert_int_equal(siv_new(key, &header, 1, &siv), SL_OK);
    assert_int_equal(siv_seal(siv, slice_of(lotte, 16), expected, expected + 16), SL_OK);
    siv_free(siv);
    assert_int_equal(pseudonym_write(cipher, lotte, text), SL_OK);
    assert_true(base64url_decode(slice_of_str(text), bytes, sizeof bytes));
    assert_memory_equal(bytes, expected, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pseudonym_reads_back_as_the_subject_and_never_changes),
        cmocka_unit_test(two_partners_know_a_subject_by_unrelated_names),
        cmocka_unit_test(another_node_key_gives_other_pseudonyms),
        cmocka_unit_test(each_changed_cut_or_lengthened_text_is_no_pseudonym),
        cmocka_unit_test(a_second_spelling_of_the_same_bytes_is_no_pseudonym),
        cmocka_unit_test(the_key_is_hkdf_of_the_node_key_and_the_partner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
