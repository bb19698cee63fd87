/*
 * redact.h - free text without what reaches a person: addresses, accounts, long numbers
 *
 * Shape   in place and never longer. Each stretch that is taken out becomes one byte that UTF-8
 *         does not have; redact_write() writes it as a word in brackets. A text that holds such a
 *         byte already (none that came through the scanner does) must not be given.
 * Spec    docs/formats/coarsening.md, "Text"
 *
 * Redacting a redacted text changes nothing. The time is linear in the text.
 */
#ifndef SLUIS_TRANSFORM_REDACT_H
#define SLUIS_TRANSFORM_REDACT_H

#include "base/slice.h"

/*
 * `text` is UTF-8 without JSON's escapes, `user` the app's own name of the subject, or empty.
 * Returns how many bytes are left of the text; sets `*has_taken` when something was taken out.
 */
size_t redact_text(uint8_t *text, size_t n_bytes, struct slice user, bool *has_taken);
/*
 * The outcome as a JSON string, quotes included, to `out`, which has room for as many bytes as a
 * call with NULL returns.
 */
size_t redact_write(struct slice text, uint8_t *out);

#endif
