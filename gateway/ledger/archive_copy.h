/*
 * archive_copy.h - a segment from one folder to another, with the lists of heads that its receipts
 *                  commit to; a part of archive.c and archive_restore.c
 */
#ifndef SLUIS_LEDGER_ARCHIVE_COPY_H
#define SLUIS_LEDGER_ARCHIVE_COPY_H

#include "ledger/archive.h"
#include "ledger/archive_manifest.h"
#include "ledger/walk.h"

enum { ARCHIVE_PATH_BYTES = 4096 };

struct archive_copier {
    const char *from, *to;
    int from_fd, to_fd, incoming_fd;
    bool has_holes;  /* zeros of the copy take no room on the disk */
    bool is_at_rest; /* nobody writes the source: an end that is not whole is damage */
    struct slice origin;
    struct archive_problem *problem;
    archive_progress *progress;
    void *progress_context;
    uint64_t bytes_done, bytes_total;
    /* Where the proof stands. */
    struct archive_state state;
    struct archive_evidence evidence[ARCHIVE_EVIDENCE_MAX]; /* met ones are set to size 0 */
    size_t note_n;                                          /* the newest checkpoint; 0: none yet */
    uint8_t note[CHECKPOINT_BYTES_MAX];
    uint8_t *block;
};

/* Sets the problem; gives `err` back. */
enum sl_err archive_refuse(struct archive_problem *problem, enum sl_err err, const char *format,
                           ...) SL_PRINTF(3, 4);
/* By one of the keys, whichever. */
bool archive_is_signed(const struct vkey_list *keys, struct slice note);

/*
 * Both folders are there. The state is that of an empty ledger under `first_key`. Close it also
 * when it could not be opened.
 */
SL_NODISCARD enum sl_err archive_copier_open(struct archive_copier *copier,
                                             const struct vkey *first_key);
void archive_copier_close(struct archive_copier *copier);

/*
 * Copies the segment that begins where the state stands, proves the copy, and moves the state to
 * its end. `is_last`: it may go on later; what comes after its last whole batch is not copied, and
 * when it has no batch at all it is left out; and all evidence must have been met by then, unless
 * the source is at rest: then the caller knows where it must end, and asks afterwards.
 * *n_receipts is how many it has.
 */
SL_NODISCARD enum sl_err archive_copy_segment(struct archive_copier *copier, bool is_last,
                                              uint64_t *n_receipts);
/* The begin of a segment. */
struct archive_boundary {
    struct archive_state state;
    uint64_t n_segments; /* before it */
};

/*
 * Proves what has its name in `to` already, from where the state stands on, as far as it goes, and
 * moves the state there; lists of heads that are missing are copied. *last is the begin of the
 * segment that was reached last, also when something in it does not hold: SL_EMALFORMED.
 */
SL_NODISCARD enum sl_err archive_prove_copied(struct archive_copier *copier,
                                              struct archive_boundary *last);
/* Removes what an earlier run has left without a name; under the lock of whoever owns `to`. */
SL_NODISCARD enum sl_err archive_clear_incoming(struct archive_copier *copier);
/* At the end: the folder as well. */
SL_NODISCARD enum sl_err archive_remove_incoming(struct archive_copier *copier);
/* Was all evidence met? */
SL_NODISCARD enum sl_err archive_check_evidence(struct archive_copier *copier);
/* When no segment has its name in `to` yet: removes it. What can't be removed stays. */
void archive_discard(struct archive_copier *copier);

#endif
