/*
 * base64.h - strict decoding (RFC 4648): canonical only, no white space, no stray bits
 */
#ifndef SLUIS_BASE_BASE64_H
#define SLUIS_BASE_BASE64_H

#include "base/slice.h"

/*
 * Decodes exactly `n_out` bytes into `out`: the padded alphabet of section 4, or the unpadded
 * one of section 5. False, and `out` in an unspecified state, when `text` is not the one
 * canonical encoding of n_out bytes.
 */
bool base64_decode(struct slice text, uint8_t *out, size_t n_out);
bool base64url_decode(struct slice text, uint8_t *out, size_t n_out);
/* Would base64url_decode() take it? Several times faster, for who needs no more than that. */
bool base64url_is_canonical(struct slice text, size_t n_bytes);
/* As base64_decode, for a length that is not known before: at most `cap` bytes. */
bool base64_decode_any(struct slice text, uint8_t *out, size_t cap, size_t *n_out);
bool hex_decode(struct slice text, uint8_t *out, size_t n_out);

#endif
