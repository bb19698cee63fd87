/*
 * thread.h - one data thread: its loop, its libmicrohttpd daemon, its connections
 *
 * libmicrohttpd runs without threads of its own: its epoll descriptor stands in the loop, beside
 * the sockets to the apps and the mail from the recorder, so that a flow never changes threads.
 */
#ifndef SLUIS_EDGE_THREAD_H
#define SLUIS_EDGE_THREAD_H

#include "edge/connection.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>

/* Counted per thread, added up by edge_stop(). */
struct edge_counters {
    uint64_t n_released, n_refused, n_unrecorded;
    uint64_t n_proven;      /* receipts that partners asked for */
    uint64_t n_done;        /* of the gateway's own endpoints, what was asked of them */
    uint64_t n_turned_away; /* no partner, no route, bad query, no receipt of theirs */
    uint64_t n_malformed;
    uint64_t n_deadlines;
};

struct edge_thread {
    struct loop loop;
    struct flow_engine *engine;
    const struct config *config;
    struct MHD_Daemon *daemon;
    struct loop_source daemon_source;
    bool daemon_is_due; /* a connection was resumed, or its descriptor is readable */
    struct loop_source drain_source;
    bool draining;                    /* no new connections; stops when every answer is sent */
    uint64_t n_flows;                 /* started, and not answered to the last byte */
    const gnutls_datum_t *ticket_key; /* TLS session tickets; NULL without TLS */
    struct connection *connections;   /* all, linked */
    struct edge_counters counters;
    int64_t log_second; /* lines of one second, for the cap */
    unsigned n_log_lines;
    pthread_t thread;
    bool is_running;
};

/* What the threads of one listener have in common. */
struct edge_listener {
    struct node *node;
    const struct credential_table *credentials;
    struct prover *prover;
    const char *certificate, *key; /* PEM texts; NULL without TLS */
    const gnutls_datum_t *ticket_key;
};

/* `listen_fd` becomes the thread's, also on failure. */
SL_NODISCARD enum sl_err edge_thread_start(struct edge_thread *thread,
                                           const struct edge_listener *listener, int listen_fd);
/*
 * In two steps, so that whoever hands answers back to the thread can be stopped in between.
 * First: takes no new connection, lets every flow under way end and its answer be sent, and joins.
 * Each answer from then on closes its connection, so partners that keep asking cannot hold it up.
 * The app is bounded by flow_ms, a slow reader by reply_ms.
 */
void edge_thread_drain(struct edge_thread *thread);
/* Then: frees what it had. */
void edge_thread_close(struct edge_thread *thread);

#endif
