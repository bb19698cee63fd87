/*
 * index_rebuild.h - throws the index away and makes it anew from the segments
 *
 * Shape   the new index is made beside the old one and takes its place when it is complete, so an
 *         end at any moment leaves one or the other
 * Rule    what the old index had seen must be in the ledger, as far as the old one can still be
 *         read: else the ledger was cut off or is an old copy, and only the index still knows
 * Threads nobody may write the ledger meanwhile, and the process must have this thread only
 * Errors  SL_ESTORE with a text for the operator
 */
#ifndef SLUIS_LEDGER_INDEX_REBUILD_H
#define SLUIS_LEDGER_INDEX_REBUILD_H

#include "ledger/recorder.h"

struct index_rebuilt {
    uint64_t n_receipts;
    bool had_old;        /* there was an index, */
    bool old_was_read;   /* which could be read: */
    uint64_t n_old_seen; /* it had seen so many receipts */
};

/* `config` is as for recorder_open(); nothing is written to its ledger, and nothing signed. */
SL_NODISCARD enum sl_err index_rebuild(const struct recorder_config *config,
                                       struct recorder_problem *problem, struct index_rebuilt *out);

#endif
