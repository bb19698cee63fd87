/*
 * lock.h - who may write a state folder
 *
 * Shape   state/lock, held as long as its descriptor is open; it has the holder's process id in it.
 *         While a ledger is being put back, only that may have it: see lock_take_to_restore().
 * Errors  the text in node_problem tells the operator what to do
 */
#ifndef SLUIS_FLOW_LOCK_H
#define SLUIS_FLOW_LOCK_H

#include "base/err.h"

enum node_state { NODE_OPENED, NODE_LOCKED_BY_OTHER, NODE_BROKEN };

struct node_problem {
    char text[640];
};

/* *fd is the lock's, and closing it gives it back; -1 when this does not give NODE_OPENED. */
enum node_state lock_take(const char *state_folder, struct node_problem *problem, int *fd);
/* The same, also when the ledger in this folder is not put back yet. */
enum node_state lock_take_to_restore(const char *state_folder, struct node_problem *problem,
                                     int *fd);

#endif
