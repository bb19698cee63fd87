/*
 * upstream.c - which exchange gets which connection, and when
 *
 *     upstream_start ─▶ an idle connection ──────────────┐
 *                    ├▶ a new one, below the limit ──────┼─▶ connection.c ─▶ ended ─▶ done
 *                    └▶ the line, until one ends ────────┘        │
 *                                 ▲                               └─▶ stale: once more, on a new
 * one └── first come, first served
 *
 * Idle connections are used newest first, so that a pool that was once large shrinks by
 * app_idle_ms. While somebody waits there is neither an idle connection nor room for a new one;
 * serve_line() restores that after every change.
 *
 * An exchange has one timer. What its firing means follows from where the exchange is: in line,
 * on a connection (its stage, or the whole, took too long), or nowhere, which is how a failure
 * inside upstream_start() waits to be told in a later turn.
 */
#include "forward/upstream.h"

#include "forward/connection.h"
#include "forward/tls.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES_MIN = 16384 };

struct upstream {
    struct connection_settings settings;
    struct upstream_connection *idle;   /* newest first */
    struct upstream_connection *closed; /* their memory is used again */
    struct upstream_exchange *first_waiting, *last_waiting;
    size_t n_open; /* idle ones included */
    size_t n_exchanges;
    struct upstream_counters counters;
};

const char *upstream_outcome_name(enum upstream_outcome outcome)
{
    static const char *const names[] = {
        [UPSTREAM_COMPLETE] = "complete", [UPSTREAM_UNREACHABLE] = "unreachable",
        [UPSTREAM_TIMEOUT] = "timeout",   [UPSTREAM_MALFORMED] = "malformed",
        [UPSTREAM_CUT_OFF] = "cut off",   [UPSTREAM_STOPPED] = "stopped",
    };
    return names[outcome];
}

/* ----------------------------------------------------------------------- lists of connections --
 */

static void push_idle(struct upstream *upstream, struct upstream_connection *connection)
{
    connection->previous = NULL;
    connection->next = upstream->idle;
    if (connection->next)
        connection->next->previous = connection;
    upstream->idle = connection;
}

static void remove_idle(struct upstream *upstream, struct upstream_connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        upstream->idle = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    connection->next = connection->previous = NULL;
}

/* A connection that was open has been closed. */
static void push_closed(struct upstream *upstream, struct upstream_connection *connection)
{
    SL_ASSERT(connection->state == CONNECTION_CLOSED && upstream->n_open > 0);
    upstream->n_open--;
    connection->next = upstream->closed;
    upstream->closed = connection;
}

static struct upstream_connection *take_closed(struct upstream *upstream)
{
    struct upstream_connection *connection = upstream->closed;
    if (!connection)
        return connection_new(upstream, &upstream->settings);
    upstream->closed = connection->next;
    connection->next = NULL;
    return connection;
}

/* ----------------------------------------------------------------------------------- the line --
 */

static void join_line(struct upstream *upstream, struct upstream_exchange *exchange)
{
    exchange->waiting = true;
    exchange->next_waiting = NULL;
    exchange->prev_waiting = upstream->last_waiting;
    if (upstream->last_waiting)
        upstream->last_waiting->next_waiting = exchange;
    else
        upstream->first_waiting = exchange;
    upstream->last_waiting = exchange;
    loop_timer_set(upstream->settings.loop, &exchange->timer, exchange->deadline_ms);
}

static void leave_line(struct upstream *upstream, struct upstream_exchange *exchange)
{
    if (exchange->prev_waiting)
        exchange->prev_waiting->next_waiting = exchange->next_waiting;
    else
        upstream->first_waiting = exchange->next_waiting;
    if (exchange->next_waiting)
        exchange->next_waiting->prev_waiting = exchange->prev_waiting;
    else
        upstream->last_waiting = exchange->prev_waiting;
    exchange->next_waiting = exchange->prev_waiting = NULL;
    exchange->waiting = false;
}

/* ------------------------------------------------------------------------- placing an exchange --
 */

/* `done` must not be called from inside upstream_start(): the timer calls it, at the next tick. */
static void fail_later(struct upstream *upstream, struct upstream_exchange *exchange)
{
    exchange->connection = NULL;
    loop_timer_set(upstream->settings.loop, &exchange->timer, upstream->settings.loop->now_ms);
}

static void place_on_new(struct upstream *upstream, struct upstream_exchange *exchange)
{
    struct upstream_connection *connection = take_closed(upstream);
    if (!connection) {
        fail_later(upstream, exchange);
        return;
    }
    upstream->counters.n_connects++;
    upstream->n_open++;
    exchange->connection = connection;
    if (connection_open(connection, exchange))
        return;
    push_closed(upstream, connection);
    fail_later(upstream, exchange);
}

static void retry_on_new(struct upstream *upstream, struct upstream_exchange *exchange)
{
    exchange->retried = true;
    upstream->counters.n_retries++;
    place_on_new(upstream, exchange);
}

/* Only a GET may be sent twice: the peer may have acted on the first (RFC 9110 section 9.2.2). */
static bool may_retry(const struct upstream_exchange *exchange)
{
    return !exchange->retried && (!exchange->is_sent || slice_equals_str(exchange->method, "GET"));
}

static void place_on_idle(struct upstream *upstream, struct upstream_exchange *exchange)
{
    struct upstream_connection *connection = upstream->idle;
    remove_idle(upstream, connection);
    upstream->counters.n_reused++;
    exchange->connection = connection;
    if (connection_reuse(connection, exchange))
        return;
    push_closed(upstream, connection);
    if (may_retry(exchange))
        retry_on_new(upstream, exchange);
    else
        fail_later(upstream, exchange);
}

static bool has_room(const struct upstream *upstream)
{
    return upstream->idle || upstream->n_open < upstream->settings.limits.app_connections;
}

static void place(struct upstream *upstream, struct upstream_exchange *exchange)
{
    if (upstream->idle)
        place_on_idle(upstream, exchange);
    else
        place_on_new(upstream, exchange);
}

static void serve_line(struct upstream *upstream)
{
    while (upstream->first_waiting && has_room(upstream)) {
        struct upstream_exchange *exchange = upstream->first_waiting;
        leave_line(upstream, exchange);
        loop_timer_clear(upstream->settings.loop, &exchange->timer);
        place(upstream, exchange);
    }
}

/* -------------------------------------------------------------------------- the end of one -- */

/* Takes the exchange off wherever it is. */
static void detach(struct upstream *upstream, struct upstream_exchange *exchange)
{
    if (exchange->waiting)
        leave_line(upstream, exchange);
    if (exchange->connection) {
        connection_close(exchange->connection);
        push_closed(upstream, exchange->connection);
    }
    loop_timer_clear(upstream->settings.loop, &exchange->timer);
    exchange->connection = NULL;
    exchange->upstream = NULL;
    upstream->n_exchanges--;
    serve_line(upstream);
}

/* The caller may free exchange and upstream in `done`: nothing of them is touched after it. */
static void finish(struct upstream *upstream, struct upstream_exchange *exchange,
                   enum upstream_outcome outcome)
{
    detach(upstream, exchange);
    exchange->events->done(exchange, outcome);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct upstream_exchange *exchange =
        (struct upstream_exchange *)(void *)((char *)timer -
                                             offsetof(struct upstream_exchange, timer));
    struct upstream *upstream = exchange->upstream;
    const struct upstream_connection *connection = exchange->connection;
    bool has_time_left = upstream->settings.loop->now_ms < exchange->deadline_ms;
    bool could_not_start = !connection && !exchange->waiting;
    bool could_not_connect =
        connection && connection->state == CONNECTION_CONNECTING && has_time_left;
    finish(upstream, exchange,
           could_not_start || could_not_connect ? UPSTREAM_UNREACHABLE : UPSTREAM_TIMEOUT);
}

static void connection_ended(struct upstream_connection *connection,
                             struct upstream_exchange *exchange, enum upstream_outcome outcome,
                             bool is_stale)
{
    struct upstream *upstream = connection->upstream;
    exchange->connection = NULL;
    if (connection->state == CONNECTION_IDLE)
        push_idle(upstream, connection);
    else
        push_closed(upstream, connection);
    if (is_stale && may_retry(exchange)) {
        retry_on_new(upstream, exchange);
        serve_line(upstream);
        return;
    }
    finish(upstream, exchange, outcome);
}

static void connection_idle_ended(struct upstream_connection *connection)
{
    struct upstream *upstream = connection->upstream;
    remove_idle(upstream, connection);
    push_closed(upstream, connection);
}

/* --------------------------------------------------------------------------------- for callers --
 */

static enum sl_err configure(struct connection_settings *settings, struct loop *loop,
                             const struct upstream_config *config)
{
    if (config->address_bytes > sizeof config->address)
        return SL_EINTERNAL;
    settings->loop = loop;
    settings->address = config->address;
    settings->address_bytes = config->address_bytes;
    settings->limits = *config->limits;
    settings->buffer_bytes = settings->limits.app_head_bytes > BUFFER_BYTES_MIN
                                 ? settings->limits.app_head_bytes
                                 : BUFFER_BYTES_MIN;
    settings->ended = connection_ended;
    settings->idle_ended = connection_idle_ended;
    SL_TRY(request_init(&settings->request, config->host, config->token));
    return config->tls ? tls_client_new(config->host, config->ca_file, &settings->tls) : SL_OK;
}

enum sl_err upstream_new(struct loop *loop, const struct upstream_config *config,
                         struct upstream **out)
{
    SL_AUTO(upstream) upstream = calloc(1, sizeof *upstream);
    if (!upstream)
        return SL_EINTERNAL;
    SL_TRY(configure(&upstream->settings, loop, config));
    *out = upstream;
    upstream = NULL;
    return SL_OK;
}

void upstream_free(struct upstream *upstream)
{
    if (!upstream)
        return;
    SL_ASSERT(upstream->n_exchanges == 0 && !upstream->first_waiting);
    while (upstream->idle) {
        struct upstream_connection *connection = upstream->idle;
        remove_idle(upstream, connection);
        upstream->n_open--;
        connection_free(connection);
    }
    SL_ASSERT(upstream->n_open == 0);
    while (upstream->closed)
        connection_free(take_closed(upstream));
    tls_client_free(upstream->settings.tls);
    request_deinit(&upstream->settings.request);
    free(upstream);
}

void upstream_start(struct upstream *upstream, struct upstream_exchange *exchange)
{
    exchange->upstream = upstream;
    exchange->connection = NULL;
    exchange->next_waiting = exchange->prev_waiting = NULL;
    exchange->timer = (struct loop_timer){.fire = deadline_passed};
    exchange->waiting = exchange->retried = exchange->is_sent = false;
    upstream->n_exchanges++;
    upstream->counters.n_requests++;
    if (!connection_can_send(&upstream->settings, exchange))
        fail_later(upstream, exchange);
    else if (has_room(upstream))
        place(upstream, exchange);
    else
        join_line(upstream, exchange);
}

void upstream_cancel(struct upstream_exchange *exchange)
{
    if (exchange->upstream)
        detach(exchange->upstream, exchange);
}

struct upstream_counters upstream_counters(const struct upstream *upstream)
{
    return upstream->counters;
}
