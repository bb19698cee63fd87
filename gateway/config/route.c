/*
 * route.c - the section `routes`: what partners may call, and what the answers may hold
 */
#include "config/build.h"

#include <string.h>

enum { MEDIA_TYPE_BYTES = 127, QUERY_NAME_BYTES = 64 };

static void build_app_of_route(struct build *build, const struct yaml_node *node,
                               struct config_route *out)
{
    if (!build_is_text(build, node, "the id of an app"))
        return;
    const char *ids[LIMIT_MAX_config_apps];
    size_t n = 0;
    for (size_t i = 0; i < build->config->n_apps; i++) {
        const struct config_app *app = &build->apps[i];
        if (app->id.n == 0)
            continue;
        if (slice_equals(app->id, node->text)) {
            out->app = app;
            out->app_index = (uint16_t)i;
            return;
        }
        ids[n++] = (const char *)app->id.p;
    }
    build_unknown(build, node->line, node->column, "app", node->text, ids, n);
}

static bool is_query_name(struct slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_' || c == '~'))
            return false;
    }
    return name.n > 0 && name.n <= QUERY_NAME_BYTES;
}

static void build_query(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    if (!build_is_list(build, node, LIMIT_MAX_route_query, "[limit, after]"))
        return;
    struct slice *query = build_array(build, node->n_children, sizeof *query);
    if (!query)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        bool known = false;
        for (size_t i = 0; i < out->n_query; i++)
            known = known || slice_equals(query[i], item->text);
        if (known)
            yaml_error_at(build->problems, item->line, item->column,
                          "parameter \"%.*s\" is listed twice", SLICE_PRINTF(item->text));
        else if (item->kind != YAML_SCALAR || !is_query_name(item->text))
            yaml_error_at(build->problems, item->line, item->column,
                          "\"%.*s\" as a parameter; expected a name of letters, digits and -._~",
                          SLICE_PRINTF(item->text));
        else
            query[out->n_query++] = build_copy(build, item->text);
    }
    out->query = query;
}

static bool is_token_char(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* RFC 9110 section 8.3.1, without parameters; of the types, those that are JSON (RFC 6839). */
static bool is_json_type(struct slice type)
{
    size_t n_slashes = 0;
    for (size_t i = 0; i < type.n; i++) {
        n_slashes += type.p[i] == '/';
        if (type.p[i] != '/' && !is_token_char(type.p[i]))
            return false;
    }
    if (n_slashes != 1 || type.n > MEDIA_TYPE_BYTES || type.n == 0 || type.p[0] == '/')
        return false;
    if (slice_equals_str_nocase(type, "application/json"))
        return true;
    return type.n > 6 && slice_equals_str_nocase(slice_of(type.p + type.n - 5, 5), "+json") &&
           type.p[type.n - 6] != '/';
}

/* What `answers` of a pull, or `body` of a push, may hold. */
static void build_content(struct build *build, const struct yaml_node *node, const char *what,
                          struct config_route *out)
{
    static const char *const pull_keys[] = {"type", "records", "situation", "fields", NULL};
    static const char *const push_keys[] = {"type", "fields", NULL};
    const char *const *keys = out->kind == ROUTE_PUSH ? push_keys : pull_keys;
    static const char expected[] =
        "a type of JSON without parameters, such as application/json or application/geo+json";
    if (!yaml_check_keys(node, what, keys, build->problems))
        return;
    const struct yaml_node *type = build_need(build, node, what, "type");
    const struct yaml_node *fields = build_need(build, node, what, "fields");
    if (type && build_is_text(build, type, expected)) {
        if (is_json_type(type->text))
            out->media_type = build_copy(build, type->text);
        else
            yaml_error_at(build->problems, type->line, type->column, "\"%.*s\"; expected %s",
                          SLICE_PRINTF(type->text), expected);
    }
    const struct yaml_node *records = yaml_get(node, "records");
    if (records)
        build_records(build, records, out);
    const struct yaml_node *situation = yaml_get(node, "situation");
    if (situation)
        build_situation(build, situation, out);
    if (fields && (!records || out->records.n > 0))
        build_fields(build, fields, out);
}

/* Who is in an answer about many must not show, nor be picked by what they may not give. */
static void check_records(struct build *build, const struct yaml_node *node,
                          const struct config_route *route)
{
    const struct yaml_node *query = yaml_get(node, "query");
    if (route->records.n > 0 && query)
        yaml_error_at(build->problems, query->key_line, query->key_column,
                      "`query` on a route with records: paging and filters tell of people who are "
                      "left out; expected none");
}

static void build_kind(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    static const char expected[] = "pull (a partner asks) or push (the app sends)";
    if (!build_is_text(build, node, expected))
        return;
    if (slice_equals_str(node->text, "push"))
        out->kind = ROUTE_PUSH;
    else if (!slice_equals_str(node->text, "pull"))
        yaml_error_at(build->problems, node->line, node->column, "\"%.*s\"; expected %s",
                      SLICE_PRINTF(node->text), expected);
}

static bool find_recipient(struct build *build, const struct yaml_node *node,
                           struct config_route *out)
{
    if (!build_is_text(build, node, "the id of a partner"))
        return false;
    const char *ids[LIMIT_MAX_config_partners];
    size_t n = 0;
    for (size_t i = 0; i < build->config->n_partners; i++) {
        const struct config_partner *partner = &build->partners[i];
        if (partner->id.n == 0)
            continue;
        if (slice_equals(partner->id, node->text)) {
            out->partner = partner;
            out->partner_index = (uint16_t)i;
            return true;
        }
        ids[n++] = (const char *)partner->id.p;
    }
    build_unknown(build, node->line, node->column, "partner", node->text, ids, n);
    return false;
}

/* One of the partner's contract; its only one may be left out. */
static void find_push_purpose(struct build *build, const struct yaml_node *route,
                              struct config_route *out)
{
    const struct config_partner *partner = out->partner;
    const struct yaml_node *node = yaml_get(route, "purpose");
    if (!node && partner->n_purposes == 1)
        out->purpose = partner->purposes[0];
    if (!node && partner->n_purposes > 1)
        (void)build_need(build, route, "the route", "purpose");
    if (!node || !build_is_text(build, node, "a purpose of the partner's contract"))
        return;
    const char *names[LIMIT_MAX_partner_purposes];
    size_t n = 0;
    for (; n < partner->n_purposes; n++) {
        if (slice_equals(partner->purposes[n]->name, node->text))
            out->purpose = partner->purposes[n];
        names[n] = (const char *)partner->purposes[n]->name.p;
    }
    if (!out->purpose)
        build_unknown(build, node->line, node->column, "purpose of this partner", node->text, names,
                      n);
}

/* Of a push: who sends it, and who gets it, must be able to. */
static void build_recipient(struct build *build, const struct yaml_node *route,
                            struct config_route *out)
{
    const struct yaml_node *app = yaml_get(route, "app");
    const struct yaml_node *partner = build_need(build, route, "the route", "partner");
    if (out->app && out->app->n_tokens == 0)
        yaml_error_at(build->problems, app->line, app->column,
                      "app \"%.*s\" has no `tokens`, so it can't send anything",
                      SLICE_PRINTF(out->app->id));
    if (!partner || !find_recipient(build, partner, out))
        return;
    if (out->partner->peer.address_bytes == 0)
        yaml_error_at(build->problems, partner->line, partner->column,
                      "partner \"%.*s\" has no `url`, so nothing can be sent to it",
                      SLICE_PRINTF(out->partner->id));
    find_push_purpose(build, route, out);
}

static void build_route(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    static const char *const pull_keys[] = {"id",    "kind",    "app",       "request", "forward",
                                            "query", "answers", "aggregate", NULL};
    static const char *const push_keys[] = {"id",      "kind",    "app",  "partner", "purpose",
                                            "request", "forward", "body", NULL};
    const struct yaml_node *value = node->kind == YAML_MAPPING ? yaml_get(node, "kind") : NULL;
    if (value)
        build_kind(build, value, out);
    bool is_push = out->kind == ROUTE_PUSH;
    if (!yaml_check_keys(node, is_push ? "a push route" : "a route",
                         is_push ? push_keys : pull_keys, build->problems))
        return;
    if ((value = build_need(build, node, "the route", "id")))
        (void)build_id(build, value, &out->id);
    if ((value = build_need(build, node, "the route", "app")))
        build_app_of_route(build, value, out);
    build_requests(build, node, out);
    if (is_push)
        build_recipient(build, node, out);
    if ((value = yaml_get(node, "query")))
        build_query(build, value, out);
    const struct yaml_node *aggregate = yaml_get(node, "aggregate");
    if (aggregate) /* of which kind is read below */
        out->aggregate.kind = AGGREGATE_COUNT;
    const char *content = is_push ? "body" : "answers";
    if ((value = build_need(build, node, "the route", content)))
        build_content(build, value, is_push ? "`body`" : "`answers`", out);
    if (aggregate)
        build_aggregate(build, aggregate, value, out);
    check_records(build, node, out);
}

static void check_overlaps(struct build *build, const struct yaml_node *list)
{
    size_t i = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next, i++) {
        const struct config_route *route = &build->routes[i];
        const struct yaml_node *request = yaml_get(item, "request");
        for (size_t j = 0; j < i && route->method.n > 0; j++) {
            const struct config_route *earlier = &build->routes[j];
            if (earlier->method.n == 0 || !config_routes_overlap(earlier, route))
                continue;
            yaml_error_at(build->problems, request->line, request->column,
                          "route \"%.*s\" matches requests of this kind too; expected requests "
                          "that differ in another segment than {subject}",
                          SLICE_PRINTF(earlier->id));
            break;
        }
    }
}

void build_routes(struct build *build, const struct yaml_node *node)
{
    if (!build_is_list(build, node, LIMIT_MAX_config_routes,
                       "[{id: waze-position, app: waze, request: ..., answers: ...}]"))
        return;
    build->routes = build_array(build, node->n_children, sizeof *build->routes);
    if (!build->routes)
        return;
    build->config->routes = build->routes;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        build_route(build, item, &build->routes[build->config->n_routes++]);
    build_check_ids(build, node, "route");
    check_overlaps(build, node);
    build_check_receipts(build, node);
}
