/*
 * whose.h - which subject a receipt is of, for whoever holds the keys
 *
 * Shape   each subject waits with the tag of its next receipt; a receipt that has it is the
 *         subject's, who then waits with the next tag. One look and one HMAC for a receipt,
 *         whatever the number of subjects
 * Owns    its tables; keys are wiped when it is freed
 * Spec    docs/formats/receipt.md, "Whose it is"
 */
#ifndef SLUIS_EVIDENCE_WHOSE_H
#define SLUIS_EVIDENCE_WHOSE_H

#include "evidence/archive.h"
#include "ledger/leaf.h"

struct whose;

SL_NODISCARD enum sl_err whose_new(const struct archive *archive, struct whose **out);
void whose_free(struct whose *whose);
SL_DEFINE_AUTO(whose, whose_free)

/*
 * The subject (its place in the archive) and the number of the receipt with this tag (22
 * characters of base64url). False: nobody's of the archive.
 */
bool whose_take(struct whose *whose, struct slice tag, size_t *subject, uint64_t *n);
/* How many receipts of the subject were taken. */
uint64_t whose_count(const struct whose *whose, size_t subject);
const struct hmac_key *whose_key(const struct whose *whose, size_t subject);

#endif
