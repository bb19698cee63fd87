/*
 * words.h - the first word in which two JSON values differ
 */
#ifndef SLUIS_EVIDENCE_WORDS_H
#define SLUIS_EVIDENCE_WORDS_H

#include "base/writer.h"

#include <jansson.h>

/*
 * False: they are the same. Else writes where it is, what stands there, and what should: `"a.b[2]"
 * is "x"; expected "y"`. Where `writer` ends the text is cut off.
 */
bool words_differ(const json_t *found, const json_t *expected, struct writer *writer);

#endif
