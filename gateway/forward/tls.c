/*
 * tls.c - OpenSSL as a non-blocking client
 *
 * Trust: the chain must end in the configured bundle and the name (or address) must be in the
 * certificate, both checked by OpenSSL inside the handshake, so that no request byte is written
 * to a peer that was not verified. There is no option to switch either off.
 *
 * OpenSSL's own socket BIO writes with write(), which raises SIGPIPE on a connection the peer has
 * left. The BIO here uses send() and recv(), and keeps note of whether the socket was emptied,
 * which the pool must know before a connection is used again.
 *
 * A stream that ends without close_notify counts as failed: otherwise whoever can cut the TCP
 * connection could cut short an answer that is framed by its end.
 */
#include "forward/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_NAME_BYTES = 256 };

struct tls_client {
    SSL_CTX *context;
    BIO_METHOD *socket_method;
    char host[HOST_NAME_BYTES]; /* without brackets and port */
    bool is_address;
};

struct tls_session {
    SSL *ssl;
    int fd;
    bool is_established;
    bool is_socket_drained;
};

/* ------------------------------------------------------------------------------ the socket -- */

static int socket_write(BIO *bio, const char *bytes, int n_bytes)
{
    const struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = send(session->fd, bytes, (size_t)n_bytes, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)n;
}

static int socket_read(BIO *bio, char *out, int cap)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = recv(session->fd, out, (size_t)cap, 0);
    session->is_socket_drained = n < cap;
    if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)n;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluis socket");
    if (!method)
        return NULL;
    BIO_meth_set_write(method, socket_write);
    BIO_meth_set_read(method, socket_read);
    BIO_meth_set_ctrl(method, socket_control);
    return method;
}

/* ------------------------------------------------------------------------------ the client -- */

/* "app.example:8443" and "[::1]:8443" without port and brackets, as a C string. */
static bool copy_host_name(struct slice host, char out[HOST_NAME_BYTES])
{
    size_t from = 0;
    size_t to = host.n;
    if (host.n > 0 && host.p[0] == '[') {
        const uint8_t *bracket = memchr(host.p, ']', host.n);
        if (!bracket)
            return false;
        from = 1;
        to = (size_t)(bracket - host.p);
    } else if (host.n > 0) {
        const uint8_t *colon = memchr(host.p, ':', host.n);
        to = colon ? (size_t)(colon - host.p) : host.n;
    }
    size_t n = to - from;
    if (n == 0 || n >= HOST_NAME_BYTES || memchr(host.p + from, 0, n))
        return false;
    memcpy(out, host.p + from, n);
    out[n] = 0;
    return true;
}

static bool is_ip_address(const char *host)
{
    uint8_t address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static enum sl_err configure(SSL_CTX *context, const char *ca_file)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return SL_EINTERNAL;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    int loaded = ca_file ? SSL_CTX_load_verify_file(context, ca_file)
                         : SSL_CTX_set_default_verify_paths(context);
    return loaded == 1 ? SL_OK : SL_EMALFORMED;
}

enum sl_err tls_client_new(struct slice host, const char *ca_file, struct tls_client **out)
{
    SL_AUTO(tls_client) client = calloc(1, sizeof *client);
    if (!client)
        return SL_EINTERNAL;
    if (!copy_host_name(host, client->host))
        return SL_EMALFORMED;
    client->is_address = is_ip_address(client->host);
    client->context = SSL_CTX_new(TLS_client_method());
    client->socket_method = socket_method_new();
    if (!client->context || !client->socket_method)
        return SL_EINTERNAL;
    enum sl_err err = configure(client->context, ca_file);
    ERR_clear_error();
    SL_TRY(err);
    *out = client;
    client = NULL;
    return SL_OK;
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    SSL_CTX_free(client->context);
    BIO_meth_free(client->socket_method);
    free(client);
}

/* ----------------------------------------------------------------------------- the session -- */

static bool expect_host(SSL *ssl, struct tls_client *client)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);
    if (client->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(expected, client->host) == 1;
    /* RFC 9525: the common name is no host name, and a wildcard is a whole label. */
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(expected, client->host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, client->host) == 1;
}

struct tls_session *tls_session_new(struct tls_client *client, int fd)
{
    struct tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->fd = fd;
    session->ssl = SSL_new(client->context);
    BIO *bio = BIO_new(client->socket_method);
    if (!session->ssl || !bio || !expect_host(session->ssl, client)) {
        BIO_free(bio);
        SSL_free(session->ssl);
        free(session);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_connect_state(session->ssl);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    if (session->is_established)
        (void)SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    free(session);
    ERR_clear_error();
}

static enum transport_step step_of(struct tls_session *session, int outcome)
{
    int error = SSL_get_error(session->ssl, outcome);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return TRANSPORT_WAIT;
    if (error == SSL_ERROR_ZERO_RETURN)
        return TRANSPORT_CLOSED;
    session->is_established = false; /* SSL_shutdown() may not follow a fatal error */
    return TRANSPORT_FAILED;
}

enum transport_step tls_session_shake_hands(struct tls_session *session)
{
    ERR_clear_error();
    int outcome = SSL_do_handshake(session->ssl);
    if (outcome != 1)
        return step_of(session, outcome);
    if (SSL_get_verify_result(session->ssl) != X509_V_OK)
        return TRANSPORT_FAILED;
    session->is_established = true;
    return TRANSPORT_MOVED;
}

enum transport_step tls_session_send(struct tls_session *session, struct slice bytes,
                                     size_t *n_sent)
{
    SL_ASSERT(session->is_established);
    ERR_clear_error();
    size_t n = 0;
    int outcome = SSL_write_ex(session->ssl, bytes.p, bytes.n, &n);
    if (outcome != 1)
        return step_of(session, outcome);
    *n_sent = n;
    return TRANSPORT_MOVED;
}

enum transport_step tls_session_receive(struct tls_session *session, uint8_t *out, size_t cap,
                                        size_t *n_received, bool *is_drained)
{
    ERR_clear_error();
    size_t n = 0;
    int outcome = SSL_read_ex(session->ssl, out, cap, &n);
    *is_drained = session->is_socket_drained && !SSL_has_pending(session->ssl);
    if (outcome != 1)
        return step_of(session, outcome);
    *n_received = n;
    return TRANSPORT_MOVED;
}
