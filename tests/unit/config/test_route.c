/*
 * test_route.c - routes: requests, their overlaps, answers, fields, and receipts that must fit
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "identify/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char request[] = "GET /v1/drivers/{subject}/position";
static const char query[] = "[limit, after]";
static const char fields[] = "{\"$.items[*].track.name\": listening.track}";

/* Of the other route the request is on line 38, at column 14. */
static char *with_request(const char *line)
{
    return fixture_text(request, line, NULL);
}

static void a_request_is_get_and_an_absolute_path(void **state)
{
    struct fixture *fixture = *state;
    static const char *const refused[] = {
        "GET",      "/v1/{subject}",   "GET  /v1/{subject}",    "GET v1/{subject}",
        "\"GET \"", "\" /{subject}\"", "GET http://h/{subject}"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, with_request(refused[i]), 24, 14,
                           "expected a method and a path");
    assert_one_problem(fixture, with_request("POST /v1/{subject}"), 24, 14,
                       "only GET can be forwarded");
    assert_one_problem(fixture, with_request("get /v1/{subject}"), 24, 14,
                       "only GET can be forwarded");
}

static void a_path_holds_subject_exactly_once_as_a_whole_segment(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, with_request("GET /v1/drivers"), 24, 18, "without {subject}");
    assert_one_problem(fixture, with_request("GET /v1/{subject}/{subject}"), 24, 32,
                       "a second {subject}");
    assert_one_problem(fixture, with_request("GET /v1/driver-{subject}"), 24, 29,
                       "alone between two slashes");
    assert_one_problem(fixture, with_request("GET /v1/{user}"), 24, 22,
                       "alone between two slashes");
    assert_accepted(fixture, with_request("GET /{subject}"));
    assert_true(slice_equals_str(fixture->config->routes[0].path_before, "/"));
    assert_true(slice_equals_str(fixture->config->routes[0].path_after, ""));
}

#define TOKEN_BB "sha256:00000000000000000000000000000000000000000000000000000000000000bb"
#define WAZE_URL "    url: http://127.0.0.1:9101\n"
#define PUSH                                                                                       \
    "  - id: push\n    kind: push\n    app: waze\n    partner: spotify\n"                          \
    "    request: POST /v1/users/{subject}/x\n    body: {type: application/json, fields: "         \
    "{$.kmh: location.speed}}\n"

/* With an app that may send and a partner that can be called; `from` in the push becomes `to`. */
static char *with_push(const char *from, const char *to)
{
    return fixture_text(WAZE_URL, WAZE_URL "    tokens: [" TOKEN_BB "]\n", "    label: Spotify\n",
                        "    label: Spotify\n    url: http://127.0.0.1:9201\n",
                        "limits:", PUSH "limits:", from, to, NULL);
}

static void a_push_names_who_gets_it_and_what_for(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_push("id: push\n", "id: push\n"));
    const struct config_route *route = &fixture->config->routes[2];
    assert_int_equal(route->kind, ROUTE_PUSH);
    assert_ptr_equal(route->partner, &fixture->config->partners[0]);
    assert_true(slice_equals_str(route->purpose->name, "recommendation"));
    assert_true(slice_equals_str(route->method, "POST"));
    assert_true(slice_equals_str(route->forward_method, "POST"));
    assert_true(slice_equals_str(route->forward_before, "/v1/users/"));
    assert_true(slice_equals_str(route->media_type, "application/json"));
    assert_accepted(fixture, with_push("/x\n", "/x\n    forward: PUT /y/{subject}\n"));
    assert_true(slice_equals_str(fixture->config->routes[2].forward_method, "PUT"));
    assert_int_equal(fixture->config->routes[0].kind, ROUTE_PULL);
}

static void a_push_that_can_not_work_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *from, *to;
        const char *problem;
    } rows[] = {
        {"kind: push", "kind: shove", "expected pull (a partner asks) or push"},
        {"    partner: spotify\n", "", "no `partner`"},
        {"partner: spotify", "partner: spotty", "unknown partner \"spotty\""},
        {"partner: spotify", "partner: spotify\n    purpose: marketing",
         "unknown purpose of this partner \"marketing\""},
        {"POST /v1", "GET /v1", "a push is sent with POST or PUT"},
        {"POST /v1", "DELETE /v1", "a push is sent with POST or PUT"},
        {"/{subject}/x", "/x", "without {subject}"},
        {"body: {", "answers: {", "unknown key \"answers\" in a push route"},
        {"/x\n", "/x\n    query: [a]\n", "unknown key \"query\" in a push route"},
        {"    tokens: [" TOKEN_BB "]\n", "", "has no `tokens`"},
        {"    url: http://127.0.0.1:9201\n", "", "has no `url`"},
    };
    for (size_t i = 0; i < SL_LENGTH(rows); i++) {
        assert_int_equal(fixture_load(fixture, with_push(rows[i].from, rows[i].to)), SL_EMALFORMED);
        if (!strstr(fixture_problems(fixture), rows[i].problem))
            fail_msg("row %zu: %s", i, fixture_problems(fixture));
    }
}

static void a_path_below_sluis_is_the_gateways_own(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, with_request("GET /sluis/{subject}"), 24, 14,
                       "the gateway's own API");
    assert_one_problem(fixture, with_request("GET /sluis/v1/{subject}/x"), 24, 14,
                       "the gateway's own API");
    assert_accepted(fixture, with_request("GET /sluis-v1/{subject}"));
}

static void a_path_that_could_be_read_in_two_ways_is_refused_where_it_is_odd(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, with_request("GET //{subject}"), 24, 19, "empty or dot segment");
    assert_one_problem(fixture, with_request("GET /{subject}/"), 24, 29, "empty or dot segment");
    assert_one_problem(fixture, with_request("GET /./{subject}"), 24, 19, "empty or dot segment");
    assert_one_problem(fixture, with_request("GET /{subject}/.."), 24, 29, "empty or dot segment");
    static const char odd[] = "%;\\?\"<>^`|";
    for (size_t i = 0; odd[i]; i++) {
        char line[64];
        snprintf(line, sizeof line, "'GET /a%cb/{subject}'", odd[i]);
        assert_one_problem(fixture, with_request(line), 24, 21, "letters, digits and");
    }
}

static void a_path_has_at_most_512_bytes(void **state)
{
    struct fixture *fixture = *state;
    char line[600] = "GET /{subject}/";
    size_t n = strlen("GET ") + LIMIT_MAX_route_path_bytes;
    memset(line + strlen(line), 'p', n - strlen(line));
    assert_accepted(fixture, with_request(line));
    line[n] = 'p';
    assert_one_problem(fixture, with_request(line), 24, 14, "513 bytes");
}

/* Whatever byte the configuration allows in a path, a request with it must be able to match. */
static void the_configuration_allows_the_same_path_bytes_as_requests(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned c = 0x20; c < 0x80; c++) {
        char line[64], target[64];
        if (c == '/' || c == '\'' || c == 0x7f)
            continue;
        snprintf(line, sizeof line, "'GET /a%cb/{subject}'", (char)c);
        snprintf(target, sizeof target, "/a%cb/x", (char)c);
        enum sl_err err = fixture_load(fixture, with_request(line));
        if (err != SL_OK)
            assert_accepted(fixture, fixture_right());
        else
            assert_true(slice_equals_str(fixture->config->routes[0].path_after, ""));
        struct route_request found;
        enum route_match match =
            route_find(fixture->config, slice_of_str("GET"), slice_of_str(target), &found);
        if ((match == ROUTE_FOUND) != (err == SL_OK))
            fail_msg("byte 0x%02x: configuration %d, request %d", c, err, match);
    }
}

static void forward_is_checked_like_the_request(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("GET /drivers/{subject}\n", "GET /drivers\n", NULL),
                       25, 18, "without {subject}");
    assert_one_problem(fixture,
                       fixture_text("GET /drivers/{subject}\n", "GET /../{subject}\n", NULL), 25,
                       19, "empty or dot segment");
}

struct overlap {
    const char *first, *second;
    bool overlaps;
};

static void routes_that_match_one_request_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct overlap overlaps[] = {
        {"/a/{subject}/b", "/a/{subject}/b", true}, {"/a/{subject}/b", "/a/{subject}/c", false},
        {"/a/{subject}", "/a/{subject}/b", false},  {"/{subject}", "/a/{subject}", false},
        {"/{subject}/b", "/a/{subject}", true}, /* both match /a/b */
        {"/a/{subject}/c", "/a/b/{subject}", true}, {"/a/{subject}/c", "/b/b/{subject}", false},
        {"/{subject}/b/c", "/a/b/{subject}", true}, {"/{subject}/b/c", "/a/x/{subject}", false},
        {"/aa/{subject}", "/a/{subject}", false},   {"/{subject}", "/{subject}", true},
    };
    for (size_t i = 0; i < SL_LENGTH(overlaps); i++) {
        char first[64], other[64];
        snprintf(first, sizeof first, "GET %s", overlaps[i].first);
        snprintf(other, sizeof other, "GET %s", overlaps[i].second);
        char *text = fixture_text(request, first, "GET /v1/listeners/{subject}", other, NULL);
        if (overlaps[i].overlaps)
            assert_one_problem(fixture, text, 38, 14, "route \"waze-position\" matches");
        else
            assert_accepted(fixture, text);
        text = fixture_text(request, other, "GET /v1/listeners/{subject}", first, NULL);
        assert_int_equal(fixture_load(fixture, text), overlaps[i].overlaps ? SL_EMALFORMED : SL_OK);
    }
}

static void route_ids_are_unique(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("music-recent", "waze-position", NULL), 36, 9,
                       "stands on line 22 already");
}

static void query_parameters_are_plain_names_each_once(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text(query, "[limit, limit]", NULL), 26, 20,
                       "listed twice");
    assert_one_problem(fixture, fixture_text(query, "[\"a b\"]", NULL), 26, 13, "a name of");
    assert_one_problem(fixture, fixture_text(query, "[a=b]", NULL), 26, 13, "a name of");
    assert_one_problem(fixture, fixture_text(query, "[\"\"]", NULL), 26, 13, "a name of");
    assert_one_problem(fixture, fixture_text(query, "[[a]]", NULL), 26, 13, "a name of");
    assert_one_problem(fixture, fixture_text(query, "[]", NULL), 26, 12, "an empty list");
    assert_accepted(fixture, fixture_text(query, "[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p]", NULL));
    assert_int_equal(fixture->config->routes[0].n_query, 16);
    assert_one_problem(fixture, fixture_text(query, "[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]", NULL),
                       26, 12, "at most 16");
}

static void an_answer_is_json(void **state)
{
    struct fixture *fixture = *state;
    static const char *const accepted[] = {"application/geo+json", "Application/JSON",
                                           "application/vnd.example.v1+json"};
    static const char *const refused[] = {"text/html",
                                          "json",
                                          "application/",
                                          "/json",
                                          "\"application/json; charset=utf-8\"",
                                          "application/json/x",
                                          "application/jsonx",
                                          "application/+json",
                                          "\"*/*\"",
                                          "\"\""};
    for (size_t i = 0; i < SL_LENGTH(accepted); i++)
        assert_accepted(fixture, fixture_text("application/json", accepted[i], NULL));
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, fixture_text("application/json", refused[i], NULL), 28, 13,
                           "a type of JSON");
}

static void a_field_names_a_class_a_part_or_a_word(void **state)
{
    struct fixture *fixture = *state;
    static const char from[] = "$.user: subject";
    assert_one_problem(fixture, fixture_text(from, "$.user: subjct", NULL), 33, 17,
                       "did you mean \"subject\"?");
    assert_one_problem(fixture, fixture_text(from, "$.user: location.sped", NULL), 33, 17,
                       "did you mean \"location.speed\"?");
    assert_one_problem(fixture, fixture_text(from, "$.user: location", NULL), 33, 17,
                       "has parts; expected one of them, such as location.latitude");
    assert_one_problem(fixture, fixture_text(from, "$.user: [subject]", NULL), 33, 17,
                       "a list; expected a data class");
    assert_one_problem(fixture, fixture_text(fields, "{}", NULL), 41, 15, "no field");
    assert_one_problem(fixture, fixture_text(fields, "[]", NULL), 41, 15, "no field");
}

static void a_path_of_a_field_is_checked_where_it_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    static const char from[] = "$.user: subject";
    assert_one_problem(fixture, fixture_text(from, "$.us..er: subject", NULL), 33, 14, "byte 6");
    assert_one_problem(fixture, fixture_text(from, "user: subject", NULL), 33, 9, "byte 1");
    assert_one_problem(fixture, fixture_text(from, "$['user: subject", NULL), 33, 16, "byte 8");
    assert_one_problem(fixture, fixture_text(from, "$.at.x: subject", NULL), 34, 9,
                       "contradicts another field");
    assert_one_problem(fixture, fixture_text(from, "\"$['at']\": subject", NULL), 34, 9,
                       "named twice");
}

static void a_latitude_needs_its_longitude(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture,
                       fixture_text("        $.position.lon: location.longitude\n", "", NULL), 30,
                       9, "longitude");
    assert_one_problem(fixture, fixture_text("$.position.lon:", "$.other.lon:", NULL), 30, 9,
                       "longitude");
    /* An unknown class of the longitude is one problem, not two. */
    assert_one_problem(fixture, fixture_text("location.longitude", "location.longitud", NULL), 31,
                       25, "did you mean");
}

/* Of the other route the fields are on line 41, and the value at column 41. */
static char *with_field(const char *what)
{
    char text[600];
    snprintf(text, sizeof text, "{\"$.items[*].track.name\": \"%s\"}", what);
    return fixture_text(fields, text, NULL);
}

static void a_text_with_parts_names_a_class_for_each(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_field("user/{subject}/geo/{location.geohash}"));
    assert_int_equal(fixture->config->routes[1].n_classes, 1);
    assert_accepted(fixture, with_field("https://h.example/{subject}?p={structure}&o={id}"));
    assert_int_equal(fixture->config->routes[1].n_classes, 0);
    assert_accepted(fixture, with_field("{social.friend}-{profile.device}"));
    assert_int_equal(fixture->config->routes[1].n_classes, 2);
}

static void a_text_with_parts_is_checked(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text, *words;
    } refused[] = {
        {"user/{subject}{id}", "byte 15: nothing between two parts"},
        {"user/{subject", "byte 6: expected printable ASCII"},
        {"user/subject}", "byte 13: expected printable ASCII"},
        {"user/{user}", "unknown data class \"user\""},
        {"user/{listening.trak}", "did you mean \"listening.track\"?"},
        {"user/{location}", "has parts"},
        {"at/{time}", "can't be part of a text"},
        {"at/{location.latitude}", "can't be part of a text"},
        {"at/{purchase.date}", "can't be part of a text"},
        {"x/{review.text}", "can't be part of a text"},
        {"x/{profile.first_name}", "can't be part of a text"},
    };
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, with_field(refused[i].text), 41, 41, refused[i].words);
}

static char *many_fields(size_t n, bool distinct_classes)
{
    char *text = malloc(n * 64 + 64);
    SL_ASSERT(text);
    size_t at = (size_t)sprintf(text, "{");
    for (size_t i = 0; i < n; i++)
        at += (size_t)sprintf(text + at, "%s$.f%zu: %s", i > 0 ? ", " : "", i,
                              distinct_classes && i == 0 ? "listening.track" : "structure");
    strcpy(text + at, "}");
    return text;
}

static void a_route_has_at_most_128_fields(void **state)
{
    struct fixture *fixture = *state;
    char *text = many_fields(LIMIT_MAX_route_fields, true);
    assert_accepted(fixture, fixture_text(fields, text, NULL));
    assert_int_equal(fixture->config->routes[1].n_classes, 1);
    free(text);
    text = many_fields(LIMIT_MAX_route_fields + 1, true);
    assert_one_problem(fixture, fixture_text(fields, text, NULL), 41, 15, "129 fields");
    free(text);
}

/* A vocabulary with n classes that have names of `name_bytes`, each with a field of its own. */
static char *with_classes(struct fixture *fixture, unsigned n, unsigned name_bytes)
{
    char *words = malloc(n * 256 + 512), *list = malloc(n * 128 + 64);
    SL_ASSERT(words && list);
    size_t at = (size_t)sprintf(words, "sluis_vocabulary: 1\nversion: 1\nclasses:\n");
    size_t list_at = (size_t)sprintf(list, "{");
    for (unsigned i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "c%02u", i);
        for (unsigned fill = 3; fill < name_bytes; fill++)
            name[fill] = 'x';
        name[name_bytes] = 0;
        at += (size_t)sprintf(words + at, "  %s: {en: E, nl: N, dpv: pd:Location}\n", name);
        list_at += (size_t)sprintf(list + list_at, "%s$.%s: %s", i > 0 ? ", " : "", name, name);
    }
    sprintf(words + at, "purposes:\n  recommendation: {en: R, nl: R, dpv: dpv:Marketing}\n"
                        "situations:\n  driving: {en: D, nl: R}\n");
    strcpy(list + list_at, "}");
    fixture_write(fixture, "words.yaml", words, 0644);
    free(words);
    char *text = fixture_text("apps:", "vocabulary: words.yaml\napps:", fields, list,
                              "location.latitude", "structure", "location.longitude", "structure",
                              "location.speed", "structure", NULL);
    free(list);
    return text;
}

static void a_route_has_at_most_24_classes(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_classes(fixture, LIMIT_MAX_route_classes, 3));
    assert_int_equal(fixture->config->routes[1].n_classes, LIMIT_MAX_route_classes);
    assert_int_equal(fixture_load(fixture, with_classes(fixture, LIMIT_MAX_route_classes + 1, 3)),
                     SL_EMALFORMED);
    assert_int_equal(fixture->problems.n, 1);
    assert_non_null(strstr(fixture_problems(fixture), "more than 24 data classes"));
}

static void a_route_whose_receipts_could_be_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, with_classes(fixture, LIMIT_MAX_route_classes, 30), 37, 5,
                       "receipts of partner \"spotify\" on this route could exceed 1024 bytes");
    assert_accepted(fixture, with_classes(fixture, 12, 30));
}

/* A route about many people in the place of the second one; on line 40 and below. */
static char *with_records(const char *answers, const char *subject)
{
    char text[256];
    snprintf(text, sizeof text, "records: %s\n      fields: %s", answers, subject);
    return fixture_text("/v1/listeners/{subject}", "/v1/listeners", "fields: {\"$.items", text,
                        "[*].track.name\": listening.track}", "", NULL);
}

static void records_are_one_list_of_which_each_element_says_whose_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, with_records("\"$.items[*]\"",
                                          "{\"$.items[*].user\": subject, $.type: structure, "
                                          "\"$['items'][*].track\": listening.track}"));
    const struct config_route *route = &fixture->config->routes[1];
    assert_true(slice_equals_str(route->records, "$.items[*]"));
    assert_true(route->is_fixed && route->around && route->n_classes == 1);
    assert_true(slice_equals_str(route->path_before, "/v1/listeners"));
    assert_false(fixture->config->routes[0].is_fixed || fixture->config->routes[0].around);
    assert_accepted(fixture, with_records("\"$[*]\"", "{\"$[*].user\": subject}"));

    static const char *const refused[] = {
        "$.items", "$", "\"$.a[*].b[*]\"", "\"$.items[0]\"", "\"$.items[*].x\"", "items"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++)
        assert_one_problem(fixture, with_records(refused[i], "{$.user: subject}"), 41, 16,
                           "as records; expected a path of names to one list");
}

static void a_record_has_exactly_one_subject_behind_names(void **state)
{
    struct fixture *fixture = *state;
    static const char list[] = "\"$.items[*]\"";
    assert_one_problem(fixture, with_records(list, "{\"$.items[*].n\": listening.track}"), 42, 15,
                       "no subject below $.items[*]");
    assert_one_problem(fixture,
                       with_records(list, "{\"$.items[*].a\": subject, \"$.items[*].b\": subject}"),
                       42, 57, "a second subject of one record");
    assert_one_problem(fixture, with_records(list, "{\"$.items[*].who[*].a\": subject}"), 42, 39,
                       "in a list of the record");
}

static void around_the_records_there_is_structure_only(void **state)
{
    struct fixture *fixture = *state;
    static const char list[] = "\"$.items[*]\"";
    static const char *const classes[] = {"listening.track", "subject", "time"};
    for (size_t i = 0; i < SL_LENGTH(classes); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"$.items[*].user\": subject, $.x: %s}", classes[i]);
        assert_one_problem(fixture, with_records(list, text), 42, 49,
                           "outside of the records, where only structure can pass");
    }
    assert_one_problem(fixture,
                       with_records(list, "{\"$.items[*].user\": subject, $.items: structure}"), 42,
                       44, "contradicts");
    assert_one_problem(
        fixture, with_records(list, "{\"$.items[*].user\": subject, \"$.items[*].a b\": time}"), 42,
        56, "byte 13");
}

static void a_route_with_records_passes_no_query(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture,
                       fixture_text("    query: [limit, after]\n", "", "/v1/listeners/{subject}\n",
                                    "/v1/listeners\n    query: [limit]\n",
                                    "fields: {\"$.items[*].track.name\": listening.track}",
                                    "{records: \"$[*]\", fields: {\"$[*].u\": subject}}",
                                    "    answers:\n      type: application/json\n      {",
                                    "    answers: {type: application/json, ", NULL),
                       38, 5, "paging and filters tell of people who are left out");
}

static void only_with_records_a_path_may_be_without_subject(void **state)
{
    struct fixture *fixture = *state;
    assert_one_problem(fixture, fixture_text("GET /drivers/{subject}", "GET /drivers", NULL), 25,
                       18, "a path without {subject}, which `request` has");
    assert_one_problem(fixture, fixture_text("/v1/listeners/{subject}", "/v1/listeners", NULL), 38,
                       18, "`records` in the answer, with a subject in each");
}

/* An aggregate over the records of the second route, on line 43. */
static char *with_aggregate(const char *fields_text, const char *aggregate)
{
    char text[384];
    snprintf(text, sizeof text, "records: \"$[*]\"\n      fields: %s\n    aggregate: %s",
             fields_text, aggregate);
    return fixture_text("/v1/listeners/{subject}", "/v1/listeners", "fields: {\"$.items", text,
                        "[*].track.name\": listening.track}", "", NULL);
}

static void a_group_is_counted_or_has_a_mean_between_bounds(void **state)
{
    struct fixture *fixture = *state;
    static const char number[] = "{\"$[*].u\": subject, \"$[*].v\": location.speed}";
    assert_accepted(fixture, with_aggregate(number, "{count: true, at_least: 20}"));
    const struct config_aggregate *aggregate = &fixture->config->routes[1].aggregate;
    assert_int_equal(aggregate->kind, AGGREGATE_COUNT);
    assert_int_equal(aggregate->at_least, 20);
    assert_accepted(fixture, with_aggregate(number, "{mean: \"$[*].v\", between: [-2.5, 130], "
                                                    "at_least: 2}"));
    aggregate = &fixture->config->routes[1].aggregate;
    assert_int_equal(aggregate->kind, AGGREGATE_MEAN);
    assert_int_equal(aggregate->low, -2500);
    assert_int_equal(aggregate->high, 130000);
    assert_int_equal(fixture->config->routes[0].aggregate.kind, AGGREGATE_NONE);

    static const struct {
        const char *aggregate, *part;
    } refused[] = {
        {"{count: true}", "at_least"},
        {"{count: true, at_least: 1}", "1"},
        {"{count: true, at_least: 1001}", "1001"},
        {"{count: yes, at_least: 20}", "expected count: true, or mean"},
        {"{at_least: 20}", "expected count: true, or mean"},
        {"{count: true, between: [0, 1], at_least: 20}", "`between` without `mean`"},
        {"{mean: \"$[*].v\", at_least: 20}", "`mean` without `between`"},
        {"{mean: \"$[*].v\", between: [1, 1], at_least: 20}", "nothing between its bounds"},
        {"{mean: \"$[*].v\", between: [0], at_least: 20}", "no list of two numbers"},
        {"{mean: \"$[*].v\", between: [0, 1e9], at_least: 20}", "\"1e9\" as a bound"},
        {"{mean: \"$[*].v\", between: [0, 1000000001], at_least: 20}", "1000000001"},
        {"{count: true, epsilon: 0.5, at_least: 20}", "epsilon"},
    };
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        assert_int_equal(fixture_load(fixture, with_aggregate(number, refused[i].aggregate)),
                         SL_EMALFORMED);
        assert_int_equal(fixture->problems.n, 1);
        assert_non_null(strstr(fixture_problems(fixture), refused[i].part));
    }
}

static void nothing_but_the_figure_is_in_an_aggregate(void **state)
{
    struct fixture *fixture = *state;
    static const char *const extra[] = {"$.x: structure", "\"$[*].at\": time",
                                        "\"$[*].s\": structure"};
    for (size_t i = 0; i < SL_LENGTH(extra); i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"$[*].u\": subject, \"$[*].v\": location.speed, %s}",
                 extra[i]);
        assert_int_equal(fixture_load(fixture, with_aggregate(text, "{count: true, at_least: 20}")),
                         SL_EMALFORMED);
        assert_non_null(strstr(fixture_problems(fixture), "is in no answer of this route"));
    }
    assert_int_equal(fixture_load(fixture, with_aggregate("{\"$[*].u\": subject, \"$[*].v\": "
                                                          "location.speed}",
                                                          "{mean: \"$[*].w\", between: [0, 1], "
                                                          "at_least: 20}")),
                     SL_EMALFORMED);
    assert_int_equal(
        fixture_load(fixture, fixture_text("    query: [limit, after]\n",
                                           "    aggregate: {count: true, at_least: 20}\n", NULL)),
        SL_EMALFORMED);
    assert_non_null(strstr(fixture_problems(fixture), "on a route about a subject"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_get_and_an_absolute_path),
        TEST(a_path_holds_subject_exactly_once_as_a_whole_segment),
        TEST(a_push_names_who_gets_it_and_what_for),
        TEST(a_push_that_can_not_work_is_an_error),
        TEST(a_path_below_sluis_is_the_gateways_own),
        TEST(a_path_that_could_be_read_in_two_ways_is_refused_where_it_is_odd),
        TEST(a_path_has_at_most_512_bytes),
        TEST(the_configuration_allows_the_same_path_bytes_as_requests),
        TEST(forward_is_checked_like_the_request),
        TEST(routes_that_match_one_request_are_refused),
        TEST(route_ids_are_unique),
        TEST(query_parameters_are_plain_names_each_once),
        TEST(an_answer_is_json),
        TEST(a_field_names_a_class_a_part_or_a_word),
        TEST(a_path_of_a_field_is_checked_where_it_is_wrong),
        TEST(a_latitude_needs_its_longitude),
        TEST(a_text_with_parts_names_a_class_for_each),
        TEST(a_text_with_parts_is_checked),
        TEST(a_route_has_at_most_128_fields),
        TEST(a_route_has_at_most_24_classes),
        TEST(a_route_whose_receipts_could_be_too_long_is_refused),
        TEST(records_are_one_list_of_which_each_element_says_whose_it_is),
        TEST(a_record_has_exactly_one_subject_behind_names),
        TEST(around_the_records_there_is_structure_only),
        TEST(a_route_with_records_passes_no_query),
        TEST(a_group_is_counted_or_has_a_mean_between_bounds),
        TEST(nothing_but_the_figure_is_in_an_aggregate),
        TEST(only_with_records_a_path_may_be_without_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
