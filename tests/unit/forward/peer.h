/*
 * peer.h - an app made for one test: it does exactly what the test tells it, in the same loop
 *
 * Shape   a listener on the loopback; the test is called for each request that came in whole and
 *         answers with raw bytes, closes, resets, or stays silent. With `tls` it speaks TLS.
 */
#ifndef SLUIS_TEST_PEER_H
#define SLUIS_TEST_PEER_H

#include "base/loop.h"
#include "base/slice.h"

#include <netinet/in.h>
#include <openssl/ssl.h>

#define PEER_EMPTY_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct peer;

struct peer_connection {
    struct loop_source source;
    struct loop_timer timer; /* for the test's own use */
    struct peer *peer;
    struct peer_connection *next;
    SSL *ssl;
    unsigned number;     /* 0, 1, ... in the order of accepting */
    unsigned n_requests; /* on this connection */
    bool was_closed_by_client;
    size_t n_in, n_out, n_out_sent;
    char in[20000];
    char *out;
};

struct peer {
    struct loop *loop;
    struct loop_source listener;
    struct sockaddr_in address;
    SSL_CTX *tls;
    struct peer_connection *connections; /* newest first; kept until peer_deinit() */
    unsigned n_accepted, n_requests, n_closed_by_client;
    size_t dribble_bytes; /* 0: sends all at once; else so many in each turn */
    void (*accepted)(struct peer_connection *connection);
    void (*request)(struct peer_connection *connection, struct slice text);
    void (*client_closed)(struct peer_connection *connection);
};

void peer_init(struct peer *peer, struct loop *loop);
void peer_deinit(struct peer *peer);
void peer_send(struct peer_connection *connection, struct slice bytes);
void peer_send_str(struct peer_connection *connection, const char *text);
/* FIN after what was sent; close_notify before it under TLS. */
void peer_close(struct peer_connection *connection);
/* FIN without close_notify. */
void peer_cut(struct peer_connection *connection);
void peer_reset(struct peer_connection *connection);
struct peer_connection *peer_find(struct peer *peer, unsigned number);
/* For peer.request: 200 without a body; 200 with the target's first letter as its body. */
void peer_answer_empty(struct peer_connection *connection, struct slice text);
void peer_answer_echo(struct peer_connection *connection, struct slice text);
/* For loop.turn: sends the next bytes of what dribbles; 0 while there are some. */
int peer_turn(struct loop *loop, void *peer);

#endif
