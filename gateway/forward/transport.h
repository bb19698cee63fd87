/*
 * transport.h - bytes to and from an app over one non-blocking socket, plain or TLS
 *
 * Shape   every call moves what it can and says why it stopped; nothing waits here
 * Owns    the socket, and the TLS session on it
 */
#ifndef SLUIS_FORWARD_TRANSPORT_H
#define SLUIS_FORWARD_TRANSPORT_H

#include "base/err.h"
#include "base/slice.h"

#include <sys/socket.h>

enum transport_step {
    TRANSPORT_MOVED,  /* at least one byte, or the handshake is done */
    TRANSPORT_WAIT,   /* for the next event of the socket */
    TRANSPORT_CLOSED, /* the peer ended it in order: FIN, and close_notify under TLS */
    TRANSPORT_FAILED,
};

struct tls_client;
struct tls_session;

struct transport {
    int fd;
    struct tls_session *tls; /* NULL: plain */
    /* The last receive took all that had arrived: what comes later raises a new event. */
    bool is_drained;
};

/* A socket that is connecting to `address`; TLS when `tls` is given. False when it can't be. */
SL_NODISCARD bool transport_open(struct transport *transport, const struct sockaddr *address,
                                 socklen_t address_bytes, struct tls_client *tls);
void transport_close(struct transport *transport);
/* After the socket became writable: connected, and shaken hands where TLS is spoken. */
SL_NODISCARD enum transport_step transport_establish(struct transport *transport);
SL_NODISCARD enum transport_step transport_send(struct transport *transport, struct slice bytes,
                                                size_t *n_sent);
SL_NODISCARD enum transport_step transport_receive(struct transport *transport, uint8_t *out,
                                                   size_t cap, size_t *n_received);

#endif
