/*
 * connection.c - from libmicrohttpd's callbacks to a flow, and back
 *
 * The first handler call comes when the head is complete: the guard judges it, and a refusal
 * queued there closes the connection, which is what a malformed request deserves; so does one to a
 * body that nobody wants, which is then never read. Calls with pieces of the body follow. The one
 * without starts the flow. If the flow has to wait, the connection is suspended until the engine
 * replies.
 */
#include "edge/connection.h"

#include "base/log.h"
#include "edge/head.h"
#include "edge/reply.h"
#include "edge/thread.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct connection *connection_of(struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void set_deadline(struct connection *connection, uint64_t ms)
{
    struct loop *loop = &connection->thread->loop;
    loop_timer_set(loop, &connection->deadline, loop->now_ms + (int64_t)ms);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct connection *connection =
        (struct connection *)((char *)timer - offsetof(struct connection, deadline));
    connection->thread->counters.n_deadlines++;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        shutdown(info->connect_fd, SHUT_RDWR); /* libmicrohttpd sees the end, and closes */
}

static struct connection *connection_new(struct edge_thread *thread, struct MHD_Connection *handle)
{
    const struct limits *limits = &thread->config->limits;
    size_t arena_bytes = flow_arena_bytes(limits);
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->target_block = malloc(limits->request_target_bytes);
    connection->arena_block = malloc(arena_bytes);
    if (!connection->target_block || !connection->arena_block) {
        free(connection->target_block);
        free(connection->arena_block);
        free(connection);
        return NULL;
    }
    connection->thread = thread;
    connection->handle = handle;
    connection->deadline.fire = deadline_passed;
    flow_init(&connection->flow, thread->engine, connection->arena_block, arena_bytes);

    connection->next = thread->connections;
    connection->at = &thread->connections;
    if (connection->next)
        connection->next->at = &connection->next;
    thread->connections = connection;
    return connection;
}

static void free_body(struct connection *connection)
{
    if (connection->body_block)
        OPENSSL_cleanse(connection->body_block, connection->body_n);
    free(connection->body_block);
    connection->body_block = NULL;
    connection->body_n = connection->body_cap = 0;
}

static void connection_free(struct connection *connection)
{
    free_body(connection);
    loop_timer_clear(&connection->thread->loop, &connection->deadline);
    *connection->at = connection->next;
    if (connection->next)
        connection->next->at = connection->at;
    free(connection->target_block);
    free(connection->arena_block);
    free(connection);
}

void connection_notify(void *context, struct MHD_Connection *handle, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct edge_thread *thread = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct connection *connection = connection_new(thread, handle);
        if (connection)
            set_deadline(connection, thread->config->limits.request_head_ms);
        *socket_context = connection; /* NULL: every request on it is refused */
    } else if (*socket_context) {
        connection_free(*socket_context);
        *socket_context = NULL;
    }
}

void *connection_request_line(void *context, const char *uri, struct MHD_Connection *handle)
{
    (void)context;
    struct connection *connection = connection_of(handle);
    if (!connection)
        return NULL;
    const struct limits *limits = &connection->thread->config->limits;
    struct slice target = slice_of_str(uri);
    connection->phase = CONNECTION_HEAD;
    connection->raw_target = uri;
    connection->raw_target_bytes = target.n;
    connection->target = slice_of(NULL, 0);
    if (target.n <= limits->request_target_bytes) {
        memcpy(connection->target_block, target.p, target.n);
        connection->target = slice_of(connection->target_block, target.n);
    }
    set_deadline(connection, limits->request_head_ms);
    return connection;
}

/*
 * The guard reads the target where libmicrohttpd has it, for the layout; its parser has put a NUL
 * over the "?" by then, so the bytes are checked in the copy.
 */
static enum guard_fault check_head(struct connection *connection, struct guard_head *head)
{
    const struct limits *limits = &connection->thread->config->limits;
    if (connection->raw_target_bytes > limits->request_target_bytes)
        return GUARD_TARGET_TOO_LONG;
    enum guard_fault fault = guard_check(head, connection->target, limits);
    if (fault == GUARD_OK) {
        struct flow *flow = &connection->flow;
        flow->method = head->method;
        flow->target = connection->target;
        flow->authorization = guard_field_get(head, "authorization");
        flow->purpose_header = guard_field_get(head, "sluis-purpose");
        flow->content_type = guard_field_get(head, "content-type");
        flow->idempotency_key = guard_field_get(head, "idempotency-key");
    }
    return fault;
}

/* At most ten lines a second: strangers may knock, but not fill the log. */
static bool may_log(struct edge_thread *thread)
{
    enum { LINES_PER_SECOND = 10 };
    int64_t second = thread->loop.now_ms / 1000;
    if (second != thread->log_second) {
        thread->log_second = second;
        thread->n_log_lines = 0;
    }
    return thread->n_log_lines++ < LINES_PER_SECOND;
}

static void answered(struct connection *connection);

/* Answered in the first call: the connection closes, and the body is never read. */
static enum MHD_Result turn_body_away(struct connection *connection, enum answer_kind kind)
{
    connection->flow.answer.kind = kind;
    connection->closes = true;
    answered(connection);
    return reply_flow(connection);
}

static enum MHD_Result turn_head_away(struct connection *connection, enum guard_fault fault)
{
    connection->thread->counters.n_malformed++;
    if (may_log(connection->thread))
        log_warn("no flow: %s", problem_of_guard(fault)->title);
    connection->phase = CONNECTION_ANSWERED;
    set_deadline(connection, connection->thread->config->limits.reply_ms);
    return reply_malformed(connection->handle, fault);
}

/* A body is on its way. For whom, from whom, and how much of it, is known before the first byte. */
static enum MHD_Result begin_body(struct connection *connection, const struct guard_head *head,
                                  uint64_t length)
{
    const struct limits *limits = &connection->thread->config->limits;
    struct flow *flow = &connection->flow;
    struct slice coding = guard_field_get(head, "content-encoding");
    if (!flow_admit(flow))
        return turn_body_away(connection, flow->answer.kind);
    if (!flow_takes_body(flow))
        return turn_head_away(connection, GUARD_BODY);
    if (length > limits->request_body_bytes)
        return turn_body_away(connection, ANSWER_TOO_LARGE);
    if (coding.n > 0 && !slice_equals_str_nocase(coding, "identity"))
        return turn_body_away(connection, ANSWER_CODED);
    connection->phase = CONNECTION_CHECKED;
    set_deadline(connection, limits->request_body_ms);
    return MHD_YES;
}

/* The first call for a request: judge the head. */
static enum MHD_Result begin(struct connection *connection, const char *method, const char *version)
{
    struct guard_head head;
    head_collect(connection->handle, method,
                 slice_of(connection->raw_target, connection->raw_target_bytes), version, &head);
    /* What is only read has no body; for all else it depends on the target, see begin_body(). */
    head.takes_body = !slice_equals_str(head.method, "GET") &&
                      !slice_equals_str(head.method, "HEAD") &&
                      !slice_equals_str(head.method, "DELETE");
    enum guard_fault fault = check_head(connection, &head);
    if (fault != GUARD_OK)
        return turn_head_away(connection, fault);
    connection->phase = CONNECTION_CHECKED;
    if (!head.takes_body)
        return MHD_YES;
    struct guard_body body = guard_body(&head);
    connection->flow.has_length = body.has_length;
    return body.is_chunked || body.length > 0 ? begin_body(connection, &head, body.length)
                                              : MHD_YES;
}

/* Room for `n` more bytes, at most request_body_bytes in all. */
static bool grow_body(struct connection *connection, size_t n)
{
    enum { FIRST_BYTES = 4096 };
    size_t cap = connection->body_cap ? connection->body_cap : FIRST_BYTES;
    while (cap < connection->body_n + n)
        cap *= 2;
    if (cap == connection->body_cap)
        return true;
    uint8_t *block = malloc(cap);
    if (!block)
        return false;
    size_t n_kept = connection->body_n;
    if (n_kept > 0)
        memcpy(block, connection->body_block, n_kept);
    free_body(connection);
    connection->body_block = block;
    connection->body_n = n_kept;
    connection->body_cap = cap;
    return true;
}

/* A piece of the body. No answer can be given before its end, so what is too much is let go. */
static enum MHD_Result take_body(struct connection *connection, const char *bytes, size_t *n)
{
    size_t max = connection->thread->config->limits.request_body_bytes;
    if (connection->body_is_too_large || *n > max - connection->body_n) {
        free_body(connection);
        connection->body_is_too_large = true;
        *n = 0;
        return MHD_YES;
    }
    if (!grow_body(connection, *n))
        return MHD_NO;
    memcpy(connection->body_block + connection->body_n, bytes, *n);
    connection->body_n += *n;
    *n = 0;
    return MHD_YES;
}

/* The call without a piece of a body: start the flow; the answer may be there at once, or later. */
static enum MHD_Result run(struct connection *connection)
{
    if (connection->body_is_too_large)
        return turn_body_away(connection, ANSWER_TOO_LARGE);
    loop_timer_clear(&connection->thread->loop, &connection->deadline);
    connection->flow.body = slice_of(connection->body_block, connection->body_n);
    connection->phase = CONNECTION_RUNNING;
    connection->is_flow = true;
    connection->thread->n_flows++;
    flow_start(&connection->flow);
    if (connection->phase == CONNECTION_ANSWERED)
        return reply_flow(connection);
    connection->suspended = true;
    MHD_suspend_connection(connection->handle);
    return MHD_YES;
}

enum MHD_Result connection_handle(void *context, struct MHD_Connection *handle, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_bytes, void **request_context)
{
    (void)context, (void)url;
    struct connection *connection = *request_context;
    if (!connection)
        return MHD_NO;
    switch (connection->phase) {
    case CONNECTION_HEAD:
        return begin(connection, method, version);
    case CONNECTION_CHECKED:
        return *upload_data_bytes > 0 ? take_body(connection, upload_data, upload_data_bytes)
                                      : run(connection);
    case CONNECTION_ANSWERED:
        return reply_flow(connection);
    case CONNECTION_IDLE:
    case CONNECTION_RUNNING:
        break;
    }
    (void)handle;
    return MHD_NO;
}

static void count_answer(struct edge_counters *counters, enum answer_kind kind)
{
    switch (kind) {
    case ANSWER_RELEASED:
    case ANSWER_DELIVERED:
    case ANSWER_PARTNER_REFUSED:
    case ANSWER_PARTNER_UNREACHABLE:
    case ANSWER_PARTNER_UNKNOWN:
        counters->n_released++;
        return;
    case ANSWER_REFUSED:
        counters->n_refused++;
        return;
    case ANSWER_UNRECORDED:
    case ANSWER_UNSETTLED:
        counters->n_unrecorded++;
        return;
    case ANSWER_PROVEN:
        counters->n_proven++;
        return;
    case ANSWER_DONE:
        counters->n_done++;
        return;
    default:
        counters->n_turned_away++;
        return;
    }
}

/* What the operator should not read about: all went as it should, or a person said no. */
static bool is_usual(const struct flow_answer *answer)
{
    return answer->kind == ANSWER_RELEASED || answer->kind == ANSWER_PROVEN ||
           answer->kind == ANSWER_DONE || answer->kind == ANSWER_DELIVERED ||
           (answer->kind == ANSWER_REFUSED && answer->reason < REASON_APP_UNREACHABLE);
}

/* An app or a partner that does not answer as it should, a body that does not fit, strangers. */
static void log_answer(struct edge_thread *thread, const struct flow *flow)
{
    const struct flow_answer *answer = &flow->answer;
    if (is_usual(answer) || flow->push.is_again || !may_log(thread))
        return;
    const struct config_route *route = flow->request.route;
    if (flow->state == FLOW_SETTLED) {
        log_warn("receipt %llu: route %.*s, partner %.*s: %s, status %u",
                 (unsigned long long)answer->receipt_index, SLICE_PRINTF(route->id),
                 SLICE_PRINTF(route->partner->id), problem_of_answer(answer->kind)->reason,
                 flow->push.outcome.status);
        return;
    }
    if (answer->kind != ANSWER_REFUSED) {
        log_warn("no flow: %s", problem_of_answer(answer->kind)->title);
        return;
    }
    enum filter_fault fault = flow->filter ? filter_fault(flow->filter) : FILTER_OK;
    char found[96] = "";
    if (fault != FILTER_OK)
        snprintf(found, sizeof found, "; in the %s: %s at byte %llu",
                 flow_kind(flow) == ROUTE_PUSH ? "body" : "answer", filter_fault_name(fault),
                 (unsigned long long)filter_fault_at(flow->filter));
    log_warn("receipt %llu: route %.*s, app %.*s: %s%s", (unsigned long long)answer->receipt_index,
             SLICE_PRINTF(route->id), SLICE_PRINTF(route->app->id), reason_name(answer->reason),
             found);
}

/* Counted and logged; to be sent within reply_ms. */
static void answered(struct connection *connection)
{
    struct edge_thread *thread = connection->thread;
    connection->phase = CONNECTION_ANSWERED;
    count_answer(&thread->counters, connection->flow.answer.kind);
    log_answer(thread, &connection->flow);
    set_deadline(connection, thread->config->limits.reply_ms);
}

void connection_reply(struct flow *flow)
{
    struct connection *connection = (struct connection *)flow;
    struct edge_thread *thread = connection->thread;
    SL_ASSERT(connection->phase == CONNECTION_RUNNING);
    answered(connection);
    if (connection->suspended) {
        connection->suspended = false;
        MHD_resume_connection(connection->handle);
        thread->daemon_is_due = true;
    }
}

void connection_request_done(void *context, struct MHD_Connection *handle, void **request_context,
                             enum MHD_RequestTerminationCode code)
{
    (void)context, (void)handle, (void)code;
    struct connection *connection = *request_context;
    if (!connection)
        return;
    SL_ASSERT(connection->phase != CONNECTION_RUNNING);
    if (connection->is_flow)
        connection->thread->n_flows--;
    connection->is_flow = false;
    free_body(connection);
    connection->body_is_too_large = connection->closes = false;
    flow_reset(&connection->flow);
    connection->phase = CONNECTION_IDLE;
    set_deadline(connection, connection->thread->config->limits.connection_idle_ms);
    *request_context = NULL;
}
