/*
 * vocabulary.c - loads vocabulary.yaml, and finds things in it
 *
 * Three lists in the order of the file: classes, purposes, situations. They hold a few dozen
 * names and are searched while loading and checking, never while a flow is decided: there a name
 * is its code. So a linear search is enough, and the whole is a handful of arrays in one pool.
 *
 * Loading walks each list twice: names, labels and dimensions first; then the `coarser` chains,
 * which may point forward. What a chain must hold is checked here, so that nobody has to ask
 * again: it ends, and a class further along can be coarsened in every way that the finer one can
 * (a time bucket granted for the track must mean something for the artist).
 */
#include "policy/vocabulary.h"

#include "base/limits.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "base/writer.h"
#include "policy/loading.h"

#include <stdlib.h>
#include <string.h>

enum {
    VOCABULARY_BYTES_MAX = 262144,
    VOCABULARY_TERMS_MAX = 512, /* in each of the three lists */
    VOCABULARY_NAME_BYTES = 64,
    VOCABULARY_LABEL_BYTES = 120,
};

struct term_list {
    size_t n;
    struct vocabulary_term *terms;
};

struct vocabulary {
    struct pool pool;
    uint32_t version;
    uint8_t sha256[SHA256_BYTES];
    struct slice text;
    size_t n_classes;
    struct vocabulary_class *classes;
    struct term_list purposes, situations;
};

/* What a walk over the file carries along. */
struct loading {
    struct vocabulary *vocabulary;
    struct yaml_problems *problems;
};

/* FNV-1a, 32 bits. */
uint32_t vocabulary_code(struct slice name)
{
    uint32_t code = 2166136261U;
    for (size_t i = 0; i < name.n; i++)
        code = (code ^ name.p[i]) * 16777619U;
    return code;
}

/* Words of [a-z0-9_] that begin with a letter, joined by dots. */
static bool is_name(struct slice name, bool may_have_dots)
{
    if (name.n == 0 || name.n > VOCABULARY_NAME_BYTES)
        return false;
    bool at_start = true;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool inner = (c >= '0' && c <= '9') || c == '_';
        if (c == '.' && (at_start || !may_have_dots))
            return false;
        if (c != '.' && !letter && (at_start || !inner))
            return false;
        at_start = c == '.';
    }
    return !at_start;
}

/* A text under `key`; a problem when it is missing though needed, empty, long or unprintable. */
static struct slice read_text(struct loading *loading, const struct yaml_node *term,
                              const char *key, bool needed)
{
    static const struct slice none = {NULL, 0};
    const struct yaml_node *node = yaml_get(term, key);
    if (!node) {
        if (needed)
            yaml_error_at(loading->problems, term->key_line, term->key_column,
                          "\"%.*s\" has no `%s`", SLICE_PRINTF(term->key), key);
        return none;
    }
    if (node->kind != YAML_SCALAR || node->text.n == 0 || node->text.n > VOCABULARY_LABEL_BYTES ||
        !utf8_is_printable(node->text)) {
        yaml_error_at(loading->problems, node->line, node->column,
                      "`%s` is not a line of 1 to %d bytes", key, VOCABULARY_LABEL_BYTES);
        return none;
    }
    return pool_copy(&loading->vocabulary->pool, node->text);
}

/* Name, code, labels and mappings of one entry of a list. */
static void read_term(struct loading *loading, const struct yaml_node *node, bool may_have_dots,
                      bool needs_dpv, struct vocabulary_term *term)
{
    if (!is_name(node->key, may_have_dots))
        yaml_error_at(loading->problems, node->key_line, node->key_column,
                      "name \"%.*s\"; expected words of a-z, 0-9 and _%s", SLICE_PRINTF(node->key),
                      may_have_dots ? ", joined by dots" : "");
    term->name = pool_copy(&loading->vocabulary->pool, node->key);
    term->code = vocabulary_code(node->key);
    if (node->kind != YAML_MAPPING)
        return; /* reported by yaml_check_keys */
    term->label_en = read_text(loading, node, "en", true);
    term->label_nl = read_text(loading, node, "nl", true);
    term->dpv = read_text(loading, node, "dpv", needs_dpv);
    term->fideslang = read_text(loading, node, "fideslang", false);
}

const char *dimension_key(enum coarse_dimension dimension)
{
    static const char *const keys[N_COARSE] = {
        [COARSE_PRECISION] = "precision", [COARSE_TIME] = "time", [COARSE_CUT] = "cut",
        [COARSE_BUCKET] = "bucket",       [COARSE_TOP] = "top",
    };
    return keys[dimension];
}

/* The bit that a word of `coarsen` stands for, or 0. */
static unsigned dimension_of(struct slice word)
{
    for (unsigned i = 0; i < N_COARSE; i++) {
        const char *key = dimension_key((enum coarse_dimension)i);
        if (key && slice_equals_str(word, key))
            return 1U << i;
    }
    return slice_equals_str(word, "detail") ? DIMENSION_DETAIL : 0;
}

static void read_dimensions(struct loading *loading, const struct yaml_node *class_node,
                            struct vocabulary_class *class)
{
    static const char expected[] = "precision, time, cut, bucket, top or detail";
    const struct yaml_node *list = yaml_get(class_node, "coarsen");
    if (!list)
        return;
    if (list->kind != YAML_SEQUENCE)
        yaml_error_at(loading->problems, list->line, list->column,
                      "`coarsen` is no list; expected a list of %s", expected);
    for (const struct yaml_node *item = list->first; item; item = item->next) {
        unsigned dimension = dimension_of(item->text);
        if (dimension == 0)
            yaml_error_at(loading->problems, item->line, item->column,
                          "\"%.*s\" in `coarsen`; expected %s", SLICE_PRINTF(item->text), expected);
        class->dimensions |= dimension;
    }
    /* The last of the first ten positions is not the end of the route. */
    if ((class->dimensions & DIMENSION_CUT) && (class->dimensions & DIMENSION_TOP))
        yaml_error_at(loading->problems, list->line, list->column,
                      "`coarsen` lists both cut and top; a list that is shortened has other ends");
}

/* `least: {bucket: 10}`: values as in a grant, of dimensions that the class has. */
static void read_least(struct loading *loading, const struct yaml_node *class_node,
                       struct vocabulary_class *class)
{
    const struct yaml_node *least = yaml_get(class_node, "least");
    struct policy_loading values = {.problems = loading->problems};
    if (!least)
        return;
    if (least->kind != YAML_MAPPING)
        yaml_error_at(loading->problems, least->line, least->column,
                      "`least` is no mapping such as {bucket: 10}");
    for (const struct yaml_node *item = least->first; item; item = item->next) {
        const unsigned dimension = dimension_of(item->key) & ~(unsigned)DIMENSION_DETAIL;
        if (!(dimension & class->dimensions)) {
            yaml_error_at(loading->problems, item->key_line, item->key_column,
                          "`%.*s` in `least`; expected a way that `coarsen` lists, not detail",
                          SLICE_PRINTF(item->key));
            continue;
        }
        const unsigned i = (unsigned)__builtin_ctz(dimension);
        (void)value_coarse(&values, item, (enum coarse_dimension)i, &class->least.by[i]);
    }
}

bool form_is_made(enum part_form form)
{
    return form >= FORM_FIRST_WORD;
}

/* Of a part, a position has two; a whole class is never one half. */
static bool read_form(struct slice text, bool is_part, enum part_form *form)
{
    static const struct {
        const char *name;
        enum part_form form;
        bool of_parts, of_classes;
    } forms[] = {
        {"value", FORM_VALUE, true, true},
        {"latitude", FORM_LATITUDE, true, false},
        {"longitude", FORM_LONGITUDE, true, false},
        {"geohash", FORM_GEOHASH, true, false},
        {"text", FORM_TEXT, false, true},
        {"time", FORM_TIME, false, true},
        {"id", FORM_ID, false, true},
        {"person", FORM_PERSON, false, true},
        {"first_word", FORM_FIRST_WORD, false, true},
        {"month", FORM_MONTH, false, true},
        {"hour", FORM_HOUR, false, true},
        {"age_group", FORM_AGE_GROUP, false, true},
    };
    for (size_t i = 0; i < SL_LENGTH(forms); i++) {
        if (slice_equals_str(text, forms[i].name) &&
            (is_part ? forms[i].of_parts : forms[i].of_classes)) {
            *form = forms[i].form;
            return true;
        }
    }
    return false;
}

/* What people write leaves without addresses and numbers, whoever grants it. */
static void read_class_form(struct loading *loading, const struct yaml_node *class_node,
                            struct vocabulary_class *class)
{
    const struct yaml_node *form = yaml_get(class_node, "form");
    if (!form)
        return;
    if (class->n_parts > 0)
        yaml_error_at(loading->problems, form->line, form->column,
                      "`form` beside `parts`; the parts have forms of their own");
    else if (!read_form(form->text, false, &class->form))
        yaml_error_at(
            loading->problems, form->line, form->column,
            "`form: %.*s`; expected value, text, time, id, person, first_word, month, hour "
            "or age_group",
            SLICE_PRINTF(form->text));
    if (class->form == FORM_TEXT) {
        class->dimensions |= DIMENSION_REDACT;
        class->least.by[COARSE_REDACT] = 1;
    }
}

/* `parts: {latitude: latitude}` under location makes the field location.latitude. */
static void read_parts(struct loading *loading, const struct yaml_node *class_node,
                       struct vocabulary_class *class)
{
    const struct yaml_node *parts = yaml_get(class_node, "parts");
    if (!parts)
        return;
    if (parts->kind != YAML_MAPPING || parts->n_children == 0 ||
        parts->n_children > VOCABULARY_PARTS_MAX) {
        yaml_error_at(loading->problems, parts->line, parts->column,
                      "`parts` is not a mapping of 1 to %d names", VOCABULARY_PARTS_MAX);
        return;
    }
    for (const struct yaml_node *node = parts->first; node; node = node->next) {
        char name[2 * VOCABULARY_NAME_BYTES + 2];
        struct writer writer = writer_over(name, sizeof name);
        write_bytes(&writer, class->term.name);
        write_u8(&writer, '.');
        write_bytes(&writer, node->key);
        struct vocabulary_part *part = &class->parts[class->n_parts];
        if (writer.overflow || !is_name(writer_slice(&writer), true) || node->kind != YAML_SCALAR ||
            !read_form(node->text, true, &part->form)) {
            yaml_error_at(
                loading->problems, node->key_line, node->key_column,
                "part \"%.*s\"; expected a name, and value, latitude, longitude or geohash",
                SLICE_PRINTF(node->key));
            continue;
        }
        /* It is as long as precision lets it; and where the ends of a route are, it can't tell. */
        if (part->form == FORM_GEOHASH &&
            (!(class->dimensions & DIMENSION_PRECISION) || (class->dimensions & DIMENSION_CUT)))
            yaml_error_at(loading->problems, node->key_line, node->key_column,
                          "part \"%.*s\" is a geohash; expected `coarsen` to list precision, and "
                          "not cut",
                          SLICE_PRINTF(node->key));
        part->name = pool_copy(&loading->vocabulary->pool, writer_slice(&writer));
        part->code = vocabulary_code(part->name);
        class->n_parts++;
    }
}

/* The list under `key` of the file; NULL and a problem when it is missing or of a wrong size. */
static const struct yaml_node *find_list(struct loading *loading, const struct yaml_node *root,
                                         const char *key)
{
    const struct yaml_node *list = yaml_get(root, key);
    if (!list || list->kind != YAML_MAPPING || list->n_children == 0 ||
        list->n_children > VOCABULARY_TERMS_MAX) {
        yaml_error_at(
            loading->problems, list ? list->line : root->line, list ? list->column : root->column,
            "`%s` is missing, or not a mapping of 1 to %d names", key, VOCABULARY_TERMS_MAX);
        return NULL;
    }
    return list;
}

static enum sl_err read_classes(struct loading *loading, const struct yaml_node *root)
{
    static const char *const keys[] = {"en",      "nl",    "dpv",   "fideslang", "coarsen",
                                       "coarser", "parts", "least", "form",      NULL};
    struct vocabulary *vocabulary = loading->vocabulary;
    const struct yaml_node *list = find_list(loading, root, "classes");
    if (!list)
        return SL_OK;
    vocabulary->classes =
        pool_array(&vocabulary->pool, list->n_children, sizeof *vocabulary->classes);
    if (!vocabulary->classes)
        return SL_EINTERNAL;
    for (const struct yaml_node *node = list->first; node; node = node->next) {
        struct vocabulary_class *class = &vocabulary->classes[vocabulary->n_classes++];
        read_term(loading, node, true, true, &class->term);
        if (!yaml_check_keys(node, "a data class", keys, loading->problems))
            continue;
        read_dimensions(loading, node, class);
        read_least(loading, node, class);
        read_parts(loading, node, class);
        read_class_form(loading, node, class);
    }
    return SL_OK;
}

static enum sl_err read_terms(struct loading *loading, const struct yaml_node *root,
                              const char *key, const char *what, bool needs_dpv,
                              struct term_list *out)
{
    static const char *const keys[] = {"en", "nl", "dpv", "fideslang", NULL};
    const struct yaml_node *list = find_list(loading, root, key);
    if (!list)
        return SL_OK;
    out->terms = pool_array(&loading->vocabulary->pool, list->n_children, sizeof *out->terms);
    if (!out->terms)
        return SL_EINTERNAL;
    for (const struct yaml_node *node = list->first; node; node = node->next) {
        read_term(loading, node, false, needs_dpv, &out->terms[out->n++]);
        (void)yaml_check_keys(node, what, keys, loading->problems);
    }
    return SL_OK;
}

static void check_chain(struct loading *loading, const struct yaml_node *at,
                        const struct vocabulary_class *class)
{
    size_t n_steps = 0;
    const unsigned inherited = class->dimensions & ~(unsigned)(DIMENSION_DETAIL | DIMENSION_REDACT);
    for (const struct vocabulary_class *next = class->coarser; next; next = next->coarser) {
        if (++n_steps > loading->vocabulary->n_classes) {
            yaml_error_at(loading->problems, at->key_line, at->key_column,
                          "`coarser` of \"%.*s\" leads back to itself", SLICE_PRINTF(at->key));
            return;
        }
        if (inherited & ~next->dimensions)
            yaml_error_at(loading->problems, at->key_line, at->key_column,
                          "\"%.*s\" can be coarsened in a way that \"%.*s\", behind it, can't",
                          SLICE_PRINTF(at->key), SLICE_PRINTF(next->term.name));
    }
    if (!class->coarser && (class->dimensions & DIMENSION_DETAIL))
        yaml_error_at(loading->problems, at->key_line, at->key_column,
                      "\"%.*s\" has detail to coarsen, but no `coarser` class",
                      SLICE_PRINTF(at->key));
}

static void link_classes(struct loading *loading, const struct yaml_node *root)
{
    const struct yaml_node *list = yaml_get(root, "classes");
    if (!list || loading->vocabulary->n_classes == 0)
        return;
    size_t i = 0;
    for (const struct yaml_node *node = list->first; node; node = node->next, i++) {
        const struct yaml_node *coarser = yaml_get(node, "coarser");
        if (!coarser)
            continue;
        loading->vocabulary->classes[i].coarser =
            vocabulary_class_find(loading->vocabulary, coarser->text);
        if (!loading->vocabulary->classes[i].coarser)
            yaml_error_at(loading->problems, coarser->line, coarser->column,
                          "`coarser: %.*s` names no data class of this file",
                          SLICE_PRINTF(coarser->text));
    }
    i = 0;
    for (const struct yaml_node *node = list->first; node; node = node->next, i++)
        check_chain(loading, node, &loading->vocabulary->classes[i]);
}

struct coded {
    uint32_t code;
    struct slice name;
};

static int compare_codes(const void *a, const void *b)
{
    const struct coded *x = a;
    const struct coded *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

/* Code 0 stands for "any" in compiled policies, so no name may have it. */
static void check_codes(struct loading *loading, struct coded *coded, size_t n)
{
    qsort(coded, n, sizeof *coded, compare_codes);
    for (size_t i = 0; i < n; i++) {
        if (coded[i].code == 0)
            yaml_error_at(loading->problems, 1, 1, "\"%.*s\" has the code 0; rename it",
                          SLICE_PRINTF(coded[i].name));
        if (i > 0 && coded[i].code == coded[i - 1].code)
            yaml_error_at(loading->problems, 1, 1,
                          "\"%.*s\" and \"%.*s\" have one code; rename one of them",
                          SLICE_PRINTF(coded[i - 1].name), SLICE_PRINTF(coded[i].name));
    }
}

static enum sl_err check_all_codes(struct loading *loading)
{
    const struct vocabulary *vocabulary = loading->vocabulary;
    size_t cap = vocabulary->n_classes * (1 + VOCABULARY_PARTS_MAX) + vocabulary->purposes.n +
                 vocabulary->situations.n + 1;
    struct coded *coded = calloc(cap, sizeof *coded);
    if (!coded)
        return SL_EINTERNAL;
    size_t n = 0;
    for (size_t i = 0; i < vocabulary->n_classes; i++) {
        const struct vocabulary_class *class = &vocabulary->classes[i];
        coded[n++] = (struct coded){class->term.code, class->term.name};
        for (size_t j = 0; j < class->n_parts; j++)
            coded[n++] = (struct coded){class->parts[j].code, class->parts[j].name};
    }
    check_codes(loading, coded, n);
    const struct term_list *const lists[] = {&vocabulary->purposes, &vocabulary->situations};
    for (size_t k = 0; k < SL_LENGTH(lists); k++) {
        for (n = 0; n < lists[k]->n; n++)
            coded[n] = (struct coded){lists[k]->terms[n].code, lists[k]->terms[n].name};
        check_codes(loading, coded, n);
    }
    free(coded);
    return SL_OK;
}

static void read_versions(struct loading *loading, const struct yaml_node *root)
{
    const struct yaml_node *format = yaml_get(root, "sluis_vocabulary");
    if (!format || !slice_equals_str(format->text, "1"))
        yaml_error_at(loading->problems, format ? format->line : root->line,
                      format ? format->column : root->column,
                      "not a vocabulary of this format; expected `sluis_vocabulary: 1`");
    const struct yaml_node *version = yaml_get(root, "version");
    uint64_t value = 0;
    if (!version || !slice_to_u64(version->text, UINT32_MAX, &value) || value == 0)
        yaml_error_at(loading->problems, version ? version->line : root->line,
                      version ? version->column : root->column,
                      "`version` is missing, or no positive number");
    loading->vocabulary->version = (uint32_t)value;
}

static enum sl_err load_root(struct loading *loading, const struct yaml_node *root)
{
    static const char *const keys[] = {"sluis_vocabulary", "version",    "classes",
                                       "purposes",         "situations", NULL};
    if (!yaml_check_keys(root, "a vocabulary", keys, loading->problems))
        return SL_EMALFORMED;
    read_versions(loading, root);
    SL_TRY(read_classes(loading, root));
    SL_TRY(
        read_terms(loading, root, "purposes", "a purpose", true, &loading->vocabulary->purposes));
    SL_TRY(read_terms(loading, root, "situations", "a situation", false,
                      &loading->vocabulary->situations));
    link_classes(loading, root);
    return check_all_codes(loading);
}

enum sl_err vocabulary_load(struct slice text, struct yaml_problems *problems,
                            struct vocabulary **out)
{
    const size_t n_errors_before = problems->n_errors;
    const struct yaml_limits limits = {VOCABULARY_BYTES_MAX, LIMIT_MAX_policy_depth};
    SL_AUTO(yaml_document) document = NULL;
    SL_TRY(yaml_parse_further(text, limits, problems, &document));

    SL_AUTO(vocabulary) vocabulary = calloc(1, sizeof *vocabulary);
    if (!vocabulary)
        return SL_EINTERNAL;
    struct loading loading = {vocabulary, problems};
    SL_TRY(load_root(&loading, yaml_root(document)));
    vocabulary->text = pool_copy(&vocabulary->pool, text);
    if (vocabulary->pool.failed)
        return SL_EINTERNAL;
    if (problems->n_errors > n_errors_before)
        return SL_EMALFORMED;
    sha256_of(text, vocabulary->sha256);
    *out = vocabulary;
    vocabulary = NULL;
    return SL_OK;
}

void vocabulary_free(struct vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    pool_deinit(&vocabulary->pool);
    free(vocabulary);
}

uint32_t vocabulary_version(const struct vocabulary *vocabulary)
{
    return vocabulary->version;
}

const uint8_t *vocabulary_sha256(const struct vocabulary *vocabulary)
{
    return vocabulary->sha256;
}

struct slice vocabulary_text(const struct vocabulary *vocabulary)
{
    return vocabulary->text;
}

const struct vocabulary_class *vocabulary_class_find(const struct vocabulary *vocabulary,
                                                     struct slice name)
{
    for (size_t i = 0; i < vocabulary->n_classes; i++) {
        if (slice_equals(vocabulary->classes[i].term.name, name))
            return &vocabulary->classes[i];
    }
    return NULL;
}

const struct vocabulary_class *vocabulary_class_by_code(const struct vocabulary *vocabulary,
                                                        uint32_t code)
{
    for (size_t i = 0; i < vocabulary->n_classes; i++) {
        if (vocabulary->classes[i].term.code == code)
            return &vocabulary->classes[i];
    }
    return NULL;
}

const struct vocabulary_class *vocabulary_class_of_field(const struct vocabulary *vocabulary,
                                                         struct slice name, enum part_form *form)
{
    for (size_t i = 0; i < vocabulary->n_classes; i++) {
        const struct vocabulary_class *class = &vocabulary->classes[i];
        if (class->n_parts == 0 && slice_equals(class->term.name, name)) {
            *form = class->form;
            return class;
        }
        for (size_t j = 0; j < class->n_parts; j++) {
            if (slice_equals(class->parts[j].name, name)) {
                *form = class->parts[j].form;
                return class;
            }
        }
    }
    return NULL;
}

static const struct vocabulary_term *term_find(const struct term_list *list, struct slice name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (slice_equals(list->terms[i].name, name))
            return &list->terms[i];
    }
    return NULL;
}

const struct vocabulary_term *vocabulary_purpose_find(const struct vocabulary *vocabulary,
                                                      struct slice name)
{
    return term_find(&vocabulary->purposes, name);
}

const struct vocabulary_term *vocabulary_situation_find(const struct vocabulary *vocabulary,
                                                        struct slice name)
{
    return term_find(&vocabulary->situations, name);
}

size_t vocabulary_n_classes(const struct vocabulary *vocabulary)
{
    return vocabulary->n_classes;
}

const struct vocabulary_class *vocabulary_class_at(const struct vocabulary *vocabulary, size_t i)
{
    SL_ASSERT(i < vocabulary->n_classes);
    return &vocabulary->classes[i];
}

size_t vocabulary_n_purposes(const struct vocabulary *vocabulary)
{
    return vocabulary->purposes.n;
}

const struct vocabulary_term *vocabulary_purpose_at(const struct vocabulary *vocabulary, size_t i)
{
    SL_ASSERT(i < vocabulary->purposes.n);
    return &vocabulary->purposes.terms[i];
}

size_t vocabulary_n_situations(const struct vocabulary *vocabulary)
{
    return vocabulary->situations.n;
}

const struct vocabulary_term *vocabulary_situation_at(const struct vocabulary *vocabulary, size_t i)
{
    SL_ASSERT(i < vocabulary->situations.n);
    return &vocabulary->situations.terms[i];
}
