/*
 * The streaming filter against its naive twin, on random routes, plans and answers; and its
 * grammar against jansson's, on answers that were damaged. SLUIS_SEED=n repeats a run.
 *
 * Where jansson differs from RFC 8259 or from the filter's rules, the comparison makes allowance:
 *   - it refuses numbers beyond a double or a 64-bit integer, which the filter keeps as they are
 *   - it refuses "\u0000" in keys (JSON_ALLOW_NUL lets it through in values)
 *   - it reads on over a raw NUL byte as if it were not there; the filter refuses it
 *   - its limit of depth is 2048
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "naive_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_ROUTES = 100, N_ANSWERS = 60, N_DAMAGED = 8, TEXT_CAP = 1 << 16, N_CLASSES = 4 };

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 16) % n;
}

static bool one_in(uint64_t n)
{
    return random_below(n) == 0;
}

/* A text that is written to; answers stay far below the cap. */
struct text {
    char p[TEXT_CAP];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->p + text->n, sizeof text->p - text->n, format, args);
    va_end(args);
    assert_true(n >= 0 && text->n + (size_t)n < sizeof text->p);
    text->n += (size_t)n;
}

/* ------------------------------------------------------------------------------- routes */

static const char *const container_names[] = {"a", "b", "c", "caf\u00e9"};
static const char *const value_names[] = {"v", "w", "x", "q\"uote"};

struct subject_under_test {
    struct naive_route route;
    struct path_trie *trie;
    struct filter *filter;
    struct reduction reduction;
};

static void add_field(struct subject_under_test *sut, const char *prefix, const char *step,
                      enum field_form form, uint8_t class_index)
{
    char path[NAIVE_NAMES_BYTES];
    snprintf(path, sizeof path, "%s%s", prefix, step);
    /* What contradicts an earlier field is left out; the trie says so. */
    (void)naive_route_add(&sut->route, sut->trie, path, (struct path_field){form, class_index});
}

static void add_fields_below(struct subject_under_test *sut, const char *prefix, int depth);

static void add_object_fields(struct subject_under_test *sut, const char *prefix, int depth)
{
    uint8_t class_index = (uint8_t)random_below(N_CLASSES);
    if (one_in(2)) {
        add_field(sut, prefix, ".lat", FIELD_LATITUDE, class_index);
        add_field(sut, prefix, ".lon", FIELD_LONGITUDE, class_index);
    }
    if (one_in(4))
        add_field(sut, prefix, ".u", FIELD_SUBJECT, 0);
    if (one_in(3))
        add_field(sut, prefix, ".t", FIELD_TIME, 0);
    if (one_in(3))
        add_field(sut, prefix, ".s", FIELD_STRUCTURE, 0);
    for (size_t i = 0; i < SL_LENGTH(value_names); i++) {
        char step[32];
        snprintf(step, sizeof step, "['%s']", value_names[i]);
        if (one_in(3))
            add_field(sut, prefix, step, one_in(6) ? FIELD_FIRST_WORD : FIELD_VALUE,
                      (uint8_t)random_below(N_CLASSES));
    }
    for (size_t i = 0; i < SL_LENGTH(container_names); i++) {
        char below[NAIVE_NAMES_BYTES];
        snprintf(below, sizeof below, "%s.%s", prefix, container_names[i]);
        if (depth > 0 && one_in(2))
            add_fields_below(sut, below, depth - 1);
    }
}

static void add_fields_below(struct subject_under_test *sut, const char *prefix, int depth)
{
    char below[NAIVE_NAMES_BYTES];
    switch (random_below(5)) {
    case 0: /* a list of objects, or of values */
        snprintf(below, sizeof below, "%s[*]", prefix);
        if (one_in(3))
            add_field(sut, below, "", FIELD_VALUE, (uint8_t)random_below(N_CLASSES));
        else
            add_fields_below(sut, below, depth - 1 < 0 ? 0 : depth - 1);
        break;
    case 1: /* a point */
        add_field(sut, prefix, "[0]", FIELD_LONGITUDE, 1);
        add_field(sut, prefix, "[1]", FIELD_LATITUDE, 1);
        break;
    case 2: /* a record in the shape of a list */
        add_field(sut, prefix, "[2]", FIELD_VALUE, (uint8_t)random_below(N_CLASSES));
        snprintf(below, sizeof below, "%s[0]", prefix);
        add_object_fields(sut, below, depth - 1);
        break;
    default:
        add_object_fields(sut, prefix, depth);
    }
}

static void make_route(struct subject_under_test *sut)
{
    sut->route.n_fields = 0;
    assert_int_equal(path_trie_new(&sut->trie), SL_OK);
    add_fields_below(sut, "$", 3);
    if (sut->route.n_fields == 0)
        add_field(sut, "$", ".v", FIELD_VALUE, 0);
    assert_int_equal(path_trie_finish(sut->trie), PATH_OK);
}

/* Numbers are read from doubles by the twin, so their buckets are whole here. */
static struct coarseness random_coarseness(void)
{
    struct coarseness coarseness = {0};
    if (one_in(2))
        coarseness.by[COARSE_PRECISION] = (uint32_t)random_below(100000) + 1;
    if (one_in(4))
        coarseness.by[COARSE_BUCKET] = ((uint32_t)random_below(20) + 1) * 1000;
    if (one_in(4))
        coarseness.by[COARSE_TOP] = (uint32_t)random_below(6) + 1;
    coarseness.by[COARSE_REDACT] = one_in(3);
    if (one_in(4) && coarseness.by[COARSE_TOP] == 0)
        coarseness.by[COARSE_CUT] = (uint32_t)random_below(3000000) + 1;
    return coarseness;
}

static void make_plan(struct reduction *reduction)
{
    *reduction = (struct reduction){
        .n_classes = N_CLASSES,
        .time_s = one_in(2) ? 0 : (uint32_t)random_below(100000) + 1,
        .user = slice_of_str(one_in(2) ? "lotte" : "4711"),
        .pseudonym = slice_of_str("p_7Qx"),
    };
    for (size_t i = 0; i < N_CLASSES; i++)
        reduction->classes[i] = (struct reduction_entry){!one_in(3), random_coarseness()};
}

/* ------------------------------------------------------------------------------- answers */

static void add_space(struct text *text)
{
    static const char *const spaces[] = {" ", "\n", "\t", "\r\n  "};
    if (one_in(12))
        add(text, "%s", spaces[random_below(SL_LENGTH(spaces))]);
}

/* The same text in one of the spellings JSON has for it. */
static void add_string(struct text *text, const char *plain)
{
    add(text, "\"");
    for (const char *p = plain; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80 && (c == '"' || c == '\\' || one_in(30)))
            add(text, one_in(2) ? "\\u%04x" : "\\u%04X", c);
        else
            add(text, "%c", c);
    }
    add(text, "\"");
}

static void add_scalar(struct text *text)
{
    static const char *const strings[] = {
        "",
        "x",
        "a longer text that fills more than sixteen bytes",
        "\u20ac \U0001F600",
        "lotte",
        "with \"quotes\" and \\",
        "lotte@example.org or 06-12345678 \u20ac",
        "2026-11-23T08:14:52Z",
    };
    switch (random_below(8)) {
    case 0:
        add(text, "null");
        break;
    case 1:
        add(text, one_in(2) ? "true" : "false");
        break;
    case 2:
        add(text, "%d", (int)random_below(2000) - 1000);
        break;
    case 3:
        add(text, "%d.%02de%d", (int)random_below(20) - 10, (int)random_below(100),
            (int)random_below(10) - 5);
        break;
    case 4:
        add(text, "\"\\ud83d\\ude00\\n\\u0000\"");
        break;
    default:
        add_string(text, strings[random_below(SL_LENGTH(strings))]);
    }
}

static void add_degrees(struct text *text, int limit)
{
    if (one_in(150))
        add_scalar(text);
    else if (one_in(12))
        add(text, "null");
    else
        add(text, "%.*f", (int)random_below(8),
            ((double)random_below(2000000001) / 1e9 - 1) * limit);
}

/* Without exponents: the filter takes none in a time, and on the tree they can't be seen. */
static void add_time(struct text *text)
{
    static const char *const others[] = {"null", "true", "\"now\"", "[]"};
    if (one_in(150))
        add(text, "%s", others[random_below(4)]);
    else if (one_in(3))
        add(text, "\"20%02d-%02d-%02dT%02d:%02d:%02d%s\"", (int)random_below(100),
            (int)random_below(12) + 1, (int)random_below(28) + 1, (int)random_below(24),
            (int)random_below(60), (int)random_below(60), one_in(2) ? "Z" : ".25+02:00");
    else if (one_in(2))
        add(text, "%d.%d", (int)random_below(2000000000) - 100000000, (int)random_below(100));
    else
        add(text, "%llu", (unsigned long long)random_below(2000000000000));
}

static void add_value(struct text *text, int depth);

static void add_member(struct text *text, const char *name, int depth)
{
    if (strcmp(name, "lat") == 0)
        add_degrees(text, 90);
    else if (strcmp(name, "lon") == 0)
        add_degrees(text, 180);
    else if (strcmp(name, "t") == 0)
        add_time(text);
    else if (strcmp(name, "u") == 0)
        add(text, "%s", one_in(100) ? "\"mallory\"" : one_in(2) ? "\"4711\"" : "4711");
    else if (one_in(6) || strchr("abc", name[0]))
        add_value(text, depth);
    else
        add_scalar(text);
}

static void add_object(struct text *text, int depth)
{
    static const char *const names[] = {"lat",     "lon", "u", "t", "s",         "v",     "w",  "x",
                                        "q\"uote", "a",   "b", "c", "caf\u00e9", "other", "la", ""};
    const char *order[SL_LENGTH(names)];
    memcpy(order, names, sizeof order);
    size_t n_members = 0;
    bool has_pair = !one_in(4);
    add(text, "{");
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        size_t other = i + random_below(SL_LENGTH(names) - i);
        const char *name = order[other];
        order[other] = order[i];
        bool is_half = name[0] == 'l' && name[1] != 0 && name[2] != 0;
        if (is_half ? !has_pair && !one_in(40) : one_in(2))
            continue;
        add(text, n_members++ > 0 ? "," : "");
        add_space(text);
        add_string(text, name);
        add_space(text);
        add(text, ":");
        add_space(text);
        add_member(text, name, depth - 1);
        add_space(text);
    }
    add(text, "}");
}

static void add_array(struct text *text, int depth)
{
    size_t n = random_below(5);
    bool is_point = one_in(3);
    add(text, "[");
    add_space(text);
    for (size_t i = 0; i < n; i++) {
        add(text, i > 0 ? "," : "");
        add_space(text);
        if (is_point && i < 2)
            add_degrees(text, i == 0 ? 180 : 90);
        else
            add_value(text, depth - 1);
        add_space(text);
    }
    add(text, "]");
}

static void add_value(struct text *text, int depth)
{
    if (text->n > TEXT_CAP / 4 || depth <= 0 || one_in(6))
        add_scalar(text);
    else if (one_in(3))
        add_array(text, depth);
    else
        add_object(text, depth);
}

/* ------------------------------------------------------------------------------- comparing */

static enum filter_fault run_filter(struct subject_under_test *sut, struct slice answer)
{
    filter_begin(sut->filter, sut->trie, &sut->reduction);
    enum sl_err err = SL_OK;
    bool in_pieces = one_in(2);
    for (size_t at = 0; err == SL_OK && at < answer.n;) {
        size_t n = in_pieces ? random_below(40) + 1 : answer.n;
        n = n < answer.n - at ? n : answer.n - at;
        err = filter_feed(sut->filter, slice_of(answer.p + at, n));
        at += n;
    }
    if (err == SL_OK)
        err = filter_finish(sut->filter);
    assert_int_equal(err == SL_OK, filter_fault(sut->filter) == FILTER_OK);
    return filter_fault(sut->filter);
}

static void show(struct subject_under_test *sut, struct slice answer, const json_t *expected)
{
    char *dump = expected ? json_dumps(expected, JSON_ENCODE_ANY) : NULL;
    fprintf(stderr, "answer %.*s\n   got %s %.*s\nnaive %s\n", SLICE_PRINTF(answer),
            filter_fault_name(filter_fault(sut->filter)), SLICE_PRINTF(filter_output(sut->filter)),
            dump ? dump : "nothing");
    free(dump);
}

static void compare(struct subject_under_test *sut, struct slice answer)
{
    bool is_overflow;
    json_t *root = naive_parse(answer, &is_overflow);
    assert_non_null(root);
    unsigned faults;
    json_t *expected = naive_reduce(&sut->route, &sut->reduction, root, &faults);
    enum filter_fault fault = run_filter(sut, answer);
    bool agrees = faults == 0 ? fault == FILTER_OK : (faults >> fault & 1) != 0;
    if (fault == FILTER_OK && agrees) {
        json_t *output = naive_parse(filter_output(sut->filter), &is_overflow);
        agrees = output && naive_equal(output, expected);
        json_decref(output);
    }
    if (!agrees)
        show(sut, answer, expected);
    assert_true(agrees);
    json_decref(expected);
    json_decref(root);
}

static bool is_about_meaning(enum filter_fault fault)
{
    return fault == FILTER_SUBJECT || fault == FILTER_POSITION || fault == FILTER_TIME ||
           fault == FILTER_NUMBER || fault == FILTER_VALUE || fault == FILTER_SHAPE;
}

/* A key that jansson refuses for its NUL; looked for roughly, as a tolerance. */
static bool may_hold_nul(struct slice text)
{
    return memmem(text.p, text.n, "\\u0000", 6) != NULL;
}

static void compare_damaged(struct subject_under_test *sut, struct slice answer)
{
    enum filter_fault fault = run_filter(sut, answer);
    if (memchr(answer.p, 0, answer.n)) {
        assert_int_not_equal(fault, FILTER_OK);
        return;
    }
    bool is_overflow;
    json_t *root = naive_parse(answer, &is_overflow);
    bool refused_by_jansson_alone = is_overflow || may_hold_nul(answer);
    bool agrees = fault == FILTER_OK        ? root != NULL || refused_by_jansson_alone
                  : is_about_meaning(fault) ? true
                                            : root == NULL;
    if (!agrees)
        show(sut, answer, root);
    assert_true(agrees);
    json_decref(root);
}

static void damage(struct text *text)
{
    static const char inserted[] = "\"\\{}[],:0-.e+tfn \n\x01\x7f\x80\xc3\xa9\xed\xff\"";
    for (size_t n = random_below(3) + 1; n > 0 && text->n > 0; n--) {
        size_t at = random_below(text->n);
        switch (random_below(4)) {
        case 0:
            text->p[at] ^= (char)(1u << random_below(8));
            break;
        case 1:
            text->p[at] = inserted[random_below(sizeof inserted)];
            break;
        case 2: { /* a stretch is left out */
            size_t n_gone = random_below(8) + 1;
            n_gone = n_gone < text->n - at ? n_gone : text->n - at;
            memmove(text->p + at, text->p + at + n_gone, text->n - at - n_gone);
            text->n -= n_gone;
            break;
        }
        default: { /* a stretch comes twice: keys repeat, brackets do not match */
            size_t n_twice = random_below(40) + 1;
            n_twice = n_twice < text->n - at ? n_twice : text->n - at;
            memmove(text->p + at + n_twice, text->p + at, text->n - at);
            text->n += n_twice;
        }
        }
    }
}

static struct text answer_text;
static struct text damaged_text;

static void the_filter_does_what_its_naive_twin_does(void **state)
{
    (void)state;
    static struct subject_under_test sut;
    struct limits limits = limits_default();
    assert_int_equal(filter_new(&limits, &sut.filter), SL_OK);
    size_t n_released = 0;
    for (size_t i = 0; i < N_ROUTES; i++) {
        make_route(&sut);
        for (size_t k = 0; k < N_ANSWERS; k++) {
            make_plan(&sut.reduction);
            answer_text.n = 0;
            add_space(&answer_text);
            add_value(&answer_text, 6);
            add_space(&answer_text);
            compare(&sut, slice_of(answer_text.p, answer_text.n));
            n_released += filter_fault(sut.filter) == FILTER_OK;
        }
        path_trie_free(sut.trie);
    }
    filter_free(sut.filter);
    print_message("%zu of %d answers released\n", n_released, N_ROUTES * N_ANSWERS);
    /* Else the comparison would be of refusals only. */
    assert_true(n_released > N_ROUTES * N_ANSWERS / 10);
}

/* A route that takes any root, so that nothing but the grammar can be refused. */
static const char *open_path(struct slice answer)
{
    size_t at = 0;
    while (at < answer.n && strchr(" \t\r\n", answer.p[at]) && answer.p[at] != 0)
        at++;
    uint8_t first = at < answer.n ? answer.p[at] : 0;
    return first == '{' ? "$.v" : first == '[' ? "$[*]" : "$";
}

static void the_filter_accepts_what_jansson_accepts(void **state)
{
    (void)state;
    static struct subject_under_test sut;
    struct limits limits = limits_default();
    assert_int_equal(filter_new(&limits, &sut.filter), SL_OK);
    size_t n_accepted = 0;
    for (size_t i = 0; i < N_ROUTES * N_ANSWERS / 2; i++) {
        answer_text.n = 0;
        add_value(&answer_text, 4);
        for (size_t k = 0; k < N_DAMAGED; k++) {
            memcpy(damaged_text.p, answer_text.p, answer_text.n);
            damaged_text.n = answer_text.n;
            damage(&damaged_text);
            struct slice damaged = slice_of(damaged_text.p, damaged_text.n);
            sut.route.n_fields = 0;
            make_plan(&sut.reduction);
            sut.reduction.classes[0].keep = true;
            assert_int_equal(path_trie_new(&sut.trie), SL_OK);
            assert_true(naive_route_add(&sut.route, sut.trie, open_path(damaged),
                                        (struct path_field){FIELD_VALUE, 0}));
            assert_int_equal(path_trie_finish(sut.trie), PATH_OK);
            compare_damaged(&sut, damaged);
            n_accepted += filter_fault(sut.filter) == FILTER_OK;
            path_trie_free(sut.trie);
        }
    }
    filter_free(sut.filter);
    print_message("%zu of %d damaged answers accepted\n", n_accepted,
                  N_ROUTES * N_ANSWERS / 2 * N_DAMAGED);
    assert_true(n_accepted > 0);
}

static int seed_random(void **state)
{
    (void)state;
    const char *given = getenv("SLUIS_SEED");
    random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u | 1;
    print_message("SLUIS_SEED=%llu\n", (unsigned long long)random_state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_does_what_its_naive_twin_does),
        cmocka_unit_test(the_filter_accepts_what_jansson_accepts),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
