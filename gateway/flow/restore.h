/*
 * restore.h - a node's ledger back from an archive
 *
 * Shape   ledger/archive.h does it; this says what the copy must hold: the last checkpoint that is
 *         kept elsewhere, and what an index that is still there has seen
 * Rule    nothing else may run on the state folder
 */
#ifndef SLUIS_FLOW_RESTORE_H
#define SLUIS_FLOW_RESTORE_H

#include "flow/node.h"
#include "ledger/archive.h"

struct restore_request {
    const struct config *config;
    const char *archive;
    const char *state_folder; /* where to; usually the configuration's. Made when not there */
    const char *key_file;     /* the ledger's public keys; NULL: keys/ledger.vkey in state_folder */
    struct node_reading reading;
};

enum node_state restore_ledger(const struct restore_request *request, struct node_problem *problem,
                               struct archive_result *out);

#endif
