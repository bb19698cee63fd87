/*
 * test_names.c - generations of a partner's names
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identify/names.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

enum { UNTIL_MS = 1000000 };

static const uint8_t node_key[32] = {1, 2, 3, 4};
static const uint8_t lotte[16] = {0xaa, 0xbb, 0xcc};

static struct partner_names names_of(const char *id, uint32_t generation, int64_t until_ms)
{
    const struct config_partner partner = {
        .id = slice_of_str(id), .generation = generation, .previous_until_ms = until_ms};
    struct partner_names names;
    assert_int_equal(partner_names_init(node_key, &partner, &names), SL_OK);
    return names;
}

static void write_name(struct partner_names *names, char out[PSEUDONYM_CHARS + 1])
{
    assert_int_equal(pseudonym_write(names->cipher, lotte, out), SL_OK);
}

static void the_generation_before_is_understood_until_its_day(void **state)
{
    (void)state;
    struct partner_names first = names_of("spotify", 1, 0);
    struct partner_names second = names_of("spotify", 2, UNTIL_MS);
    char old[PSEUDONYM_CHARS + 1], new[PSEUDONYM_CHARS + 1], present[PSEUDONYM_CHARS + 1];
    uint8_t id[16] = {0};
    write_name(&first, old);
    write_name(&second, new);
    assert_string_not_equal(old, new);
    assert_true(partner_names_read(&second, slice_of_str(old), UNTIL_MS - 1, id, present));
    assert_memory_equal(id, lotte, 16);
    assert_string_equal(present, new);
    assert_true(partner_names_read(&second, slice_of_str(new), UNTIL_MS + 1, id, present));
    assert_string_equal(present, new);
    assert_false(partner_names_read(&second, slice_of_str(old), UNTIL_MS, id, present));
    assert_false(partner_names_read(&first, slice_of_str(new), 0, id, present));
    partner_names_deinit(&first);
    partner_names_deinit(&second);
}

static void two_generations_back_is_understood_by_nobody(void **state)
{
    (void)state;
    struct partner_names first = names_of("spotify", 1, 0);
    struct partner_names third = names_of("spotify", 3, UNTIL_MS);
    struct partner_names second = names_of("spotify", 2, 0); /* without a day */
    char old[PSEUDONYM_CHARS + 1], present[PSEUDONYM_CHARS + 1];
    uint8_t id[16];
    write_name(&first, old);
    assert_false(partner_names_read(&third, slice_of_str(old), 0, id, present));
    assert_false(partner_names_read(&second, slice_of_str(old), 0, id, present));
    partner_names_deinit(&first);
    partner_names_deinit(&second);
    partner_names_deinit(&third);
}

/* HKDF by OpenSSL, from the formula in docs/formats/coarsening.md. */
static void identifier_keys_are_what_the_format_says(void **state)
{
    (void)state;
    static const struct {
        uint32_t generation;
        const char *info;
        size_t info_bytes;
    } rows[] = {
        {1, "sluis identifier v1\0spotify", 27},
        {2, "sluis identifier v1\0spotify\0002", 29},
        {12, "sluis identifier v1\0spotify\00012", 30},
    };
    for (size_t i = 0; i < SL_LENGTH(rows); i++) {
        uint8_t key[32], secret[32], info[32];
        memcpy(secret, node_key, sizeof secret);
        memcpy(info, rows[i].info, rows[i].info_bytes);
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof secret),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, rows[i].info_bytes),
            OSSL_PARAM_construct_end(),
        };
        assert_int_equal(EVP_KDF_derive(context, key, sizeof key, parameters), 1);
        EVP_KDF_CTX_free(context);
        EVP_KDF_free(kdf);
        struct hmac_key expected;
        hmac_key_init(&expected, slice_of(key, sizeof key));
        struct partner_names names = names_of("spotify", rows[i].generation, 0);
        assert_memory_equal(&expected, &names.identifier_key, sizeof expected);
        partner_names_deinit(&names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generation_before_is_understood_until_its_day),
        cmocka_unit_test(two_generations_back_is_understood_by_nobody),
        cmocka_unit_test(identifier_keys_are_what_the_format_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
