/*
 * submitter.h - the thread that has this node's checkpoints cosigned
 *
 * Shape   every so often, when there is something new, the newest checkpoint goes to each witness
 *         of the trust file, with the proof that it grew out of what that witness has cosigned.
 *         What comes back is checked, collected, and put on the board (flow/witnessed.h).
 *
 * Threads its own; it takes no lock that a flow waits for
 *
 * Logs    a witness that fails or disagrees, and is back; the quorum missed, and back; flows
 *         refused, and served again; an end with receipts that no quorum has seen
 */
#ifndef SLUIS_SUBMIT_SUBMITTER_H
#define SLUIS_SUBMIT_SUBMITTER_H

#include "flow/node.h"

struct submitter;

/* For a node with witnesses. When it returns, the board says whether flows may pass. */
SL_NODISCARD enum sl_err submitter_start(struct node *node, struct submitter **out);
/* Shows the witnesses what is new; takes witness_answer_ms at most. */
void submitter_stop(struct submitter *submitter);

#endif
