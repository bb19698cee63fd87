/*
 * test_config.c - the whole of sluis.yaml: what a right one gives, and all problems of a wrong one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_right_configuration_is_read_whole(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    const struct config *config = fixture->config;
    assert_true(slice_equals_str(config->origin, "demo.sluis.example/1"));
    assert_int_equal(config->n_threads, 1);
    assert_true(slice_equals_str(config->partners_listener.text, "127.0.0.1:8460"));
    assert_null(config->partners_listener.certificate);
    assert_int_equal(config->limits.answer_bytes, 1048576);
    assert_int_equal(config->limits.flow_ms, limits_default().flow_ms);
    char state_folder[96];
    snprintf(state_folder, sizeof state_folder, "%s/state", fixture->folder);
    assert_string_equal(config->state_folder, state_folder);
    assert_non_null(config->vocabulary);

    assert_int_equal(config->n_apps, 2);
    const struct config_app *music = config_app_find(config, slice_of_str("music"));
    assert_ptr_equal(music, &config->apps[1]);
    assert_true(slice_equals_str(music->label, "music")); /* the id, when there is no label */
    assert_true(music->peer.tls);
    assert_true(slice_equals_str(music->peer.host, "music.example:8443"));
    assert_true(slice_equals_str(music->peer.host_name, "music.example"));

    const struct config_partner *spotify = config_partner_find(config, slice_of_str("spotify"));
    assert_non_null(spotify);
    assert_true(slice_equals_str(spotify->label, "Spotify"));
    assert_int_equal(spotify->n_tokens, 1);
    assert_int_equal(spotify->tokens[0][31], 0xaa);
    assert_int_equal(spotify->n_purposes, 1);
    assert_true(slice_equals_str(spotify->purposes[0]->name, "recommendation"));
    assert_int_equal(spotify->n_benefits, 1);
    assert_true(slice_equals_str(spotify->benefits[0], "Playlists that fit the drive"));
}

static void a_route_is_read_with_its_classes_in_the_order_of_its_fields(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    const struct config *config = fixture->config;
    const struct config_route *route = config_route_find(config, slice_of_str("waze-position"));
    assert_non_null(route);
    assert_ptr_equal(route->app, &config->apps[0]);
    assert_int_equal(route->app_index, 0);
    assert_true(slice_equals_str(route->method, "GET"));
    assert_true(slice_equals_str(route->path_before, "/v1/drivers/"));
    assert_true(slice_equals_str(route->path_after, "/position"));
    assert_true(slice_equals_str(route->forward_before, "/drivers/"));
    assert_true(slice_equals_str(route->forward_after, ""));
    assert_int_equal(route->n_query, 2);
    assert_true(slice_equals_str(route->query[1], "after"));
    assert_true(slice_equals_str(route->media_type, "application/json"));
    assert_non_null(route->trie);
    assert_int_equal(route->n_classes, 2);
    assert_true(slice_equals_str(route->classes[0]->term.name, "location"));
    assert_true(slice_equals_str(route->classes[1]->term.name, "location.speed"));
    assert_int_equal(route->class_codes[1], vocabulary_code(slice_of_str("location.speed")));

    route = config_route_find(config, slice_of_str("music-recent"));
    assert_int_equal(route->app_index, 1);
    assert_true(slice_equals_str(route->forward_before, "/v1/listeners/"));
    assert_int_equal(route->n_query, 0);
    assert_null(config_route_find(config, slice_of_str("waze")));
    assert_null(config_app_find(config, slice_of_str("waz")));
    assert_null(config_partner_find(config, slice_of_str("")));
}

static void all_problems_are_reported_at_once_with_their_places(void **state)
{
    struct fixture *fixture = *state;
    char *text =
        fixture_text("sluis: 1", "sluis: 2", "  origin: demo.sluis.example/1", "  orign: x",
                     "label: Waze", "lable: Waze", "http://127.0.0.1:9101", "http://192.0.2.7",
                     "[recommendation]", "[recomendation]", "app: waze", "app: wase",
                     "answer_bytes: 1048576", "answer_bytes: 1", NULL);
    assert_int_equal(fixture_load(fixture, text), SL_EMALFORMED);
    const char *problems = fixture_problems(fixture);
    static const char *const expected[] = {
        "1:8 version \"2\" of the format; expected 1",
        "3:3 unknown key \"orign\" in `node`; did you mean \"origin\"?",
        "3:3 `node` has no `origin`",
        "9:5 unknown key \"lable\" in an app; did you mean \"label\"?",
        "10:10 http to another machine",
        "19:18 unknown purpose \"recomendation\"; did you mean \"recommendation\"?",
        "23:10 unknown app \"wase\"; did you mean \"waze\"?",
        "42:24 1 for `answer_bytes`; expected a number from 1024 to 67108864",
    };
    assert_int_equal(fixture->problems.n, SL_LENGTH(expected));
    for (size_t i = 0; i < SL_LENGTH(expected); i++)
        if (!strstr(problems, expected[i]))
            fail_msg("no \"%s\" in\n%s", expected[i], problems);
}

static void each_section_but_vocabulary_and_limits_must_be_there(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_load(fixture, strdup("sluis: 1\n")), SL_EMALFORMED);
    static const char *const sections[] = {"node", "state", "listen", "apps", "partners", "routes"};
    assert_int_equal(fixture->problems.n, SL_LENGTH(sections));
    for (size_t i = 0; i < SL_LENGTH(sections); i++) {
        char text[64];
        snprintf(text, sizeof text, "the configuration has no `%s`", sections[i]);
        assert_non_null(strstr(fixture_problems(fixture), text));
    }
}

static void broken_yaml_and_leaving_the_subset_are_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture_load(fixture, strdup("sluis: [1\n")), SL_EMALFORMED);
    assert_int_equal(fixture_load(fixture, strdup("")), SL_EMALFORMED);
    assert_int_equal(fixture_load(fixture, strdup("- a\n")), SL_EMALFORMED);
    assert_one_problem(fixture, fixture_text("state: state", "state: &a state", NULL), 4, 8,
                       "anchors are not allowed");
    assert_one_problem(fixture, fixture_text("state: state", "state: state\nstate: x", NULL), 5, 1,
                       "duplicate key");
}

static void a_file_longer_than_its_limit_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char *text = malloc(LIMIT_MAX_config_bytes + 2);
    assert_non_null(text);
    char *right = fixture_right();
    size_t n = strlen(right);
    memcpy(text, right, n);
    free(right);
    memset(text + n, '#', LIMIT_MAX_config_bytes + 1 - n);
    text[LIMIT_MAX_config_bytes] = 0;
    assert_accepted(fixture, strdup(text));
    text[LIMIT_MAX_config_bytes] = '#';
    text[LIMIT_MAX_config_bytes + 1] = 0;
    assert_one_problem(fixture, text, 1, 1, "at most 1048576");
}

static void an_origin_is_a_key_name_of_signed_notes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {"\"a b\"",   "a+b",  "\"a\\u00e9\"", "\"\"",
                                          "\"a\\tb\"", "a\\b", "a'b\"c"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, fixture_text("demo.sluis.example/1", refused[i], NULL), 3, 11,
                           "expected a name for this node's ledger");
    char origin[130];
    memset(origin, 'o', sizeof origin);
    origin[129] = 0;
    assert_one_problem(fixture, fixture_text("demo.sluis.example/1", origin, NULL), 3, 11, "128");
    origin[128] = 0;
    assert_accepted(fixture, fixture_text("demo.sluis.example/1", origin, NULL));
}

static void a_state_folder_that_is_not_there_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("state: state", "state: nowhere", NULL), 4, 8,
                       "sluis init");
    fixture_write(fixture, "file", "x", 0600);
    assert_one_problem(fixture, fixture_text("state: state", "state: file", NULL), 4, 8,
                       "is not a folder");
    assert_accepted(fixture, fixture_text("state: state", "state: /tmp", NULL));
    assert_string_equal(fixture->config->state_folder, "/tmp");
}

static void a_vocabulary_of_ones_own_is_read_and_its_problems_are_told(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("apps:", "vocabulary: words.yaml\napps:", NULL), 7, 13,
                       "No such file");
    fixture_write(fixture, "words.yaml", "sluis_vocabulary: 1\nversion: x\n", 0644);
    assert_int_equal(
        fixture_load(fixture, fixture_text("apps:", "vocabulary: words.yaml\napps:", NULL)),
        SL_EMALFORMED);
    assert_non_null(strstr(fixture_problems(fixture), "words.yaml:2:"));
}

static void limits_are_checked_against_their_table(void **state)
{
    struct fixture *fixture = *state;
    static const char from[] = "answer_bytes: 1048576";
    assert_one_problem(fixture, fixture_text(from, "answer_byte: 1048576", NULL), 42, 10,
                       "did you mean \"answer_bytes\"?");
    assert_one_problem(fixture, fixture_text(from, "receipt_bytes: 1024", NULL), 42, 10,
                       "can't be set");
    assert_one_problem(fixture, fixture_text(from, "answer_bytes: many", NULL), 42, 24,
                       "expected a number from 1024");
    assert_one_problem(fixture, fixture_text("{answer_bytes: 1048576}", "7", NULL), 42, 9,
                       "no mapping for `limits`");
}

static void a_reserve_may_take_half_a_segment_at_most(void **state)
{
    struct fixture *fixture = *state;
    static const char from[] = "answer_bytes: 1048576";
    assert_accepted(fixture, fixture_text(from,
                                          "segment_bytes: 1048576, consent_reserve_bytes: "
                                          "524288",
                                          NULL));
    assert_one_problem(fixture,
                       fixture_text(from,
                                    "segment_bytes: 1048576, consent_reserve_bytes: "
                                    "524289",
                                    NULL),
                       42, 9, "at most half");
}

/* The first block between ```yaml and ``` of docs/configuration.md. */
static char *example_of_the_document(void)
{
    static char text[65536];
    FILE *file = fopen(CONFIGURATION_DOC, "rb");
    SL_ASSERT(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    char *start = strstr(text, "```yaml\n");
    SL_ASSERT(start);
    start += strlen("```yaml\n");
    char *end = strstr(start, "```");
    SL_ASSERT(end);
    return strndup(start, (size_t)(end - start));
}

static void the_example_of_the_document_is_right(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, example_of_the_document());
    assert_int_equal(fixture->config->n_routes, 1);
}

/* One boundary test for each row that can be set. */
static void each_limit_is_accepted_at_its_ends_and_refused_beyond(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < n_limits; i++) {
        const struct limit_info *row = &limit_table[i];
        const uint64_t values[4] = {row->min, row->max, row->min - 1, row->max + 1};
        for (size_t v = 0; v < 4 && row->min != row->max; v++) {
            char text[96];
            snprintf(text, sizeof text, "%s: %ju", row->name, (uintmax_t)values[v]);
            char *yaml = fixture_text("answer_bytes: 1048576", text, NULL);
            if (v < 2)
                assert_accepted(fixture, yaml);
            else if (row->min > 0 || v == 3)
                assert_int_equal(fixture_load(fixture, yaml), SL_EMALFORMED);
            else
                free(yaml);
        }
    }
}

static void config_load_reads_the_file_and_says_when_it_can_not(void **state)
{
    struct fixture *fixture = *state;
    char *text = fixture_text("https://music.example:8443", "https://[2001:db8::1]", NULL);
    fixture_write(fixture, "sluis.yaml", text, 0644);
    free(text);
    assert_int_equal(config_load(fixture->file, &fixture->problems, &fixture->config), SL_OK);
    assert_true(slice_equals_str(fixture->config->apps[1].peer.host, "[2001:db8::1]"));
    assert_true(slice_equals_str(fixture->config->apps[1].peer.host_name, "2001:db8::1"));

    struct config *none = NULL;
    assert_int_equal(unlink(fixture->file), 0);
    assert_int_equal(config_load(fixture->file, &fixture->problems, &none), SL_EMALFORMED);
    assert_int_equal(config_load(fixture->folder, &fixture->problems, &none), SL_EMALFORMED);
    assert_null(none);
    assert_non_null(strstr(fixture_problems(fixture), "No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_right_configuration_is_read_whole),
        TEST(a_route_is_read_with_its_classes_in_the_order_of_its_fields),
        TEST(all_problems_are_reported_at_once_with_their_places),
        TEST(each_section_but_vocabulary_and_limits_must_be_there),
        TEST(broken_yaml_and_leaving_the_subset_are_refused),
        TEST(a_file_longer_than_its_limit_is_refused),
        TEST(an_origin_is_a_key_name_of_signed_notes),
        TEST(a_state_folder_that_is_not_there_is_refused_with_advice),
        TEST(a_vocabulary_of_ones_own_is_read_and_its_problems_are_told),
        TEST(limits_are_checked_against_their_table),
        TEST(a_reserve_may_take_half_a_segment_at_most),
        TEST(the_example_of_the_document_is_right),
        TEST(each_limit_is_accepted_at_its_ends_and_refused_beyond),
        TEST(config_load_reads_the_file_and_says_when_it_can_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
