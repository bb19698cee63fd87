/*
 * node.h - a recorder on a folder, with subjects that need no store; for the ledger's benchmarks
 */
#ifndef SLUIS_BENCH_NODE_H
#define SLUIS_BENCH_NODE_H

#include "ledger/recorder.h"

#define BENCH_ORIGIN "bench.example"

struct bench_node {
    char folder[300], index_folder[300], key_file[300], vkey_file[300];
    struct limits limits;
    struct recorder *recorder;
};

/* Where things are below `root`. Points into `node`. */
void bench_node_config(struct bench_node *node, const char *root, struct recorder_config *config);
/* Makes the key and an empty ledger below `root`, and starts; exits with 2 when that fails. */
void bench_node_open(struct bench_node *node, const char *root);
/* Stops. The recorder's vkey can still be asked for. */
void bench_node_stop(struct bench_node *node);
void bench_node_free(struct bench_node *node);

/* A release of 399 bytes, of one of 1,000 subjects. */
void bench_draft(struct record *record, struct mailbox *reply_to, size_t who);

#endif
