/*
 * identifier.h - what a partner gets to see of an app's own names of people and things
 *
 * The subject is the partner's pseudonym. Anything else becomes 22 characters of base64url: the
 * first 16 bytes of HMAC-SHA-256 under a key that only this partner's identifiers use, of
 *
 *     space (4 bytes, little-endian)   what kind of thing: the data class's code, or 0
 *     the app's id, and a byte 0
 *     the identifier
 *
 * So one thing has one name for one partner, two partners have nothing to compare, and a device 17
 * is not told by the name of a friend 17.
 */
#ifndef SLUIS_TRANSFORM_IDENTIFIER_H
#define SLUIS_TRANSFORM_IDENTIFIER_H

#include "base/writer.h"
#include "transform/filter.h"

enum { IDENTIFIER_CHARS = 22 };

/* With `is_encoded`, %XX in `text` stands for a byte, as in a URL (RFC 3986 section 2.1). */
bool identifier_is_user(const struct reduction *reduction, struct slice text, bool is_encoded);
/* reduction->identifier_key must be there. */
void identifier_write(const struct reduction *reduction, uint32_t space, struct slice text,
                      bool is_encoded, struct writer *out);

#endif
