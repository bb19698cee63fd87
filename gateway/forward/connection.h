/*
 * connection.h - one socket to an app: connect, send one request, read one answer, stay or close
 *
 * Shape   a state machine driven by the loop's events. The pool (upstream.c) gives it an exchange
 *         and gets it back through `ended`; deadlines of the exchange fire in upstream.c, and are
 *         set here, where each stage begins.
 * Owns    the transport and one buffer, which holds the request while it is sent and then the
 *         answer as it comes; wiped whenever the connection goes idle or is closed
 *
 *     CLOSED ─▶ CONNECTING ─▶ SENDING ─▶ HEAD ─▶ BODY ─▶ IDLE ─▶ SENDING ─▶ ...
 *        ▲──────────┴────────────┴─────────┴───────┴───────┘
 */
#ifndef SLUIS_FORWARD_CONNECTION_H
#define SLUIS_FORWARD_CONNECTION_H

#include "forward/body.h"
#include "forward/request.h"
#include "forward/transport.h"
#include "forward/upstream.h"

enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING, /* the TLS handshake included */
    CONNECTION_SENDING,
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_IDLE,
    N_CONNECTION_STATES,
};

struct upstream_connection;

/* What all connections of one upstream share. */
struct connection_settings {
    struct loop *loop;
    struct sockaddr_storage address;
    socklen_t address_bytes;
    struct tls_client *tls; /* NULL: plain */
    struct request_text request;
    struct limits limits;
    size_t buffer_bytes;
    /*
     * An exchange is over, and the connection, now idle or closed, has let go of it. `is_stale`:
     * the connection had served before, and was found dead before any byte of this answer. The
     * connection does nothing more after this call and may be freed in it.
     */
    void (*ended)(struct upstream_connection *connection, struct upstream_exchange *exchange,
                  enum upstream_outcome outcome, bool is_stale);
    /* An idle connection has closed itself: the app did, or spoke unasked, or app_idle_ms passed.
     */
    void (*idle_ended)(struct upstream_connection *connection);
};

struct upstream_connection {
    struct loop_source source;
    struct loop_timer idle_timer;
    struct upstream *upstream;
    const struct connection_settings *settings;
    struct upstream_exchange *exchange;
    struct upstream_connection *next, *previous; /* for the pool's lists */

    struct transport transport;
    enum connection_state state;
    uint64_t generation; /* counts closings, so that one inside a callback is noticed */
    uint64_t sent_turn;  /* the loop's turn in which the request began to leave */
    bool is_reused;
    bool is_hung_up; /* the peer will send no more than what the socket still holds */
    bool has_body_deadline;

    struct head head;
    struct body body;
    size_t n_sent, n_head; /* while sending: of the whole; of its head */
    size_t n_received;     /* of the head's buffer */
    size_t n_dirty;        /* of the buffer, since it was wiped */
    uint8_t buffer[];
};

/* NULL when there is no memory. */
struct upstream_connection *connection_new(struct upstream *upstream,
                                           const struct connection_settings *settings);
/* Closes it first. NULL is fine. */
void connection_free(struct upstream_connection *connection);

/* Whether the request can be put on a connection at all. */
SL_NODISCARD bool connection_can_send(const struct connection_settings *settings,
                                      const struct upstream_exchange *exchange);
/* From CLOSED. False when it failed at once: closed again, `ended` is not called. */
SL_NODISCARD bool connection_open(struct upstream_connection *connection,
                                  struct upstream_exchange *exchange);
/* From IDLE. False when the connection was dead: closed, `ended` is not called. */
SL_NODISCARD bool connection_reuse(struct upstream_connection *connection,
                                   struct upstream_exchange *exchange);
/* From any state; no callback follows. The exchange's timer is cleared. */
void connection_close(struct upstream_connection *connection);

#endif
