/*
 * address.h - "host:port" as text, and as the system has it
 *
 * Shape   127.0.0.1:8460, [::1]:8460; a name may stand where the address does, for those who look
 *         names up. Nothing here does.
 */
#ifndef SLUIS_BASE_ADDRESS_H
#define SLUIS_BASE_ADDRESS_H

#include "base/slice.h"

#include <sys/socket.h>

enum { HOST_BYTES_MAX = 253 };

struct host_port {
    struct slice host, port; /* port.p is NULL when there is none */
    bool bracketed;          /* an IPv6 address; the brackets are left out */
};

/* False when the host is empty or too long, or something else than a port follows it. */
bool host_port_split(struct slice text, struct host_port *out);
/* As a C string, which the address functions of the system need. At most HOST_BYTES_MAX bytes. */
void host_copy(struct slice host, char out[HOST_BYTES_MAX + 1]);

/* `host` is an address in numbers; false when it is anything else. */
bool address_set(const char *host, bool v6, uint16_t port, struct sockaddr_storage *address,
                 socklen_t *address_bytes);
/* An address in numbers and its port, both there. */
bool address_parse(struct slice text, struct sockaddr_storage *address, socklen_t *address_bytes);
bool address_is_loopback(const struct sockaddr_storage *address);

#endif
