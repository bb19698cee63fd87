/*
 * prover.h - a partner's, or an app's, own receipts and their proofs, made on a thread of their own
 *
 * Shape   a data thread submits a request and goes on; it comes back to `reply_to` when it is
 *         answered. Reading and hashing the 256 receipts around one takes well under a
 *         millisecond when they are in memory, but a disk may take its time, and no flow waits
 *         for that.
 * Threads prover_submit() from any thread; the rest from the owner's
 * Owns    its ledger reader; requests are the submitter's
 */
#ifndef SLUIS_FLOW_PROVER_H
#define SLUIS_FLOW_PROVER_H

#include "base/mailbox.h"
#include "flow/node.h"

enum prover_outcome {
    PROVER_PROVEN,
    PROVER_NOT_THERE,  /* no such receipt, or not a flow of this partner's: which, is not told */
    PROVER_UNREADABLE, /* the log says why */
};

struct prover_request {
    struct mail mail; /* first */
    struct mailbox *reply_to;
    uint64_t index;
    struct slice partner, app; /* whose flow it must be: one of the two; until the reply */

    enum prover_outcome outcome;
    uint8_t *body; /* PROVER_PROVEN: JSON, see docs/partners.md; free() it */
    size_t body_n;
};

struct prover;

SL_NODISCARD enum sl_err prover_start(struct node *node, struct prover **out);
/* Answers what was submitted before, then joins. */
void prover_stop(struct prover *prover);
/* False when queue_proofs wait already; the request was then not taken. */
SL_NODISCARD bool prover_submit(struct prover *prover, struct prover_request *request);

#endif
