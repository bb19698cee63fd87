/*
 * partner.c - the section `partners`: who may ask, by which tokens, and under which contract
 *
 * A token itself is never in the file, only its SHA-256: who reads the configuration can't become
 * the partner. Two partners with one token would be one partner; that is an error.
 */
#include "config/build.h"

#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256 };

/* "sha256:" and 64 hexadecimal digits. */
static bool read_token_hash(const struct yaml_node *node, uint8_t hash[CONFIG_TOKEN_HASH_BYTES])
{
    static const struct slice prefix = SLICE_LITERAL("sha256:");
    return node->kind == YAML_SCALAR && slice_starts_with_str(node->text, "sha256:") &&
           hex_decode(slice_of(node->text.p + prefix.n, node->text.n - prefix.n), hash,
                      CONFIG_TOKEN_HASH_BYTES);
}

static void build_tokens(struct build *build, const struct yaml_node *node,
                         struct config_partner *out)
{
    if (!build_is_list(build, node, LIMIT_MAX_partner_tokens, "[\"sha256:3b1f...\"]"))
        return;
    uint8_t(*tokens)[CONFIG_TOKEN_HASH_BYTES] =
        build_array(build, node->n_children, CONFIG_TOKEN_HASH_BYTES);
    if (!tokens)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (!read_token_hash(item, tokens[out->n_tokens++]))
            yaml_error_at(build->problems, item->line, item->column,
                          /* perhaps the token itself, so it is not shown */
                          "no hash of a token; expected \"sha256:\" and 64 hexadecimal digits, "
                          "never the token itself");
    }
    out->tokens = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])tokens;
}

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

static void build_contract(struct build *build, const struct yaml_node *node,
                           struct config_partner *out)
{
    static const char *const keys[] = {"purposes", "benefits", NULL};
    if (!yaml_check_keys(node, "a contract", keys, build->problems))
        return;
    const struct yaml_node *value;
    if ((value = build_need(build, node, "the contract", "purposes")))
        build_purposes(build, value, out);
    if ((value = yaml_get(node, "benefits")))
        build_benefits(build, value, out);
}

static void build_partner(struct build *build, const struct yaml_node *node,
                          struct config_partner *out)
{
    static const char *const keys[] = {"id", "label", "tokens", "contract", NULL};
    if (!yaml_check_keys(node, "a partner", keys, build->problems))
        return;
    const struct yaml_node *value;
    if ((value = build_need(build, node, "the partner", "id")) && build_id(build, value, &out->id))
        out->label = out->id;
    if ((value = yaml_get(node, "label")))
        (void)build_text(build, value, LIMIT_MAX_config_label_bytes, &out->label);
    if ((value = build_need(build, node, "the partner", "tokens")))
        build_tokens(build, value, out);
    if ((value = build_need(build, node, "the partner", "contract")))
        build_contract(build, value, out);
}

struct token_place {
    uint8_t hash[CONFIG_TOKEN_HASH_BYTES];
    uint32_t line, column;
};

static int compare_places(const void *a, const void *b)
{
    const struct token_place *x = a;
    const struct token_place *y = b;
    int order = memcmp(x->hash, y->hash, sizeof x->hash);
    if (order != 0)
        return order;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->column > y->column) - (x->column < y->column);
}

/* The tokens of all partners into `places`, or only their number when it is NULL. */
static size_t collect_tokens(const struct yaml_node *list, struct token_place *places)
{
    size_t n = 0;
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        const struct yaml_node *tokens = yaml_get(item, "tokens");
        const struct yaml_node *token =
            tokens && tokens->kind == YAML_SEQUENCE ? tokens->first : NULL;
        for (; token; token = token->next) {
            struct token_place place = {.line = token->line, .column = token->column};
            if (!read_token_hash(token, place.hash))
                continue;
            if (places)
                places[n] = place;
            n++;
        }
    }
    return n;
}

/* Equal tokens, found by sorting: there may be thousands. */
static void check_tokens(struct build *build, const struct yaml_node *list)
{
    size_t n = collect_tokens(list, NULL);
    struct token_place *places = build_array(build, n, sizeof *places);
    if (!places)
        return;
    collect_tokens(list, places);
    qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 1; i < n; i++) {
        if (memcmp(places[i - 1].hash, places[i].hash, sizeof places[i].hash) == 0)
            yaml_error_at(build->problems, places[i].line, places[i].column,
                          "this token stands on line %u already; each partner, and each of its "
                          "services, needs a token of its own",
                          places[i - 1].line);
    }
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
    check_tokens(build, node);
}
