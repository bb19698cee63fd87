/*
 * route.h - which route a request target names, and what stands in the place of {subject}
 *
 * The target is taken raw. A subject segment is matched as it is: pseudonyms need no escapes, so
 * a "%" anywhere in the path makes it unknown, but for an app's own name on a push route; so do
 * empty and dot segments, ";" and "\". Query parameters pass only when the route names them, at
 * most once each, with values of unreserved characters, "," and ":".
 */
#ifndef SLUIS_IDENTIFY_ROUTE_H
#define SLUIS_IDENTIFY_ROUTE_H

#include "base/writer.h"
#include "config/config.h"

enum route_match {
    ROUTE_FOUND,
    ROUTE_UNKNOWN,   /* no route has this path */
    ROUTE_METHOD,    /* a route has this path, but with another method */
    ROUTE_BAD_QUERY, /* a parameter the route does not name, twice, or with odd bytes */
};

struct route_request {
    const struct config_route *route;
    struct slice subject; /* raw segment; points into the target; empty on a fixed path */
    struct slice query;   /* raw, checked; empty when there is none */
};

enum route_match route_find(const struct config *config, struct slice method, struct slice target,
                            struct route_request *out);
/* The methods of all routes that have the target's path: "GET, POST". For an answer of 405. */
void route_write_methods(const struct config *config, struct slice target, struct writer *writer);
/*
 * The app's own target: forward path (a fixed one as it is), `user` percent-encoded in place of
 * {subject}, query. A user that no path can hold ("", ".", "..") sets writer->overflow, like one
 * that does not fit.
 */
void route_write_target(const struct route_request *request, struct slice user,
                        struct writer *writer);

#endif
