/*
 * route.c - a target against the routes, by comparing bytes
 *
 *     /v1/drivers/  jT0k...Q  /position  ? limit=10&after=2026-11-01
 *     path_before   subject   path_after   query
 *
 * Nothing is decoded or normalised: a path that two programs could read in two ways (dot
 * segments, empty segments, escapes, parameters, backslashes) is no route of ours. Routes are
 * tried one after the other; each costs a comparison of its prefix, which for 100 routes is well
 * under a microsecond. The configuration refuses two routes that match one request.
 */
#include "identify/route.h"

#include <string.h>

/* RFC 3986 section 2.3 */
static bool is_unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* RFC 3986 section 3.3, without ";"; of escapes see path_matches(). */
static bool is_path_byte(uint8_t c)
{
    static const uint8_t others[256] = {
        ['!'] = 1, ['$'] = 1, ['&'] = 1, ['\''] = 1, ['('] = 1, [')'] = 1, ['*'] = 1,
        ['+'] = 1, [','] = 1, ['='] = 1, [':'] = 1,  ['@'] = 1, ['%'] = 1};
    return is_unreserved(c) || others[c];
}

static bool is_dots(struct slice text)
{
    return slice_equals_str(text, ".") || slice_equals_str(text, "..");
}

static bool path_is_plain(struct slice path)
{
    if (path.n < 2 || path.p[0] != '/')
        return false;
    size_t start = 1;
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/') {
            if (!is_path_byte(path.p[i]))
                return false;
            continue;
        }
        struct slice segment = slice_of(path.p + start, i - start);
        if (segment.n == 0 || is_dots(segment))
            return false;
        start = i + 1;
    }
    return true;
}

static bool path_matches(const struct config_route *route, struct slice path, struct slice *subject)
{
    size_t fixed = route->path_before.n + route->path_after.n;
    if (route->is_fixed) {
        *subject = (struct slice){NULL, 0};
        return slice_equals(path, route->path_before);
    }
    if (path.n <= fixed || memcmp(path.p, route->path_before.p, route->path_before.n) != 0)
        return false;
    struct slice segment = slice_of(path.p + route->path_before.n, path.n - fixed);
    struct slice after = slice_of(segment.p + segment.n, route->path_after.n);
    if (!slice_equals(after, route->path_after) || memchr(segment.p, '/', segment.n))
        return false;
    /* A pseudonym needs no escapes; an app's own name may. Literal parts have none. */
    if (route->kind == ROUTE_PULL && memchr(segment.p, '%', segment.n))
        return false;
    *subject = segment;
    return true;
}

/* Which of the route's parameters `name` is; n_query when none. */
static size_t parameter_index(const struct config_route *route, struct slice name)
{
    size_t i = 0;
    while (i < route->n_query && !slice_equals(route->query[i], name))
        i++;
    return i;
}

static bool value_is_plain(struct slice value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (!is_unreserved(value.p[i]) && value.p[i] != ',' && value.p[i] != ':')
            return false;
    }
    return true;
}

static bool query_is_allowed(const struct config_route *route, struct slice query)
{
    _Static_assert(LIMIT_MAX_route_query <= 32, "seen has a bit for each parameter");
    uint32_t seen = 0;
    for (size_t start = 0; start <= query.n && query.n > 0;) {
        size_t end = start;
        while (end < query.n && query.p[end] != '&')
            end++;
        struct slice pair = slice_of(query.p + start, end - start);
        const uint8_t *equals = pair.n > 0 ? memchr(pair.p, '=', pair.n) : NULL;
        if (!equals)
            return false;
        size_t name_bytes = (size_t)(equals - pair.p);
        size_t i = parameter_index(route, slice_of(pair.p, name_bytes));
        if (i == route->n_query || (seen >> i & 1) != 0 ||
            !value_is_plain(slice_of(equals + 1, pair.n - name_bytes - 1)))
            return false;
        seen |= (uint32_t)1 << i;
        start = end + 1;
    }
    return true;
}

static struct slice path_of(struct slice target)
{
    const uint8_t *mark = target.n > 0 ? memchr(target.p, '?', target.n) : NULL;
    return slice_of(target.p, mark ? (size_t)(mark - target.p) : target.n);
}

enum route_match route_find(const struct config *config, struct slice method, struct slice target,
                            struct route_request *out)
{
    struct slice path = path_of(target);
    struct slice query = {NULL, 0};
    if (path.n + 1 < target.n)
        query = slice_of(target.p + path.n + 1, target.n - path.n - 1);
    if (!path_is_plain(path))
        return ROUTE_UNKNOWN;

    enum route_match found = ROUTE_UNKNOWN;
    for (size_t i = 0; i < config->n_routes; i++) {
        const struct config_route *route = &config->routes[i];
        struct slice subject;
        if (!path_matches(route, path, &subject))
            continue;
        if (!slice_equals(route->method, method)) {
            found = ROUTE_METHOD;
            continue;
        }
        if (!query_is_allowed(route, query))
            return ROUTE_BAD_QUERY;
        *out = (struct route_request){route, subject, query};
        return ROUTE_FOUND;
    }
    return found;
}

void route_write_methods(const struct config *config, struct slice target, struct writer *writer)
{
    struct slice subject;
    for (size_t i = 0; i < config->n_routes; i++) {
        const struct config_route *route = &config->routes[i];
        if (!path_matches(route, path_of(target), &subject))
            continue;
        write_str(writer, writer->n > 0 ? ", " : "");
        write_bytes(writer, route->method);
    }
}

void route_write_target(const struct route_request *request, struct slice user,
                        struct writer *writer)
{
    static const char digits[] = "0123456789ABCDEF";
    const bool is_fixed = request->route->is_fixed;
    if (!is_fixed && (user.n == 0 || is_dots(user))) {
        writer->overflow = true; /* it would name another place of the app; see route.h */
        return;
    }
    write_bytes(writer, request->route->forward_before);
    for (size_t i = 0; !is_fixed && i < user.n; i++) {
        if (is_unreserved(user.p[i])) {
            write_u8(writer, user.p[i]);
        } else {
            write_u8(writer, '%');
            write_u8(writer, (uint8_t)digits[user.p[i] >> 4]);
            write_u8(writer, (uint8_t)digits[user.p[i] & 15]);
        }
    }
    write_bytes(writer, request->route->forward_after);
    if (request->query.n > 0) {
        write_u8(writer, '?');
        write_bytes(writer, request->query);
    }
}
