/*
 * filter.c - how many bytes a second the filter reads
 *
 * Answers of the kinds that matter: a position as most apps send it (350 bytes, in one
 * piece), long lists of points, topics and identifiers, and text that is dropped. Prints nanoseconds
 * per answer and megabytes per second; asserts nothing, since a figure depends on the machine.
 */
#include "transform/filter.h"
#include "base/timestamp.h"
#include "transform/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    const char *name;
    struct slice bytes;
    const struct path_trie *trie;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct named_field {
    const char *path;
    struct path_field field;
};

static struct path_trie *trie_of(const struct named_field *fields, size_t n_fields)
{
    struct path_trie *trie = NULL;
    size_t fault_at;
    must(path_trie_new(&trie) == SL_OK);
    for (size_t i = 0; i < n_fields; i++)
        must(path_trie_add(trie, slice_of_str(fields[i].path), fields[i].field, &fault_at) ==
             PATH_OK);
    must(path_trie_finish(trie) == PATH_OK);
    return trie;
}

static const char position_answer[] =
    "{\"user\":\"lotte\",\"position\":{\"lat\":52.370216,\"lon\":4.895168,\"kmh\":48.25,"
    "\"heading\":271,\"accuracy\":4.5},\"vehicle\":{\"make\":\"Volvo\",\"model\":\"V60\","
    "\"colour\":\"blue\",\"plate\":\"12-ABC-3\"},\"route\":{\"from\":\"Amsterdam Centraal\","
    "\"to\":\"Utrecht, Domplein 4\",\"minutes_left\":27,\"via\":[\"A2\",\"A12\"]},"
    "\"at\":\"2026-11-23T08:14:52Z\",\"status\":\"driving\",\"session\":\"8f1d2c3b4a59\"}";

static const struct named_field position_fields[] = {
    {"$.user", {FIELD_SUBJECT, 0}},
    {"$.position.lat", {FIELD_LATITUDE, 0}},
    {"$.position.lon", {FIELD_LONGITUDE, 0}},
    {"$.position.kmh", {FIELD_VALUE, 1}},
    {"$.at", {FIELD_TIME, 0}},
    {"$.status", {FIELD_STRUCTURE, 0}},
};

static const struct named_field trace_fields[] = {
    {"$.type", {FIELD_STRUCTURE, 0}},
    {"$.features[*].type", {FIELD_STRUCTURE, 0}},
    {"$.features[*].geometry.type", {FIELD_STRUCTURE, 0}},
    {"$.features[*].geometry.coordinates[0]", {FIELD_LONGITUDE, 0}},
    {"$.features[*].geometry.coordinates[1]", {FIELD_LATITUDE, 0}},
    {"$.features[*].properties.speed", {FIELD_VALUE, 1}},
    {"$.features[*].properties.time", {FIELD_TIME, 0}},
};

/* A value far from the trie. */
static const struct named_field dropped_fields[] = {{"$.kept", {FIELD_VALUE, 0}}};

static struct slice trace_answer(size_t n_points)
{
    size_t cap = n_points * 220 + 100;
    char *text = malloc(cap);
    must(text != NULL);
    size_t n = (size_t)sprintf(text, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < n_points; i++)
        n += (size_t)snprintf(text + n, cap - n,
                              "%s{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\","
                              "\"coordinates\":[%.6f,%.6f]},\"properties\":{\"speed\":%zu.5,"
                              "\"time\":\"2026-11-23T08:%02zu:%02zuZ\",\"road\":\"A%zu\"}}",
                              i ? "," : "", 4.8 + (double)i * 1e-4, 52.3 + (double)i * 1e-4,
                              i % 130, i / 60 % 60, i % 60, i % 79);
    n += (size_t)snprintf(text + n, cap - n, "]}");
    return slice_of(text, n);
}

static const struct named_field identifier_fields[] = {{"$[*]", {FIELD_PERSON, 1}}};

/* 500 texts that begin with `unit`. */
static struct slice list_answer(const char *unit)
{
    enum { N_ELEMENTS = 500 };
    const size_t cap = N_ELEMENTS * (strlen(unit) + 16);
    char *text = malloc(cap);
    must(text != NULL);
    size_t n = 0;
    for (unsigned i = 0; i < N_ELEMENTS; i++)
        n += (size_t)snprintf(text + n, cap - n, "%c\"%s%u\"", i ? ',' : '[', unit, i % 10);
    n += (size_t)snprintf(text + n, cap - n, "]");
    return slice_of(text, n);
}

static const struct path_trie *topic_trie(void)
{
    struct path_trie *trie = NULL;
    struct pattern *pattern = NULL;
    size_t at;
    const struct path_field field = {.form = FIELD_PATTERN};
    must(pattern_new(slice_of_str("user/{subject}/geo/{geohash}"), &pattern, &at) == PATTERN_OK);
    pattern->pieces[0].form = FIELD_SUBJECT;
    pattern->pieces[1].form = FIELD_GEOHASH;
    pattern->classes = 1;
    must(path_trie_new(&trie) == SL_OK);
    must(path_trie_add(trie, slice_of_str("$[*]"), field, &at) == PATH_OK);
    path_trie_set_pattern(trie, pattern);
    must(path_trie_finish(trie) == PATH_OK);
    return trie;
}

/* 1 MiB: `unit` again and again as elements of a member that no field names. */
static struct slice dropped_answer(const char *unit)
{
    size_t cap = 1 << 20;
    char *text = malloc(cap);
    must(text != NULL);
    size_t n = (size_t)sprintf(text, "{\"kept\":1,\"dropped\":[%s", unit);
    while (n + strlen(unit) + 8 < cap)
        n += (size_t)snprintf(text + n, cap - n, ",%s", unit);
    n += (size_t)snprintf(text + n, cap - n, "]}");
    return slice_of(text, n);
}

static void measure(struct filter *filter, const struct answer *answer,
                    const struct reduction *reduction)
{
    size_t n_rounds = (size_t)400000000 / answer->bytes.n + 1;
    int64_t best_ms = INT64_MAX;
    size_t n_out = 0;
    for (int repeat = 0; repeat < 3; repeat++) {
        int64_t start_ms = clock_monotonic_ms();
        for (size_t i = 0; i < n_rounds; i++) {
            filter_begin(filter, answer->trie, reduction);
            must(filter_feed(filter, answer->bytes) == SL_OK);
            must(filter_finish(filter) == SL_OK);
            n_out = filter_output(filter).n;
        }
        int64_t took_ms = clock_monotonic_ms() - start_ms;
        if (took_ms < best_ms)
            best_ms = took_ms;
    }
    double ns = (double)best_ms * 1e6 / (double)n_rounds;
    printf("%-28s %8zu bytes in %8zu out %12.0f ns %8.0f MB/s\n", answer->name, answer->bytes.n,
           n_out, ns, (double)answer->bytes.n * 1e3 / ns);
}

int main(void)
{
    static const char long_text[] = "\"It was a bright cold day in April, and the clocks were "
                                    "striking thirteen. Nobody looked up from what he was at.\"";
    static const char cyrillic[] = "\"\u0412\u0441\u0435 \u0441\u0447\u0430\u0441\u0442\u043b"
                                   "\u0438\u0432\u044b\u0435 \u0441\u0435\u043c\u044c\u0438\"";
    static const char record[] = "{\"id\":\"4uLU6hMCjMI75M1A2tKUQC\",\"name\":\"Never\","
                                 "\"popularity\":77,\"explicit\":false,\"disc_number\":1,"
                                 "\"href\":\"https://api.example/v1/tracks/4uLU6hMCjMI\"}";
    struct reduction reduction = {
        .n_classes = 2,
        .classes = {{.keep = true}, {.keep = true}},
        .user = slice_of_str("lotte"),
        .pseudonym = slice_of_str("p_3kTMd0Zt9nFzqkY2v8wQbA"),
    };
    struct reduction coarse = reduction;
    coarse.classes[0].coarseness.by[COARSE_PRECISION] = 5000;
    coarse.time_s = 900;

    const struct path_trie *position_trie = trie_of(position_fields, SL_LENGTH(position_fields));
    const struct path_trie *trace_trie = trie_of(trace_fields, SL_LENGTH(trace_fields));
    const struct path_trie *dropped_trie = trie_of(dropped_fields, SL_LENGTH(dropped_fields));
    struct answer position = {"position, kept", slice_of_str(position_answer), position_trie};
    struct answer position_coarse = {"position, coarsened", position.bytes, position_trie};
    struct answer trace = {"500 points, coarsened", trace_answer(500), trace_trie};
    struct hmac_key key;
    hmac_key_init(&key, slice_of_str("a key"));
    coarse.app = slice_of_str("waze");
    coarse.identifier_key = &key;
    struct answer topics = {"500 topics, coarsened", list_answer("user/lotte/geo/u173zq37x"),
                            topic_trie()};
    struct answer identifiers = {"500 identifiers", list_answer("bram-"),
                                 trie_of(identifier_fields, SL_LENGTH(identifier_fields))};
    struct answer dropped[] = {
        {"dropped: text", dropped_answer(long_text), dropped_trie},
        {"dropped: text beyond ASCII", dropped_answer(cyrillic), dropped_trie},
        {"dropped: records", dropped_answer(record), dropped_trie},
        {"dropped: numbers", dropped_answer("52.370216,4.895168,271"), dropped_trie},
    };

    struct limits limits = limits_default();
    SL_AUTO(filter) filter = NULL;
    must(filter_new(&limits, &filter) == SL_OK);
    measure(filter, &position, &reduction);
    measure(filter, &position_coarse, &coarse);
    measure(filter, &trace, &coarse);
    measure(filter, &topics, &coarse);
    measure(filter, &identifiers, &coarse);
    for (size_t i = 0; i < SL_LENGTH(dropped); i++)
        measure(filter, &dropped[i], &reduction);
    return 0;
}
