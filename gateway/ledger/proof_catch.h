/*
 * proof_catch.h - the few subtree hashes that proofs need, caught while all leaves go by once
 *
 * Shape   leaves are added in order, from the first. Around one leaf (whose inclusion is to be
 *         proven), and at one size (of which the tree is to be proven a prefix), what a proof
 *         towards any later size can ask for is kept; then it is a source for proof_*_make().
 * Memory  three values of 2 KiB each, whatever the size
 * Owns    nothing
 */
#ifndef SLUIS_LEDGER_PROOF_CATCH_H
#define SLUIS_LEDGER_PROOF_CATCH_H

#include "ledger/proof.h"
#include "ledger/tree.h"

struct proof_catch {
    uint64_t leaf;   /* the way from this leaf to the root */
    uint64_t beside; /* bit l: the sibling at level l has been seen */
    uint8_t siblings[TREE_LEVELS][SHA256_BYTES];
    uint64_t old_size; /* 0: none */
    struct tree old_tree;
    struct tree tree;
};

/* Around leaf `leaf`: for inclusion proofs. */
void proof_catch_leaf(struct proof_catch *caught, uint64_t leaf);
/* At size `old_size` > 0: for consistency proofs. */
void proof_catch_size(struct proof_catch *caught, uint64_t old_size);
void proof_catch_add(struct proof_catch *caught, const uint8_t leaf_hash[SHA256_BYTES]);
/* What was caught so far; for proofs towards the size that `caught->tree` has now. */
struct proof_source proof_catch_source(struct proof_catch *caught);

#endif
