/*
 * peer.c - the test's own app; level-triggered and simple, unlike the client it faces
 */
#include "peer.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void drop(struct peer_connection *connection)
{
    if (connection->source.fd < 0)
        return;
    loop_timer_clear(connection->peer->loop, &connection->timer);
    loop_remove(connection->peer->loop, &connection->source);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    close(connection->source.fd);
    connection->source.fd = -1;
}

static ssize_t send_some(struct peer_connection *connection, const char *bytes, size_t n)
{
    if (!connection->ssl)
        return send(connection->source.fd, bytes, n, MSG_NOSIGNAL);
    int n_sent = SSL_write(connection->ssl, bytes, (int)n);
    if (n_sent <= 0)
        errno = EAGAIN;
    return n_sent;
}

static void flush(struct peer_connection *connection, size_t n_max)
{
    while (connection->n_out_sent < connection->n_out && n_max > 0) {
        size_t n = connection->n_out - connection->n_out_sent;
        n = n < n_max ? n : n_max;
        ssize_t n_sent = send_some(connection, connection->out + connection->n_out_sent, n);
        if (n_sent <= 0)
            return;
        connection->n_out_sent += (size_t)n_sent;
        n_max -= (size_t)n_sent;
    }
}

static void take_requests(struct peer_connection *connection)
{
    char *end;
    while (connection->source.fd >= 0 &&
           (end = memmem(connection->in, connection->n_in, "\r\n\r\n", 4))) {
        size_t n = (size_t)(end - connection->in) + 4;
        char text[sizeof connection->in];
        memcpy(text, connection->in, n);
        memmove(connection->in, end + 4, connection->n_in - n);
        connection->n_in -= n;
        connection->n_requests++;
        connection->peer->n_requests++;
        if (connection->peer->request)
            connection->peer->request(connection, slice_of(text, n));
    }
}

static ssize_t receive_some(struct peer_connection *connection)
{
    char *at = connection->in + connection->n_in;
    size_t cap = sizeof connection->in - connection->n_in;
    if (!connection->ssl)
        return recv(connection->source.fd, at, cap, 0);
    if (!SSL_is_init_finished(connection->ssl)) {
        int outcome = SSL_do_handshake(connection->ssl);
        errno = EAGAIN;
        if (outcome != 1)
            return SSL_get_error(connection->ssl, outcome) == SSL_ERROR_WANT_READ ? -1 : 0;
    }
    int n = SSL_read(connection->ssl, at, (int)cap);
    errno = EAGAIN;
    if (n <= 0)
        return SSL_get_error(connection->ssl, n) == SSL_ERROR_WANT_READ ? -1 : 0;
    return n;
}

static void connection_ready(struct loop_source *source, uint32_t epoll_events)
{
    struct peer_connection *connection = (struct peer_connection *)(void *)source;
    if (epoll_events & EPOLLOUT)
        flush(connection, SIZE_MAX);
    if (!(epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    for (;;) {
        ssize_t n = receive_some(connection);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            connection->was_closed_by_client = true;
            connection->peer->n_closed_by_client++;
            struct peer *peer = connection->peer;
            drop(connection);
            if (peer->client_closed)
                peer->client_closed(connection);
            return;
        }
        connection->n_in += (size_t)n;
        take_requests(connection);
        if (connection->source.fd < 0)
            return;
    }
}

static void listener_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct peer *peer = (struct peer *)(void *)((char *)source - offsetof(struct peer, listener));
    int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct peer_connection *connection = calloc(1, sizeof *connection);
    SL_ASSERT(connection);
    connection->source = (struct loop_source){connection_ready, fd};
    connection->peer = peer;
    connection->number = peer->n_accepted++;
    connection->next = peer->connections;
    peer->connections = connection;
    int on = 1;
    SL_ASSERT(setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on) == 0);
    if (peer->tls) {
        connection->ssl = SSL_new(peer->tls);
        SL_ASSERT(connection->ssl && SSL_set_fd(connection->ssl, fd) == 1);
        SSL_set_accept_state(connection->ssl);
    }
    SL_ASSERT(loop_add(peer->loop, &connection->source, EPOLLIN) == SL_OK);
    if (peer->accepted)
        peer->accepted(connection);
}

void peer_init(struct peer *peer, struct loop *loop)
{
    memset(peer, 0, sizeof *peer);
    peer->loop = loop;
    peer->address.sin_family = AF_INET;
    peer->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    SL_ASSERT(fd >= 0);
    socklen_t address_bytes = sizeof peer->address;
    SL_ASSERT(bind(fd, (struct sockaddr *)&peer->address, address_bytes) == 0);
    SL_ASSERT(listen(fd, 64) == 0);
    SL_ASSERT(getsockname(fd, (struct sockaddr *)&peer->address, &address_bytes) == 0);
    peer->listener = (struct loop_source){listener_ready, fd};
    SL_ASSERT(loop_add(loop, &peer->listener, EPOLLIN) == SL_OK);
}

void peer_deinit(struct peer *peer)
{
    struct peer_connection *next;
    for (struct peer_connection *connection = peer->connections; connection; connection = next) {
        next = connection->next;
        drop(connection);
        free(connection->out);
        free(connection);
    }
    if (peer->listener.fd >= 0) {
        loop_remove(peer->loop, &peer->listener);
        close(peer->listener.fd);
    }
    SSL_CTX_free(peer->tls);
}

void peer_send(struct peer_connection *connection, struct slice bytes)
{
    connection->out = realloc(connection->out, connection->n_out + bytes.n + 1);
    SL_ASSERT(connection->out);
    memcpy(connection->out + connection->n_out, bytes.p, bytes.n);
    connection->n_out += bytes.n;
    if (connection->peer->dribble_bytes > 0)
        return;
    flush(connection, SIZE_MAX);
    if (connection->n_out_sent < connection->n_out)
        SL_ASSERT(loop_change(connection->peer->loop, &connection->source, EPOLLIN | EPOLLOUT) ==
                  SL_OK);
}

void peer_send_str(struct peer_connection *connection, const char *text)
{
    peer_send(connection, slice_of_str(text));
}

void peer_close(struct peer_connection *connection)
{
    if (connection->ssl)
        SSL_shutdown(connection->ssl);
    drop(connection);
}

void peer_cut(struct peer_connection *connection)
{
    drop(connection);
}

void peer_reset(struct peer_connection *connection)
{
    struct linger linger = {1, 0};
    SL_ASSERT(setsockopt(connection->source.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) ==
              0);
    drop(connection);
}

struct peer_connection *peer_find(struct peer *peer, unsigned number)
{
    for (struct peer_connection *at = peer->connections; at; at = at->next)
        if (at->number == number)
            return at;
    SL_ASSERT(false);
}

void peer_answer_empty(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, PEER_EMPTY_ANSWER);
}

void peer_answer_echo(struct peer_connection *connection, struct slice text)
{
    char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n?";
    answer[sizeof answer - 2] = (char)text.p[sizeof "GET /" - 1];
    peer_send_str(connection, answer);
}

int peer_turn(struct loop *loop, void *context)
{
    (void)loop;
    struct peer *peer = context;
    int wait_ms = -1;
    for (struct peer_connection *at = peer->connections; at; at = at->next) {
        if (at->source.fd < 0 || peer->dribble_bytes == 0 || at->n_out_sent == at->n_out)
            continue;
        flush(at, peer->dribble_bytes);
        wait_ms = 0;
    }
    return wait_ms;
}
