/*
 * fuzz_situation.c - a path's segment, a line feed, and what an app's body says of the moment
 *
 * Property: a name that is read, escaped byte by byte, is read as itself. A body that is taken has
 * one word to eight of the vocabulary, none twice, and a lifetime within its limit; said again by
 * another writer it is the same. One that is not taken says why. And in any JSON, the values that a
 * route lists are found where another parser finds them.
 */
#include "flow/situation_body.h"
#include "flow/situation_field.h"
#include "identify/user.h"
#include "policy/vocabulary_default.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config;

static void load(void)
{
    struct vocabulary *vocabulary = NULL;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    SL_ASSERT(vocabulary_load(vocabulary_default_text(), &problems, &vocabulary) == SL_OK);
    config.vocabulary = vocabulary;
    config.limits = limits_default();
}

static void try_segment(struct slice segment)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t name[LIMIT_MAX_account_user_bytes], again[LIMIT_MAX_account_user_bytes];
    char escaped[3 * LIMIT_MAX_account_user_bytes];
    struct writer writer = writer_over(name, sizeof name);
    if (!user_read(segment, &writer))
        return;
    SL_ASSERT(!writer.overflow && writer.n > 0 && writer.n <= segment.n);
    for (size_t i = 0; i < writer.n; i++) {
        escaped[3 * i] = '%';
        escaped[3 * i + 1] = digits[name[i] >> 4];
        escaped[3 * i + 2] = digits[name[i] & 15];
    }
    struct writer same = writer_over(again, sizeof again);
    SL_ASSERT(user_read(slice_of(escaped, 3 * writer.n), &same));
    SL_ASSERT(slice_equals(writer_slice(&writer), writer_slice(&same)));
}

static void check_told(const struct situations_told *told)
{
    SL_ASSERT(told->n >= 1 && told->n <= LIMIT_MAX_told_situations);
    SL_ASSERT(told->left_s >= 1 && told->left_s <= config.limits.situation_s);
    json_t *words = json_array();
    for (size_t i = 0; i < told->n; i++) {
        const struct vocabulary_term *term = told->terms[i];
        SL_ASSERT(vocabulary_situation_find(config.vocabulary, term->name) == term);
        for (size_t k = 0; k < i; k++)
            SL_ASSERT(told->terms[k] != term);
        json_array_append_new(words, json_stringn((const char *)term->name.p, term->name.n));
    }
    json_t *said =
        json_pack("{s:o, s:I}", "situation", words, "expires_in", (json_int_t)told->left_s);
    struct situations_told again = {0};
    char detail[SITUATION_DETAIL_BYTES];
    SL_ASSERT(said && situation_body_read(said, &config, &again, detail));
    json_decref(said);
    SL_ASSERT(again.n == told->n && again.left_s == told->left_s);
    SL_ASSERT(memcmp(again.terms, told->terms, told->n * sizeof *told->terms) == 0);
}

static const struct config_situation_value values[] = {{SLICE_LITERAL("driving"), 1},
                                                       {SLICE_LITERAL("a\"b\xc3\xa9"), 2},
                                                       {SLICE_LITERAL("900"), 4},
                                                       {SLICE_LITERAL("true"), 8},
                                                       {SLICE_LITERAL("null"), 16}};
static const struct config_situation_field field = {.n_values = SL_LENGTH(values),
                                                    .values = values};

/* By another parser. */
static unsigned values_of(const json_t *value)
{
    unsigned found = 0;
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item) found |= values_of(item);
        return found;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) found |= values_of(item);
        return found;
    }
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    const struct slice written =
        text ? slice_of_str(text) : slice_of(json_string_value(value), json_string_length(value));
    for (size_t k = 0; k < SL_LENGTH(values); k++)
        found |= slice_equals(values[k].text, written) ? values[k].situations : 0;
    free(text);
    return found;
}

static void compare_values(const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    SL_ASSERT(text);
    SL_ASSERT(situation_field_read(&field, slice_of_str(text)) == values_of(object));
    free(text);
    text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    SL_ASSERT(text);
    SL_ASSERT(situation_field_read(&field, slice_of_str(text)) == values_of(object));
    free(text);
}

static void try_body(struct slice body)
{
    json_t *object = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    struct situations_told told = {0};
    char detail[SITUATION_DETAIL_BYTES] = "";
    if (json_is_object(object)) {
        compare_values(object);
        if (situation_body_read(object, &config, &told, detail))
            check_told(&told);
        else
            SL_ASSERT(told.n == 0 && detail[0]);
    }
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config.vocabulary)
        load();
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t n = end ? (size_t)(end - data) : size;
    try_segment(slice_of(data, n));
    if (end)
        try_body(slice_of(end + 1, size - n - 1));
    return 0;
}
