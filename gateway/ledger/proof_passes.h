/*
 * proof_passes.h - inclusion proofs of any number of receipts, from two passes over all of them
 *
 * Shape   the first pass keeps the hash of every tile of 256 leaves, and what is above; the second
 *         keeps the hashes within one tile at a time, and can make the proofs of its leaves when
 *         it has gone by. All proofs are towards the size that the first pass ended with.
 * Memory  64 bytes for each tile: 2.5 MB for 10 million receipts; and 150 KiB
 * Owns    its hashes
 * Errors  SL_ESTORE: the second pass brought other leaves than the first; SL_EINTERNAL
 */
#ifndef SLUIS_LEDGER_PROOF_PASSES_H
#define SLUIS_LEDGER_PROOF_PASSES_H

#include "ledger/proof.h"

struct proof_passes;

SL_NODISCARD enum sl_err proof_passes_new(struct proof_passes **out);
void proof_passes_free(struct proof_passes *passes);
SL_DEFINE_AUTO(proof_passes, proof_passes_free)

/* First pass: each leaf, from the first. */
SL_NODISCARD enum sl_err proof_passes_add(struct proof_passes *passes,
                                          const uint8_t leaf_hash[SHA256_BYTES]);
/* Ends it. */
void proof_passes_turn(struct proof_passes *passes);
/* How many leaves there were. */
uint64_t proof_passes_size(const struct proof_passes *passes);

/*
 * Second pass: the same leaves again, at most as many. *is_ready: proofs can be made, until the
 * next call, for this leaf and those before it since *is_ready was true the last time.
 */
SL_NODISCARD enum sl_err proof_passes_again(struct proof_passes *passes,
                                            const uint8_t leaf_hash[SHA256_BYTES], bool *is_ready);
SL_NODISCARD enum sl_err proof_passes_make(struct proof_passes *passes, uint64_t index,
                                           struct proof *out);

enum { PROOF_PASSES_LEAVES = 256 }; /* between two times of *is_ready, at most */

#endif
