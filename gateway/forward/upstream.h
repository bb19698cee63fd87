/*
 * upstream.h - the client side of the gateway: a small, strict HTTP/1.1 client in the data loop
 *
 * Shape   one `struct upstream` for each app and data thread holds the pinned address, the
 *         keep-alive pool and the line of exchanges that wait for a connection. A `struct
 *         upstream_exchange` is one request and its answer; it is embedded in the flow.
 * Owns    the upstream owns its connections; the caller owns the exchange and keeps it, and all
 *         slices in it, until `done` was called or upstream_cancel() returned
 * Threads one: that of the loop
 * Spec    RFC 9112, RFC 9110. What is sent is written anew from typed fields: request line, Host,
 *         Accept, Accept-Encoding: identity, User-Agent, Authorization when the app has a token,
 *         Content-Type and Content-Length of a body, Sluis-Receipt of what is pushed; never
 * anything of the partner's request. What comes back is parsed strictly: HTTP/1.0 or 1.1, one
 * Content-Length or `chunked` alone, token-only names, no obs-fold, no bare LF, no control bytes;
 * interim 1xx answers (not 101) are skipped.
 */
#ifndef SLUIS_FORWARD_UPSTREAM_H
#define SLUIS_FORWARD_UPSTREAM_H

#include "base/limits.h"
#include "base/loop.h"
#include "base/slice.h"

#include <sys/socket.h>

struct upstream_config {
    struct slice host; /* for Host and for the TLS name; with port when not the default one */
    struct sockaddr_storage address;
    socklen_t address_bytes;
    bool tls;
    const char *ca_file; /* TLS: PEM bundle, NULL for the system's */
    struct slice token;  /* secret: sent as "Authorization: Bearer"; empty for none */
    const struct limits *limits;
};

enum upstream_outcome {
    UPSTREAM_COMPLETE,
    /* Refused, closed before a byte of answer, not trusted, app_connect_ms passed; or the request
     * can't be sent: a target that is no origin-form, or too large. */
    UPSTREAM_UNREACHABLE,
    UPSTREAM_TIMEOUT,   /* app_head_ms, app_body_ms or the exchange's deadline passed */
    UPSTREAM_MALFORMED, /* not HTTP as the RFC has it, or beyond app_head_bytes */
    UPSTREAM_CUT_OFF,   /* closed in the middle of head or body */
    UPSTREAM_STOPPED,   /* `head` or `body` returned false */
};
const char *upstream_outcome_name(enum upstream_outcome outcome);

struct upstream_head {
    unsigned status;           /* 200 to 599 */
    struct slice content_type; /* raw value; empty when absent; duplicates are malformed */
    bool has_content_encoding; /* other than identity */
    bool has_content_range;
    bool has_length;
    uint64_t content_length; /* when has_length */
};

struct upstream_exchange;

struct upstream_events {
    /* Slices live during the call only. Return false to stop: the connection is closed. */
    bool (*head)(struct upstream_exchange *exchange, const struct upstream_head *head);
    bool (*body)(struct upstream_exchange *exchange, struct slice piece);
    /* The last call, exactly once, never from inside upstream_start(). The exchange may be started
     * again or freed in it, and so may the upstream, if this was its last exchange. */
    void (*done)(struct upstream_exchange *exchange, enum upstream_outcome outcome);
};

struct upstream_connection;

struct upstream_exchange {
    const struct upstream_events *events;
    struct slice method;    /* "GET" */
    struct slice target;    /* origin-form, encoded */
    struct slice accept;    /* media type */
    struct slice body;      /* sent from where it lies, */
    struct slice body_type; /* with this media type; empty: no body, not even one of no bytes */
    struct slice receipt;   /* for Sluis-Receipt, or empty */
    int64_t deadline_ms;    /* monotonic: for the whole exchange, waiting included */

    /* Out: a byte of the request may have reached the peer. */
    bool is_sent;

    /* The upstream's own. */
    struct upstream *upstream;
    struct upstream_connection *connection;
    struct upstream_exchange *next_waiting, *prev_waiting;
    struct loop_timer timer;
    bool waiting, retried;
};

struct upstream;

SL_NODISCARD enum sl_err upstream_new(struct loop *loop, const struct upstream_config *config,
                                      struct upstream **out);
/* All exchanges must be done or cancelled. */
void upstream_free(struct upstream *upstream);
SL_DEFINE_AUTO(upstream, upstream_free)

/*
 * The caller fills in `events` to `deadline_ms`; the rest needs no initial value.
 * Sends on a pooled connection, or a new one; or waits in line when app_connections are in use.
 * A GET that fails on a reused connection before any byte of the answer came is sent once more,
 * on a new one; anything else only while none of its own bytes left. All failures, also immediate
 * ones, arrive through `done` in a later turn or from the loop's callbacks.
 */
void upstream_start(struct upstream *upstream, struct upstream_exchange *exchange);
/*
 * No callback follows; the connection is closed. Fine inside any callback. Does nothing after
 * `done`, and on an exchange that is all zeros.
 */
void upstream_cancel(struct upstream_exchange *exchange);

struct upstream_counters {
    uint64_t n_connects, n_reused, n_retries, n_requests;
};
struct upstream_counters upstream_counters(const struct upstream *upstream);

#endif
