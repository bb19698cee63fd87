#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond, not every pair of pieces is tried. */
enum { PAIRS_BYTES_MAX = 600 };

void fixture_init(struct fixture *fixture, const struct named_field *fields, size_t n_fields)
{
    *fixture = (struct fixture){.limits = limits_default()};
    assert_int_equal(path_trie_new(&fixture->trie), SL_OK);
    for (size_t i = 0; i < n_fields; i++) {
        size_t fault_at;
        struct path_field field = {fields[i].form, fields[i].class_index};
        assert_int_equal(
            path_trie_add(fixture->trie, slice_of_str(fields[i].path), field, &fault_at), PATH_OK);
    }
    assert_int_equal(path_trie_finish(fixture->trie), PATH_OK);
    fixture->reduction.n_classes = 8;
    for (size_t i = 0; i < fixture->reduction.n_classes; i++)
        fixture->reduction.classes[i].keep = true;
    fixture->reduction.user = slice_of_str("lotte");
    fixture->reduction.pseudonym = slice_of_str("p_7Qx");
}

void fixture_start(struct fixture *fixture)
{
    assert_int_equal(filter_new(&fixture->limits, &fixture->filter), SL_OK);
}

void fixture_end(struct fixture *fixture)
{
    filter_free(fixture->filter);
    path_trie_free(fixture->trie);
}

/* A piece in memory of exactly its size, so that a read beyond it is seen. */
static enum sl_err feed_copy(struct filter *filter, struct slice piece)
{
    if (piece.n == 1) {
        uint8_t byte = *piece.p;
        return filter_feed(filter, slice_of(&byte, 1));
    }
    uint8_t *copy = malloc(piece.n ? piece.n : 1);
    assert_non_null(copy);
    if (piece.n > 0)
        memcpy(copy, piece.p, piece.n);
    enum sl_err err = filter_feed(filter, slice_of(copy, piece.n));
    memset(copy, 'x', piece.n);
    free(copy);
    return err;
}

static bool is_limit(enum filter_fault fault)
{
    return fault == FILTER_DEPTH || fault == FILTER_TOKEN || fault == FILTER_MEMBERS ||
           fault == FILTER_TOO_LARGE;
}

struct ending {
    enum filter_fault fault;
    uint64_t fault_at;
};

/* Pieces of `n_piece` bytes after a first one of `n_first`. */
static struct ending run(struct fixture *fixture, struct slice answer, size_t n_first,
                         size_t n_piece)
{
    struct filter *filter = fixture->filter;
    filter_begin(filter, fixture->trie, &fixture->reduction);
    enum sl_err err = feed_copy(filter, slice_of(answer.p, n_first));
    for (size_t at = n_first; err == SL_OK && at < answer.n; at += n_piece) {
        size_t n = answer.n - at < n_piece ? answer.n - at : n_piece;
        err = feed_copy(filter, slice_of(answer.p + at, n));
    }
    if (err == SL_OK)
        err = filter_finish(filter);
    struct ending ending = {filter_fault(filter), filter_fault_at(filter)};
    enum sl_err expected = ending.fault == FILTER_OK ? SL_OK
                           : is_limit(ending.fault)  ? SL_ELIMIT
                                                     : SL_EMALFORMED;
    assert_int_equal(err, expected);
    if (err != SL_OK)
        assert_int_equal(filter_output(filter).n, 0);
    return ending;
}

/* At most so much of a long answer is printed. */
static struct slice beginning(struct slice text)
{
    enum { PRINTED_BYTES_MAX = 300 };
    return slice_of(text.p, text.n < PRINTED_BYTES_MAX ? text.n : PRINTED_BYTES_MAX);
}

static void expect(struct fixture *fixture, struct slice answer, size_t n_first, size_t n_piece,
                   struct ending expected, struct slice output)
{
    struct ending ending = run(fixture, answer, n_first, n_piece);
    struct slice got = filter_output(fixture->filter);
    bool same_output = slice_equals(got, output);
    if (ending.fault != expected.fault || ending.fault_at != expected.fault_at || !same_output)
        print_error("answer %.*s\nin pieces of %zu, then %zu bytes: %s at %zu, expected %s at "
                    "%zu\n     got %.*s\nexpected %.*s\n",
                    SLICE_PRINTF(beginning(answer)), n_first, n_piece,
                    filter_fault_name(ending.fault), (size_t)ending.fault_at,
                    filter_fault_name(expected.fault), (size_t)expected.fault_at,
                    SLICE_PRINTF(beginning(got)), SLICE_PRINTF(beginning(output)));
    assert_int_equal(ending.fault, expected.fault);
    assert_int_equal(ending.fault_at, expected.fault_at);
    assert_true(same_output);
}

static void expect_in_all_pieces(struct fixture *fixture, struct slice answer,
                                 struct ending expected, struct slice output)
{
    expect(fixture, answer, 0, 1, expected, output);
    expect(fixture, answer, 0, 7, expected, output);
    expect(fixture, answer, 0, 4096, expected, output);
    for (size_t n_first = 0; answer.n <= PAIRS_BYTES_MAX && n_first <= answer.n; n_first++)
        expect(fixture, answer, n_first, answer.n, expected, output);
}

void expect_output_bytes(struct fixture *fixture, struct slice answer, struct slice output)
{
    struct ending expected = {FILTER_OK, 0};
    expect(fixture, answer, answer.n, 1, expected, output);
    expect_in_all_pieces(fixture, answer, expected, output);
}

void expect_output(struct fixture *fixture, const char *answer, const char *output)
{
    expect_output_bytes(fixture, slice_of_str(answer), slice_of_str(output));
}

void expect_fault_bytes(struct fixture *fixture, struct slice answer, enum filter_fault fault)
{
    struct ending expected = {fault, run(fixture, answer, answer.n, 1).fault_at};
    assert_true(expected.fault_at <= answer.n);
    expect(fixture, answer, answer.n, 1, expected, slice_of(NULL, 0));
    expect_in_all_pieces(fixture, answer, expected, slice_of(NULL, 0));
}

void expect_fault(struct fixture *fixture, const char *answer, enum filter_fault fault)
{
    expect_fault_bytes(fixture, slice_of_str(answer), fault);
}

void expect_fault_at(struct fixture *fixture, const char *answer, enum filter_fault fault,
                     uint64_t at)
{
    expect_fault(fixture, answer, fault);
    assert_int_equal(filter_fault_at(fixture->filter), at);
}

void text_add(struct text *text, const char *part)
{
    size_t n = strlen(part);
    text->p = realloc(text->p, text->n + n + 1);
    assert_non_null(text->p);
    memcpy(text->p + text->n, part, n + 1);
    text->n += n;
}

void text_add_times(struct text *text, const char *part, size_t n_times)
{
    for (size_t i = 0; i < n_times; i++)
        text_add(text, part);
}

struct slice text_slice(const struct text *text)
{
    return slice_of(text->p, text->n);
}
