/*
 * test_credential.c - bearer tokens, and the partners and apps they belong to
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "identify/credential.h"

#include <stdio.h>
#include <string.h>

enum { PARTNERS = 20, TOKENS = 3 };

struct tokens {
    char texts[PARTNERS][TOKENS][CREDENTIAL_TOKEN_CHARS + 1];
    uint8_t hashes[PARTNERS][TOKENS][CONFIG_TOKEN_HASH_BYTES];
    struct config_partner partners[PARTNERS];
    struct config config;
    struct credential_table *table;
};

static struct tokens tokens;

static int make_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTNERS; i++) {
        for (size_t t = 0; t < TOKENS; t++)
            if (credential_new_token(tokens.texts[i][t], tokens.hashes[i][t]) != SL_OK)
                return -1;
        tokens.partners[i].n_tokens = TOKENS;
        tokens.partners[i].tokens = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])tokens.hashes[i];
    }
    tokens.config.n_partners = PARTNERS;
    tokens.config.partners = tokens.partners;
    return credential_table_new(&tokens.config, &tokens.table) == SL_OK ? 0 : -1;
}

static int free_tokens(void **state)
{
    (void)state;
    credential_table_free(tokens.table);
    return 0;
}

static const struct config_partner *find(const char *scheme, const char *token)
{
    char value[128];
    snprintf(value, sizeof value, "%s%s", scheme, token);
    return credential_find(tokens.table, slice_of_str(value)).partner;
}

static void each_token_finds_its_partner(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTNERS; i++)
        for (size_t t = 0; t < TOKENS; t++)
            assert_ptr_equal(find("Bearer ", tokens.texts[i][t]), &tokens.partners[i]);
}

static void the_scheme_is_read_in_any_case(void **state)
{
    (void)state;
    assert_ptr_equal(find("bearer ", tokens.texts[3][1]), &tokens.partners[3]);
    assert_ptr_equal(find("BEARER ", tokens.texts[3][1]), &tokens.partners[3]);
}

static void a_new_token_has_its_form_and_hash(void **state)
{
    (void)state;
    char token[CREDENTIAL_TOKEN_CHARS + 1], other[CREDENTIAL_TOKEN_CHARS + 1];
    uint8_t hash[32], expected[32];
    assert_int_equal(credential_new_token(token, hash), SL_OK);
    assert_int_equal(credential_new_token(other, expected), SL_OK);
    assert_string_not_equal(token, other);
    assert_int_equal(strlen(token), CREDENTIAL_TOKEN_CHARS);
    assert_memory_equal(token, "sluis_", 6);
    sha256_of(slice_of_str(token), expected);
    assert_memory_equal(hash, expected, sizeof hash);
}

static void anything_but_a_known_token_finds_nobody(void **state)
{
    (void)state;
    char token[CREDENTIAL_TOKEN_CHARS + 1], fresh[CREDENTIAL_TOKEN_CHARS + 1];
    uint8_t hash[32];
    memcpy(token, tokens.texts[0][0], sizeof token);
    assert_int_equal(credential_new_token(fresh, hash), SL_OK);
    assert_null(find("Bearer ", fresh));
    assert_null(find("Basic ", token));
    assert_null(find("Bearer", token));
    assert_null(find("Bearer  ", token));
    assert_null(find(" Bearer ", token));
    assert_null(find("Bearer\t", token));
    assert_null(find("", token));
    assert_null(find("Bearer ", ""));
    assert_null(credential_find(tokens.table, slice_of(NULL, 0)).partner);
    for (size_t i = 0; i < CREDENTIAL_TOKEN_CHARS; i++) {
        token[i] ^= 1;
        assert_null(find("Bearer ", token));
        token[i] ^= 1;
    }
    assert_ptr_equal(find("Bearer ", token), &tokens.partners[0]);
}

/* Who read the configuration knows the hashes, and nothing that opens a door. */
static void the_hash_itself_is_no_token(void **state)
{
    (void)state;
    char hex[65], value[80];
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", tokens.hashes[0][0][i]);
    snprintf(value, sizeof value, "sha256:%s", hex);
    assert_null(find("Bearer ", value));
    assert_null(find("Bearer ", hex));
    hex[CREDENTIAL_TOKEN_CHARS] = 0;
    assert_null(find("Bearer ", hex));
}

/* As many tokens as make a table of 256 slots: chains of occupied slots are certain. */
static void a_table_of_many_tokens_finds_each_of_them(void **state)
{
    (void)state;
    enum { MANY = 128 };
    static char texts[MANY][CREDENTIAL_TOKEN_CHARS + 1];
    static uint8_t hashes[MANY][CONFIG_TOKEN_HASH_BYTES];
    struct config_partner partner = {.n_tokens = MANY,
                                     .tokens = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])hashes};
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(credential_new_token(texts[i], hashes[i]), SL_OK);
    struct config config = {.n_partners = 1, .partners = &partner};
    struct credential_table *table = NULL;
    assert_int_equal(credential_table_new(&config, &table), SL_OK);
    for (size_t i = 0; i < MANY; i++) {
        char value[64] = "Bearer ";
        memcpy(value + 7, texts[i], sizeof texts[i]);
        assert_ptr_equal(credential_find(table, slice_of_str(value)).partner, &partner);
    }
    credential_table_free(table);
}

static void an_app_is_found_as_an_app_and_a_partner_as_a_partner(void **state)
{
    (void)state;
    char texts[2][CREDENTIAL_TOKEN_CHARS + 1];
    uint8_t hashes[2][CONFIG_TOKEN_HASH_BYTES];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(credential_new_token(texts[i], hashes[i]), SL_OK);
    const struct config_partner partner = {
        .n_tokens = 1, .tokens = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])hashes};
    const struct config_app app = {
        .n_tokens = 1, .tokens = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])(hashes + 1)};
    const struct config config = {.n_partners = 1, .partners = &partner, .n_apps = 1, .apps = &app};
    struct credential_table *table = NULL;
    assert_int_equal(credential_table_new(&config, &table), SL_OK);
    for (size_t i = 0; i < 2; i++) {
        char value[128];
        snprintf(value, sizeof value, "Bearer %s", texts[i]);
        struct credential_party party = credential_find(table, slice_of_str(value));
        assert_ptr_equal(party.partner, i == 0 ? &partner : NULL);
        assert_ptr_equal(party.app, i == 1 ? &app : NULL);
    }
    credential_table_free(table);
}

static void without_partners_nobody_is_found(void **state)
{
    (void)state;
    struct config config = {.n_partners = 0};
    struct credential_table *table = NULL;
    char value[64];
    snprintf(value, sizeof value, "Bearer %s", tokens.texts[0][0]);
    assert_int_equal(credential_table_new(&config, &table), SL_OK);
    assert_null(credential_find(table, slice_of_str(value)).partner);
    credential_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_finds_its_partner),
        cmocka_unit_test(the_scheme_is_read_in_any_case),
        cmocka_unit_test(a_new_token_has_its_form_and_hash),
        cmocka_unit_test(anything_but_a_known_token_finds_nobody),
        cmocka_unit_test(the_hash_itself_is_no_token),
        cmocka_unit_test(a_table_of_many_tokens_finds_each_of_them),
        cmocka_unit_test(an_app_is_found_as_an_app_and_a_partner_as_a_partner),
        cmocka_unit_test(without_partners_nobody_is_found),
    };
    return cmocka_run_group_tests(tests, make_tokens, free_tokens);
}
