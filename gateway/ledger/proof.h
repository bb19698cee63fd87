/*
 * proof.h - that a leaf is in a tree, and that one tree grew out of another
 *
 * Shape   an inclusion proof: the hashes beside the way from a leaf to the root, the leaf's
 *         sibling first. A consistency proof: the hashes from which both roots come out.
 * Units   sizes count leaves, up to 2^64-1; indices start at 0
 * Owns    nothing: no allocation, no failure of its own
 * Spec    RFC 9162 sections 2.1.3 and 2.1.4 (the same proofs as RFC 6962)
 */
#ifndef SLUIS_LEDGER_PROOF_H
#define SLUIS_LEDGER_PROOF_H

#include "base/err.h"
#include "base/sha256.h"

enum {
    PROOF_INCLUSION_HASHES_MAX = 64,   /* the levels of a tree of 2^64-1 leaves */
    PROOF_CONSISTENCY_HASHES_MAX = 65, /* and the subtree where the old tree ends */
};

struct proof {
    size_t n_hashes;
    uint8_t hashes[PROOF_CONSISTENCY_HASHES_MAX][SHA256_BYTES];
};

enum proof_check {
    PROOF_HOLDS,
    PROOF_IMPOSSIBLE,   /* no proof can be for these sizes and this index */
    PROOF_WRONG_LENGTH, /* a proof for them has another number of hashes */
    PROOF_OTHER_ROOT,   /* it leads elsewhere */
};

struct proof_head {
    uint64_t size;
    const uint8_t *root; /* SHA256_BYTES */
};

SL_NODISCARD enum proof_check proof_inclusion_verify(const struct proof *proof, uint64_t index,
                                                     const uint8_t leaf_hash[SHA256_BYTES],
                                                     struct proof_head head);
/*
 * For a verifier that holds both heads. Equal sizes: no hash, equal roots. An old size of 0 proves
 * nothing, so it is PROOF_IMPOSSIBLE.
 */
SL_NODISCARD enum proof_check proof_consistency_verify(const struct proof *proof,
                                                       struct proof_head old_head,
                                                       struct proof_head new_head);

/*
 * Where making gets its hashes: of the complete subtree over the leaves
 * [index << level, (index + 1) << level). It is asked for O(log size) of them.
 */
struct proof_source {
    enum sl_err (*subtree)(void *context, unsigned level, uint64_t index,
                           uint8_t hash[SHA256_BYTES]);
    void *context;
};

/* The root of the first `size` leaves; 0 < `size`. */
SL_NODISCARD enum sl_err proof_root_make(struct proof_source source, uint64_t size,
                                         uint8_t root[SHA256_BYTES]);
/* `index` < `size`; 0 < `old_size` <= `new_size`. Errors are those of the source. */
SL_NODISCARD enum sl_err proof_inclusion_make(struct proof_source source, uint64_t index,
                                              uint64_t size, struct proof *out);
SL_NODISCARD enum sl_err proof_consistency_make(struct proof_source source, uint64_t old_size,
                                                uint64_t new_size, struct proof *out);

#endif
