/*
 * forge.h - batches written by hand at the end of a ledger: sound in form, and whatever else a test
 *           wants of them
 */
#ifndef SLUIS_TESTS_LEDGER_FORGE_H
#define SLUIS_TESTS_LEDGER_FORGE_H

#include "fixture.h"

/* Where the ledger ends. Its recorder is closed. */
struct forge {
    char path[256]; /* of the last segment */
    struct slice origin;
    uint64_t offset;
    uint32_t alignment;
    int64_t newest_time_ms;
    struct tree tree;
};

/* Walks to the end of a ledger that is valid under its first key. */
void forge_begin(struct forge *forge, const struct fixture *fixture);
/* Appends one batch of these leaves, with CRCs, root and signature in order. */
void forge_batch(struct forge *forge, const struct slice *leaves, uint32_t n_leaves,
                 struct note_signer *signer);
/* Overwrites what was appended since `before` with zeros, and goes back there. */
void forge_undo(struct forge *forge, const struct forge *before);

#endif
