/*
 * fields.c - what a route's answer may hold: a path for each field, and the data class it holds
 *
 *     $.position.lat: location.latitude     a part of a class
 *     $.position.kmh: location.speed        a class without parts
 *     $.user:         subject               becomes the partner's pseudonym
 *     $.at:           time                  follows the coarsest class that is kept
 *     $.type:         structure             says nothing about anyone
 *     $.guest.name:   profile.name          and the first name that is made of it
 *     $.order:        id                    the partner's own name of a thing
 *     $.next:         /v1/drivers/{subject}/position?page={structure}
 *
 * The classes are numbered in the order in which they first appear; that is their order in the
 * decision and in the receipt.
 */
#include "config/build.h"

#include "transform/pattern.h"

enum { NAMES_MAX = 512 };

struct word {
    const char *name;
    enum field_form form;
};

static const struct word words[] = {
    {"subject", FIELD_SUBJECT},
    {"time", FIELD_TIME},
    {"id", FIELD_OBJECT},
    {"structure", FIELD_STRUCTURE},
};

/* Whether a text is redacted, like every other coarseness, is up to the plan. */
static const enum field_form field_forms[] = {
    [FORM_VALUE] = FIELD_VALUE,
    [FORM_LATITUDE] = FIELD_LATITUDE,
    [FORM_LONGITUDE] = FIELD_LONGITUDE,
    [FORM_TEXT] = FIELD_VALUE,
    [FORM_TIME] = FIELD_MOMENT,
    [FORM_FIRST_WORD] = FIELD_FIRST_WORD,
    [FORM_MONTH] = FIELD_MONTH,
    [FORM_HOUR] = FIELD_HOUR,
    [FORM_AGE_GROUP] = FIELD_AGE_GROUP,
    [FORM_GEOHASH] = FIELD_GEOHASH,
    [FORM_ID] = FIELD_ID,
    [FORM_PERSON] = FIELD_PERSON,
};

static void report_unknown(struct build *build, const struct yaml_node *node, struct slice text)
{
    const struct vocabulary *vocabulary = build->config->vocabulary;
    const struct vocabulary_class *whole = vocabulary_class_find(vocabulary, text);
    if (whole && whole->n_parts > 0) {
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\" has parts; expected one of them, such as %.*s", SLICE_PRINTF(text),
                      SLICE_PRINTF(whole->parts[0].name));
        return;
    }
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; n < SL_LENGTH(words); n++)
        names[n] = words[n].name;
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++) {
        const struct vocabulary_class *class = vocabulary_class_at(vocabulary, i);
        if (class->n_parts == 0 && n < NAMES_MAX)
            names[n++] = (const char *)class->term.name.p;
        for (size_t part = 0; part < class->n_parts && n < NAMES_MAX; part++)
            names[n++] = (const char *)class->parts[part].name.p;
    }
    build_unknown(build, node->line, node->column, "data class", text, names, n);
}

/* The number of `class` on this route, given on its first appearance. */
static bool number_class(struct build *build, const struct yaml_node *node,
                         const struct vocabulary_class *class, struct config_route *route,
                         uint8_t *index)
{
    for (size_t i = 0; i < route->n_classes; i++) {
        if (route->classes[i] == class) {
            *index = (uint8_t)i;
            return true;
        }
    }
    if (route->n_classes == LIMIT_MAX_route_classes) {
        yaml_error_at(build->problems, node->line, node->column,
                      "more than %d data classes on one route; split it into two",
                      LIMIT_MAX_route_classes);
        return false;
    }
    *index = (uint8_t)route->n_classes;
    route->classes[route->n_classes] = class;
    route->class_codes[route->n_classes++] = class->term.code;
    return true;
}

/* A name tells the first name, a date the month: the field serves that class as well. */
static bool read_coarser(struct build *build, const struct yaml_node *node,
                         const struct vocabulary_class *class, struct config_route *route,
                         struct path_field *out)
{
    const struct vocabulary_class *coarser = class->coarser;
    if (class->n_parts > 0 || !coarser || coarser->n_parts > 0 || !form_is_made(coarser->form))
        return true;
    out->form = field_forms[coarser->form];
    return number_class(build, node, coarser, route, &out->class_index);
}

/* A word or a data class; `*class` is NULL for a word. */
static bool read_name(struct build *build, const struct yaml_node *node, struct slice text,
                      struct config_route *route, struct path_field *out,
                      const struct vocabulary_class **class)
{
    *class = NULL;
    for (size_t i = 0; i < SL_LENGTH(words); i++) {
        if (slice_equals_str(text, words[i].name)) {
            *out = (struct path_field){.form = words[i].form};
            return true;
        }
    }
    enum part_form form = FORM_VALUE;
    *class = vocabulary_class_of_field(build->config->vocabulary, text, &form);
    if (!*class) {
        report_unknown(build, node, text);
        return false;
    }
    out->form = field_forms[form];
    return number_class(build, node, *class, route, &out->class_index);
}

/* What a route says of one field. */
struct reading {
    struct path_field field;
    struct path_field coarser; /* FIELD_VALUE: none */
    const struct vocabulary_class *class;
    struct pattern *pattern;
};

/* Half a position, a time or what people write is no part of a text. */
static bool may_be_piece(const struct path_field *field, const struct vocabulary_class *class)
{
    switch (field->form) {
    case FIELD_LATITUDE:
    case FIELD_LONGITUDE:
    case FIELD_TIME:
    case FIELD_MOMENT:
    case FIELD_FIRST_WORD:
        return false;
    default:
        return !class || class->form != FORM_TEXT;
    }
}

static bool read_piece(struct build *build, const struct yaml_node *node,
                       struct config_route *route, struct pattern *pattern,
                       struct pattern_piece *piece)
{
    struct path_field field = {.form = FIELD_STRUCTURE};
    const struct vocabulary_class *class = NULL;
    if (!read_name(build, node, piece->name, route, &field, &class))
        return false;
    if (!may_be_piece(&field, class)) {
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%.*s\" can't be part of a text; expected subject, id, structure, a "
                      "geohash, or a data class that is neither a time nor written text",
                      SLICE_PRINTF(piece->name));
        return false;
    }
    piece->form = (uint8_t)field.form;
    piece->class_index = field.class_index;
    piece->space = class ? class->term.code : 0;
    pattern->classes |= class ? 1u << field.class_index : 0;
    return true;
}

static bool read_pattern(struct build *build, const struct yaml_node *node,
                         struct config_route *route, struct reading *out)
{
    SL_AUTO(pattern) pattern = NULL;
    size_t at = 0;
    const enum pattern_fault fault = pattern_new(node->text, &pattern, &at);
    build->no_memory = build->no_memory || fault == PATTERN_NO_MEMORY;
    if (fault != PATTERN_OK) {
        yaml_error_at(build->problems, node->line, node->column, "text \"%.*s\", byte %zu: %s",
                      SLICE_PRINTF(node->text), at + 1, pattern_fault_text(fault));
        return false;
    }
    for (size_t i = 0; i < pattern->n_pieces; i++) {
        if (!read_piece(build, node, route, pattern, &pattern->pieces[i]))
            return false;
    }
    out->field.form = FIELD_PATTERN;
    out->pattern = pattern;
    pattern = NULL;
    return true;
}

static bool read_field(struct build *build, const struct yaml_node *node,
                       struct config_route *route, struct reading *out)
{
    if (!build_is_text(build, node, "a data class, subject, time, id or structure"))
        return false;
    if (pattern_is_meant(node->text))
        return read_pattern(build, node, route, out);
    return read_name(build, node, node->text, route, &out->field, &out->class) &&
           (!out->class || read_coarser(build, node, out->class, route, &out->coarser));
}

/* The field was added; what else there is to say of it. */
static void complete_field(struct path_trie *trie, const struct reading *reading)
{
    if (reading->coarser.form != FIELD_VALUE)
        path_trie_set_coarser(trie, reading->coarser);
    if (reading->class)
        path_trie_set_space(trie, reading->class->term.code);
    if (reading->pattern)
        path_trie_set_pattern(trie, reading->pattern);
}

/* `at` counts from the beginning of the path as it is written. */
static void report_fault(struct build *build, const struct yaml_node *node, enum path_fault fault,
                         size_t at)
{
    SL_ASSERT(node); /* a fault is some field's */
    build->no_memory = build->no_memory || fault == PATH_NO_MEMORY;
    uint32_t column = node->key_column;
    if (fault == PATH_SYNTAX) {
        for (size_t i = 0; i < at && i < node->key.n; i++)
            column += (node->key.p[i] & 0xc0) != 0x80; /* columns count characters */
        yaml_error_at(build->problems, node->key_line, column, "path \"%.*s\", byte %zu: %s",
                      SLICE_PRINTF(node->key), at + 1, path_fault_text(fault));
        return;
    }
    yaml_error_at(build->problems, node->key_line, column, "path \"%.*s\": %s",
                  SLICE_PRINTF(node->key), path_fault_text(fault));
}

/* Beyond this the rest of the fields can't be right either. */
static bool fields_fit(struct build *build, const struct yaml_node *node)
{
    if (node->kind == YAML_MAPPING && node->n_children > 0 &&
        node->n_children <= LIMIT_MAX_route_fields)
        return true;
    if (node->kind == YAML_MAPPING && node->n_children > 0)
        yaml_error_at(build->problems, node->line, node->column,
                      "%u fields on one route; at most %d are allowed", node->n_children,
                      LIMIT_MAX_route_fields);
    else
        yaml_error_at(build->problems, node->line, node->column,
                      "`fields` lists no field, so nothing could ever pass; expected such as "
                      "{$.position.lat: location.latitude}");
    return false;
}

/* Adds one field where it belongs. */
static bool add_field(struct build *build, const struct yaml_node *item, struct config_route *out,
                      struct fields *fields)
{
    struct reading reading = {.coarser = {.form = FIELD_VALUE}};
    struct fields_place place;
    size_t at = 0;
    bool known = read_field(build, item, out, &reading);
    SL_AUTO(pattern) pattern = reading.pattern;
    if (!known) /* the path is checked all the same */
        reading.field = (struct path_field){.form = FIELD_STRUCTURE};
    if (!fields_place(build, item, reading.field, out, fields, &place))
        return false;
    enum path_fault fault = path_trie_add(place.trie, place.path, reading.field, &at);
    if (fault == PATH_OK && known) {
        complete_field(place.trie, &reading);
        pattern = NULL; /* the trie's */
    }
    if (fault == PATH_OK && place.is_subject)
        fault = path_trie_add(fields->around, item->key, reading.field, &at);
    else
        at += place.shift;
    if (fault != PATH_OK)
        report_fault(build, item, fault, at);
    else if (place.trie == fields->trie)
        fields->added[fields->n_added++] = item;
    return known && fault == PATH_OK;
}

void build_fields(struct build *build, const struct yaml_node *node, struct config_route *out)
{
    struct fields fields = {0};
    struct path_trie *trie = NULL;
    struct path_trie *around = NULL;
    if (!fields_fit(build, node))
        return;
    bool has_memory = path_trie_new(&trie) == SL_OK;
    out->trie = fields.trie = trie;
    if (out->records.n > 0)
        has_memory = path_trie_new(&around) == SL_OK && has_memory;
    out->around = fields.around = around;
    if (!has_memory) {
        build->no_memory = true;
        return;
    }
    bool all_added = true;
    for (const struct yaml_node *item = node->first; item; item = item->next)
        all_added = add_field(build, item, out, &fields) && all_added;
    if (!all_added || (around && !fields_finish_records(build, node, out, &fields)))
        return; /* a latitude whose longitude was refused above would be reported as alone */
    enum path_fault fault = path_trie_finish(trie);
    if (fault == PATH_UNPAIRED)
        report_fault(build, fields.added[path_trie_fault_field(trie)], fault, 0);
    else if (fault != PATH_OK)
        report_fault(build, node->first, fault, 0);
}
