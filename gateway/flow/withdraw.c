/*
 * withdraw.c - takes whole lines out of the text
 *
 * The parser says on which line each consent begins; what lies between that line and the next
 * consent (or the next key of the policy) is the consent. When it was the last one, the key stays
 * with an empty list.
 */
#include "flow/withdraw.h"

#include "base/limits.h"
#include "yaml/yaml.h"

#include <stdlib.h>

/* Offset of the first byte of line `line` (from 1); text.n beyond the end. */
static size_t line_start(struct slice text, uint32_t line)
{
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.n; i++) {
        while (at < text.n && text.p[at] != '\n')
            at++;
        at += at < text.n;
    }
    return at;
}

static bool has_id(const struct yaml_node *consent, struct slice id)
{
    const struct yaml_node *node = consent->kind == YAML_MAPPING ? yaml_get(consent, "id") : NULL;
    return node && node->kind == YAML_SCALAR && slice_equals(node->text, id);
}

/* The line after the last one that belongs to `consents`. */
static uint32_t end_line(const struct yaml_node *consents)
{
    return consents->next ? consents->next->key_line : UINT32_MAX;
}

static bool starts_with_dash(struct slice text, size_t at)
{
    while (at < text.n && text.p[at] == ' ')
        at++;
    return at < text.n && text.p[at] == '-';
}

static enum withdraw_outcome cut(struct slice yaml, const struct yaml_node *root, struct slice id,
                                 struct writer *out)
{
    const struct yaml_node *consents = yaml_get(root, "consents");
    if (!consents || consents->kind != YAML_SEQUENCE)
        return WITHDRAW_NO_SUCH_CONSENT;
    const struct yaml_node *consent = consents->first;
    while (consent && !has_id(consent, id))
        consent = consent->next;
    if (!consent)
        return WITHDRAW_NO_SUCH_CONSENT;

    size_t start = line_start(yaml, consent->line);
    size_t end = line_start(yaml, consent->next ? consent->next->line : end_line(consents));
    if (!starts_with_dash(yaml, start) || start >= end)
        return WITHDRAW_BY_HAND;
    if (consents->n_children == 1) {
        write_bytes(out, slice_of(yaml.p, line_start(yaml, consents->key_line)));
        write_str(out, "consents: []\n");
    } else {
        write_bytes(out, slice_of(yaml.p, start));
    }
    write_bytes(out, slice_of(yaml.p + end, yaml.n - end));
    return WITHDRAW_DONE;
}

enum withdraw_outcome withdraw_consent(struct slice yaml, struct slice id, struct writer *out)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    SL_AUTO(yaml_document) document = NULL;
    enum withdraw_outcome outcome = WITHDRAW_BY_HAND;
    if (yaml_parse(yaml, limits, &problems, &document) == SL_OK &&
        yaml_root(document)->kind == YAML_MAPPING)
        outcome = cut(yaml, yaml_root(document), id, out);
    yaml_problems_deinit(&problems);
    return outcome;
}
