/*
 * test_route.c - request targets against routes, and what the app is asked for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identify/route.h"

#include <stdio.h>
#include <string.h>

static const struct slice query[] = {SLICE_LITERAL("limit"), SLICE_LITERAL("after")};
static const struct config_route routes[] = {
    {.id = SLICE_LITERAL("position"),
     .method = SLICE_LITERAL("GET"),
     .path_before = SLICE_LITERAL("/v1/drivers/"),
     .path_after = SLICE_LITERAL("/position"),
     .forward_before = SLICE_LITERAL("/drivers/"),
     .forward_after = SLICE_LITERAL("/position.json")},
    {.id = SLICE_LITERAL("trips"),
     .method = SLICE_LITERAL("GET"),
     .path_before = SLICE_LITERAL("/v1/drivers/"),
     .path_after = SLICE_LITERAL("/trips"),
     .forward_before = SLICE_LITERAL("/v1/drivers/"),
     .forward_after = SLICE_LITERAL("/trips"),
     .n_query = 2,
     .query = query},
    {.id = SLICE_LITERAL("listener"),
     .method = SLICE_LITERAL("GET"),
     .path_before = SLICE_LITERAL("/v1/listeners/"),
     .path_after = SLICE_LITERAL(""),
     .forward_before = SLICE_LITERAL("/"),
     .forward_after = SLICE_LITERAL("")},
    {.id = SLICE_LITERAL("push"),
     .kind = ROUTE_PUSH,
     .method = SLICE_LITERAL("POST"),
     .path_before = SLICE_LITERAL("/v1/users/"),
     .path_after = SLICE_LITERAL("/x")},
};
static const struct config config = {.n_routes = SL_LENGTH(routes), .routes = routes};

static enum route_match find(const char *target, struct route_request *out)
{
    return route_find(&config, slice_of_str("GET"), slice_of_str(target), out);
}

static void assert_match(const char *target, enum route_match expected)
{
    struct route_request request;
    enum route_match match = find(target, &request);
    if (match != expected)
        fail_msg("%s: %d instead of %d", target, match, expected);
}

static void a_target_finds_its_route_and_the_subject_in_it(void **state)
{
    (void)state;
    struct route_request request;
    assert_int_equal(find("/v1/drivers/jT0k-Q_x/position", &request), ROUTE_FOUND);
    assert_ptr_equal(request.route, &routes[0]);
    assert_true(slice_equals_str(request.subject, "jT0k-Q_x"));
    assert_int_equal(request.query.n, 0);
    assert_int_equal(find("/v1/listeners/me", &request), ROUTE_FOUND);
    assert_ptr_equal(request.route, &routes[2]);
    assert_true(slice_equals_str(request.subject, "me"));
}

static void paths_of_no_route_are_unknown(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "",
        "/",
        "*",
        "/v1/drivers/x",
        "/v1/drivers/x/positions",
        "/v1/drivers/x/y/position",
        "/v1/drivers/position",
        "/V1/drivers/x/position",
        "/v1/drivers/x/position/",
        "v1/drivers/x/position",
        "http://host/v1/drivers/x/position",
    };
    for (size_t i = 0; i < SL_LENGTH(targets); i++)
        assert_match(targets[i], ROUTE_UNKNOWN);
}

/* What two programs could read in two ways, wherever it stands, also in the subject's place. */
static void ambiguous_paths_are_unknown(void **state)
{
    (void)state;
    static const char *const subjects[] = {
        "",     ".",   "..",    "a;b",      "a\\b", "%61", "%2e%2e",    "a//b", "a%",  "a b",
        "a\tb", "a#b", "a\x7f", "\xc3\xa9", "a\"b", "<a>", "{subject}", "a|b",  "a^b", "a`"};
    for (size_t i = 0; i < SL_LENGTH(subjects); i++) {
        char target[128];
        snprintf(target, sizeof target, "/v1/drivers/%s/position", subjects[i]);
        assert_match(target, ROUTE_UNKNOWN);
        snprintf(target, sizeof target, "/v1/listeners/%s", subjects[i]);
        assert_match(target, ROUTE_UNKNOWN);
    }
    assert_match("//v1/listeners/x", ROUTE_UNKNOWN);
    assert_match("/v1//listeners/x", ROUTE_UNKNOWN);
    assert_match("/v1/./listeners/x", ROUTE_UNKNOWN);
    assert_match("/v1/y/../listeners/x", ROUTE_UNKNOWN);
    struct route_request request;
    static const char nul[] = "/v1/listeners/a\0b";
    assert_int_equal(
        route_find(&config, slice_of_str("GET"), slice_of(nul, sizeof nul - 1), &request),
        ROUTE_UNKNOWN);
}

static void dots_inside_a_name_are_harmless(void **state)
{
    (void)state;
    assert_match("/v1/listeners/a.b", ROUTE_FOUND);
    assert_match("/v1/listeners/...", ROUTE_FOUND);
}

static void another_method_is_told_from_an_unknown_path(void **state)
{
    (void)state;
    struct route_request request;
    static const char *const methods[] = {"POST", "HEAD", "get", "GET ", "GE", ""};
    for (size_t i = 0; i < SL_LENGTH(methods); i++) {
        assert_int_equal(route_find(&config, slice_of_str(methods[i]),
                                    slice_of_str("/v1/listeners/x"), &request),
                         ROUTE_METHOD);
        assert_int_equal(
            route_find(&config, slice_of_str(methods[i]), slice_of_str("/v1/nothing"), &request),
            ROUTE_UNKNOWN);
    }
}

static void named_parameters_pass_once_each_in_any_order(void **state)
{
    (void)state;
    struct route_request request;
    assert_int_equal(find("/v1/drivers/x/trips?after=2026-11-01T06:00&limit=10,20", &request),
                     ROUTE_FOUND);
    assert_true(slice_equals_str(request.query, "after=2026-11-01T06:00&limit=10,20"));
    assert_match("/v1/drivers/x/trips?limit=", ROUTE_FOUND);
    assert_int_equal(find("/v1/drivers/x/trips?", &request), ROUTE_FOUND);
    assert_int_equal(request.query.n, 0);
}

static void other_repeated_or_odd_parameters_are_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "limi=1",           "limits=1",        "limit",       "=1",
        "limit=1&limit=2",  "limit=1&",        "&limit=1",    "&",
        "limit=1&&after=2", "limit=1;after=2", "limit=a%20b", "limit=a+b",
        "limit=a/b",        "limit=1?2",       "limit=1=2",   "Limit=1",
        "limit=\xc3\xa9",   "limit=1#x",       "l%69mit=1"};
    for (size_t i = 0; i < SL_LENGTH(queries); i++) {
        char target[128];
        snprintf(target, sizeof target, "/v1/drivers/x/trips?%s", queries[i]);
        assert_match(target, ROUTE_BAD_QUERY);
    }
    assert_match("/v1/drivers/x/position?limit=1", ROUTE_BAD_QUERY);
}

static void a_refusal_leaves_the_request_untouched(void **state)
{
    (void)state;
    struct route_request request = {.route = &routes[1]};
    assert_int_equal(find("/v1/drivers/x/trips?x=1", &request), ROUTE_BAD_QUERY);
    assert_int_equal(find("/v1/nothing", &request), ROUTE_UNKNOWN);
    assert_ptr_equal(request.route, &routes[1]);
    assert_int_equal(request.subject.n, 0);
}

static void assert_forwarded(const char *target, const char *user, const char *expected)
{
    struct route_request request;
    char block[256];
    struct writer writer = writer_over(block, sizeof block - 1);
    assert_int_equal(find(target, &request), ROUTE_FOUND);
    route_write_target(&request, slice_of_str(user), &writer);
    assert_false(writer.overflow);
    block[writer.n] = 0;
    assert_string_equal(block, expected);
}

static void the_app_is_asked_by_its_own_path_and_user(void **state)
{
    (void)state;
    assert_forwarded("/v1/drivers/pseudonym/position", "lotte", "/drivers/lotte/position.json");
    assert_forwarded("/v1/drivers/pseudonym/trips?limit=5", "lot-77",
                     "/v1/drivers/lot-77/trips?limit=5");
    assert_forwarded("/v1/listeners/pseudonym", "x", "/x");
}

static void a_user_is_escaped_so_that_it_stays_one_segment(void **state)
{
    (void)state;
    assert_forwarded("/v1/listeners/p", "a@b.nl", "/a%40b.nl");
    assert_forwarded("/v1/listeners/p", "a b?c#d/e%f", "/a%20b%3Fc%23d%2Fe%25f");
    assert_forwarded("/v1/listeners/p", "spotify:user:1", "/spotify%3Auser%3A1");
    assert_forwarded("/v1/listeners/p", "\xc3\xa9", "/%C3%A9");
    assert_forwarded("/v1/listeners/p", "...", "/...");
}

static void a_user_that_would_change_the_path_is_not_written(void **state)
{
    (void)state;
    static const char *const users[] = {"", ".", ".."};
    struct route_request request;
    assert_int_equal(find("/v1/listeners/p", &request), ROUTE_FOUND);
    for (size_t i = 0; i < SL_LENGTH(users); i++) {
        char block[64];
        struct writer writer = writer_over(block, sizeof block);
        route_write_target(&request, slice_of_str(users[i]), &writer);
        assert_true(writer.overflow);
    }
}

static void a_target_that_does_not_fit_overflows(void **state)
{
    (void)state;
    struct route_request request;
    assert_int_equal(find("/v1/drivers/p/trips?limit=5", &request), ROUTE_FOUND);
    const size_t needed = strlen("/v1/drivers/lotte/trips?limit=5");
    for (size_t cap = 0; cap <= needed; cap++) {
        char block[64];
        struct writer writer = writer_over(block, cap);
        route_write_target(&request, slice_of_str("lotte"), &writer);
        assert_int_equal(writer.overflow, cap < needed);
    }
}

static void an_apps_own_name_may_have_escapes_and_a_pseudonym_may_not(void **state)
{
    (void)state;
    static const struct slice post = SLICE_LITERAL("POST");
    struct route_request request;
    assert_int_equal(route_find(&config, post, slice_of_str("/v1/users/a%40b%20c/x"), &request),
                     ROUTE_FOUND);
    assert_true(slice_equals_str(request.subject, "a%40b%20c"));
    assert_int_equal(route_find(&config, post, slice_of_str("/v1/%75sers/a/x"), &request),
                     ROUTE_UNKNOWN);
    assert_match("/v1/drivers/a%40b/position", ROUTE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_apps_own_name_may_have_escapes_and_a_pseudonym_may_not),
        cmocka_unit_test(a_target_finds_its_route_and_the_subject_in_it),
        cmocka_unit_test(paths_of_no_route_are_unknown),
        cmocka_unit_test(ambiguous_paths_are_unknown),
        cmocka_unit_test(dots_inside_a_name_are_harmless),
        cmocka_unit_test(another_method_is_told_from_an_unknown_path),
        cmocka_unit_test(named_parameters_pass_once_each_in_any_order),
        cmocka_unit_test(other_repeated_or_odd_parameters_are_refused),
        cmocka_unit_test(a_refusal_leaves_the_request_untouched),
        cmocka_unit_test(the_app_is_asked_by_its_own_path_and_user),
        cmocka_unit_test(a_user_is_escaped_so_that_it_stays_one_segment),
        cmocka_unit_test(a_user_that_would_change_the_path_is_not_written),
        cmocka_unit_test(a_target_that_does_not_fit_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
