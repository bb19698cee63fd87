/*
 * query.c - what a schema asks of the tree: a key's value, and whether all keys are known
 */
#include "yaml/yaml.h"

#include <stdio.h>
#include <string.h>

enum { KEYS_TEXT_BYTES = 512 };

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping->kind != YAML_MAPPING)
        return NULL;
    for (const struct yaml_node *child = mapping->first; child; child = child->next) {
        if (slice_equals_str(child->key, key))
            return child;
    }
    return NULL;
}

static const char *kind_name(enum yaml_kind kind)
{
    return kind == YAML_SCALAR ? "a single value" : kind == YAML_SEQUENCE ? "a list" : "a mapping";
}

static void report_unknown_key(const struct yaml_node *child, const char *what,
                               const char *const *keys, size_t n_keys,
                               struct yaml_problems *problems)
{
    const char *nearest = yaml_nearest(child->key, keys, n_keys);
    if (nearest) {
        yaml_error_at(problems, child->key_line, child->key_column,
                      "unknown key \"%.*s\" in %s; did you mean \"%s\"?", SLICE_PRINTF(child->key),
                      what, nearest);
        return;
    }
    char expected[KEYS_TEXT_BYTES] = "";
    for (size_t i = 0, n = 0; i < n_keys && n < sizeof expected; i++)
        n +=
            (size_t)snprintf(expected + n, sizeof expected - n, "%s%s", i > 0 ? ", " : "", keys[i]);
    yaml_error_at(problems, child->key_line, child->key_column,
                  "unknown key \"%.*s\" in %s; expected one of %s", SLICE_PRINTF(child->key), what,
                  expected);
}

bool yaml_check_keys(const struct yaml_node *mapping, const char *what, const char *const *keys,
                     struct yaml_problems *problems)
{
    if (mapping->kind != YAML_MAPPING) {
        yaml_error_at(problems, mapping->line, mapping->column, "%s for %s; expected a mapping",
                      kind_name(mapping->kind), what);
        return false;
    }
    size_t n_keys = 0;
    while (keys[n_keys])
        n_keys++;
    for (const struct yaml_node *child = mapping->first; child; child = child->next) {
        bool known = child->key.n == 0; /* reported when it was parsed */
        for (size_t i = 0; i < n_keys && !known; i++)
            known = slice_equals_str(child->key, keys[i]);
        if (!known && !slice_equals_str(child->key, "<<"))
            report_unknown_key(child, what, keys, n_keys, problems);
    }
    return true;
}
