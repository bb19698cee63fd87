/*
 * scan.h - the tokens of JSON, checked byte by byte, whole or in pieces
 *
 * Shape   a cursor over contiguous bytes. A scan that meets the end of its bytes inside a token
 *         says SCAN_MORE and stands at a place from which it can go on, once the same bytes lie
 *         before more of them (at any address).
 * Owns    nothing
 * Errors  SCAN_SYNTAX, SCAN_UTF8, SCAN_SURROGATE with `at` on the character or escape that is wrong
 * Spec    RFC 8259 sections 6 and 7; RFC 3629
 */
#ifndef SLUIS_TRANSFORM_SCAN_H
#define SLUIS_TRANSFORM_SCAN_H

#include "base/slice.h"

enum scan_result { SCAN_DONE, SCAN_MORE, SCAN_SYNTAX, SCAN_UTF8, SCAN_SURROGATE };

/* What of a number was read last. */
enum number_part {
    NUMBER_START,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_WHOLE,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
};

struct scan {
    const uint8_t *at;
    const uint8_t *end;
    enum number_part part; /* of a number */
    bool escaped;          /* a string in which a backslash was seen */
};

/* From behind the opening quote to behind the closing one. */
enum scan_result scan_string(struct scan *scan);
/* One escape, from its backslash; the two halves of a surrogate pair are one escape. */
enum scan_result scan_escape(struct scan *scan);
/* A number ends before the byte that can't belong to it, so at the end of the bytes: SCAN_MORE. */
enum scan_result scan_number(struct scan *scan);
/* True when what was read so far is a whole number. */
bool scan_number_is_whole(const struct scan *scan);
/* `literal` is "true", "false" or "null"; after SCAN_MORE, start again with all of the bytes. */
enum scan_result scan_literal(struct scan *scan, struct slice literal);

/*
 * Writes the text between the quotes of a scanned string, its escapes resolved, to `out`, which
 * has room for text.n bytes. Returns the number of bytes written.
 */
size_t scan_unescape(struct slice text, uint8_t *out);

#endif
