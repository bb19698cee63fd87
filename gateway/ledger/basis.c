/*
 * basis.c - the digest of a decision's ground
 *
 * Ids of consents hold no line feed (the policy's schema sees to that), so one text names one
 * list of them.
 */
#include "ledger/basis.h"

#include "base/writer.h"

#include <string.h>

void basis_policy_digest(struct slice yaml, struct slice blob,
                         const uint8_t vocabulary_sha256[SHA256_BYTES],
                         uint8_t digest[SHA256_BYTES])
{
    uint8_t parts[3 * SHA256_BYTES];
    sha256_of(yaml, parts);
    sha256_of(blob, parts + SHA256_BYTES);
    memcpy(parts + (size_t)2 * SHA256_BYTES, vocabulary_sha256, SHA256_BYTES);
    sha256_of(slice_of(parts, sizeof parts), digest);
}

void basis_digest(uint64_t policy_version, const uint8_t policy_digest[SHA256_BYTES],
                  const struct slice *consents, size_t n_consents, uint8_t out[SHA256_BYTES])
{
    static const struct slice context = SLICE_LITERAL("sluis basis v1\n");
    static const struct slice line_feed = SLICE_LITERAL("\n");
    uint8_t version[8];
    struct writer writer = writer_over(version, sizeof version);
    write_u64be(&writer, policy_version);

    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, context);
    sha256_add(&hash, writer_slice(&writer));
    sha256_add(&hash, slice_of(policy_digest, SHA256_BYTES));
    for (size_t i = 0; i < n_consents; i++) {
        sha256_add(&hash, consents[i]);
        sha256_add(&hash, line_feed);
    }
    sha256_end(&hash, out);
}
