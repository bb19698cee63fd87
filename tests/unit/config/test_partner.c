/*
 * test_partner.c - partners: ids, tokens, contracts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_AA "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
#define HASH_BB "sha256:00000000000000000000000000000000000000000000000000000000000000bb"

static const char second[] = "routes:";

static void an_id_is_short_and_plain(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {"Spotify",        "spo_tify",  "spo.tify", "\"spo tify\"",
                                          "sp\xc3\xb6tify", "[spotify]", "\"\""};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(
            fixture, fixture_text("id: spotify", "id: x", "id: x", "id: @", "@", refused[i], NULL),
            14, 9, "a name of 1 to 32 characters of a-z, 0-9 and -");
    char id[34];
    memset(id, 'a', sizeof id);
    id[33] = 0;
    assert_one_problem(fixture, fixture_text("spotify", id, NULL), 14, 9, "1 to 32");
    id[32] = 0;
    assert_accepted(fixture, fixture_text("spotify", id, NULL));
}

static void a_label_has_a_limit_and_no_controls(void **state)
{
    struct fixture *fixture = *state;
    char label[130];
    memset(label, 'L', sizeof label);
    label[129] = 0;
    assert_one_problem(fixture, fixture_text("label: Spotify", "label: @", "@", label, NULL), 15,
                       12, "at most 128");
    label[128] = 0;
    assert_accepted(fixture, fixture_text("Spotify", label, NULL));
    assert_one_problem(fixture, fixture_text("label: Spotify", "label: \"a\\u001bb\"", NULL), 15,
                       12, "control characters");
}

static void a_token_is_given_by_its_hash_and_never_shown(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {
        "sluis_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG",
        "sha256:00",
        "sha1:00000000000000000000000000000000000000000000000000000000000000aa",
        "SHA256:00000000000000000000000000000000000000000000000000000000000000aa",
        "sha256:0000000000000000000000000000000000000000000000000000000000000xaa",
        "sha256:00000000000000000000000000000000000000000000000000000000000000aaa",
        "[" HASH_AA "]",
    };
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        assert_one_problem(fixture, fixture_text(HASH_AA, refused[i], NULL), 17, 9,
                           "never the token itself");
        assert_null(strstr(fixture_problems(fixture), "AbCdEf"));
    }
    assert_one_problem(fixture, fixture_text("\n      - " HASH_AA, " []", NULL), 16, 13,
                       "an empty list");
    assert_one_problem(fixture, fixture_text("\n      - " HASH_AA, " " HASH_AA, NULL), 16, 13,
                       "is no list");
}

static void two_partners_can_not_share_a_token(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture,
                       fixture_text(second,
                                    "  - id: strava\n"
                                    "    tokens: [" HASH_BB ", " HASH_AA "]\n"
                                    "    contract: {purposes: [recommendation]}\n"
                                    "routes:",
                                    NULL),
                       22, 87, "stands on line 17 already");
    assert_one_problem(fixture, fixture_text(HASH_AA "\n", HASH_AA "\n      - " HASH_AA "\n", NULL),
                       18, 9, "stands on line 17 already");
    assert_accepted(fixture, fixture_text(HASH_AA "\n", HASH_AA "\n      - " HASH_BB "\n", NULL));
    assert_int_equal(fixture->config->partners[0].n_tokens, 2);
    assert_int_equal(fixture->config->partners[0].tokens[1][31], 0xbb);
}

static void an_app_has_tokens_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    static const char url[] = "    url: http://127.0.0.1:9101\n";
    char text[256];
    assert_accepted(fixture, fixture_text("Waze", "Waze", NULL));
    assert_int_equal(fixture->config->apps[0].n_tokens, 0);
    snprintf(text, sizeof text, "%s    tokens: [%s]\n", url, HASH_BB);
    assert_accepted(fixture, fixture_text(url, text, NULL));
    assert_int_equal(fixture->config->apps[0].n_tokens, 1);
    assert_int_equal(fixture->config->apps[0].tokens[0][31], 0xbb);
    snprintf(text, sizeof text, "%s    tokens: [%s]\n", url, HASH_AA);
    assert_one_problem(fixture, fixture_text(url, text, NULL), 18, 9, "stands on line 11 already");
    snprintf(text, sizeof text, "%s    tokens: [%s, %s]\n", url, HASH_BB, HASH_BB);
    assert_one_problem(fixture, fixture_text(url, text, NULL), 11, 87, "stands on line 11 already");
    snprintf(text, sizeof text, "%s    tokens: [sluis_x]\n", url);
    assert_one_problem(fixture, fixture_text(url, text, NULL), 11, 14, "never the token itself");
}

static void two_partners_can_not_share_an_id(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture,
                       fixture_text(second,
                                    "  - id: spotify\n"
                                    "    tokens: [" HASH_BB "]\n"
                                    "    contract: {purposes: [recommendation]}\n"
                                    "routes:",
                                    NULL),
                       21, 9, "stands on line 14 already");
}

static void a_contract_needs_purposes_of_the_vocabulary_each_once(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("purposes: [recommendation]\n      ", "", NULL), 19, 7,
                       "no `purposes`");
    assert_one_problem(fixture, fixture_text("[recommendation]", "[]", NULL), 19, 17,
                       "an empty list");
    assert_one_problem(fixture,
                       fixture_text("[recommendation]", "[recommendation, recommendation]", NULL),
                       19, 34, "listed twice");
    assert_one_problem(fixture, fixture_text("[recommendation]", "[spying]", NULL), 19, 18,
                       "unknown purpose \"spying\"");
    assert_one_problem(fixture, fixture_text("[recommendation]", "[[a]]", NULL), 19, 18,
                       "a list; expected the name of a purpose");
}

static void pseudonyms_have_a_generation_and_a_day_for_the_one_before(void **state)
{
    struct fixture *fixture = *state;
    static const char label[] = "    label: Spotify\n";
    char text[128];
    assert_accepted(fixture, fixture_text(label, label, NULL));
    assert_int_equal(fixture->config->partners[0].generation, 1);
    assert_int_equal(fixture->config->partners[0].previous_until_ms, 0);
    static const struct {
        const char *value;
        unsigned column;
        const char *words;
    } refused[] = {
        {"{generation: 0}", 30, "from 1 to 1000000"},
        {"{generation: 1000001}", 30, "from 1 to 1000000"},
        {"{generation: two}", 30, "a number from 1 to 1000000"},
        {"{}", 17, "no `generation`"},
        {"2", 17, "expected a mapping"},
        {"{generation: 2, until: 2026-12-31}", 33, "unknown key"},
        {"{generation: 2, previous_until: 2026-13-01}", 49, "a day such as"},
        {"{generation: 2, previous_until: 1969-12-31}", 49, "a day such as"},
        {"{generation: 1, previous_until: 2026-12-31}", 33, "no generation before"},
    };
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        snprintf(text, sizeof text, "%s    pseudonyms: %s\n", label, refused[i].value);
        assert_one_problem(fixture, fixture_text(label, text, NULL), 16, refused[i].column,
                           refused[i].words);
    }
    snprintf(text, sizeof text,
             "%s    pseudonyms: {generation: 1000000, previous_until: 1970-01-02}\n", label);
    assert_accepted(fixture, fixture_text(label, text, NULL));
    assert_int_equal(fixture->config->partners[0].generation, 1000000);
    assert_int_equal(fixture->config->partners[0].previous_until_ms, 86400000);
}

static void benefits_are_optional_short_and_each_once(void **state)
{
    struct fixture *fixture = *state;
    static const char benefits[] = "[Playlists that fit the drive]";
    assert_accepted(fixture,
                    fixture_text("\n      benefits: [Playlists that fit the drive]", "", NULL));
    assert_int_equal(fixture->config->partners[0].n_benefits, 0);
    assert_one_problem(fixture, fixture_text(benefits, "[a, b, a]", NULL), 20, 24, "listed twice");
    char benefit[123] = "[";
    memset(benefit + 1, 'b', 121);
    strcpy(benefit + 121, "]");
    assert_accepted(fixture, fixture_text(benefits, benefit, NULL));
    char longer[124] = "[";
    memset(longer + 1, 'b', 121);
    strcpy(longer + 122, "]");
    assert_one_problem(fixture, fixture_text(benefits, longer, NULL), 20, 18, "at most 120");
}

static char *many(size_t n, const char *item, const char *before, const char *after)
{
    char *text = malloc(strlen(before) + n * (strlen(item) + 16) + strlen(after) + 1);
    SL_ASSERT(text);
    size_t at = (size_t)sprintf(text, "%s", before);
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "%s%zu, ", item, i);
    strcpy(text + at, after);
    return text;
}

static void lists_have_limits(void **state)
{
    struct fixture *fixture = *state;
    static const char benefits[] = "[Playlists that fit the drive]";
    char *text = many(LIMIT_MAX_partner_benefits, "b", "[", "]");
    assert_accepted(fixture, fixture_text(benefits, text, NULL));
    free(text);
    text = many(LIMIT_MAX_partner_benefits + 1, "b", "[", "]");
    assert_one_problem(fixture, fixture_text(benefits, text, NULL), 20, 17, "at most 64");
    free(text);
    text = many(LIMIT_MAX_partner_purposes + 1, "p", "[", "]");
    assert_one_problem(fixture, fixture_text("[recommendation]", text, NULL), 19, 17, "at most 16");
    free(text);
    text = many(LIMIT_MAX_partner_tokens + 1, "t", " [", "]");
    assert_one_problem(fixture, fixture_text("\n      - " HASH_AA, text, NULL), 16, 13,
                       "at most 16");
    free(text);
    text = many(LIMIT_MAX_app_tokens + 1, "t", "url: http://127.0.0.1:9101\n    tokens: [", "]\n");
    assert_one_problem(fixture, fixture_text("url: http://127.0.0.1:9101\n", text, NULL), 11, 13,
                       "at most 16");
    free(text);
    text = many(LIMIT_MAX_config_apps + 1, "a", "apps: [", "]\nunused:");
    assert_int_equal(fixture_load(fixture, fixture_text("apps:", text, NULL)), SL_EMALFORMED);
    assert_non_null(strstr(fixture_problems(fixture), "`apps` has 65 items; at most 64"));
    free(text);
    text = many(LIMIT_MAX_config_partners + 1, "p", "partners: [", "]\nunused:\n");
    assert_int_equal(fixture_load(fixture, fixture_text("partners:\n", text, NULL)), SL_EMALFORMED);
    assert_non_null(strstr(fixture_problems(fixture), "`partners` has 1025 items"));
    free(text);
    text = many(LIMIT_MAX_config_routes + 1, "r", "routes: [", "]\nunused:\n");
    assert_int_equal(fixture_load(fixture, fixture_text("routes:\n", text, NULL)), SL_EMALFORMED);
    assert_non_null(strstr(fixture_problems(fixture), "`routes` has 257 items"));
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_id_is_short_and_plain),
        TEST(a_label_has_a_limit_and_no_controls),
        TEST(a_token_is_given_by_its_hash_and_never_shown),
        TEST(two_partners_can_not_share_a_token),
        TEST(an_app_has_tokens_of_its_own),
        TEST(two_partners_can_not_share_an_id),
        TEST(a_contract_needs_purposes_of_the_vocabulary_each_once),
        TEST(pseudonyms_have_a_generation_and_a_day_for_the_one_before),
        TEST(benefits_are_optional_short_and_each_once),
        TEST(lists_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
