/*
 * fixture.h - a route's fields, a plan, and answers that are fed in every way they can be cut
 */
#ifndef SLUIS_TESTS_TRANSFORM_FIXTURE_H
#define SLUIS_TESTS_TRANSFORM_FIXTURE_H

#include "transform/filter.h"

struct named_field {
    const char *path;
    enum field_form form;
    uint8_t class_index;
};

struct fixture {
    struct limits limits;
    struct path_trie *trie;
    struct filter *filter;
    struct reduction reduction; /* of 8 classes, all kept as they are; user "lotte" */
};

/* Default limits; change them before fixture_start() when others are wanted. */
void fixture_init(struct fixture *fixture, const struct named_field *fields, size_t n_fields);
/* Makes the filter with fixture->limits. */
void fixture_start(struct fixture *fixture);
void fixture_end(struct fixture *fixture);

#define FIXTURE(name, fields)                                                                      \
    struct fixture name;                                                                           \
    fixture_init(&(name), fields, SL_LENGTH(fields));                                              \
    fixture_start(&(name))

/*
 * Feeds the answer in one piece, byte by byte, and (when it is short) in each pair of pieces. Each
 * must end in the same way: with this output, or with this fault at one and the same offset.
 */
void expect_output(struct fixture *fixture, const char *answer, const char *output);
void expect_output_bytes(struct fixture *fixture, struct slice answer, struct slice output);
void expect_fault(struct fixture *fixture, const char *answer, enum filter_fault fault);
void expect_fault_bytes(struct fixture *fixture, struct slice answer, enum filter_fault fault);
void expect_fault_at(struct fixture *fixture, const char *answer, enum filter_fault fault,
                     uint64_t at);

/* Text built from parts, for answers too long to write down; freed with free(text.p). */
struct text {
    char *p;
    size_t n;
};
void text_add(struct text *text, const char *part);
void text_add_times(struct text *text, const char *part, size_t n_times);
struct slice text_slice(const struct text *text);

#endif
