/*
 * connection.h - one partner's connection, and the one request at a time on it
 *
 *   IDLE --request line--> HEAD --head complete--> CHECKED --whole body, if any--> RUNNING
 * --reply--> ANSWERED --response sent--> IDLE
 *
 * A body is kept by the connection, up to request_body_bytes, and wiped when the request ends. It
 * is taken only from a known caller, for something that wants one: before that, no byte is read.
 *
 * Deadlines: request_head_ms for the first head and for each head once its request line is there;
 * request_body_ms for a whole body; connection_idle_ms between requests; reply_ms for sending an
 * answer. RUNNING has none here: flow_ms bounds the app, and the recorder answers or the process
 * ends.
 */
#ifndef SLUIS_EDGE_CONNECTION_H
#define SLUIS_EDGE_CONNECTION_H

#include "edge/guard.h"
#include "flow/flow.h"

#include <microhttpd.h>

struct edge_thread;

enum connection_phase {
    CONNECTION_IDLE,
    CONNECTION_HEAD,
    CONNECTION_CHECKED, /* the body may come */
    CONNECTION_RUNNING,
    CONNECTION_ANSWERED,
};

struct connection {
    struct flow flow; /* first: engine->reply() gets it */
    struct edge_thread *thread;
    struct MHD_Connection *handle;
    struct connection *next, **at; /* in thread->connections */
    struct loop_timer deadline;
    enum connection_phase phase;
    bool suspended;
    bool is_flow;           /* started, and not answered to the last byte */
    bool closes;            /* after this answer */
    const char *raw_target; /* where libmicrohttpd had it, for the guard's layout check */
    size_t raw_target_bytes;
    struct slice target; /* a copy in target_block: its parser cuts the original up */
    uint8_t *target_block;
    uint8_t *arena_block;
    uint8_t *body_block; /* NULL until a body's first byte */
    size_t body_n, body_cap;
    bool body_is_too_large; /* it came in chunks; what still comes is let go */
};

/* libmicrohttpd's callbacks; `context` is the struct edge_thread. */
void connection_notify(void *context, struct MHD_Connection *handle, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
void *connection_request_line(void *context, const char *uri, struct MHD_Connection *handle);
enum MHD_Result connection_handle(void *context, struct MHD_Connection *handle, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_bytes, void **request_context);
void connection_request_done(void *context, struct MHD_Connection *handle, void **request_context,
                             enum MHD_RequestTerminationCode code);
/* The engine's reply callback. */
void connection_reply(struct flow *flow);

#endif
