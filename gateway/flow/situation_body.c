/*
 * situation_body.c - checks each word against the vocabulary, and the lifetime against its limit
 */
#include "flow/situation_body.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *const situation_body_members[] = {"situation", "expires_in", NULL};

enum { WORDS_MAX = 512 };

static void say_unknown(const struct vocabulary *vocabulary, struct slice word,
                        char detail[SITUATION_DETAIL_BYTES])
{
    const char *names[WORDS_MAX]; /* the vocabulary ends each text with a NUL */
    size_t n = 0;
    for (; n < vocabulary_n_situations(vocabulary) && n < WORDS_MAX; n++)
        names[n] = (const char *)vocabulary_situation_at(vocabulary, n)->name.p;
    const char *nearest = yaml_nearest(word, names, n);
    int at = snprintf(detail, SITUATION_DETAIL_BYTES, "Unknown situation \"%.*s\"; ",
                      (int)(word.n < 64 ? word.n : 64), (const char *)word.p);
    snprintf(detail + at, SITUATION_DETAIL_BYTES - (size_t)at,
             nearest ? "did you mean \"%s\"?" : "`sluis vocabulary` lists those that there are%s.",
             nearest ? nearest : "");
}

static bool read_words(const json_t *list, const struct vocabulary *vocabulary,
                       struct situations_told *out, char detail[SITUATION_DETAIL_BYTES])
{
    const size_t n = json_array_size(list);
    if (n == 0 || n > LIMIT_MAX_told_situations) {
        snprintf(detail, SITUATION_DETAIL_BYTES,
                 "\"situation\" must be a list of 1 to %d words; to take back what was told, "
                 "DELETE.",
                 LIMIT_MAX_told_situations);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const struct slice word = slice_of(json_string_value(item), json_string_length(item));
        if (!json_is_string(item)) {
            snprintf(detail, SITUATION_DETAIL_BYTES,
                     "Element %zu of \"situation\" is no text; expected a word of the vocabulary.",
                     i);
            return false;
        }
        const struct vocabulary_term *term = vocabulary_situation_find(vocabulary, word);
        if (!term) {
            say_unknown(vocabulary, word, detail);
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (out->terms[k] != term)
                continue;
            snprintf(detail, SITUATION_DETAIL_BYTES, "The situation \"%.*s\" stands twice.",
                     SLICE_PRINTF(term->name));
            return false;
        }
        out->terms[i] = term;
    }
    out->n = n;
    return true;
}

/* How a value of the wrong kind is named; a number is shown as it is. */
static void name_value(const json_t *value, char text[32])
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",     [JSON_STRING] = "a text",
        [JSON_REAL] = "a fraction",  [JSON_TRUE] = "true",        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",        [JSON_INTEGER] = "a number",
    };
    if (json_is_integer(value))
        snprintf(text, 32, "%lld", (long long)json_integer_value(value));
    else
        snprintf(text, 32, "%s", value ? kinds[json_typeof(value)] : "nothing");
}

static bool read_lifetime(const json_t *value, uint64_t max_s, struct situations_told *out,
                          char detail[SITUATION_DETAIL_BYTES])
{
    const json_int_t left_s = json_integer_value(value);
    if (json_is_integer(value) && left_s >= 1 && left_s <= (json_int_t)max_s) {
        out->left_s = (uint32_t)left_s;
        return true;
    }
    char found[32];
    name_value(value, found);
    snprintf(detail, SITUATION_DETAIL_BYTES,
             "\"expires_in\" must be a whole number of seconds from now, 1 to %llu; found %s. "
             "What lasts longer is told again.",
             (unsigned long long)max_s, found);
    return false;
}

bool situation_body_read(const struct json_t *object, const struct config *config,
                         struct situations_told *out, char detail[SITUATION_DETAIL_BYTES])
{
    struct situations_told told = {0};
    if (!read_words(json_object_get(object, "situation"), config->vocabulary, &told, detail) ||
        !read_lifetime(json_object_get(object, "expires_in"), config->limits.situation_s, &told,
                       detail))
        return false;
    *out = told;
    return true;
}
