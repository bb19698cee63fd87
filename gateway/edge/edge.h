/*
 * edge.h - the listeners: for partners, as many data threads as configured on one port; for whoever
 *          reads the ledger, a thread and a port of its own
 *
 * Each data thread has a listening socket of its own on the same port (SO_REUSEPORT), so the kernel
 * spreads connections and no thread hands one to another.
 */
#ifndef SLUIS_EDGE_EDGE_H
#define SLUIS_EDGE_EDGE_H

#include "edge/edge_problem.h"
#include "edge/thread.h"

struct edge;

/* Starts serving. `*out` is to be stopped with edge_stop(). */
SL_NODISCARD enum sl_err edge_start(struct node *node, struct edge_problem *problem,
                                    struct edge **out);
/* Ends in order, see edge_thread_stop(); adds up what the threads counted. */
void edge_stop(struct edge *edge, struct edge_counters *sum);
/* The port that was bound; of interest when the configuration says 0. */
uint16_t edge_port(const struct edge *edge);
/* The same of the ledger's listener; 0 when there is none. */
uint16_t edge_ledger_port(const struct edge *edge);
/* And of the page's. */
uint16_t edge_page_port(const struct edge *edge);

#endif
