/*
 * connection.c - the life of one socket to an app
 *
 * Events are edge-triggered and registered once, so an exchange on a kept connection costs one
 * send and one receive. Edge-triggering asks for two things in return: read until the socket is
 * known to be empty, and never forget that the peer has hung up.
 *
 * A connection is only kept when nothing can be left on it: the answer's framing is complete,
 * HTTP/1.1 without `close`, not one byte beyond the body, and the socket known to be empty. What
 * arrives while it is idle closes it. One gap remains: bytes that arrive in the same turn in which
 * the connection is given its next request. An event that was collected before the request left
 * can't announce its answer, so such a connection is closed as well (`sent_turn`).
 *
 * Callbacks may cancel the exchange, or start others, on this very object; after each one,
 * `generation` tells whether the connection was closed meanwhile. Functions named step_* return
 * true while the exchange is still alive here; after false the connection must not be touched.
 */
#include "forward/connection.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/epoll.h>

static const uint32_t events_wanted = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
static const uint32_t events_hung_up = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
static const uint32_t events_incoming = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/* A fast app must not keep the others waiting: after so many, the event is raised again. */
enum { RECEIVES_PER_EVENT = 16 };

#define TO(state) (1u << CONNECTION_##state)
static const unsigned legal_moves[N_CONNECTION_STATES] = {
    [CONNECTION_CLOSED] = TO(CONNECTING),
    [CONNECTION_CONNECTING] = TO(SENDING) | TO(CLOSED),
    [CONNECTION_SENDING] = TO(HEAD) | TO(CLOSED),
    [CONNECTION_HEAD] = TO(BODY) | TO(CLOSED),
    [CONNECTION_BODY] = TO(IDLE) | TO(CLOSED),
    [CONNECTION_IDLE] = TO(SENDING) | TO(CLOSED),
};

static void move_to(struct upstream_connection *connection, enum connection_state state)
{
    SL_ASSERT(legal_moves[connection->state] & 1u << state);
    connection->state = state;
}

/* A stage of the exchange begins, and may take so long. */
static void begin_stage(struct upstream_connection *connection, uint64_t stage_ms)
{
    struct upstream_exchange *exchange = connection->exchange;
    struct loop *loop = connection->settings->loop;
    int64_t stage_deadline_ms = loop->now_ms + (int64_t)stage_ms;
    loop_timer_set(loop, &exchange->timer,
                   exchange->deadline_ms < stage_deadline_ms ? exchange->deadline_ms
                                                             : stage_deadline_ms);
}

/* ------------------------------------------------------------------------------- beginning -- */

static void connection_ready(struct loop_source *source, uint32_t epoll_events);
static void idle_deadline_passed(struct loop_timer *timer);

struct upstream_connection *connection_new(struct upstream *upstream,
                                           const struct connection_settings *settings)
{
    struct upstream_connection *connection = calloc(1, sizeof *connection + settings->buffer_bytes);
    if (!connection)
        return NULL;
    connection->upstream = upstream;
    connection->settings = settings;
    connection->source = (struct loop_source){connection_ready, -1};
    connection->idle_timer.fire = idle_deadline_passed;
    connection->transport.fd = -1;
    return connection;
}

static struct request_parts parts_of(const struct upstream_exchange *exchange)
{
    return (struct request_parts){
        .method = exchange->method,
        .target = exchange->target,
        .accept = exchange->accept,
        .body_type = exchange->body_type,
        .body_bytes = exchange->body.n,
        .receipt = exchange->receipt,
    };
}

bool connection_can_send(const struct connection_settings *settings,
                         const struct upstream_exchange *exchange)
{
    const struct request_parts parts = parts_of(exchange);
    return request_bytes(&settings->request, &parts) <= settings->buffer_bytes &&
           request_is_sound(&parts);
}

bool connection_open(struct upstream_connection *connection, struct upstream_exchange *exchange)
{
    const struct connection_settings *settings = connection->settings;
    if (!transport_open(&connection->transport, (const struct sockaddr *)&settings->address,
                        settings->address_bytes, settings->tls))
        return false;
    connection->source.fd = connection->transport.fd;
    if (loop_add(settings->loop, &connection->source, events_wanted) != SL_OK) {
        transport_close(&connection->transport);
        return false;
    }
    move_to(connection, CONNECTION_CONNECTING);
    connection->exchange = exchange;
    connection->is_reused = connection->is_hung_up = false;
    begin_stage(connection, settings->limits.app_connect_ms);
    return true;
}

/* Writes the request's head into the buffer; the answer will overwrite it. */
static void begin_request(struct upstream_connection *connection)
{
    const struct request_parts parts = parts_of(connection->exchange);
    struct writer writer = writer_over(connection->buffer, connection->settings->buffer_bytes);
    request_write(&connection->settings->request, &parts, &writer);
    SL_ASSERT(!writer.overflow);
    connection->n_head = connection->n_dirty = writer.n;
    connection->n_sent = connection->n_received = 0;
    connection->has_body_deadline = false;
    connection->sent_turn = connection->settings->loop->n_turns;
    move_to(connection, CONNECTION_SENDING);
    begin_stage(connection, connection->settings->limits.app_head_ms);
}

/* What has not left yet: of the head, then of the body, which stays where its owner has it. */
static struct slice unsent(const struct upstream_connection *connection)
{
    if (connection->n_sent < connection->n_head)
        return slice_of(connection->buffer + connection->n_sent,
                        connection->n_head - connection->n_sent);
    const struct upstream_exchange *exchange = connection->exchange;
    size_t n_body = connection->n_sent - connection->n_head;
    if (exchange->body_type.n == 0 || n_body == exchange->body.n)
        return slice_of(NULL, 0);
    return slice_of(exchange->body.p + n_body, exchange->body.n - n_body);
}

/* Sends what can be sent; false when the transport failed. */
static bool send_request(struct upstream_connection *connection)
{
    for (struct slice rest = unsent(connection); rest.n > 0; rest = unsent(connection)) {
        size_t n_sent = 0;
        enum transport_step step = transport_send(&connection->transport, rest, &n_sent);
        if (step == TRANSPORT_WAIT)
            return true;
        if (step != TRANSPORT_MOVED)
            return false;
        connection->n_sent += n_sent;
        connection->exchange->is_sent = true;
    }
    head_begin(&connection->head, connection->settings->limits.app_head_bytes);
    move_to(connection, CONNECTION_HEAD);
    return true;
}

bool connection_reuse(struct upstream_connection *connection, struct upstream_exchange *exchange)
{
    SL_ASSERT(connection->state == CONNECTION_IDLE);
    loop_timer_clear(connection->settings->loop, &connection->idle_timer);
    connection->exchange = exchange;
    connection->is_reused = true;
    begin_request(connection);
    if (send_request(connection))
        return true;
    connection_close(connection);
    return false;
}

/* ---------------------------------------------------------------------------------- ending -- */

static void wipe_buffer(struct upstream_connection *connection)
{
    OPENSSL_cleanse(connection->buffer, connection->n_dirty);
    connection->n_dirty = 0;
}

void connection_close(struct upstream_connection *connection)
{
    struct loop *loop = connection->settings->loop;
    if (connection->state == CONNECTION_CLOSED)
        return;
    if (connection->exchange)
        loop_timer_clear(loop, &connection->exchange->timer);
    connection->exchange = NULL;
    loop_timer_clear(loop, &connection->idle_timer);
    loop_remove(loop, &connection->source);
    transport_close(&connection->transport);
    wipe_buffer(connection);
    connection->generation++;
    move_to(connection, CONNECTION_CLOSED);
}

void connection_free(struct upstream_connection *connection)
{
    if (!connection)
        return;
    connection_close(connection);
    free(connection);
}

static void end_exchange(struct upstream_connection *connection, enum upstream_outcome outcome,
                         bool is_stale)
{
    struct upstream_exchange *exchange = connection->exchange;
    connection_close(connection);
    connection->settings->ended(connection, exchange, outcome, is_stale);
}

static bool is_idle_and_quiet(struct upstream_connection *connection)
{
    size_t n = 0;
    return transport_receive(&connection->transport, connection->buffer, 1, &n) == TRANSPORT_WAIT;
}

/* The answer is whole; `n_left_over` bytes came after it. */
static void complete(struct upstream_connection *connection, size_t n_left_over)
{
    bool keep = connection->body.framing != BODY_UNTIL_CLOSE && connection->head.is_http_1_1 &&
                !connection->head.says_close && n_left_over == 0 && !connection->is_hung_up &&
                (connection->transport.is_drained || is_idle_and_quiet(connection));
    if (!keep) {
        end_exchange(connection, UPSTREAM_COMPLETE, false);
        return;
    }
    struct loop *loop = connection->settings->loop;
    struct upstream_exchange *exchange = connection->exchange;
    loop_timer_clear(loop, &exchange->timer);
    connection->exchange = NULL;
    wipe_buffer(connection);
    move_to(connection, CONNECTION_IDLE);
    loop_timer_set(loop, &connection->idle_timer,
                   loop->now_ms + (int64_t)connection->settings->limits.app_idle_ms);
    connection->settings->ended(connection, exchange, UPSTREAM_COMPLETE, false);
}

static void end_idle(struct upstream_connection *connection)
{
    connection_close(connection);
    connection->settings->idle_ended(connection);
}

static void idle_deadline_passed(struct loop_timer *timer)
{
    end_idle(
        (struct upstream_connection *)(void *)((char *)timer -
                                               offsetof(struct upstream_connection, idle_timer)));
}

/* ------------------------------------------------------------------------------- receiving -- */

/* The outcome of a callback: true when the exchange goes on. */
static bool step_after_callback(struct upstream_connection *connection, uint64_t generation,
                                bool go_on)
{
    if (connection->generation != generation)
        return false;
    if (!go_on)
        end_exchange(connection, UPSTREAM_STOPPED, false);
    return go_on;
}

static bool step_body(struct upstream_connection *connection, struct slice bytes)
{
    for (;;) {
        struct slice piece = {NULL, 0};
        switch (body_read(&connection->body, &bytes, &piece)) {
        case BODY_MORE:
            return true;
        case BODY_DONE:
            complete(connection, bytes.n);
            return false;
        case BODY_MALFORMED:
            end_exchange(connection, UPSTREAM_MALFORMED, false);
            return false;
        case BODY_PIECE:
            break;
        }
        struct upstream_exchange *exchange = connection->exchange;
        uint64_t generation = connection->generation;
        if (!step_after_callback(connection, generation, exchange->events->body(exchange, piece)))
            return false;
    }
}

static bool step_head(struct upstream_connection *connection)
{
    struct slice bytes = slice_of(connection->buffer, connection->n_received);
    enum head_step step = head_read(&connection->head, bytes);
    if (step == HEAD_MORE)
        return true;
    if (step == HEAD_MALFORMED) {
        end_exchange(connection, UPSTREAM_MALFORMED, false);
        return false;
    }
    struct upstream_exchange *exchange = connection->exchange;
    body_begin(&connection->body, &connection->head, slice_equals_str(exchange->method, "HEAD"),
               connection->settings->limits.app_head_bytes);
    move_to(connection, CONNECTION_BODY);
    uint64_t generation = connection->generation;
    if (!step_after_callback(connection, generation,
                             exchange->events->head(exchange, &connection->head.facts)))
        return false;
    return step_body(
        connection, slice_of(bytes.p + connection->head.n_read, bytes.n - connection->head.n_read));
}

static void peer_ended(struct upstream_connection *connection, bool in_order)
{
    bool no_byte_came = connection->state != CONNECTION_BODY && connection->n_received == 0;
    if (no_byte_came)
        end_exchange(connection, UPSTREAM_UNREACHABLE, connection->is_reused);
    else if (in_order && connection->state == CONNECTION_BODY &&
             connection->body.framing == BODY_UNTIL_CLOSE)
        end_exchange(connection, UPSTREAM_COMPLETE, false);
    else
        end_exchange(connection, UPSTREAM_CUT_OFF, false);
}

/* One receive and what follows from it; sets `*again` when there may be more. */
static bool step_receive(struct upstream_connection *connection, bool *again)
{
    size_t n_kept = connection->state == CONNECTION_HEAD ? connection->n_received : 0;
    uint8_t *at = connection->buffer + n_kept;
    size_t n = 0;
    enum transport_step step = transport_receive(&connection->transport, at,
                                                 connection->settings->buffer_bytes - n_kept, &n);
    *again = false;
    if (step == TRANSPORT_WAIT)
        return true;
    if (step != TRANSPORT_MOVED) {
        peer_ended(connection, step == TRANSPORT_CLOSED);
        return false;
    }
    if (connection->n_dirty < n_kept + n)
        connection->n_dirty = n_kept + n;
    bool alive = true;
    if (connection->state == CONNECTION_HEAD) {
        connection->n_received += n;
        alive = step_head(connection);
    } else {
        alive = step_body(connection, slice_of(at, n));
    }
    if (alive)
        *again = !connection->transport.is_drained || connection->is_hung_up;
    return alive;
}

static void receive(struct upstream_connection *connection)
{
    bool again = true;
    for (int i = 0; again && i < RECEIVES_PER_EVENT; i++)
        if (!step_receive(connection, &again))
            return;
    if (connection->state == CONNECTION_BODY && !connection->has_body_deadline) {
        connection->has_body_deadline = true;
        begin_stage(connection, connection->settings->limits.app_body_ms);
    }
    /* Registering anew raises the edge for what is still there. */
    if (again &&
        loop_change(connection->settings->loop, &connection->source, events_wanted) != SL_OK)
        end_exchange(connection, UPSTREAM_CUT_OFF, false);
}

/* ---------------------------------------------------------------------------------- events -- */

static void send_and_receive(struct upstream_connection *connection)
{
    if (!send_request(connection))
        end_exchange(connection, UPSTREAM_UNREACHABLE, connection->is_reused);
    else if (connection->state == CONNECTION_HEAD)
        receive(connection);
}

/* Connected: the request may leave, if the app has not spoken first. */
static void establish(struct upstream_connection *connection, uint32_t epoll_events)
{
    enum transport_step step = transport_establish(&connection->transport);
    if (step == TRANSPORT_WAIT)
        return;
    if (step != TRANSPORT_MOVED) {
        end_exchange(connection, UPSTREAM_UNREACHABLE, false);
        return;
    }
    if (connection->transport.tls || (epoll_events & events_incoming)) {
        size_t n = 0;
        step = transport_receive(&connection->transport, connection->buffer, 1, &n);
        if (step != TRANSPORT_WAIT) {
            end_exchange(connection,
                         step == TRANSPORT_MOVED ? UPSTREAM_MALFORMED : UPSTREAM_UNREACHABLE,
                         false);
            return;
        }
    }
    begin_request(connection);
    if (!send_request(connection))
        end_exchange(connection, UPSTREAM_UNREACHABLE, false);
}

static void connection_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct upstream_connection *connection =
        (struct upstream_connection *)(void *)((char *)source -
                                               offsetof(struct upstream_connection, source));
    if (epoll_events & events_hung_up)
        connection->is_hung_up = true;
    bool is_before_request = connection->state == CONNECTION_IDLE ||
                             (connection->is_reused && connection->state <= CONNECTION_HEAD &&
                              connection->sent_turn == connection->settings->loop->n_turns);
    if (connection->state == CONNECTION_CONNECTING) {
        establish(connection, epoll_events);
    } else if (is_before_request) {
        if (!(epoll_events & events_incoming) || is_idle_and_quiet(connection))
            return;
        if (connection->state == CONNECTION_IDLE)
            end_idle(connection);
        else
            end_exchange(connection, UPSTREAM_UNREACHABLE, true);
    } else if (connection->state == CONNECTION_SENDING) {
        send_and_receive(connection);
    } else {
        receive(connection);
    }
}
