/*
 * fuzz_config.c - any text as sluis.yaml: refused with a reason, or a configuration that holds
 *
 * Property: what is accepted has no problem, and what is refused has one; each route that was
 * accepted is found by a request for it, and by no other route's; its app and classes are there.
 */
#include "config/build.h"
#include "identify/route.h"

#include <stdlib.h>
#include <string.h>

static void check_route(const struct config *config, const struct config_route *route)
{
    static const struct slice subject = SLICE_LITERAL("a-subject.that~nobody_writes");
    uint8_t target[2 * LIMIT_MAX_route_path_bytes];
    struct writer writer = writer_over(target, sizeof target);
    write_bytes(&writer, route->path_before);
    write_bytes(&writer, subject);
    write_bytes(&writer, route->path_after);
    SL_ASSERT(!writer.overflow);
    struct route_request request;
    SL_ASSERT(route_find(config, route->method, writer_slice(&writer), &request) == ROUTE_FOUND);
    SL_ASSERT(request.route == route && slice_equals(request.subject, subject));

    SL_ASSERT(route->app == &config->apps[route->app_index]);
    SL_ASSERT(route->trie && route->media_type.n > 0 && route->forward_before.n > 0);
    SL_ASSERT(route->n_classes <= LIMIT_MAX_route_classes);
    for (size_t i = 0; i < route->n_classes; i++)
        SL_ASSERT(route->classes[i]->term.code == route->class_codes[i]);
}

static void check(const struct config *config)
{
    SL_ASSERT(config->origin.n > 0 && config->state_folder && config->vocabulary);
    SL_ASSERT(config->n_apps > 0 && config->n_partners > 0 && config->n_routes > 0);
    SL_ASSERT(config->n_threads >= 1 && config->n_threads <= LIMIT_MAX_config_threads);
    for (size_t i = 0; i < config->n_apps; i++)
        SL_ASSERT(config_app_find(config, config->apps[i].id) == &config->apps[i] &&
                  config->apps[i].peer.host.n > 0 && config->apps[i].peer.address_bytes > 0);
    for (size_t i = 0; i < config->n_partners; i++)
        SL_ASSERT(config_partner_find(config, config->partners[i].id) == &config->partners[i] &&
                  config->partners[i].n_tokens > 0 && config->partners[i].n_purposes > 0);
    for (size_t i = 0; i < config->n_routes; i++)
        check_route(config, &config->routes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_problems problems;
    struct config *config = NULL;
    struct config_source source = {.file = "sluis.yaml", .offline = true};
    yaml_problems_init(&problems, source.file);
    enum sl_err err = config_build(slice_of(data, size), &source, &problems, &config);
    SL_ASSERT(err == SL_OK || err == SL_EMALFORMED);
    SL_ASSERT((err == SL_OK) == (problems.n_errors == 0));
    SL_ASSERT((err == SL_OK) == (config != NULL));
    if (config)
        check(config);
    config_free(config);
    yaml_problems_deinit(&problems);
    return 0;
}
