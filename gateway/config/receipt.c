/*
 * receipt.c - every flow on every route must fit a receipt; found out now, not at the first flow
 *
 * For each route the longest receipt is drafted for real: with the partner whose id, longest
 * purpose and longest benefit take most bytes, as many situations as can hold, every data class
 * coarsened by the longest numbers, and the longest reason. A release with the reason of a refusal
 * does not occur; the bound is a few bytes above what can.
 */
#include "config/build.h"
#include "ledger/leaf.h"

static struct slice longer(struct slice a, struct slice b)
{
    return a.n >= b.n ? a : b;
}

static struct slice longest_reason(void)
{
    struct slice longest = {NULL, 0};
    for (int i = 0; i < N_REASONS; i++)
        longest = longer(longest, slice_of_str(reason_name((enum reason)i)));
    return longest;
}

/* Bytes of a text inside a JSON string. */
static size_t json_bytes(struct slice text)
{
    uint8_t block[6 * LIMIT_MAX_benefit_bytes + 2];
    struct writer writer = writer_over(block, sizeof block);
    write_json_string(&writer, text);
    return writer.overflow ? sizeof block : writer.n;
}

static void set_partner(const struct config_partner *partner, struct leaf_flow *flow)
{
    flow->partner = partner->id;
    flow->purpose = flow->benefit = (struct slice){NULL, 0};
    for (size_t i = 0; i < partner->n_purposes; i++)
        flow->purpose = longer(flow->purpose, partner->purposes[i]->name);
    for (size_t i = 0; i < partner->n_benefits; i++) {
        if (json_bytes(partner->benefits[i]) > json_bytes(flow->benefit))
            flow->benefit = partner->benefits[i];
    }
}

/* The vocabulary's longest names, `n` at most, in the order of a receipt. */
static size_t set_situations(const struct vocabulary *vocabulary, size_t n,
                             struct slice situations[LEAF_SITUATIONS_MAX])
{
    size_t n_all = vocabulary_n_situations(vocabulary), n_set = 0;
    for (size_t i = 0; i < n_all; i++) {
        struct slice name = vocabulary_situation_at(vocabulary, i)->name;
        size_t n_longer = 0;
        for (size_t k = 0; k < n_all; k++) {
            struct slice other = vocabulary_situation_at(vocabulary, k)->name;
            n_longer += other.n > name.n || (other.n == name.n && slice_compare(other, name) < 0);
        }
        if (n_longer >= n)
            continue;
        size_t at = n_set++;
        for (; at > 0 && slice_compare(situations[at - 1], name) > 0; at--)
            situations[at] = situations[at - 1];
        situations[at] = name;
    }
    return n_set;
}

/* The number that takes most characters: "by999999.999" is longer than "by1000000". */
static uint32_t longest_number(enum coarse_dimension dimension)
{
    return dimension == COARSE_BUCKET ? coarse_max(dimension) - 1 : coarse_max(dimension);
}

static size_t set_classes(const struct config_route *route,
                          struct leaf_class classes[LIMIT_MAX_route_classes])
{
    for (size_t i = 0; i < route->n_classes; i++) {
        const struct vocabulary_class *class = route->classes[i];
        /* "dropped" is longer than "kept", and any coarseness is as long as "dropped". */
        classes[i].name = class->term.name;
        classes[i].done = (struct coarse_done){.kept = class->dimensions & ~DIMENSION_DETAIL};
        classes[i].done.group = route->aggregate.at_least;
        classes[i].done.kept = classes[i].done.kept || classes[i].done.group > 0;
        for (unsigned k = 0; k < N_COARSE; k++) {
            if (class->dimensions >> k & 1)
                classes[i].done.coarseness.by[k] = longest_number((enum coarse_dimension)k);
        }
    }
    return route->n_classes;
}

/* The first partner whose flows on this route do not fit, or NULL. */
static const struct config_partner *misfit(const struct build *build,
                                           const struct config_route *route)
{
    struct leaf_class classes[LIMIT_MAX_route_classes];
    struct slice situations[LEAF_SITUATIONS_MAX];
    struct leaf_flow flow = {
        .kind = route->kind == ROUTE_PUSH ? LEAF_PUSH : LEAF_PULL,
        .app = route->app->id,
        .route = route->id,
        .n_situations = set_situations(build->config->vocabulary,
                                       LIMIT_MAX_told_situations +
                                           (route->situation ? route->situation->n_terms : 0),
                                       situations),
        .situations = situations,
        .released = true,
        .reason = longest_reason(),
        .n_classes = set_classes(route, classes),
        .classes = classes,
    };
    for (size_t i = 0; i < build->config->n_partners; i++) {
        struct leaf_draft draft;
        if (route->partner && route->partner != &build->partners[i])
            continue;
        set_partner(&build->partners[i], &flow);
        if (leaf_draft_flow(&flow, &draft) != SL_OK)
            return &build->partners[i];
    }
    return NULL;
}

void build_check_receipts(struct build *build, const struct yaml_node *routes)
{
    size_t i = 0;
    for (const struct yaml_node *item = routes->first; item; item = item->next, i++) {
        const struct config_route *route = &build->routes[i];
        const struct config_partner *partner = route->app ? misfit(build, route) : NULL;
        if (partner)
            yaml_error_at(build->problems, item->line, item->column,
                          "receipts of partner \"%.*s\" on this route could exceed %d bytes; "
                          "expected shorter ids and benefits, or fewer data classes (split the "
                          "route)",
                          SLICE_PRINTF(partner->id), LEAF_BYTES_MAX);
    }
}
