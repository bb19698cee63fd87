/*
 * slice.h - bytes that somebody else owns
 *
 * Shape   a pointer and a length; not terminated; may be empty with p == NULL
 * Owns    nothing: the slice is valid as long as the memory it points into
 * Inline  what a parser calls for every token: the length of a literal is then known to the
 *         compiler, and a comparison with it is a few instructions
 */
#ifndef SLUIS_BASE_SLICE_H
#define SLUIS_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *p;
    size_t n;
};

/* A slice over a string literal, usable in static initialisers. */
#define SLICE_LITERAL(text)                                                                        \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

/* For printf("%.*s"): the length and the pointer. Escape text from outside first (log.h does). */
#define SLICE_PRINTF(slice) (int)(slice).n, (const char *)(slice).p

static inline struct slice slice_of(const void *bytes, size_t n_bytes)
{
    return (struct slice){(const uint8_t *)bytes, n_bytes};
}

/* The slice over a C string, without its terminator; NULL gives the empty slice. */
static inline struct slice slice_of_str(const char *text)
{
    return (struct slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_equals_str(struct slice a, const char *text)
{
    return slice_equals(a, slice_of_str(text));
}

/* ASCII case folded; for HTTP field names and media types. */
bool slice_equals_str_nocase(struct slice a, const char *text);
/* For secrets and digests: the time depends on the length only. */
bool slice_equals_constant_time(struct slice a, struct slice b);
static inline bool slice_starts_with_str(struct slice a, const char *prefix)
{
    struct slice b = slice_of_str(prefix);
    return a.n >= b.n && (b.n == 0 || memcmp(a.p, b.p, b.n) == 0);
}

bool slice_is_zero(struct slice a);
/* Byte order, shorter first on a common prefix: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);

/*
 * A positive decimal without sign, blank or leading zero, at most `max`. False when `text` is
 * anything else; `*out` is then untouched.
 */
bool slice_to_u64(struct slice text, uint64_t max, uint64_t *out);

#endif
