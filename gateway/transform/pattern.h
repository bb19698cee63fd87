/*
 * pattern.h - a text of which parts are data: user/{subject}/geo/{location.geohash}
 *
 * Shape   literals and, between them, pieces; two pieces are never next to each other. A piece
 * takes what is there up to the first byte of the literal behind it, and never a slash, question
 *         mark, number sign, ampersand, quote, backslash, blank or control
 * Owns    its texts; pieces[i].name is a slice of them
 * Spec    docs/configuration.md, "Texts with parts"
 */
#ifndef SLUIS_TRANSFORM_PATTERN_H
#define SLUIS_TRANSFORM_PATTERN_H

#include "base/err.h"
#include "base/slice.h"

enum {
    PATTERN_PIECES_MAX = 8,
    PATTERN_BYTES_MAX = 512,
    PATTERN_PIECE_GROWTH = 48, /* a pseudonym, where a letter was */
};

struct pattern_piece {
    struct slice before; /* the literal in front of it; empty only for the first */
    struct slice name;   /* what stands between the braces */
    uint8_t form;        /* enum field_form; set by whoever knows the names */
    uint8_t class_index;
    uint32_t space; /* of identifiers: see identifier.h */
};

struct pattern {
    size_t n_pieces;
    struct pattern_piece pieces[PATTERN_PIECES_MAX];
    struct slice tail; /* the literal at the end */
    uint32_t classes;  /* bit i: a piece is of class i; the text leaves when all are kept */
    uint8_t texts[PATTERN_BYTES_MAX];
};

enum pattern_fault {
    PATTERN_OK,
    PATTERN_SYNTAX,   /* braces that don't match, or a byte that no literal may have */
    PATTERN_ADJACENT, /* two pieces without a literal between them */
    PATTERN_TOO_MANY, /* more than 8 pieces, or 512 bytes */
    PATTERN_NO_MEMORY,
};
const char *pattern_fault_text(enum pattern_fault fault);

/* A text with a brace is meant as one. */
bool pattern_is_meant(struct slice text);
/* On a fault `*fault_at` is an offset in the text. */
enum pattern_fault pattern_new(struct slice text, struct pattern **out, size_t *fault_at);
void pattern_free(struct pattern *pattern);
SL_DEFINE_AUTO(pattern, pattern_free)

/* How many bytes piece `i` takes of `text`. */
size_t pattern_piece_bytes(const struct pattern *pattern, size_t i, struct slice text);

#endif
