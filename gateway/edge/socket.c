/*
 * socket.c - socket, bind, listen
 */
#include "edge/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 1024 };

uint16_t *socket_port(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

int socket_listen(const struct sockaddr_storage *at, socklen_t address_bytes, bool shared,
                  uint16_t *port)
{
    struct sockaddr_storage address = *at;
    if (*socket_port(&address) == 0)
        *socket_port(&address) = htons(*port);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *)&address, address_bytes) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &address_bytes) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    *port = ntohs(*socket_port(&address));
    return fd;
}
