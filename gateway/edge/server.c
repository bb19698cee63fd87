/*
 * server.c - libmicrohttpd in one loop, with deadlines of its own
 *
 *   IDLE --request line--> HEAD --head complete--> BODY --last byte--> ANSWERED --sent--> IDLE
 *
 * The first handler call comes with the head: what the guard refuses is answered there, which
 * closes the connection. Every other answer is queued in a later call. libmicrohttpd's own time-out
 * knows only of inactivity, so each phase has a deadline here; when it passes, the socket is shut
 * down and libmicrohttpd sees the end.
 */
#include "edge/server.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/thread.h"
#include "edge/guard_problem.h"
#include "edge/head.h"
#include "edge/socket.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
    struct server_config config;
    struct loop loop;
    struct MHD_Daemon *daemon;
    struct loop_source daemon_source;
    bool daemon_is_due;
    pthread_t thread;
    bool is_running;
};

enum phase { PHASE_IDLE, PHASE_HEAD, PHASE_BODY, PHASE_ANSWERED };

struct connection {
    struct server *server;
    struct MHD_Connection *handle;
    struct loop_timer deadline;
    enum phase phase;
    struct slice raw_target; /* where libmicrohttpd had it, for the guard's layout check */
    size_t target_n, method_n, body_n;
    uint8_t *body;      /* body_bytes_max, while there is one */
    uint8_t method[16]; /* the guard lets only known ones pass */
    uint8_t target[];   /* a copy of request_target_bytes: its parser cuts the original up */
};

/* ------------------------------------------------------------------------------- deadlines -- */

static void set_deadline(struct connection *connection, uint64_t ms)
{
    struct loop *loop = &connection->server->loop;
    loop_timer_set(loop, &connection->deadline, loop->now_ms + (int64_t)ms);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct connection *connection =
        (struct connection *)((char *)timer - offsetof(struct connection, deadline));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        shutdown(info->connect_fd, SHUT_RDWR);
}

/* ------------------------------------------------------------------------------ connections -- */

static void connection_notify(void *context, struct MHD_Connection *handle, void **socket_context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct connection *connection = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = calloc(1, sizeof *connection + server->config.limits->request_target_bytes);
        *socket_context = connection; /* NULL: every request on it is refused */
        if (!connection)
            return;
        connection->server = server;
        connection->handle = handle;
        connection->deadline.fire = deadline_passed;
        set_deadline(connection, server->config.limits->request_head_ms);
    } else if (connection) {
        loop_timer_clear(&server->loop, &connection->deadline);
        free(connection->body);
        free(connection);
        *socket_context = NULL;
    }
}

static void *request_line(void *context, const char *uri, struct MHD_Connection *handle)
{
    struct server *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info ? info->socket_context : NULL;
    if (!connection)
        return NULL;
    connection->phase = PHASE_HEAD;
    connection->raw_target = slice_of_str(uri);
    connection->target_n = 0;
    if (connection->raw_target.n <= server->config.limits->request_target_bytes) {
        connection->target_n = connection->raw_target.n;
        memcpy(connection->target, uri, connection->target_n);
    }
    set_deadline(connection, server->config.limits->request_head_ms);
    return connection;
}

static void request_done(void *context, struct MHD_Connection *handle, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
    (void)handle, (void)code;
    struct server *server = context;
    struct connection *connection = *request_context;
    if (!connection)
        return;
    free(connection->body);
    connection->body = NULL;
    connection->body_n = 0;
    connection->phase = PHASE_IDLE;
    set_deadline(connection, server->config.limits->connection_idle_ms);
    *request_context = NULL;
}

/* ----------------------------------------------------------------------------------- fields -- */

struct field_search {
    const char *name;
    struct slice value;
    unsigned n_found;
};

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name,
                                     size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    struct field_search *search = context;
    if (slice_equals_str_nocase(slice_of(name, name_bytes), search->name)) {
        search->value = slice_of(value, value_bytes);
        search->n_found++;
    }
    return MHD_YES;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct slice server_field(const struct server_request *request, const char *name)
{
    struct field_search search = {.name = name};
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, look_at_field, &search);
    struct slice value = search.value;
    if (search.n_found != 1)
        return slice_of(NULL, 0);
    while (value.n > 0 && is_blank(value.p[0]))
        value = slice_of(value.p + 1, value.n - 1);
    while (value.n > 0 && is_blank(value.p[value.n - 1]))
        value.n--;
    return value;
}

/* --------------------------------------------------------------------------------- answers -- */

/* NULL without memory; the file is then closed. */
static struct MHD_Response *response_of(const struct server_answer *answer)
{
    if (!answer->is_file)
        return MHD_create_response_from_buffer(answer->body.n, (void *)(uintptr_t)answer->body.p,
                                               MHD_RESPMEM_MUST_COPY);
    struct MHD_Response *response =
        MHD_create_response_from_fd64(answer->file_bytes, answer->file_fd);
    if (!response)
        close(answer->file_fd);
    return response;
}

static enum MHD_Result send_answer(struct connection *connection,
                                   const struct server_answer *answer, bool closes)
{
    struct MHD_Response *response = response_of(answer);
    if (!response)
        return MHD_NO;
    const char *cache = answer->cache_control ? answer->cache_control : "no-store";
    bool complete =
        MHD_add_response_header(response, "Content-Type", answer->content_type) == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", cache) == MHD_YES &&
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
        (!answer->allow || MHD_add_response_header(response, "Allow", answer->allow) == MHD_YES) &&
        (!closes || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
    for (size_t i = 0; i < answer->n_headers; i++)
        complete = complete && MHD_add_response_header(response, answer->headers[i].name,
                                                       answer->headers[i].value) == MHD_YES;
    enum MHD_Result result =
        complete ? MHD_queue_response(connection->handle, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    connection->phase = PHASE_ANSWERED;
    set_deadline(connection, connection->server->config.limits->reply_ms);
    return result;
}

static enum MHD_Result send_problem(struct connection *connection, const struct problem *problem)
{
    char text[PROBLEM_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    problem_write(problem, slice_of(NULL, 0), slice_of(NULL, 0), &writer);
    SL_ASSERT(!writer.overflow);
    const struct server_answer answer = {.status = problem->status,
                                         .content_type = "application/problem+json",
                                         .body = writer_slice(&writer)};
    return send_answer(connection, &answer, true);
}

static const struct problem too_large = {413, "body_too_large", "Body too large",
                                         "The body has more bytes than this takes."};

static bool length_is_too_large(const struct connection *connection, const struct guard_head *head)
{
    return guard_body(head).length > connection->server->config.body_bytes_max;
}

/* The first call for a request: judge the head. */
static enum MHD_Result begin(struct connection *connection, const char *method, const char *version)
{
    const struct server_config *config = &connection->server->config;
    struct guard_head head;
    head_collect(connection->handle, method, connection->raw_target, version, &head);
    head.takes_body = config->body_bytes_max > 0;
    enum guard_fault fault =
        connection->raw_target.n > config->limits->request_target_bytes
            ? GUARD_TARGET_TOO_LONG
            : guard_check(&head, slice_of(connection->target, connection->target_n),
                          config->limits);
    if (fault != GUARD_OK)
        return send_problem(connection, problem_of_guard(fault));
    if (length_is_too_large(connection, &head))
        return send_problem(connection, &too_large);
    SL_ASSERT(head.method.n <= sizeof connection->method);
    memcpy(connection->method, head.method.p, head.method.n);
    connection->method_n = head.method.n;
    connection->phase = PHASE_BODY;
    set_deadline(connection, config->limits->request_body_ms);
    return MHD_YES;
}

/* What is longer than its head had said, or said nothing, can't be answered any more: it ends. */
static enum MHD_Result take_body(struct connection *connection, const char *bytes, size_t *n)
{
    size_t cap = connection->server->config.body_bytes_max;
    if (!connection->body)
        connection->body = malloc(cap ? cap : 1);
    if (!connection->body || *n > cap - connection->body_n)
        return MHD_NO;
    memcpy(connection->body + connection->body_n, bytes, *n);
    connection->body_n += *n;
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result finish(struct connection *connection)
{
    const struct server_config *config = &connection->server->config;
    const struct server_request request = {
        .method = slice_of(connection->method, connection->method_n),
        .target = slice_of(connection->target, connection->target_n),
        .body = slice_of(connection->body, connection->body_n),
        .connection = connection->handle,
    };
    struct server_answer answer = {.status = 500, .content_type = "text/plain"};
    config->answer(config->context, &request, &answer);
    return send_answer(connection, &answer, false);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *handle, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_data_bytes, void **request_context)
{
    (void)context, (void)handle, (void)url;
    struct connection *connection = *request_context;
    if (!connection)
        return MHD_NO;
    switch (connection->phase) {
    case PHASE_HEAD:
        return begin(connection, method, version);
    case PHASE_BODY:
        return *upload_data_bytes > 0 ? take_body(connection, upload_data, upload_data_bytes)
                                      : finish(connection);
    case PHASE_IDLE:
    case PHASE_ANSWERED:
        break;
    }
    return MHD_NO;
}

/* ------------------------------------------------------------------------------ the thread -- */

static void daemon_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct server *server =
        (struct server *)((char *)source - offsetof(struct server, daemon_source));
    server->daemon_is_due = true;
}

static int turn(struct loop *loop, void *context)
{
    (void)loop;
    struct server *server = context;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool has_wait = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES;
    while (server->daemon_is_due || (has_wait && wait_ms == 0)) {
        server->daemon_is_due = false;
        MHD_run(server->daemon);
        has_wait = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES;
    }
    return has_wait && wait_ms < INT32_MAX ? (int)wait_ms : -1;
}

/* The target stays as it arrived: escapes are the guard's business. */
static size_t keep_escapes(void *context, struct MHD_Connection *handle, char *text)
{
    (void)context, (void)handle;
    return strlen(text);
}

static enum sl_err open_daemon(struct server *server)
{
    enum { FIELD_BYTES = 72, ANSWER_HEAD_BYTES = 1024 };
    const struct server_config *config = &server->config;
    size_t pool_bytes =
        config->limits->request_head_bytes + GUARD_FIELDS_MAX * FIELD_BYTES + ANSWER_HEAD_BYTES;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)config->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)SOCKET_TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    if (!config->certificate)
        tls[0] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    unsigned flags = MHD_USE_EPOLL | (config->certificate ? MHD_USE_TLS : 0);
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
        MHD_OPTION_URI_LOG_CALLBACK, request_line, server, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, server, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server,
        MHD_OPTION_NOTIFY_COMPLETED, request_done, server, MHD_OPTION_CONNECTION_LIMIT,
        config->n_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->n_address_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!server->daemon) {
        close(config->listen_fd);
        return SL_EINTERNAL;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return SL_EINTERNAL;
    server->daemon_source = (struct loop_source){daemon_ready, info->epoll_fd};
    return loop_add(&server->loop, &server->daemon_source, EPOLLIN);
}

static void *run(void *context)
{
    struct server *server = context;
    if (loop_run(&server->loop) != SL_OK)
        log_error("%s: the event loop failed; its connections end", server->config.thread_name);
    return NULL;
}

enum sl_err server_start(const struct server_config *config, struct server **out)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server || loop_init(&server->loop) != SL_OK) {
        close(config->listen_fd);
        free(server);
        return SL_EINTERNAL;
    }
    server->config = *config;
    server->loop.turn = turn;
    server->loop.turn_context = server;
    enum sl_err err = open_daemon(server);
    if (err == SL_OK)
        err = thread_start(&server->thread, config->thread_name, run, server);
    server->is_running = err == SL_OK;
    if (err != SL_OK) {
        server_stop(server);
        return err;
    }
    *out = server;
    return SL_OK;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    if (server->is_running) {
        loop_stop(&server->loop);
        pthread_join(server->thread, NULL);
    }
    if (server->daemon)
        MHD_stop_daemon(server->daemon); /* frees the connections, and the listening socket */
    loop_deinit(&server->loop);
    free(server);
}
