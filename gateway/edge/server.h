/*
 * server.h - a small strict HTTP/1.1 server for what is no flow: one thread, one call per request
 *
 * Shape   the guard judges each head; a body is collected up to a cap; then `answer` is called,
 *         on the server's thread, and what it says is sent. So calls come one after the other: an
 *         answer must not take long, and needs no lock against another one.
 * Limits  request_target_bytes, request_head_bytes, request_head_ms, request_body_ms, reply_ms,
 *         connection_idle_ms; beyond them the connection is closed
 * Owns    the listening socket
 */
#ifndef SLUIS_EDGE_SERVER_H
#define SLUIS_EDGE_SERVER_H

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

struct server_request {
    struct slice method;
    struct slice target; /* as it arrived, with its query */
    struct slice body;
    void *connection; /* for server_field() */
};

/*
 * The value of a field of the request's head, without surrounding white space; empty when it is not
 * there, or there twice: then nobody can say which one counts. Lives as long as the call.
 */
struct slice server_field(const struct server_request *request, const char *name);

struct server_header {
    const char *name, *value; /* NUL-terminated; copied when the call returns */
};
enum { SERVER_HEADERS_MAX = 12 };

struct server_answer {
    unsigned status;
    const char *content_type;
    const char *cache_control; /* NULL: no-store */
    const char *allow;         /* for 405 */
    size_t n_headers;
    struct server_header headers[SERVER_HEADERS_MAX];
    struct slice body; /* copied when the call returns; */
    bool is_file;      /* or this file in its place, which is closed when it was sent */
    int file_fd;
    uint64_t file_bytes;
};

struct server_config {
    int listen_fd;                 /* becomes the server's, also on failure */
    const char *certificate, *key; /* PEM texts, as long as the server; NULL: no TLS */
    const char *thread_name;
    const struct limits *limits;    /* as long as the server */
    unsigned n_connections;         /* at once */
    unsigned n_address_connections; /* of one address */
    size_t body_bytes_max;          /* 0: no body is taken */
    void (*answer)(void *context, const struct server_request *request,
                   struct server_answer *answer);
    void *context;
};

struct server;

SL_NODISCARD enum sl_err server_start(const struct server_config *config, struct server **out);
/* Closes every connection and joins. */
void server_stop(struct server *server);
SL_DEFINE_AUTO(server, server_stop)

#endif
