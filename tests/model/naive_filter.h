/*
 * naive_filter.h - the reduction once more, on a tree, without a trie and without streaming
 *
 * Slow and short: each value's place is compared with each field's path. Parsing is jansson's.
 */
#ifndef SLUIS_TESTS_MODEL_NAIVE_FILTER_H
#define SLUIS_TESTS_MODEL_NAIVE_FILTER_H

#include "transform/filter.h"
#include "transform/step.h"

#include <jansson.h>

enum { NAIVE_NAMES_BYTES = 256 };

struct naive_field {
    struct path_field field;
    struct steps steps;
    uint8_t names[NAIVE_NAMES_BYTES];
};

struct naive_route {
    size_t n_fields;
    struct naive_field fields[LIMIT_MAX_route_fields];
};

/* The same field for both; false when the trie does not take it. */
bool naive_route_add(struct naive_route *route, struct path_trie *trie, const char *path,
                     struct path_field field);

/*
 * What is left of `root`, or NULL when it is dropped. Bit f of `*faults` is set for each enum
 * filter_fault f that the answer gives cause for.
 */
json_t *naive_reduce(const struct naive_route *route, const struct reduction *reduction,
                     const json_t *root, unsigned *faults);

/* Strict reading, as far as jansson goes. `*is_overflow`: refused only for a number's size. */
json_t *naive_parse(struct slice text, bool *is_overflow);

/* In a reduction: a number, or a text with "[number]" in it. */
#define NAIVE_NUMBER_OR_REDACTED "a number, or what was taken out for one"

/* `a` is as `b` says. Equal as JSON; a number is its value, whatever its notation. */
bool naive_equal(const json_t *a, const json_t *b);

#endif
