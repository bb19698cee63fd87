/*
 * transport.c - the plain half, and the switch to tls.c
 *
 * A receive that fills less than it was offered has emptied the socket, so the receive that would
 * only say EAGAIN is never made: with edge-triggered events, later bytes announce themselves. An
 * end of stream announces itself too, by EPOLLRDHUP, and then one more receive is due.
 */
#include "forward/transport.h"

#include "forward/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

bool transport_open(struct transport *transport, const struct sockaddr *address,
                    socklen_t address_bytes, struct tls_client *tls)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int on = 1;
    bool is_tcp = address->sa_family == AF_INET || address->sa_family == AF_INET6;
    struct tls_session *session = NULL;
    if ((is_tcp && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) ||
        (connect(fd, address, address_bytes) != 0 && errno != EINPROGRESS) ||
        (tls && !(session = tls_session_new(tls, fd)))) {
        close(fd);
        return false;
    }
    *transport = (struct transport){fd, session, false};
    return true;
}

void transport_close(struct transport *transport)
{
    tls_session_free(transport->tls);
    close(transport->fd);
    *transport = (struct transport){-1, NULL, false};
}

enum transport_step transport_establish(struct transport *transport)
{
    if (transport->tls)
        return tls_session_shake_hands(transport->tls);
    int error = 0;
    socklen_t error_bytes = sizeof error;
    if (getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) != 0 || error != 0)
        return TRANSPORT_FAILED;
    return TRANSPORT_MOVED;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

enum transport_step transport_send(struct transport *transport, struct slice bytes, size_t *n_sent)
{
    if (transport->tls)
        return tls_session_send(transport->tls, bytes, n_sent);
    ssize_t n = 0;
    do {
        n = send(transport->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return would_block() ? TRANSPORT_WAIT : TRANSPORT_FAILED;
    *n_sent = (size_t)n;
    return TRANSPORT_MOVED;
}

enum transport_step transport_receive(struct transport *transport, uint8_t *out, size_t cap,
                                      size_t *n_received)
{
    if (transport->tls)
        return tls_session_receive(transport->tls, out, cap, n_received, &transport->is_drained);
    ssize_t n = 0;
    do {
        n = recv(transport->fd, out, cap, 0);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return TRANSPORT_CLOSED;
    transport->is_drained = n < (ssize_t)cap;
    if (n < 0)
        return would_block() ? TRANSPORT_WAIT : TRANSPORT_FAILED;
    *n_received = (size_t)n;
    return TRANSPORT_MOVED;
}
