/*
 * load_consent.c - one consent and one refusal of a policy
 *
 * Each key is read for itself, so that one mistake does not hide the next; what could not be
 * read stays zero. The document is given out only when there was no mistake at all.
 */
#include "policy/loading.h"

#include <string.h>

/* The value of a key that must be there. */
static const struct yaml_node *need(struct policy_loading *loading, const struct yaml_node *mapping,
                                    const char *key, const char *what)
{
    const struct yaml_node *node = yaml_get(mapping, key);
    if (!node)
        yaml_error_at(loading->problems, mapping->line, mapping->column, "%s has no `%s`", what,
                      key);
    return node;
}

static bool is_list(struct policy_loading *loading, const struct yaml_node *node,
                    const char *example)
{
    if (node->kind == YAML_SEQUENCE && node->n_children > 0)
        return true;
    yaml_error_at(loading->problems, node->line, node->column,
                  "`%.*s` is %s; expected a list such as %s", SLICE_PRINTF(node->key),
                  node->kind == YAML_SEQUENCE ? "empty" : "no list", example);
    return false;
}

static void refuse_dimension(struct policy_loading *loading, const struct yaml_node *node,
                             const struct vocabulary_class *class)
{
    char possible[64] = "";
    struct writer writer = writer_over(possible, sizeof possible - 1);
    for (unsigned i = 0; i < N_COARSE; i++) {
        const char *key = dimension_key((enum coarse_dimension)i);
        if (!key || !(class->dimensions >> i & 1))
            continue;
        write_u8(&writer, ' ');
        write_str(&writer, key);
    }
    write_str(&writer, class->dimensions & DIMENSION_DETAIL ? " detail" : "");
    if (writer.n == 0)
        yaml_error_at(loading->problems, node->key_line, node->key_column,
                      "`%.*s` is not possible for %.*s, which is shared as it is or not at all",
                      SLICE_PRINTF(node->key), SLICE_PRINTF(class->term.name));
    else
        yaml_error_at(loading->problems, node->key_line, node->key_column,
                      "`%.*s` is not possible for %.*s; possible:%.*s", SLICE_PRINTF(node->key),
                      SLICE_PRINTF(class->term.name), SLICE_PRINTF(writer_slice(&writer)));
}

static void load_dimension(struct policy_loading *loading, const struct yaml_node *value,
                           unsigned bit, struct policy_grant *grant)
{
    if (!(grant->class->dimensions & bit)) {
        refuse_dimension(loading, value, grant->class);
        return;
    }
    if (bit == DIMENSION_DETAIL) {
        grant->detail = name_detail(loading, value, grant->class);
        return;
    }
    const unsigned i = (unsigned)__builtin_ctz(bit);
    (void)value_coarse(loading, value, (enum coarse_dimension)i, &grant->coarseness.by[i]);
}

static void load_dimensions(struct policy_loading *loading, const struct yaml_node *node,
                            struct policy_grant *grant)
{
    /* As dimension_key() has them, and `detail`. */
    static const char *const keys[] = {"precision", "time", "cut", "bucket", "top", "detail", NULL};
    if (node->kind == YAML_SCALAR) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "`%.*s` without braces; write {} for data as it is, or {precision: 5km}",
                      SLICE_PRINTF(node->key));
        return;
    }
    if (!yaml_check_keys(node, "a grant", keys, loading->problems) || !grant->class)
        return;
    for (unsigned i = 0; i < N_COARSE; i++) {
        const char *key = dimension_key((enum coarse_dimension)i);
        const struct yaml_node *value = key ? yaml_get(node, key) : NULL;
        if (value)
            load_dimension(loading, value, 1U << i, grant);
    }
    const struct yaml_node *detail = yaml_get(node, "detail");
    if (detail)
        load_dimension(loading, detail, DIMENSION_DETAIL, grant);
}

static void load_grants(struct policy_loading *loading, const struct yaml_node *node,
                        struct policy_consent *out)
{
    if (node->kind != YAML_MAPPING || node->n_children == 0) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "`data` is no mapping of data classes; expected such as "
                      "{location: {precision: 5km}, listening.artist: {}}");
        return;
    }
    struct policy_grant *grants = pool_array(loading->pool, node->n_children, sizeof *grants);
    if (!grants)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        struct policy_grant *grant = &grants[out->n_grants++];
        grant->line = item->key_line;
        grant->column = item->key_column;
        grant->class = name_class(loading, item->key, item->key_line, item->key_column);
        load_dimensions(loading, item, grant);
    }
    out->grants = grants;
}

static void load_situations(struct policy_loading *loading, const struct yaml_node *node,
                            struct policy_consent *out)
{
    if (!is_list(loading, node, "[driving]"))
        return;
    if (node->n_children > POLICY_SITUATIONS_MAX) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "%u situations; at most %d can be asked for", node->n_children,
                      POLICY_SITUATIONS_MAX);
        return;
    }
    const struct vocabulary_term **situations =
        pool_array(loading->pool, node->n_children, sizeof *situations);
    if (!situations)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        const struct vocabulary_term *term = name_situation(loading, item);
        bool known = false;
        for (size_t i = 0; i < out->n_situations; i++)
            known = known || situations[i] == term;
        if (term && known)
            yaml_error_at(loading->problems, item->line, item->column,
                          "situation \"%.*s\" is listed twice", SLICE_PRINTF(item->text));
        else if (term)
            situations[out->n_situations++] = term;
    }
    out->situations = situations;
}

static void load_dates(struct policy_loading *loading, const struct yaml_node *node,
                       struct policy_consent *out)
{
    const struct yaml_node *from = yaml_get(node, "from");
    const struct yaml_node *until = yaml_get(node, "until");
    if (!loading->local_time)
        loading->local_time = from ? from : until;
    out->has_from = from && value_date(loading, from, &out->from);
    out->has_until = until && value_date(loading, until, &out->until);
    if (out->has_from && out->has_until &&
        days_from_civil(out->until) <= days_from_civil(out->from))
        yaml_error_at(loading->problems, until->line, until->column,
                      "`until` is not after `from`; `until` is the first day without consent");
}

static void load_benefit(struct policy_loading *loading, const struct yaml_node *node,
                         struct policy_consent *out)
{
    const struct yaml_node *in_return = yaml_get(node, "in_return");
    if (in_return)
        (void)value_text(loading, in_return, POLICY_BENEFIT_BYTES, &out->in_return);
    else
        yaml_warning_at(loading->problems, node->line, node->column,
                        "the consent has no `in_return`: it gives without getting anything");
}

void load_consent(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_consent *out)
{
    static const char *const keys[] = {"id",   "app",       "partner",   "purpose",
                                       "data", "in_return", "situation", "when",
                                       "from", "until",     "at_most",   NULL};
    *out = (struct policy_consent){.line = node->line, .column = node->column};
    if (!yaml_check_keys(node, "a consent", keys, loading->problems))
        return;
    const struct yaml_node *value;
    if ((value = need(loading, node, "id", "the consent")))
        (void)value_id(loading, value, &out->id);
    if ((value = need(loading, node, "app", "the consent")))
        (void)value_id(loading, value, &out->app);
    if ((value = need(loading, node, "partner", "the consent")))
        (void)value_id(loading, value, &out->partner);
    if ((value = need(loading, node, "purpose", "the consent")))
        out->purpose = name_purpose(loading, value);
    if ((value = need(loading, node, "data", "the consent")))
        load_grants(loading, value, out);
    load_benefit(loading, node, out);
    if ((value = yaml_get(node, "situation")))
        load_situations(loading, value, out);
    if ((value = yaml_get(node, "when")))
        out->has_window = value_window(loading, value, &out->window);
    load_dates(loading, node, out);
    if ((value = yaml_get(node, "at_most")))
        (void)value_at_most(loading, value, &out->at_most, &out->at_most_per_s);
}

static void load_refused_classes(struct policy_loading *loading, const struct yaml_node *node,
                                 struct policy_refusal *out)
{
    if (!is_list(loading, node, "[location]"))
        return;
    const struct vocabulary_class **classes =
        pool_array(loading->pool, node->n_children, sizeof *classes);
    if (!classes)
        return;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        const struct vocabulary_class *class =
            name_class(loading, item->text, item->line, item->column);
        bool known = false;
        for (size_t i = 0; i < out->n_classes; i++)
            known = known || classes[i] == class;
        if (class && known)
            yaml_error_at(loading->problems, item->line, item->column,
                          "data class \"%.*s\" is listed twice", SLICE_PRINTF(item->text));
        else if (class)
            classes[out->n_classes++] = class;
    }
    out->classes = classes;
}

void load_refusal(struct policy_loading *loading, const struct yaml_node *node,
                  struct policy_refusal *out)
{
    static const char *const keys[] = {"data", "app", "partner", "purpose", "when", NULL};
    *out = (struct policy_refusal){.line = node->line, .column = node->column};
    if (!yaml_check_keys(node, "a refusal", keys, loading->problems))
        return;
    if (node->n_children == 0)
        yaml_warning_at(loading->problems, node->line, node->column,
                        "an empty refusal refuses everything, always");
    const struct yaml_node *value;
    if ((value = yaml_get(node, "data")))
        load_refused_classes(loading, value, out);
    if ((value = yaml_get(node, "app")))
        (void)value_id(loading, value, &out->app);
    if ((value = yaml_get(node, "partner")))
        (void)value_id(loading, value, &out->partner);
    if ((value = yaml_get(node, "purpose")))
        out->purpose = name_purpose(loading, value);
    if ((value = yaml_get(node, "when")))
        out->has_window = value_window(loading, value, &out->window);
}
