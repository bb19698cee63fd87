/*
 * address.c - splitting at the colon that ends the host, and inet_pton
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool host_port_split(struct slice text, struct host_port *out)
{
    struct host_port parts = {0};
    size_t at;
    if (text.n > 0 && text.p[0] == '[') {
        const uint8_t *close = memchr(text.p, ']', text.n);
        if (!close)
            return false;
        parts.host = slice_of(text.p + 1, (size_t)(close - text.p) - 1);
        parts.bracketed = true;
        at = (size_t)(close - text.p) + 1;
    } else {
        const uint8_t *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
        at = colon ? (size_t)(colon - text.p) : text.n;
        parts.host = slice_of(text.p, at);
    }
    if (at < text.n && text.p[at] != ':')
        return false;
    if (at < text.n)
        parts.port = slice_of(text.p + at + 1, text.n - at - 1);
    if (parts.host.n == 0 || parts.host.n > HOST_BYTES_MAX)
        return false;
    *out = parts;
    return true;
}

void host_copy(struct slice host, char out[HOST_BYTES_MAX + 1])
{
    memcpy(out, host.p, host.n);
    out[host.n] = 0;
}

bool address_set(const char *host, bool v6, uint16_t port, struct sockaddr_storage *address,
                 socklen_t *address_bytes)
{
    struct sockaddr_storage storage;
    memset(&storage, 0, sizeof storage);
    if (v6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
            return false;
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)&storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
            return false;
    }
    *address = storage;
    *address_bytes = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return true;
}

bool address_parse(struct slice text, struct sockaddr_storage *address, socklen_t *address_bytes)
{
    struct host_port parts;
    uint64_t port;
    char host[HOST_BYTES_MAX + 1];
    if (!host_port_split(text, &parts) || !parts.port.p ||
        !slice_to_u64(parts.port, UINT16_MAX, &port))
        return false;
    host_copy(parts.host, host);
    return address_set(host, parts.bracketed, (uint16_t)port, address, address_bytes);
}

bool address_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}
