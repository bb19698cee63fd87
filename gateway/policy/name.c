/*
 * name.c - from a name in a policy to the word of the vocabulary, or to advice
 */
#include "policy/loading.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 512, NAMES_TEXT_BYTES = 512 };

/* The names of a list, as C strings (the vocabulary ends each text with a NUL). */
struct names {
    size_t n;
    const char *list[NAMES_MAX];
};

static void names_add(struct names *names, struct slice name)
{
    if (names->n < NAMES_MAX)
        names->list[names->n++] = (const char *)name.p;
}

static void report(struct policy_loading *loading, uint32_t line, uint32_t column, const char *what,
                   struct slice name, const struct names *names)
{
    const char *nearest = yaml_nearest(name, names->list, names->n);
    if (nearest) {
        yaml_error_at(loading->problems, line, column, "unknown %s \"%.*s\"; did you mean \"%s\"?",
                      what, SLICE_PRINTF(name), nearest);
        return;
    }
    char text[NAMES_TEXT_BYTES] = "";
    for (size_t i = 0, n = 0; i < names->n && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? ", " : "", names->list[i]);
    yaml_error_at(loading->problems, line, column, "unknown %s \"%.*s\"; expected one of %s", what,
                  SLICE_PRINTF(name), text);
}

const struct vocabulary_class *name_class(struct policy_loading *loading, struct slice name,
                                          uint32_t line, uint32_t column)
{
    const struct vocabulary *vocabulary = loading->vocabulary;
    const struct vocabulary_class *class = vocabulary_class_find(vocabulary, name);
    if (class)
        return class;
    enum part_form form;
    class = vocabulary_class_of_field(vocabulary, name, &form);
    if (class) {
        yaml_error_at(loading->problems, line, column,
                      "\"%.*s\" is a part of a data class; write \"%.*s\"", SLICE_PRINTF(name),
                      SLICE_PRINTF(class->term.name));
        return NULL;
    }
    struct names names = {0};
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++)
        names_add(&names, vocabulary_class_at(vocabulary, i)->term.name);
    report(loading, line, column, "data class", name, &names);
    return NULL;
}

/* The text of a scalar, or a problem. */
static bool is_name(struct policy_loading *loading, const struct yaml_node *node, const char *what)
{
    if (node->kind == YAML_SCALAR && node->text.n > 0)
        return true;
    yaml_error_at(loading->problems, node->line, node->column, "%s; expected the name of a %s",
                  node->kind == YAML_SCALAR ? "nothing" : "no single value", what);
    return false;
}

const struct vocabulary_term *name_purpose(struct policy_loading *loading,
                                           const struct yaml_node *node)
{
    if (!is_name(loading, node, "purpose"))
        return NULL;
    const struct vocabulary_term *term = vocabulary_purpose_find(loading->vocabulary, node->text);
    if (term)
        return term;
    struct names names = {0};
    for (size_t i = 0; i < vocabulary_n_purposes(loading->vocabulary); i++)
        names_add(&names, vocabulary_purpose_at(loading->vocabulary, i)->name);
    report(loading, node->line, node->column, "purpose", node->text, &names);
    return NULL;
}

const struct vocabulary_term *name_situation(struct policy_loading *loading,
                                             const struct yaml_node *node)
{
    if (!is_name(loading, node, "situation"))
        return NULL;
    const struct vocabulary_term *term = vocabulary_situation_find(loading->vocabulary, node->text);
    if (term)
        return term;
    struct names names = {0};
    for (size_t i = 0; i < vocabulary_n_situations(loading->vocabulary); i++)
        names_add(&names, vocabulary_situation_at(loading->vocabulary, i)->name);
    report(loading, node->line, node->column, "situation", node->text, &names);
    return NULL;
}

static struct slice last_word(struct slice name)
{
    for (size_t i = name.n; i > 0; i--) {
        if (name.p[i - 1] == '.')
            return slice_of(name.p + i, name.n - i);
    }
    return name;
}

const struct vocabulary_class *name_detail(struct policy_loading *loading,
                                           const struct yaml_node *node,
                                           const struct vocabulary_class *class)
{
    if (!is_name(loading, node, "coarser data class"))
        return NULL;
    struct names names = {0};
    for (const struct vocabulary_class *next = class->coarser; next; next = next->coarser) {
        if (slice_equals(next->term.name, node->text) ||
            slice_equals(last_word(next->term.name), node->text))
            return next;
        names_add(&names, last_word(next->term.name));
    }
    report(loading, node->line, node->column, "detail", node->text, &names);
    return NULL;
}
