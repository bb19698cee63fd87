/*
 * archive_manifest.h - what an archive of a ledger holds, and from where it goes on
 *
 * Shape   text: "sluis archive 1", lines of "name value", an empty line, the newest checkpoint
 *
 *             sluis archive 1
 *             origin gateway.example/1
 *             segments 3              that are complete
 *             receipts 4211           in them, and what has to be known to go on after them:
 *             time 1795396800000        of the newest receipt, milliseconds since 1970
 *             key gateway.example/1+... the one in force
 *             tree <base64> <base64>    the subtrees of the receipts, largest first
 *
 *             gateway.example/1       the checkpoint at the end of the copy of the segment in use;
 *             4220                    or of the last complete one, when there is no such copy
 *             ...
 *
 * Owns    nothing: slices point into the text that was parsed, or are the caller's
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_ARCHIVE_MANIFEST_H
#define SLUIS_LEDGER_ARCHIVE_MANIFEST_H

#include "ledger/checkpoint.h"
#include "ledger/tree.h"
#include "ledger/vkey.h"

enum {
    ARCHIVE_MANIFEST_BYTES_MAX =
        1024 + 2 * NOTE_VKEY_BYTES_MAX + TREE_LEVELS * (1 + 44) + CHECKPOINT_BYTES_MAX,
};

/* Where a walk can begin: between two segments. */
struct archive_state {
    struct tree tree;       /* of the receipts before */
    int64_t newest_time_ms; /* INT64_MIN when there are none */
    struct vkey key;        /* in force; its name is the origin */
};

struct archive_manifest {
    uint64_t n_segments;
    struct archive_state state; /* after them */
    struct slice note;          /* the newest checkpoint, signed */
    struct checkpoint newest;   /* what it says; of at least as many receipts as the tree */
};

/* manifest->newest is not needed. */
void archive_manifest_write(const struct archive_manifest *manifest, struct writer *writer);
/*
 * Strict: the one text that archive_manifest_write() writes, of numbers that can be. The note's
 * form is checked, its signature is not.
 */
SL_NODISCARD enum sl_err archive_manifest_parse(struct slice text, struct archive_manifest *out);

#endif
