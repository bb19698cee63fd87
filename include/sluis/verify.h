/*
 * verify.h - checks a ledger folder offline: no gateway, no LMDB, no trust
 *
 * Shape   walks the segments in order, recomputes every leaf hash, the tree, each checkpoint's
 *         root and signature, order, and CRCs; stops at the first thing that is wrong and names
 *         segment, byte, batch and receipt
 * Owns    nothing after it returns
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_VERIFY_H
#define SLUIS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sluis_verify_result {
    SLUIS_VERIFY_VALID = 0,
    SLUIS_VERIFY_INVALID = 1,
    SLUIS_VERIFY_UNCHECKED = 2, /* a file or key could not be read */
};

struct sluis_verify_report {
    uint64_t n_receipts; /* checked and right */
    uint64_t n_batches;
    uint64_t n_segments;
    uint8_t root[32]; /* of n_receipts leaves */
    char origin[256];
    /* The first thing wrong, or why it could not be checked. */
    char problem[512];
    char segment[64];        /* its file name */
    uint64_t segment_offset; /* of the first bad byte, or of the structure that holds it */
    uint64_t batch;          /* counted from 0 */
    uint64_t receipt;        /* index of the first receipt that can't be trusted */
};

/*
 * Called for each receipt when its batch is proven; return false to stop early: the result then
 * speaks of what was read until then. May be NULL.
 */
typedef bool sluis_verify_visit(void *context, uint64_t index, const uint8_t *leaf,
                                size_t leaf_bytes);

struct sluis_verify_options {
    const char *vkey; /* signed-note verifier key: name+hash+base64; may end in LF */
    sluis_verify_visit *visit;
    void *visit_context;
    /* For a progress bar; may be NULL. */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

/*
 * Reads only. Needs about 2 MiB, whatever the size of the ledger. A ledger that a gateway is
 * writing to can be checked: what is complete when the end is reached counts.
 */
enum sluis_verify_result sluis_verify_folder(const char *folder,
                                             const struct sluis_verify_options *options,
                                             struct sluis_verify_report *report);

#endif
