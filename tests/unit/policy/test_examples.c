/*
 * test_examples.c - policies/: the examples load, and the schema for editors says what load.c says
 *
 * The schema is read with jansson and held against the vocabulary and against the examples, with
 * as much of JSON Schema 2020-12 as it uses. POLICIES_FOLDER comes from meson.build.
 */
#include "help.h"

#include <dirent.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *schema;

static struct slice read_file(const char *path)
{
    static char block[LIMIT_MAX_policy_bytes];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(block, 1, sizeof block, file);
    fclose(file);
    return slice_of(block, n);
}

/* Calls `check` with the path and the text of every example. */
static void for_each_example(void (*check)(const char *name, struct slice text))
{
    struct dirent **entries;
    int n = scandir(POLICIES_FOLDER "/examples", &entries, NULL, alphasort), n_examples = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, POLICIES_FOLDER "/examples/%s", entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            check(entries[i]->d_name, read_file(path));
            n_examples++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(n_examples >= 4);
}

static void load_example(const char *name, struct slice text)
{
    yaml_problems_deinit(&problems);
    SL_AUTO(policy_document) policy = NULL;
    enum sl_err err = policy_load(text, vocabulary, &problems, &policy);
    if (err != SL_OK || problems.n > 0)
        fail_msg("%s:%u: %s", name, problems.list[0].line, problems.list[0].text);
    static uint8_t block[POLICY_BLOB_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    assert_true(policy->n_consents > 0 && policy->n_refusals > 0);
    char subject[64];
    snprintf(subject, sizeof subject, "%.*s.yaml", SLICE_PRINTF(policy->subject));
    assert_string_equal(subject, name);
}

static void examples_load_and_compile_without_a_word(void **state)
{
    (void)state;
    for_each_example(load_example);
}

static bool matches(const char *pattern, struct slice text)
{
    regex_t regex;
    char terminated[1024];
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    snprintf(terminated, sizeof terminated, "%.*s", SLICE_PRINTF(text));
    bool found = regexec(&regex, terminated, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool enum_has(const json_t *list, struct slice text)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        if (slice_equals_str(text, json_string_value(value)))
            return true;
    }
    return false;
}

static size_t number(const json_t *rule, const char *key, size_t otherwise)
{
    const json_t *value = json_object_get(rule, key);
    return value ? (size_t)json_integer_value(value) : otherwise;
}

static bool is_valid(const json_t *rule, const struct yaml_node *node);

static bool is_valid_object(const json_t *rule, const struct yaml_node *node)
{
    const json_t *properties = json_object_get(rule, "properties");
    if (node->kind != YAML_MAPPING || node->n_children < number(rule, "minProperties", 0))
        return false;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        const json_t *property =
            json_object_getn(properties, (const char *)child->key.p, child->key.n);
        if (!property || !is_valid(property, child))
            return false;
    }
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(rule, "required"), i, name)
    {
        if (!yaml_get(node, json_string_value(name)))
            return false;
    }
    return true;
}

static bool is_valid_array(const json_t *rule, const struct yaml_node *node)
{
    if (node->kind != YAML_SEQUENCE || node->n_children < number(rule, "minItems", 0) ||
        node->n_children > number(rule, "maxItems", SIZE_MAX))
        return false;
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (!is_valid(json_object_get(rule, "items"), item))
            return false;
        for (const struct yaml_node *other = node->first;
             other != item && json_is_true(json_object_get(rule, "uniqueItems"));
             other = other->next) {
            if (slice_equals(other->text, item->text))
                return false;
        }
    }
    return true;
}

static bool is_valid(const json_t *rule, const struct yaml_node *node)
{
    const char *reference = json_string_value(json_object_get(rule, "$ref"));
    if (reference) {
        assert_int_equal(strncmp(reference, "#/$defs/", 8), 0);
        rule = json_object_get(json_object_get(schema, "$defs"), reference + 8);
        assert_non_null(rule);
    }
    const char *type = json_string_value(json_object_get(rule, "type"));
    if (type && strcmp(type, "object") == 0)
        return is_valid_object(rule, node);
    if (type && strcmp(type, "array") == 0)
        return is_valid_array(rule, node);
    if (node->kind != YAML_SCALAR)
        return false;
    if (json_object_get(rule, "const"))
        return slice_equals_str(node->text, "1");
    if (json_object_get(rule, "enum"))
        return enum_has(json_object_get(rule, "enum"), node->text);
    const char *pattern = json_string_value(json_object_get(rule, "pattern"));
    return node->text.n >= number(rule, "minLength", 0) &&
           node->text.n <= number(rule, "maxLength", SIZE_MAX) &&
           (!pattern || matches(pattern, node->text));
}

static bool schema_takes(struct slice text)
{
    yaml_problems_deinit(&problems);
    SL_AUTO(yaml_document) document = NULL;
    const struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    assert_int_equal(yaml_parse(text, limits, &problems, &document), SL_OK);
    return is_valid(schema, yaml_root(document));
}

static void check_example(const char *name, struct slice text)
{
    if (!schema_takes(text))
        fail_msg("the schema refuses %s", name);
}

static void schema_takes_the_examples(void **state)
{
    (void)state;
    for_each_example(check_example);
}

/* What is wrong in itself is wrong for both; what needs two keys at once only load.c can see. */
static void schema_refuses_what_the_loader_refuses(void **state)
{
    (void)state;
#define CONSENT "consents: [{id: a, app: b, partner: c, purpose: sales, in_return: x, data: "
    static const char *const bad[] = {
        "subject: lotte\n",
        "sluis: 1\n",
        "sluis: 2\nsubject: lotte\n",
        "sluis: 1\nsubject: a/b\n",
        "sluis: 1\nsubject: lotte\nconsent: []\n",
        "sluis: 1\nsubject: lotte\ntimezone: ../x\n",
        HEAD "consents: [{id: a}]\n",
        HEAD "consents: [{id: A, app: b, partner: c, purpose: sales, data: {location: {}}}]\n",
        HEAD "consents: [{id: a, app: b, partner: c, purpose: fun, data: {location: {}}}]\n",
        HEAD CONSENT "{}}]\n",
        HEAD CONSENT "[location]}]\n",
        HEAD CONSENT "{location.latitude: {}}}]\n",
        HEAD CONSENT "{location: {detail: x}}}]\n",
        HEAD CONSENT "{location: {precision: 5 km}}}]\n",
        HEAD CONSENT "{location: {time: 5m}}}]\n",
        HEAD CONSENT "{location.speed: {precision: 5km}}}]\n",
        HEAD CONSENT "{location: {}}, situation: []}]\n",
        HEAD CONSENT "{location: {}}, situation: [driving, driving]}]\n",
        HEAD CONSENT "{location: {}}, situation: driving}]\n",
        HEAD CONSENT "{location: {}}, when: {}}]\n",
        HEAD CONSENT "{location: {}}, when: {days: [monday]}}]\n",
        HEAD CONSENT "{location: {}}, when: {hours: \"24:00-06:00\"}}]\n",
        HEAD CONSENT "{location: {}}, when: {hours: \"06:00-24:01\"}}]\n",
        HEAD CONSENT "{location: {}}, from: 1 May}]\n",
        HEAD CONSENT "{location: {}}, at_most: 24}]\n",
        HEAD CONSENT "{location: {}}, at_most: 1000001 per day}]\n",
        HEAD CONSENT "{location: {}}, at_most: 0 per day}]\n",
        HEAD "refuse: [{data: []}]\n",
        HEAD "refuse: [{data: [locaton]}]\n",
        HEAD "refuse: [{situation: [driving]}]\n",
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        struct policy_document *policy = NULL;
        if (schema_takes(slice_of_str(bad[i])))
            fail_msg("the schema takes %s", bad[i]);
        if (policy_load(slice_of_str(bad[i]), vocabulary, &problems, &policy) == SL_OK)
            fail_msg("the loader takes %s", bad[i]);
    }
}

static const json_t *definition(const char *name)
{
    return json_object_get(json_object_get(schema, "$defs"), name);
}

static void schema_knows_the_words_of_the_vocabulary(void **state)
{
    (void)state;
    const json_t *data = json_object_get(definition("data"), "properties");
    const json_t *classes = json_object_get(definition("data_class"), "enum");
    assert_int_equal(json_object_size(data), vocabulary_n_classes(vocabulary));
    assert_int_equal(json_array_size(classes), vocabulary_n_classes(vocabulary));
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++) {
        const struct vocabulary_class *class = vocabulary_class_at(vocabulary, i);
        const char *name = (const char *)class->term.name.p;
        assert_true(enum_has(classes, class->term.name));
        const char *reference =
            json_string_value(json_object_get(json_object_get(data, name), "$ref"));
        assert_non_null(reference);
        const json_t *grant =
            json_object_get(definition(reference + strlen("#/$defs/")), "properties");
        unsigned dimensions = json_object_get(grant, "detail") ? DIMENSION_DETAIL : 0;
        for (unsigned k = 0; k < N_COARSE; k++) {
            const char *key = dimension_key((enum coarse_dimension)k);
            if (key ? json_object_get(grant, key) != NULL : class->dimensions >> k & 1)
                dimensions |= 1U << k;
        }
        if (dimensions != class->dimensions)
            fail_msg("the schema gives %s other dimensions", name);
    }
    const json_t *purposes = json_object_get(definition("purpose"), "enum");
    assert_int_equal(json_array_size(purposes), vocabulary_n_purposes(vocabulary));
    for (size_t i = 0; i < vocabulary_n_purposes(vocabulary); i++)
        assert_true(enum_has(purposes, vocabulary_purpose_at(vocabulary, i)->name));
    const json_t *situations = json_object_get(definition("situation"), "enum");
    assert_int_equal(json_array_size(situations), vocabulary_n_situations(vocabulary));
    for (size_t i = 0; i < vocabulary_n_situations(vocabulary); i++)
        assert_true(enum_has(situations, vocabulary_situation_at(vocabulary, i)->name));
}

static int set_up(void **state)
{
    json_error_t error;
    schema = json_load_file(POLICIES_FOLDER "/schema/policy.schema.json", JSON_REJECT_DUPLICATES,
                            &error);
    return schema ? set_up_vocabulary(state) : -1;
}

static int tear_down(void **state)
{
    json_decref(schema);
    return tear_down_vocabulary(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_load_and_compile_without_a_word),
        cmocka_unit_test(schema_takes_the_examples),
        cmocka_unit_test(schema_refuses_what_the_loader_refuses),
        cmocka_unit_test(schema_knows_the_words_of_the_vocabulary),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
