/*
 * utf8.h - strict UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF)
 */
#ifndef SLUIS_BASE_UTF8_H
#define SLUIS_BASE_UTF8_H

#include "base/slice.h"

/* Bytes of the sequence that `text` starts with, 1 to 4; 0 when it starts with none. */
size_t utf8_sequence_bytes(struct slice text);
/*
 * Bytes at the front of `text` that a JSON string holds as they are and that are ASCII: printable,
 * and neither '"' nor '\\'.
 */
size_t utf8_plain_bytes(struct slice text);
/* The code point at the start of `text`, which is not empty; a byte that starts none is itself. */
uint32_t utf8_code_point(struct slice text, size_t *n_bytes);
bool utf8_is_valid(struct slice text);
/* True when no byte is a control (below 0x20, or 0x7F) and the whole is valid UTF-8. */
bool utf8_is_printable(struct slice text);

#endif
