/*
 * walk.h - reading a ledger folder from front to back, believing nothing
 *
 * Shape   each step reads one batch, proves it (form, CRCs, receipts, tree, checkpoint), and only
 *         then moves on. Used by the auditor over the whole ledger, and by the recorder at start
 *         over the part that its index has not seen.
 * Memory  one window of WALK_WINDOW_BYTES, whatever the size of the ledger; and about a MiB for
 *         each thread that helps
 * Owns    its descriptors and window; what a batch points at lives until the next step
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_WALK_H
#define SLUIS_LEDGER_WALK_H

#include "ledger/segment.h"
#include "ledger/tree.h"

enum { WALK_WINDOW_BYTES = 2 << 20 }; /* more than the largest batch */

enum walk_step {
    WALK_BATCH,      /* *batch is proven */
    WALK_END,        /* nothing but zeros comes after what was proven */
    WALK_TORN,       /* at the end of the last segment: not a whole batch, and not zeros */
    WALK_DAMAGED,    /* what was written is not what stands there */
    WALK_UNREADABLE, /* a file can't be opened or read */
};

/* Where and what; `text` is one clause without a full stop. */
struct walk_problem {
    char text[400];
    char segment[SEGMENT_NAME_BYTES + 1];
    uint64_t offset;
    uint64_t receipt; /* the first that can't be trusted */
    bool other_key;   /* of another origin, or signed by another key */
};

/* Where a walk begins: by default at the first byte of the first segment. */
struct walk_start {
    struct tree tree; /* of the receipts before */
    int64_t newest_time_ms;
    uint64_t segment_first; /* the segment's first index */
    uint64_t offset;        /* of a batch in it; 0: at its head */
};

/* Heads among the receipts of a batch. What they say is not looked at here. */
struct batch_heads {
    uint32_t n;
    /* Of the first of them. */
    uint64_t index, offset;
    struct leaf_heads leaf;
};

struct walk {
    int folder_fd;
    struct note_verifier *verifier;     /* of the key in force: the caller's, or */
    struct note_verifier *own_verifier; /* after a key receipt, this; else NULL */
    uint64_t n_key_changes;             /* since the walk began, */
    uint64_t key_receipt;               /* the last of them at this one */
    /*
     * Set by the caller: the key is one that the ledger went over to later. Until its key receipt,
     * whose checkpoint is the first that it must stand for, signatures are by keys that nobody
     * gave, and are not checked; everything else is. The walk clears it there.
     */
    bool is_before_key;
    const struct vkey_list *awaited; /* before the caller's key: any of these will do, or NULL */
    /* What the folder held when the walk began. */
    uint64_t n_listed, listed_bytes, newest_listed, newest_listed_bytes;
    /* The segment that is open. */
    int segment_fd;
    uint64_t segment_first, segment_bytes;
    uint32_t alignment;
    /* Everything before `offset` is proven. */
    uint64_t offset, batch_offset;
    struct tree tree;
    int64_t newest_time_ms;
    struct batch_tiles tiles; /* of the last batch, and so */
    struct batch_heads heads; /* are these */
    uint64_t n_batches, n_segments;
    uint64_t n_bytes_done;
    uint8_t *window;
    uint64_t window_at;
    size_t window_n;
    struct walk_ahead *ahead; /* NULL: no other threads */
    bool only_form;
    struct walk_problem problem;
};

/*
 * SL_ESTORE (with walk->problem) when the folder can't be read. `start` may be NULL. A walk that
 * was opened must be closed, and so may one that could not be.
 */
SL_NODISCARD enum sl_err walk_open(struct walk *walk, const char *folder,
                                   struct note_verifier *verifier, const struct walk_start *start);
/*
 * From now on, so many threads beside this one prove what comes next. What the walk finds is the
 * same. SL_EINTERNAL: no memory, or no more threads.
 */
SL_NODISCARD enum sl_err walk_use_threads(struct walk *walk, size_t n_threads);
/*
 * From now on, batches are only taken apart: their form and their place in the sequence hold, and
 * nothing else is looked at. For another look at what was proven a moment ago; walk->tree is then
 * a number of receipts, and no tree.
 */
void walk_read_only_form(struct walk *walk);
void walk_close(struct walk *walk);
/* After anything but WALK_BATCH the walk stands where it stood, and walk->problem says why. */
SL_NODISCARD enum walk_step walk_next(struct walk *walk, struct batch *batch);
/* Forgets what was read ahead: for a ledger that grows while it is read. */
void walk_reread(struct walk *walk);
/*
 * After WALK_TORN: is it one unfinished batch and nothing else? Then *n_bytes is the length of
 * what has to be zeroed, from walk->offset on.
 */
SL_NODISCARD enum sl_err walk_measure_torn(struct walk *walk, bool *is_one_batch,
                                           uint64_t *n_bytes);

#endif
