/*
 * situation.c - a field of an app's answer that says in which situation its subject is
 *
 *     situation:
 *       $.state: {DRIVING: driving, "ON FOOT": [walking, at_work]}
 *
 * One field, in a trie of its own: the answer is read for it first, and then for what may pass. The
 * field itself passes only when it stands among `fields`, too.
 */
#include "config/build.h"

#include <string.h>

static void report_path(struct build *build, const struct yaml_node *item, enum path_fault fault,
                        size_t at)
{
    build->no_memory = build->no_memory || fault == PATH_NO_MEMORY;
    yaml_error_at(build->problems, item->key_line, item->key_column, "path \"%.*s\", byte %zu: %s",
                  SLICE_PRINTF(item->key), at + 1, path_fault_text(fault));
}

/* A trie with this path alone; NULL: reported. */
static struct path_trie *build_trie(struct build *build, const struct yaml_node *item)
{
    const struct path_field field = {.form = FIELD_STRUCTURE};
    SL_AUTO(path_trie) trie = NULL;
    size_t at = 0;
    if (path_trie_new(&trie) != SL_OK) {
        build->no_memory = true;
        return NULL;
    }
    enum path_fault fault = path_trie_add(trie, item->key, field, &at);
    if (fault == PATH_OK)
        fault = path_trie_finish(trie);
    if (fault != PATH_OK) {
        report_path(build, item, fault, at);
        return NULL;
    }
    struct path_trie *made = trie;
    trie = NULL;
    return made;
}

static const struct vocabulary_term *find_word(struct build *build, const struct yaml_node *node)
{
    enum { WORDS_MAX = 512 };
    const struct vocabulary *vocabulary = build->config->vocabulary;
    if (!build_is_text(build, node, "a situation of the vocabulary"))
        return NULL;
    const struct vocabulary_term *term = vocabulary_situation_find(vocabulary, node->text);
    if (term)
        return term;
    const char *names[WORDS_MAX]; /* the vocabulary ends each text with a NUL */
    size_t n = 0;
    for (; n < vocabulary_n_situations(vocabulary) && n < WORDS_MAX; n++)
        names[n] = (const char *)vocabulary_situation_at(vocabulary, n)->name.p;
    build_unknown(build, node->line, node->column, "situation", node->text, names, n);
    return NULL;
}

/* The term's place among those of the field; adds it when it is new. */
static bool place_term(struct build *build, const struct yaml_node *node,
                       const struct vocabulary_term *term, struct config_situation_field *field,
                       uint8_t *place)
{
    for (size_t i = 0; i < field->n_terms; i++) {
        if (field->terms[i] == term) {
            *place = (uint8_t)i;
            return true;
        }
    }
    if (field->n_terms == LIMIT_MAX_route_situations) {
        yaml_error_at(build->problems, node->line, node->column,
                      "more than %d situations on one route", LIMIT_MAX_route_situations);
        return false;
    }
    *place = (uint8_t)field->n_terms;
    field->terms[field->n_terms++] = term;
    return true;
}

static bool add_word(struct build *build, const struct yaml_node *node,
                     struct config_situation_field *field, struct config_situation_value *value)
{
    const struct vocabulary_term *term = find_word(build, node);
    uint8_t place = 0;
    if (!term || !place_term(build, node, term, field, &place))
        return false;
    value->situations |= (uint8_t)(1U << place);
    return true;
}

static bool build_value(struct build *build, const struct yaml_node *item,
                        struct config_situation_field *field, struct config_situation_value *value)
{
    if (item->key.n == 0 || item->key.n > LIMIT_MAX_config_label_bytes) {
        yaml_error_at(build->problems, item->key_line, item->key_column,
                      "a value of 1 to %d bytes is expected", LIMIT_MAX_config_label_bytes);
        return false;
    }
    value->text = build_copy(build, item->key);
    if (item->kind != YAML_SEQUENCE)
        return add_word(build, item, field, value);
    if (!build_is_list(build, item, LIMIT_MAX_route_situations, "[driving]"))
        return false;
    for (const struct yaml_node *word = item->first; word; word = word->next) {
        if (!add_word(build, word, field, value))
            return false;
    }
    return true;
}

void build_situation(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    static const char expected[] = "one field and what it says, such as {$.state: {DRIVING: "
                                   "driving}}";
    const struct yaml_node *item = node->kind == YAML_MAPPING ? node->first : NULL;
    if (!item || item->next || item->kind != YAML_MAPPING || !item->first) {
        yaml_error_at(build->problems, node->line, node->column, "`situation` expects %s",
                      expected);
        return;
    }
    if (out->records.n > 0) {
        yaml_error_at(build->problems, node->key_line, node->key_column,
                      "`situation` on a route with records, which are many people's; expected "
                      "one or the other");
        return;
    }
    if (item->n_children > LIMIT_MAX_route_fields) {
        yaml_error_at(build->problems, item->line, item->column,
                      "%u values; at most %d are allowed", item->n_children,
                      LIMIT_MAX_route_fields);
        return;
    }
    struct config_situation_field *field = build_array(build, 1, sizeof *field);
    struct config_situation_value *values = build_array(build, item->n_children, sizeof *values);
    if (!field || !values)
        return;
    field->values = values;
    for (const struct yaml_node *value = item->first; value; value = value->next) {
        if (build_value(build, value, field, &values[field->n_values]))
            field->n_values++;
    }
    field->trie = build_trie(build, item);
    out->situation = field; /* so that the trie is freed, whatever else is wrong */
}
