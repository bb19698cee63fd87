/*
 * walk_ahead.h - the batches that come next, proven by other threads; a part of walk.c
 *
 * Shape   the walk's thread reads a few stretches of the open segment ahead; threads prove what can
 *         be proven of each batch alone; the walk takes them in order, and proves the rest. What
 *         does not hold is not reported here: it is forgotten, and the walk looks at it itself.
 * Memory  for each thread two stretches: about 600 KiB, or twice the largest batch where that is
 *         more
 * Threads everything here is called by the walk's thread; it does its share of the proving
 */
#ifndef SLUIS_LEDGER_WALK_AHEAD_H
#define SLUIS_LEDGER_WALK_AHEAD_H

#include "ledger/walk_prove.h"

struct walk_ahead;

/* `n_threads` in addition to the walk's. SL_EINTERNAL: no memory, or no more threads. */
SL_NODISCARD enum sl_err walk_ahead_new(size_t n_threads, struct walk_ahead **out);
void walk_ahead_free(struct walk_ahead *ahead);
SL_DEFINE_AUTO(walk_ahead, walk_ahead_free)

/*
 * The batch at walk->offset of the open segment, with all that can be proven of it alone under the
 * walk's key; NULL when the walk has to look itself. What `batch` and the proof point at lives
 * until the next call.
 */
const struct batch_proof *walk_ahead_next(struct walk_ahead *ahead, const struct walk *walk,
                                          struct batch *batch, uint64_t *padded_bytes);

#endif
