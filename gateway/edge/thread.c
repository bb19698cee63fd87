/*
 * thread.c - the turn of a data thread: sockets, then libmicrohttpd, then the recorder's bell
 *
 * All flows that came in during one turn reach the recorder under one wake-up, so that a batch
 * grows with the load by itself.
 */
#include "edge/thread.h"

#include "base/log.h"
#include "edge/socket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void daemon_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct edge_thread *thread =
        (struct edge_thread *)((char *)source - offsetof(struct edge_thread, daemon_source));
    thread->daemon_is_due = true;
}

static int turn(struct loop *loop, void *context)
{
    struct edge_thread *thread = context;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool has_wait = MHD_get_timeout(thread->daemon, &wait_ms) == MHD_YES;
    while (thread->daemon_is_due || (has_wait && wait_ms == 0)) {
        thread->daemon_is_due = false;
        MHD_run(thread->daemon);
        has_wait = MHD_get_timeout(thread->daemon, &wait_ms) == MHD_YES;
    }
    engine_end_turn(thread->engine);
    if (thread->draining && thread->n_flows == 0)
        loop_stop(loop);
    return has_wait && wait_ms < INT32_MAX ? (int)wait_ms : -1;
}

static void drain_requested(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct edge_thread *thread =
        (struct edge_thread *)((char *)source - offsetof(struct edge_thread, drain_source));
    loop_remove(&thread->loop, source);
    thread->draining = true;
    MHD_socket listen_fd = MHD_quiesce_daemon(thread->daemon);
    if (listen_fd != MHD_INVALID_SOCKET)
        close(listen_fd);
}

/* libmicrohttpd leaves tickets off; without them each new connection costs a full handshake. */
static void enable_tickets(const struct edge_thread *thread, struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info && info->tls_session)
        gnutls_session_ticket_enable_server(info->tls_session, thread->ticket_key);
}

static void notify_connection(void *context, struct MHD_Connection *handle, void **socket_context,
                              enum MHD_ConnectionNotificationCode code)
{
    struct edge_thread *thread = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED && thread->ticket_key)
        enable_tickets(thread, handle);
    connection_notify(thread, handle, socket_context, code);
}

/* The target stays as it arrived: escapes are the guard's business. */
static size_t keep_escapes(void *context, struct MHD_Connection *handle, char *text)
{
    (void)context, (void)handle;
    return strlen(text);
}

/*
 * A connection's memory: the head, a record for each of its fields, and the answer's head. It is
 * zeroed for each request, so what is too much here costs time as well.
 */
static size_t pool_bytes(const struct limits *limits)
{
    enum { FIELD_BYTES = 72, ANSWER_HEAD_BYTES = 1024 };
    return limits->request_head_bytes + GUARD_FIELDS_MAX * FIELD_BYTES + ANSWER_HEAD_BYTES;
}

static struct MHD_Daemon *start_daemon(struct edge_thread *thread,
                                       const struct edge_listener *listener, int listen_fd)
{
    const struct limits *limits = &thread->config->limits;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)listener->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)listener->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)SOCKET_TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    if (listener->certificate)
        flags |= MHD_USE_TLS;
    else
        tls[0] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, connection_handle, thread, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_URI_LOG_CALLBACK, connection_request_line, thread, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, thread, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, thread,
        MHD_OPTION_NOTIFY_COMPLETED, connection_request_done, thread, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)limits->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)limits->connections_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        pool_bytes(limits), MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static enum sl_err open_daemon(struct edge_thread *thread, const struct edge_listener *listener,
                               int listen_fd)
{
    thread->daemon = start_daemon(thread, listener, listen_fd);
    if (!thread->daemon) {
        close(listen_fd);
        return SL_EINTERNAL;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(thread->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return SL_EINTERNAL;
    thread->daemon_source = (struct loop_source){daemon_ready, info->epoll_fd};
    SL_TRY(loop_add(&thread->loop, &thread->daemon_source, EPOLLIN));
    thread->drain_source = (struct loop_source){drain_requested, eventfd(0, EFD_CLOEXEC)};
    if (thread->drain_source.fd < 0)
        return SL_EINTERNAL;
    return loop_add(&thread->loop, &thread->drain_source, EPOLLIN);
}

static void *run(void *context)
{
    struct edge_thread *thread = context;
    if (loop_run(&thread->loop) != SL_OK)
        log_error("a data thread's event loop failed; its connections end");
    return NULL;
}

void edge_thread_close(struct edge_thread *thread)
{
    if (thread->daemon)
        MHD_stop_daemon(thread->daemon); /* frees the connections, and the listening socket */
    engine_free(thread->engine);
    if (thread->drain_source.fd >= 0)
        close(thread->drain_source.fd);
    loop_deinit(&thread->loop);
}

enum sl_err edge_thread_start(struct edge_thread *thread, const struct edge_listener *listener,
                              int listen_fd)
{
    memset(thread, 0, sizeof *thread);
    thread->config = listener->node->config;
    thread->ticket_key = listener->ticket_key;
    thread->drain_source.fd = -1;
    enum sl_err err = loop_init(&thread->loop);
    if (err != SL_OK) {
        close(listen_fd);
        return err;
    }
    thread->loop.turn = turn;
    thread->loop.turn_context = thread;
    err = engine_new(listener->node, listener->credentials, listener->prover, &thread->loop,
                     connection_reply, &thread->engine);
    if (err != SL_OK)
        close(listen_fd);
    else
        err = open_daemon(thread, listener, listen_fd);
    if (err == SL_OK && pthread_create(&thread->thread, NULL, run, thread) != 0)
        err = SL_EINTERNAL;
    if (err != SL_OK) {
        edge_thread_close(thread);
        return err;
    }
    thread->is_running = true;
    return SL_OK;
}

void edge_thread_drain(struct edge_thread *thread)
{
    if (!thread->is_running)
        return;
    uint64_t one = 1;
    ssize_t n_written = write(thread->drain_source.fd, &one, sizeof one);
    SL_ASSERT(n_written == sizeof one);
    pthread_join(thread->thread, NULL);
    thread->is_running = false;
}
