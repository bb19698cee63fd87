/*
 * tlog_proof.h - the file that proves a receipt to somebody who has nothing but a key
 *
 * Shape   c2sp.org/tlog-proof@v1
 *         extra <base64>            when there is any; nobody vouches for it
 *         index <n>
 *         <base64 of a hash>        the leaf's sibling first; no line in a tree of one leaf
 *                                   an empty line
 *         <checkpoint>              a signed note, verbatim
 * Owns    nothing: slices point into the text that was parsed
 * Spec    C2SP tlog-proof v1
 */
#ifndef SLUIS_LEDGER_TLOG_PROOF_H
#define SLUIS_LEDGER_TLOG_PROOF_H

#include "base/writer.h"
#include "ledger/note.h"
#include "ledger/proof.h"

enum {
    TLOG_PROOF_EXTRA_BYTES_MAX = 4096,
    TLOG_PROOF_HASH_LINE_BYTES = 44 + 1,
    TLOG_PROOF_BYTES_MAX = 23 + 6 + (TLOG_PROOF_EXTRA_BYTES_MAX + 2) / 3 * 4 + 1 + 6 + 20 + 1 +
                           PROOF_INCLUSION_HASHES_MAX * TLOG_PROOF_HASH_LINE_BYTES + 1 +
                           NOTE_BYTES_MAX,
};

struct tlog_proof {
    struct slice extra; /* as base64 text; empty: none */
    uint64_t index;
    struct proof proof;
    struct slice checkpoint;
};

/* `extra` is base64 already; SL_EMALFORMED when it is not. SL_ELIMIT when it does not fit. */
SL_NODISCARD enum sl_err tlog_proof_write(const struct tlog_proof *proof, struct writer *out);
/*
 * Strict: what tlog_proof_write() writes. The checkpoint is not looked into, but it must be there.
 */
SL_NODISCARD enum sl_err tlog_proof_parse(struct slice text, struct tlog_proof *out);

/*
 * A consistency proof with the checkpoint that it leads to. There is no file format for it; this
 * is the body that a witness is sent (C2SP tlog-witness, add-checkpoint):
 *     old <size>
 *     <base64 of a hash>
 *                                   an empty line
 *     <checkpoint>
 */
struct tlog_growth {
    uint64_t old_size;
    struct proof proof;
    struct slice checkpoint;
};
SL_NODISCARD enum sl_err tlog_growth_write(const struct tlog_growth *growth, struct writer *out);
/* At most 63 hashes, as witnesses take. An old size of 0 and no hash is well-formed. */
SL_NODISCARD enum sl_err tlog_growth_parse(struct slice text, struct tlog_growth *out);

#endif
