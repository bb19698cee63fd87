/*
 * token.c - by which tokens partners and apps show who they are
 *
 * A token itself is never in the file, only its SHA-256: who reads the configuration can't become
 * a partner or an app. Two of them with one token would be one and the same; that is an error.
 */
#include "config/build.h"

#include "base/base64.h"

#include <stdlib.h>
#include <string.h>

/* "sha256:" and 64 hexadecimal digits. */
static bool read_token_hash(const struct yaml_node *node, uint8_t hash[CONFIG_TOKEN_HASH_BYTES])
{
    static const struct slice prefix = SLICE_LITERAL("sha256:");
    return node->kind == YAML_SCALAR && slice_starts_with_str(node->text, "sha256:") &&
           hex_decode(slice_of(node->text.p + prefix.n, node->text.n - prefix.n), hash,
                      CONFIG_TOKEN_HASH_BYTES);
}

void build_tokens(struct build *build, const struct yaml_node *node, size_t max, size_t *n,
                  const uint8_t (**out)[CONFIG_TOKEN_HASH_BYTES])
{
    if (!build_is_list(build, node, max, "[\"sha256:3b1f...\"]"))
        return;
    uint8_t(*tokens)[CONFIG_TOKEN_HASH_BYTES] =
        build_array(build, node->n_children, CONFIG_TOKEN_HASH_BYTES);
    if (!tokens)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (!read_token_hash(item, tokens[(*n)++]))
            yaml_error_at(build->problems, item->line, item->column,
                          /* perhaps the token itself, so it is not shown */
                          "no hash of a token; expected \"sha256:\" and 64 hexadecimal digits, "
                          "never the token itself");
    }
    *out = (const uint8_t(*)[CONFIG_TOKEN_HASH_BYTES])tokens;
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

/* The tokens in a section into `places`, or only their number when it is NULL. */
static size_t collect_tokens(const struct yaml_node *list, struct token_place *places)
{
    size_t n = 0;
    const struct yaml_node *item = list && list->kind == YAML_SEQUENCE ? list->first : NULL;
    for (; item; item = item->next) {
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
void build_check_tokens(struct build *build, const struct yaml_node *partners,
                        const struct yaml_node *apps)
{
    size_t n_partners = collect_tokens(partners, NULL);
    size_t n = n_partners + collect_tokens(apps, NULL);
    struct token_place *places = build_array(build, n, sizeof *places);
    if (!places)
        return;
    collect_tokens(partners, places);
    collect_tokens(apps, places + n_partners);
    qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 1; i < n; i++) {
        if (memcmp(places[i - 1].hash, places[i].hash, sizeof places[i].hash) == 0)
            yaml_error_at(build->problems, places[i].line, places[i].column,
                          "this token stands on line %u already; each partner, each app, and each "
                          "of their services, needs a token of its own",
                          places[i - 1].line);
    }
}
