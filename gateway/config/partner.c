/*
 * partner.c - the section `partners`: who may ask, by which tokens, and under which contract
 */
#include "config/build.h"

#include "base/timestamp.h"

enum { NAMES_MAX = 256, GENERATION_MAX = 1000000 };

static const struct vocabulary_term *find_purpose(struct build *build, const struct yaml_node *node)
{
    const struct vocabulary *vocabulary = build->config->vocabulary;
    if (!build_is_text(build, node, "the name of a purpose"))
        return NULL;
    const struct vocabulary_term *term = vocabulary_purpose_find(vocabulary, node->text);
    if (term)
        return term;
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; n < vocabulary_n_purposes(vocabulary) && n < NAMES_MAX; n++)
        names[n] = (const char *)vocabulary_purpose_at(vocabulary, n)->name.p;
    build_unknown(build, node->line, node->column, "purpose", node->text, names, n);
    return NULL;
}

static void build_purposes(struct build *build, const struct yaml_node *node,
                           struct config_partner *out)
{
    if (!build_is_list(build, node, LIMIT_MAX_partner_purposes, "[recommendation]"))
        return;
    const struct vocabulary_term **purposes =
        build_array(build, node->n_children, sizeof *purposes);
    if (!purposes)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        const struct vocabulary_term *term = find_purpose(build, item);
        bool known = false;
        for (size_t i = 0; i < out->n_purposes; i++)
            known = known || purposes[i] == term;
        if (term && known)
            yaml_error_at(build->problems, item->line, item->column,
                          "purpose \"%.*s\" is listed twice", SLICE_PRINTF(item->text));
        else if (term)
            purposes[out->n_purposes++] = term;
    }
    out->purposes = purposes;
}

static void build_benefits(struct build *build, const struct yaml_node *node,
                           struct config_partner *out)
{
    if (!build_is_list(build, node, LIMIT_MAX_partner_benefits, "[Playlists that fit the drive]"))
        return;
    struct slice *benefits = build_array(build, node->n_children, sizeof *benefits);
    if (!benefits)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        struct slice benefit;
        if (!build_text(build, item, LIMIT_MAX_benefit_bytes, &benefit))
            continue;
        bool known = false;
        for (size_t i = 0; i < out->n_benefits; i++)
            known = known || slice_equals(benefits[i], benefit);
        if (known)
            yaml_error_at(build->problems, item->line, item->column,
                          "benefit \"%.*s\" is listed twice", SLICE_PRINTF(item->text));
        else
            benefits[out->n_benefits++] = benefit;
    }
    out->benefits = benefits;
}

/* "1000 per day" */
static void build_at_most(struct build *build, const struct yaml_node *node,
                          struct config_partner *out)
{
    static const char expected[] =
        "a number of flows up to 1000000000 and a period, such as 1000 per day (hour, day, week "
        "or month)";
    _Static_assert(LIMIT_MAX_partner_flows == 1000000000, "as in the message");
    if (build_is_text(build, node, expected) &&
        !quota_parse(node->text, LIMIT_MAX_partner_flows, &out->at_most, &out->at_most_per))
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\" is not what `at_most` takes; expected %s", SLICE_PRINTF(node->text),
                      expected);
}

static void build_contract(struct build *build, const struct yaml_node *node,
                           struct config_partner *out)
{
    static const char *const keys[] = {"purposes", "benefits", "at_most", NULL};
    if (!yaml_check_keys(node, "a contract", keys, build->problems))
        return;
    const struct yaml_node *value;
    if ((value = build_need(build, node, "the contract", "purposes")))
        build_purposes(build, value, out);
    if ((value = yaml_get(node, "benefits")))
        build_benefits(build, value, out);
    if ((value = yaml_get(node, "at_most")))
        build_at_most(build, value, out);
}

/* A day of the calendar; it begins at midnight UTC. */
static bool read_day(struct build *build, const struct yaml_node *node, int64_t *out_ms)
{
    static const int64_t day_ms = 86400000;
    struct civil_date date;
    if (node->kind != YAML_SCALAR || !date_parse(node->text, &date) || days_from_civil(date) <= 0) {
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\"; expected a day such as 2026-12-31", SLICE_PRINTF(node->text));
        return false;
    }
    *out_ms = days_from_civil(date) * day_ms;
    return true;
}

static void build_pseudonyms(struct build *build, const struct yaml_node *node,
                             struct config_partner *out)
{
    static const char *const keys[] = {"generation", "previous_until", NULL};
    if (!yaml_check_keys(node, "`pseudonyms`", keys, build->problems))
        return;
    const struct yaml_node *value = build_need(build, node, "`pseudonyms`", "generation");
    uint64_t generation = 1;
    if (value && build_number(build, value, 1, GENERATION_MAX, &generation))
        out->generation = (uint32_t)generation;
    const struct yaml_node *until = yaml_get(node, "previous_until");
    if (until && read_day(build, until, &out->previous_until_ms) && out->generation == 1) {
        yaml_error_at(build->problems, until->key_line, until->key_column,
                      "`previous_until`, but there is no generation before the first one");
        out->previous_until_ms = 0;
    }
}

static void build_partner(struct build *build, const struct yaml_node *node,
                          struct config_partner *out)
{
    static const char *const keys[] = {"id",  "label", "tokens",     "contract", "pseudonyms",
                                       "url", "ca",    "token_file", NULL};
    if (!yaml_check_keys(node, "a partner", keys, build->problems))
        return;
    const struct yaml_node *value;
    out->generation = 1;
    if ((value = yaml_get(node, "pseudonyms")))
        build_pseudonyms(build, value, out);
    if ((value = build_need(build, node, "the partner", "id")) && build_id(build, value, &out->id))
        out->label = out->id;
    if ((value = yaml_get(node, "label")))
        (void)build_text(build, value, LIMIT_MAX_config_label_bytes, &out->label);
    if ((value = build_need(build, node, "the partner", "tokens")))
        build_tokens(build, value, LIMIT_MAX_partner_tokens, &out->n_tokens, &out->tokens);
    if ((value = build_need(build, node, "the partner", "contract")))
        build_contract(build, value, out);
    build_peer(build, node, &out->peer);
}

void build_partners(struct build *build, const struct yaml_node *node)
{
    if (!build_is_list(build, node, LIMIT_MAX_config_partners,
                       "[{id: spotify, tokens: [...], contract: {purposes: [...]}}]"))
        return;
    build->partners = build_array(build, node->n_children, sizeof *build->partners);
    if (!build->partners)
        return;
    build->config->partners = build->partners;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        build_partner(build, item, &build->partners[build->config->n_partners++]);
    build_check_ids(build, node, "partner");
}
