/*
 * archive.h - copies of a ledger elsewhere, and back
 *
 *     archive/
 *       00000000000000000000.seg       complete segments, byte for byte
 *       00000000000000141307.seg       the one in use: its batches so far, then zeros
 *       heads/00000000000000000003.heads
 *       manifest                       see archive_manifest.h
 *       incoming/                      what is being copied; no part of the archive
 *       lock                           held while something is copied
 *
 * Shape   an archive is a ledger folder, and can be verified as one. A file gets its name when its
 *         copy was read back from the disk and proven; so whatever ends a run, what has a name is
 *         right, and the next run goes on after it.
 * Errors  SL_ESTORE: a file can't be read or written; SL_EMALFORMED: what is there is not what it
 *         should be, or must not be touched. Both with a text for the operator.
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_ARCHIVE_H
#define SLUIS_LEDGER_ARCHIVE_H

#include "ledger/recorder.h"
#include "ledger/vkey_list.h"

struct archive_problem {
    char text[640];
};

typedef void archive_progress(void *context, uint64_t bytes_done, uint64_t bytes_total);

/* Names below the state folder, while a ledger is being put back. */
#define ARCHIVE_RESTORING "ledger.restoring"

struct archive_request {
    const char *ledger;           /* the ledger's folder */
    const char *archive;          /* the archive's */
    const struct vkey_list *keys; /* every key that the ledger has had, as far as they are known */
    archive_progress *progress;   /* may be NULL */
    void *progress_context;
};

struct archive_result {
    uint64_t n_segments; /* complete ones in the archive, */
    uint64_t n_copied;   /* and of them, copied by this run */
    uint64_t n_receipts; /* under the newest checkpoint */
};

/*
 * Copies what is new. A gateway may write the ledger meanwhile; what is complete when its segment
 * is reached is copied. Makes the archive's folder if its parent is there.
 */
SL_NODISCARD enum sl_err archive_run(const struct archive_request *request,
                                     struct archive_problem *problem, struct archive_result *out);

/* A copy is taken for the newest only if it holds each of these; see recorder_config.held. */
struct archive_evidence {
    struct ledger_held held; /* of size 0: none */
    const char *from;        /* where that is from */
};
enum { ARCHIVE_EVIDENCE_MAX = 2 };

struct archive_restore_request {
    const char *archive;
    const char *state_folder; /* is there; has no ledger, or an empty one; nobody else uses it */
    const struct vkey_list *keys;
    struct archive_evidence evidence[ARCHIVE_EVIDENCE_MAX];
    archive_progress *progress;
    void *progress_context;
};

/*
 * Puts the ledger back: proves everything from receipt 0 on, up to the manifest's checkpoint, and
 * gives it its name at the end. A run that was interrupted is gone on with; one that failed leaves
 * ARCHIVE_RESTORING only if there is something in it to go on from. The index is not made.
 */
SL_NODISCARD enum sl_err archive_restore(const struct archive_restore_request *request,
                                         struct archive_problem *problem,
                                         struct archive_result *out);

#endif
