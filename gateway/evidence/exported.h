/*
 * exported.h - one receipt as evidence for somebody: its bytes, its proof, and what is opened of it
 *
 * Shape   JSON: {"receipt": text, "proof": tlog-proof,
 *                "subject": name, "number": n,                         to auditors
 *                "basis": {"salt":, "version":, "policy":, "text":, "blob":, "consents": []},
 *                "body": {"salt":}}
 *         Only what the reader may see is there. Checking needs a key and nothing else.
 * Owns    nothing
 * Spec    docs/formats/evidence.md, "Exports"
 */
#ifndef SLUIS_EVIDENCE_EXPORTED_H
#define SLUIS_EVIDENCE_EXPORTED_H

#include "base/err.h"
#include "ledger/leaf.h"
#include "sluis/verify.h"

#include <jansson.h>

enum { EXPORTED_PARTS = 3 }; /* hashes of YAML, blob and vocabulary */

struct exported {
    struct slice receipt, proof;
    struct slice subject; /* empty: not told */
    uint64_t n;
    bool opens_basis;
    uint8_t basis_salt[SHA256_BYTES];
    uint64_t version;             /* of the policy; 0: none */
    uint8_t digest[SHA256_BYTES]; /* of that version */
    bool has_parts;               /* that the digest is made of */
    uint8_t parts[EXPORTED_PARTS][SHA256_BYTES];
    struct slice text; /* the YAML; empty: not told */
    struct slice blob; /* what it was compiled to; empty: not told */
    size_t n_consents;
    const struct slice *consents;
    bool opens_body;
    uint8_t body_salt[SHA256_BYTES];
};

/* NULL without memory. */
json_t *exported_json(const struct exported *exported);

/* What was found in an object that exported_json() made; slices point into it. */
struct exported_report {
    char problem[320];
    char origin[256];
    uint64_t index;
    struct leaf leaf;
    size_t n_witnesses;   /* that have cosigned the checkpoint; counted under a trust file alone */
    struct slice subject; /* as it is said; nothing but a key shows it */
    bool opens_basis, opens_body, has_body_matched;
    uint64_t version;
    uint8_t digest[SHA256_BYTES];     /* of that version */
    uint8_t vocabulary[SHA256_BYTES]; /* it was written under; zeros: not told */
    /* Of the policy, when they are there: they are what the receipt pins. */
    struct slice text;
    struct slice blob; /* in base64url, see exported_blob() */
};

/*
 * Does the receipt stand in the ledger, and is everything that is opened what it pins?
 * `body_sha256` (or NULL): the hash of bytes that must be the body of this release.
 */
enum sluis_verify_result exported_check(const json_t *object, const struct sluis_trust *trust,
                                        const uint8_t *body_sha256, struct exported_report *report);
/* The bytes of `blob`, in memory of their own. SL_EMALFORMED: it is no base64url. SL_EINTERNAL */
SL_NODISCARD enum sl_err exported_blob(struct slice text, struct slice *out);

#endif
