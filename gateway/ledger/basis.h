/*
 * basis.h - what a decision rests on, as one digest
 *
 * Shape   SHA-256("sluis basis v1\n" || u64be policy version || policy digest || each id "\n"),
 *         ids of the contributing consents in the order of the policy. A receipt holds a salted
 *         commitment to it, so that an auditor whom the subject gave the policy can check it and
 *         nobody else can guess it.
 * Owns    nothing
 * Spec    docs/formats/receipt.md
 */
#ifndef SLUIS_LEDGER_BASIS_H
#define SLUIS_LEDGER_BASIS_H

#include "base/sha256.h"

/*
 * What pins one policy version for good: SHA-256 over SHA-256(yaml), SHA-256(blob) and the
 * vocabulary's SHA-256. Computed once, when the policy is written.
 */
void basis_policy_digest(struct slice yaml, struct slice blob,
                         const uint8_t vocabulary_sha256[SHA256_BYTES],
                         uint8_t digest[SHA256_BYTES]);

/* A subject that is unknown or has no policy: version 0 and 32 zero bytes. */
void basis_digest(uint64_t policy_version, const uint8_t policy_digest[SHA256_BYTES],
                  const struct slice *consents, size_t n_consents, uint8_t out[SHA256_BYTES]);

#endif
