/*
 * prove_reader.h - a receipt and its proof without reading the whole ledger
 *
 * Shape   over HTTP from tiles; from a folder by its index, in a process of its own: an index is a
 *         file of LMDB's, which LMDB believes, and this one may be anybody's
 * Trust   none: whoever gets a proof checks it against a signed checkpoint
 */
#ifndef SLUIS_AUDIT_PROVE_READER_H
#define SLUIS_AUDIT_PROVE_READER_H

#include "ledger.h"
#include "ledger/leaf.h"
#include "ledger/ledger_reader.h"
#include "output.h"

/* Everything that a proof file is made of; a plain value. */
struct proven {
    bool is_there;         /* false: the ledger has no such receipt, it has */
    uint64_t n_receipts;   /* so many */
    struct kept_note note; /* of size `size`, unless another one was given */
    uint64_t size;
    uint8_t root[SHA256_BYTES];
    struct proof proof;
    size_t leaf_n;
    uint8_t leaf[LEAF_BYTES_MAX];
};

/*
 * Under the newest checkpoint, or at `size_max` where that is smaller. Over HTTP: what does not
 * hold, or could not be asked, is in `problem`.
 */
SL_NODISCARD enum sluis_verify_result prove_by_tiles(struct ledger_source *source, uint64_t index,
                                                     uint64_t size_max,
                                                     struct ledger_problem *problem,
                                                     struct proven *out);
/*
 * By the index in --index, or the one beside the folder. False when there is none, or when it is
 * of no use: then `problem` says why, and is empty when nothing was there.
 */
SL_NODISCARD bool prove_by_index(struct ledger_source *source, uint64_t index, uint64_t size_max,
                                 struct ledger_problem *problem, struct proven *out);

#endif
