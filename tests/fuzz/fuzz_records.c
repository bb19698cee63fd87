/*
 * fuzz_records.c - any answer is taken apart in one way, into what jansson finds in it
 *
 * The first byte chooses a route and the pieces, the rest is the answer. What must hold:
 *   - whole, in pieces and byte by byte: the same places, or the same fault at the same offset
 *   - as many records as jansson's list has elements; each is that element, and has its name
 *   - the records put back in between what is around them are JSON, with the same list in it
 */
#include "transform/filter.h"
#include "transform/records.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_ROUTES = 2 };

static const char *const records[N_ROUTES] = {"$.i[*]", "$[*]"};
static const char *const subjects[N_ROUTES] = {"$.i[*].u", "$[*].o.u"};
static const char *const structures[N_ROUTES] = {"$.t", NULL};

static struct path_trie *tries[N_ROUTES];
static struct filter *filter;
static struct record_list whole, pieces;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void set_up(void)
{
    struct limits limits = limits_default();
    limits.records = 8;
    limits.json_token_bytes = 256;
    limits.json_members = 16;
    must(filter_new(&limits, &filter) == SL_OK);
    must(record_list_init(&whole, &limits) == SL_OK && record_list_init(&pieces, &limits) == SL_OK);
    for (size_t i = 0; i < N_ROUTES; i++) {
        const struct path_field subject = {FIELD_SUBJECT, 0}, structure = {FIELD_STRUCTURE, 0};
        size_t at;
        must(path_trie_new(&tries[i]) == SL_OK);
        must(path_trie_add(tries[i], slice_of_str(subjects[i]), subject, &at) == PATH_OK);
        must(!structures[i] ||
             path_trie_add(tries[i], slice_of_str(structures[i]), structure, &at) == PATH_OK);
        must(path_trie_set_records(tries[i], slice_of_str(records[i])));
        must(path_trie_finish(tries[i]) == PATH_OK);
    }
}

static enum filter_fault run(size_t route, struct slice answer, size_t n_piece,
                             struct record_list *list)
{
    record_list_wipe(list);
    filter_begin_records(filter, tries[route], list);
    enum sl_err err = SL_OK;
    for (size_t at = 0; err == SL_OK && at < answer.n; at += n_piece) {
        size_t n = n_piece < answer.n - at ? n_piece : answer.n - at;
        err = filter_feed(filter, slice_of(answer.p + at, n));
    }
    if (err == SL_OK)
        err = filter_finish(filter);
    must((err == SL_OK) == (filter_fault(filter) == FILTER_OK));
    return filter_fault(filter);
}

static json_t *parse(struct slice text)
{
    return json_loadb((const char *)text.p, text.n,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

static json_t *list_of(size_t route, json_t *root)
{
    return route == 0 ? json_object_get(root, "i") : root;
}

static bool names(json_t *subject, struct slice user)
{
    char number[32];
    if (json_is_string(subject))
        return slice_equals(slice_of(json_string_value(subject), json_string_length(subject)),
                            user);
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(subject));
    return json_is_integer(subject) &&
           (slice_equals_str(user, number) || slice_equals_str(user, "-0"));
}

static void check_record(size_t route, struct slice answer, json_t *list, size_t i)
{
    const struct record_place *place = &whole.places[i];
    must(place->from < place->to && place->to <= answer.n);
    json_t *record = parse(slice_of(answer.p + place->from, place->to - place->from));
    must(record && json_equal(record, json_array_get(list, i)));
    json_t *owner = route == 0 ? record : json_object_get(record, "o");
    must(names(json_object_get(owner, "u"), record_list_user(&whole, i)));
    json_decref(record);
}

/* The records between what is around them. */
static void put_back(size_t route, struct slice answer, json_t *list)
{
    struct slice around = filter_output(filter);
    size_t n = 0;
    uint8_t *text = malloc(around.n + answer.n + whole.n);
    must(text != NULL && whole.list_at <= around.n);
    memcpy(text, around.p, n = whole.list_at);
    for (size_t i = 0; i < whole.n; i++) {
        if (i > 0)
            text[n++] = ',';
        size_t n_record = whole.places[i].to - whole.places[i].from;
        memcpy(text + n, answer.p + whole.places[i].from, n_record);
        n += n_record;
    }
    memcpy(text + n, around.p + whole.list_at, around.n - whole.list_at);
    json_t *root = parse(slice_of(text, n + around.n - whole.list_at));
    must(root && json_equal(list_of(route, root), list));
    json_decref(root);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!filter)
        set_up();
    if (size < 2)
        return 0;
    const size_t route = data[0] % N_ROUTES;
    const struct slice answer = slice_of(data + 1, size - 1);

    enum filter_fault fault = run(route, answer, 1 + data[0] / N_ROUTES, &pieces);
    uint64_t fault_at = filter_fault_at(filter);
    must(run(route, answer, 1, &whole) == fault && filter_fault_at(filter) == fault_at);
    must(run(route, answer, answer.n, &whole) == fault && filter_fault_at(filter) == fault_at);
    must(fault != FILTER_OK ||
         (whole.n == pieces.n &&
          memcmp(whole.places, pieces.places, whole.n * sizeof *whole.places) == 0));

    json_t *root = memmem(answer.p, answer.n, "\\u0000", 6) ? NULL : parse(answer);
    if (fault == FILTER_OK && root) {
        json_t *list = list_of(route, root);
        must(json_is_array(list) && json_array_size(list) == whole.n);
        for (size_t i = 0; i < whole.n; i++)
            check_record(route, answer, list, i);
        put_back(route, answer, list);
    }
    json_decref(root);
    return 0;
}
