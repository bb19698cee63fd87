/*
 * basis.c - the digest of a decision's ground
 *
 * Ids of consents hold no line feed (the policy's schema sees to that), so one text names one
 * list of them.
 */
#include "ledger/basis.h"

#include "base/writer.h"

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
