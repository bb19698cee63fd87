/*
 * fuzz_filter.c - any answer ends in one way however it is cut, and never lets more pass
 *
 * The first four bytes choose a route, a plan and how the rest is cut into pieces; the rest is the
 * answer. What must hold:
 *   - whole, in random pieces, and byte by byte: the same output, or the same fault at the same
 *     place
 *   - an output is JSON to jansson, without duplicate keys
 *   - the filter refuses what jansson refuses, and takes what jansson takes, but for the
 *     differences named in test_filter_model.c
 *   - the output is what the naive reduction of jansson's tree leaves: every kept field, and
 *     nothing else; and it refuses what the naive reduction refuses
 */
#include "naive_filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct named_field {
    const char *path;
    struct path_field field;
};

enum { N_ROUTES = 4, FIELDS_MAX = 12, CHOICE_BYTES = 4, N_CLASSES = 3 };

static const struct named_field fields[N_ROUTES][FIELDS_MAX] = {
    {
        {"$.u", {FIELD_SUBJECT, 0}},
        {"$.p.lat", {FIELD_LATITUDE, 0}},
        {"$.p.lon", {FIELD_LONGITUDE, 0}},
        {"$.p.kmh", {FIELD_VALUE, 1}},
        {"$.l[*].lat", {FIELD_LATITUDE, 0}},
        {"$.l[*].lon", {FIELD_LONGITUDE, 0}},
        {"$.l[*].u", {FIELD_SUBJECT, 0}},
        {"$.t", {FIELD_TIME, 0}},
        {"$.s", {FIELD_STRUCTURE, 0}},
    },
    {
        {"$.type", {FIELD_STRUCTURE, 0}},
        {"$.f[*].type", {FIELD_STRUCTURE, 0}},
        {"$.f[*].g.c[0]", {FIELD_LONGITUDE, 0}},
        {"$.f[*].g.c[1]", {FIELD_LATITUDE, 0}},
        {"$.f[*].p.v", {FIELD_VALUE, 1}},
        {"$.f[*].p.t", {FIELD_TIME, 0}},
        {"$.f[*].p.u", {FIELD_SUBJECT, 0}},
    },
    {
        {"$[*].a", {FIELD_VALUE, 0}},
        {"$[*].b[2].a", {FIELD_VALUE, 1}},
        {"$[*].b[0]", {FIELD_TIME, 0}},
        {"$[*].c[*][*]", {FIELD_VALUE, 2}},
    },
    {{"$", {FIELD_VALUE, 0}}},
};

static struct naive_route routes[N_ROUTES];
static struct path_trie *tries[N_ROUTES];
static struct filter *filter;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void set_up(void)
{
    struct limits limits = limits_default();
    limits.json_token_bytes = 256;
    limits.json_members = 16;
    must(filter_new(&limits, &filter) == SL_OK);
    for (size_t i = 0; i < N_ROUTES; i++) {
        must(path_trie_new(&tries[i]) == SL_OK);
        for (size_t k = 0; k < FIELDS_MAX && fields[i][k].path; k++)
            must(naive_route_add(&routes[i], tries[i], fields[i][k].path, fields[i][k].field));
        must(path_trie_finish(tries[i]) == PATH_OK);
    }
}

struct ending {
    enum filter_fault fault;
    uint64_t fault_at;
};

static struct ending run(const struct path_trie *trie, const struct reduction *reduction,
                         struct slice answer, uint32_t cuts)
{
    filter_begin(filter, trie, reduction);
    enum sl_err err = SL_OK;
    for (size_t at = 0; err == SL_OK && at < answer.n;) {
        cuts = cuts * 1103515245 + 12345;
        size_t n = cuts % 2 ? cuts >> 16 & 7 : cuts >> 16 & 127;
        n = n < answer.n - at ? n : answer.n - at;
        err = filter_feed(filter, slice_of(answer.p + at, n));
        at += n;
    }
    if (err == SL_OK)
        err = filter_finish(filter);
    must((err == SL_OK) == (filter_fault(filter) == FILTER_OK));
    return (struct ending){filter_fault(filter), filter_fault_at(filter)};
}

static struct ending run_in(const struct path_trie *trie, const struct reduction *reduction,
                            struct slice answer, size_t n_piece)
{
    filter_begin(filter, trie, reduction);
    enum sl_err err = SL_OK;
    for (size_t at = 0; err == SL_OK && at < answer.n; at += n_piece) {
        size_t n = n_piece < answer.n - at ? n_piece : answer.n - at;
        err = filter_feed(filter, slice_of(answer.p + at, n));
    }
    if (err == SL_OK)
        err = filter_finish(filter);
    must((err == SL_OK) == (filter_fault(filter) == FILTER_OK));
    return (struct ending){filter_fault(filter), filter_fault_at(filter)};
}

static bool is_grammar(enum filter_fault fault)
{
    return fault == FILTER_SYNTAX || fault == FILTER_UTF8 || fault == FILTER_SURROGATE ||
           fault == FILTER_DUPLICATE_KEY || fault == FILTER_TRUNCATED;
}

static bool is_limit(enum filter_fault fault)
{
    return fault == FILTER_DEPTH || fault == FILTER_TOKEN || fault == FILTER_MEMBERS ||
           fault == FILTER_TOO_LARGE;
}

/*
 * Numbers whose last digits a double keeps, without exponents: only of them does jansson's tree
 * tell enough to repeat what the filter does with their digits.
 */
static bool has_plain_numbers(struct slice text)
{
    size_t n_run = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool is_digit = text.p[i] >= '0' && text.p[i] <= '9';
        if (n_run > 14 || (n_run > 0 && (text.p[i] | 0x20) == 'e'))
            return false;
        n_run = is_digit || text.p[i] == '.' ? n_run + 1 : 0;
    }
    return n_run <= 14;
}

static void compare(const struct naive_route *route, const struct reduction *reduction,
                    struct slice answer, struct ending ending, struct slice output)
{
    /* jansson reads on over raw NUL bytes, and takes no \u0000 in keys. */
    if (answer.n == 0 || memchr(answer.p, 0, answer.n)) {
        must(ending.fault != FILTER_OK);
        return;
    }
    bool is_overflow;
    json_t *root = naive_parse(answer, &is_overflow);
    if (is_overflow || memmem(answer.p, answer.n, "\\u0000", 6)) {
        json_decref(root);
        return;
    }
    if (ending.fault == FILTER_OK)
        must(root != NULL);
    if (is_grammar(ending.fault))
        must(root == NULL);
    if (root && !is_limit(ending.fault) && has_plain_numbers(answer)) {
        unsigned faults;
        json_t *expected = naive_reduce(route, reduction, root, &faults);
        must(ending.fault == FILTER_OK ? faults == 0 : (faults >> ending.fault & 1) != 0);
        json_t *parsed = ending.fault == FILTER_OK ? naive_parse(output, &is_overflow) : NULL;
        must(ending.fault != FILTER_OK || naive_equal(parsed, expected));
        json_decref(parsed);
        json_decref(expected);
    }
    if (ending.fault == FILTER_OK) {
        json_t *parsed = naive_parse(output, &is_overflow);
        must(parsed != NULL);
        json_decref(parsed);
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t precisions_m[] = {0, 1, 100, 5000, 1000000};
    static const uint32_t times_s[] = {0, 1, 900, 86400};
    if (!filter)
        set_up();
    if (size < CHOICE_BYTES)
        return 0;
    size_t i = data[0] % N_ROUTES;
    struct reduction reduction = {
        .n_classes = N_CLASSES,
        .time_s = times_s[data[2] / 8 % SL_LENGTH(times_s)],
        .user = slice_of_str(data[2] & 128 ? "7" : "lotte"),
        .pseudonym = slice_of_str("p_7Qx"),
    };
    for (size_t k = 0; k < N_CLASSES; k++)
        reduction.classes[k] = (struct reduction_entry){
            (data[1] >> k & 1) == 0,
            {{
                [COARSE_PRECISION] = precisions_m[data[2] % 8 % SL_LENGTH(precisions_m)],
                [COARSE_BUCKET] = data[1] >> 3 & 1 ? 2500 : 0,
                [COARSE_TOP] = data[1] >> 4 & 3,
                [COARSE_REDACT] = data[1] >> 6 & 1,
                [COARSE_CUT] = (data[1] >> 4 & 3) == 0 && data[1] >> 7 ? 100000 : 0,
            }}};
    struct slice answer = slice_of(data + CHOICE_BYTES, size - CHOICE_BYTES);

    struct ending whole = run_in(tries[i], &reduction, answer, answer.n);
    struct slice output = filter_output(filter);
    uint8_t *copy = malloc(output.n + 1);
    must(copy != NULL);
    if (output.n > 0)
        memcpy(copy, output.p, output.n);
    output = slice_of(copy, output.n);
    must(whole.fault_at <= answer.n);

    struct ending pieces = run(tries[i], &reduction, answer, data[3]);
    must(pieces.fault == whole.fault && pieces.fault_at == whole.fault_at);
    must(slice_equals(filter_output(filter), output));
    struct ending bytes = run_in(tries[i], &reduction, answer, 1);
    must(bytes.fault == whole.fault && bytes.fault_at == whole.fault_at);
    must(slice_equals(filter_output(filter), output));

    compare(&routes[i], &reduction, answer, whole, output);
    free(copy);
    return 0;
}
