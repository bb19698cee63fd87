/*
 * verify.h - checks ledger folders and proofs offline: no gateway, no LMDB, no trust
 *
 * Folder  walks the segments in order, recomputes every leaf hash, the tree, each checkpoint's
 *         root and signature, order, and CRCs; stops at the first thing that is wrong and names
 *         segment, byte, batch and receipt
 * Proofs  one receipt against one signed checkpoint, or two checkpoints against each other, from
 *         text alone. Pure: they read no file, ask no clock, and allocate nothing but what
 *         OpenSSL needs within a call; about 100 KiB of stack.
 * Owns    nothing after it returns
 * Links   libcrypto
 * Spec    docs/formats/ledger.md; C2SP signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature,
 *         tlog-policy; RFC 9162 section 2.1
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

enum { SLUIS_VERIFY_VKEY_BYTES = 384 }; /* a key, with NUL */

struct sluis_verify_report {
    uint64_t n_receipts; /* checked and right */
    uint64_t n_batches;
    uint64_t n_segments;
    uint8_t root[32]; /* of n_receipts leaves */
    char origin[256];
    /* The first thing wrong, or why it could not be checked. */
    char problem[512];
    char segment[64];        /* its file name, or that of a list of heads */
    uint64_t segment_offset; /* of the first bad byte, or of the structure that holds it */
    uint64_t batch;          /* counted from 0 */
    uint64_t receipt;        /* index of the first receipt that can't be trusted */
    /*
     * What does not hold is the account of how many receipts each subject had: `receipt` is the one
     * that has these heads. Everything before it was signed as it stands.
     */
    bool is_about_heads;
    uint64_t n_epochs;   /* with heads, checked and right */
    uint64_t headed_end; /* the receipts before this belong to them */
    /*
     * The folder has a list of heads, of epoch list_beyond, over receipts that come after the end
     * of the ledger: up to list_beyond_end, or 0 when it can't be read. No signature stands for a
     * list alone, so the ledger is valid; but its end may have been cut off.
     */
    bool has_list_beyond;
    uint64_t list_beyond, list_beyond_end;
    /* It has the tag of a receipt before it. Everything else holds: both were signed. */
    bool repeats_tag;
    uint64_t tag_receipt; /* that receipt */
    /* The ledger's keys, as its receipts name them: how many signed so far, which is the newest,
     * and which receipt went over to it, when it is not the first. */
    uint64_t n_keys;
    char vkey[SLUIS_VERIFY_VKEY_BYTES];
    uint64_t key_receipt;
    /* Given keys that the ledger has not come to: it is from before they came into use, or a fork
     * by somebody who has an older one. */
    uint64_t n_unmet;
    /* Not 0: so many receipts are under checkpoints of keys older than those given, at last
     * of older_vkey. Those signatures were not checked; the receipts were, as the checkpoints that
     * follow are over all of them. */
    uint64_t n_older;
    char older_vkey[SLUIS_VERIFY_VKEY_BYTES];
};

/*
 * Called for each receipt when its batch is proven; return false to stop early: the result then
 * speaks of what was read until then. May be NULL.
 */
typedef bool sluis_verify_visit(void *context, uint64_t index, const uint8_t *leaf,
                                size_t leaf_bytes);
/* The same for the checkpoint of each batch, after its receipts: a signed note over `size` leaves.
 */
typedef bool sluis_verify_visit_checkpoint(void *context, uint64_t size, const uint8_t *note,
                                           size_t note_bytes);

struct sluis_verify_options {
    /*
     * Signed-note verifier keys (name+hash+base64), one a line, in any order: the ledger's first,
     * and those that it has gone over to, as far as they are known. It is followed to further ones
     * by the receipts that name them, and must not go over to one that is not listed before it has
     * come to all that are. When the ledger's first key is not among them: with visits, that is
     * SLUIS_VERIFY_UNCHECKED; without, see n_older. Either way older_vkey says which is missing.
     */
    const char *vkey;
    sluis_verify_visit *visit;
    void *visit_context;
    /* For a progress bar; may be NULL. */
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
    sluis_verify_visit_checkpoint *visit_checkpoint; /* with visit_context; may be NULL */
    /* That share the work, the caller's among them; the visits are all on the caller's. 0: as 1. */
    size_t n_threads;
    /* With the lists of heads in the folder: how many receipts each subject had. */
    bool check_heads;
    /*
     * To prove that no tag is under two receipts, in so much memory; 0: leave that out. Five bytes
     * for each receipt let it be done in the same pass; less takes more passes.
     */
    size_t tag_memory_bytes;
};

/*
 * Reads only. Needs about 2 MiB, whatever the size of the ledger, and one more for each thread. A
 * ledger that a gateway is
 * writing to can be checked: what is complete when the end is reached counts.
 */
enum sluis_verify_result sluis_verify_folder(const char *folder,
                                             const struct sluis_verify_options *options,
                                             struct sluis_verify_report *report);

/*
 * Whom to believe. At least one of the two; with both, both must hold. A policy that names no log
 * needs the vkey beside it. Of several keys any one will do: a checkpoint alone does not show when
 * its key was replaced. A consistency proof shows more: the new checkpoint must not be under an
 * older key than the old one is.
 */
struct sluis_trust {
    const char *vkey;   /* the log's signed-note verifier keys, oldest first, one a line; or NULL */
    const char *policy; /* the text of a trust file (C2SP tlog-policy), or NULL */
    size_t policy_bytes;
};

struct sluis_proof_report {
    char problem[256]; /* why it is invalid, or could not be checked */
    bool is_other_key; /* invalid, as signed with a key of the log's name that was not given */
    char origin[256];  /* the rest is set when it is valid */
    size_t key;        /* that signed the (new) checkpoint: its place among those given, from 0 */
    uint64_t index;    /* of the receipt; 0 for a consistency proof */
    uint64_t old_size; /* of a consistency proof; 0 for a receipt's */
    uint64_t size;
    uint8_t root[32];
    /* Witnesses of the policy whose cosignature holds, and the oldest of their times in seconds. */
    size_t n_witnesses;
    uint64_t oldest_cosigned_s;
};

/*
 * Is the leaf a receipt of the log that `trust` knows? `proof` is a C2SP tlog-proof file, `leaf`
 * the receipt's exact bytes. SLUIS_VERIFY_UNCHECKED: the vkey or the policy can't be used.
 */
enum sluis_verify_result sluis_verify_proof(const void *proof, size_t proof_bytes, const void *leaf,
                                            size_t leaf_bytes, const struct sluis_trust *trust,
                                            struct sluis_proof_report *report);

/*
 * Did the tree of the new checkpoint grow out of the old one's, with nothing changed or taken
 * away? Both are signed notes that must hold under `trust`, and of one origin; an old size of 0
 * proves nothing and is invalid.
 */
enum sluis_verify_result sluis_verify_consistency(const void *old_checkpoint, size_t old_bytes,
                                                  const void *new_checkpoint, size_t new_bytes,
                                                  const uint8_t (*hashes)[32], size_t n_hashes,
                                                  const struct sluis_trust *trust,
                                                  struct sluis_proof_report *report);

/* A checkpoint alone: is it a signed note of the log that `trust` knows? */
enum sluis_verify_result sluis_verify_checkpoint(const void *checkpoint, size_t checkpoint_bytes,
                                                 const struct sluis_trust *trust,
                                                 struct sluis_proof_report *report);

#endif
