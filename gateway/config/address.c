/*
 * address.c - where to listen, and where apps and partners are
 *
 *     listen      127.0.0.1:8460   [::1]:8460        numbers only: nothing to resolve, no surprise
 *     url         http://127.0.0.1:9101   https://api.example.org:8443
 *
 * A host's name is resolved once, when the file is read, and the address is pinned: what a name
 * server says later can't send personal data elsewhere. Plain HTTP is for this machine only.
 */
#include "base/address.h"
#include "config/build.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

bool build_listen_address(struct build *build, const struct yaml_node *node,
                          struct config_listener *out, bool *loopback)
{
    static const char expected[] =
        "an address and a port, such as 127.0.0.1:8460 or \"[::1]:8460\" (in quotes)";
    if (!build_is_text(build, node, expected))
        return false;
    if (!address_parse(node->text, &out->address, &out->address_bytes)) {
        yaml_error_at(build->problems, node->line, node->column, "\"%.*s\"; expected %s",
                      SLICE_PRINTF(node->text), expected);
        return false;
    }
    out->text = build_copy(build, node->text);
    *loopback = address_is_loopback(&out->address);
    return true;
}

int config_resolve(const char *host, uint16_t port, struct sockaddr_storage *address,
                   socklen_t *address_bytes)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int code = getaddrinfo(host, service, &hints, &list);
    if (code != 0)
        return code;
    memset(address, 0, sizeof *address);
    memcpy(address, list->ai_addr, list->ai_addrlen);
    *address_bytes = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

/* RFC 952 and 1123: letters, digits and hyphens between dots. */
static bool is_host_name(struct slice host)
{
    uint8_t before = '.';
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];
        bool letter_or_digit =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool joins = (c == '-' || c == '.') && before != '.';
        if (!letter_or_digit && !joins)
            return false;
        before = c;
    }
    return before != '-';
}

/* Anything after the host would be silently ignored: a path belongs to the route. */
static bool report_rest(struct build *build, const struct yaml_node *node, size_t at)
{
    for (size_t i = at; i < node->text.n; i++) {
        uint8_t c = node->text.p[i];
        if (c != '/' && c != '?' && c != '#' && c != '@')
            continue;
        build_error_inside(build, node, i, "%s in a url; expected nothing after the port%s",
                           c == '@' ? "a user" : "a path or query",
                           c == '@' ? ": put credentials into `token_file`"
                                    : ": write the path in `forward` of each route");
        return true;
    }
    return false;
}

static bool resolve_host(struct build *build, const struct yaml_node *node,
                         const struct host_port *parts, uint16_t port, struct config_peer *out)
{
    char host[HOST_BYTES_MAX + 1];
    host_copy(parts->host, host);
    if (address_set(host, parts->bracketed, port, &out->address, &out->address_bytes))
        return true;
    if (parts->bracketed || !is_host_name(parts->host)) {
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%s\" is no host name and no address", host);
        return false;
    }
    if (build->offline)
        return address_set("127.0.0.1", false, port, &out->address, &out->address_bytes);
    int code = build->resolve(host, port, &out->address, &out->address_bytes);
    if (code != 0)
        yaml_error_at(build->problems, node->line, node->column,
                      "\"%s\" can't be resolved: %s; correct the name, or write the address", host,
                      gai_strerror(code));
    return code == 0;
}

/* As HTTP's Host field has it: without the port that the scheme has anyway. */
static struct slice host_field(struct build *build, const struct host_port *parts, uint16_t port,
                               bool tls)
{
    char text[HOST_BYTES_MAX + 16];
    struct writer writer = writer_over(text, sizeof text);
    write_str(&writer, parts->bracketed ? "[" : "");
    write_bytes(&writer, parts->host);
    write_str(&writer, parts->bracketed ? "]" : "");
    if (port != (tls ? PORT_HTTPS : PORT_HTTP)) {
        write_u8(&writer, ':');
        write_decimal(&writer, port);
    }
    SL_ASSERT(!writer.overflow);
    return build_copy(build, writer_slice(&writer));
}

bool build_peer_url(struct build *build, const struct yaml_node *node, struct config_peer *out)
{
    static const char expected[] = "a url such as https://api.example.org or http://127.0.0.1:9101";
    if (!build_is_text(build, node, expected))
        return false;
    bool tls = slice_starts_with_str(node->text, "https://");
    size_t at = tls ? strlen("https://") : strlen("http://");
    struct host_port parts;
    uint64_t port = tls ? PORT_HTTPS : PORT_HTTP;
    if (tls || slice_starts_with_str(node->text, "http://")) {
        if (report_rest(build, node, at))
            return false;
        if (host_port_split(slice_of(node->text.p + at, node->text.n - at), &parts) &&
            (!parts.port.p || (slice_to_u64(parts.port, UINT16_MAX, &port) && port > 0))) {
            if (!resolve_host(build, node, &parts, (uint16_t)port, out))
                return false;
            out->tls = tls;
            out->host_name = build_copy(build, parts.host);
            out->host = host_field(build, &parts, (uint16_t)port, tls);
            if (tls || address_is_loopback(&out->address))
                return true;
            yaml_error_at(build->problems, node->line, node->column,
                          "http to another machine would carry personal data in clear; "
                          "expected https, or a loopback address");
            return false;
        }
    }
    yaml_error_at(build->problems, node->line, node->column, "\"%.*s\"; expected %s",
                  SLICE_PRINTF(node->text), expected);
    return false;
}
