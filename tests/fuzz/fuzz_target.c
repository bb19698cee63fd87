/*
 * fuzz_target.c - any bytes as a request's target
 *
 * Property: a target that finds a route is exactly that route's path with one plain segment in
 * it and, where there is a query, parameters that the route names; what is then written for the
 * app is its own path with the user as one segment, whatever the partner sent.
 */
#include "identify/route.h"

#include <string.h>

static const struct slice query[] = {SLICE_LITERAL("limit"), SLICE_LITERAL("after")};
static const struct config_route routes[] = {
    {.method = SLICE_LITERAL("GET"),
     .path_before = SLICE_LITERAL("/v1/drivers/"),
     .path_after = SLICE_LITERAL("/position"),
     .forward_before = SLICE_LITERAL("/drivers/"),
     .forward_after = SLICE_LITERAL("/now"),
     .n_query = 2,
     .query = query},
    {.method = SLICE_LITERAL("GET"),
     .path_before = SLICE_LITERAL("/"),
     .path_after = SLICE_LITERAL(""),
     .forward_before = SLICE_LITERAL("/u/"),
     .forward_after = SLICE_LITERAL("")},
};
static const struct config config = {.n_routes = SL_LENGTH(routes), .routes = routes};

static bool is_one_of(struct slice text, const char *allowed)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == 0 || !strchr(allowed, text.p[i]))
            return false;
    return true;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice target = slice_of(data, size);
    struct route_request request;
    if (route_find(&config, slice_of_str("GET"), target, &request) != ROUTE_FOUND)
        return 0;

    uint8_t block[4096];
    struct writer writer = writer_over(block, sizeof block);
    write_bytes(&writer, request.route->path_before);
    write_bytes(&writer, request.subject);
    write_bytes(&writer, request.route->path_after);
    bool bare_mark = size > 0 && data[size - 1] == '?';
    write_str(&writer, request.query.n > 0 || bare_mark ? "?" : "");
    write_bytes(&writer, request.query);
    SL_ASSERT(writer.overflow || slice_equals(writer_slice(&writer), target));
    SL_ASSERT(request.subject.n > 0 && !slice_equals_str(request.subject, ".") &&
              !slice_equals_str(request.subject, ".."));
    SL_ASSERT(is_one_of(request.subject, LETTERS "!$&'()*+,=:@"));
    SL_ASSERT(is_one_of(request.query, LETTERS "&=,:"));
    SL_ASSERT(request.query.n == 0 || request.route == &routes[0]);

    writer = writer_over(block, sizeof block);
    route_write_target(&request, slice_of_str("a/../b"), &writer);
    SL_ASSERT(writer.overflow || request.route == &routes[1] ||
              slice_starts_with_str(writer_slice(&writer), "/drivers/a%2F..%2Fb/now"));
    return 0;
}
