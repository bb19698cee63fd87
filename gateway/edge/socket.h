/*
 * socket.h - listening sockets, and the TLS on them
 */
#ifndef SLUIS_EDGE_SOCKET_H
#define SLUIS_EDGE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* For GnuTLS: TLS 1.3 and nothing older. */
#define SOCKET_TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3"

/*
 * A non-blocking socket that listens; -1 with errno on failure. *port takes the place of a port 0
 * in the address, and is set to the port that was bound. `shared`: with SO_REUSEPORT, for several
 * sockets on one port.
 */
int socket_listen(const struct sockaddr_storage *address, socklen_t address_bytes, bool shared,
                  uint16_t *port);
/* The port of an address, to be read or set, in network order. */
uint16_t *socket_port(struct sockaddr_storage *address);

#endif
