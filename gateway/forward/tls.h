/*
 * tls.h - TLS to an app: its certificate must be for its host, and from a known authority
 *
 * Shape   a client holds what all connections to one app share; a session is one connection
 * Owns    OpenSSL's objects; the socket stays the caller's
 * Spec    RFC 8446 (1.3), RFC 5246 (1.2, the minimum); RFC 9525 for the name
 */
#ifndef SLUIS_FORWARD_TLS_H
#define SLUIS_FORWARD_TLS_H

#include "forward/transport.h"

/*
 * `host` may carry a port, which is not part of the name. `ca_file` is a PEM bundle, or NULL for
 * the system's. SL_EMALFORMED when the host is no name or address, or the bundle can't be read.
 */
SL_NODISCARD enum sl_err tls_client_new(struct slice host, const char *ca_file,
                                        struct tls_client **out);
void tls_client_free(struct tls_client *client);
SL_DEFINE_AUTO(tls_client, tls_client_free)

/* NULL when there is no memory. */
struct tls_session *tls_session_new(struct tls_client *client, int fd);
/* Says close_notify, if it can do so at once. */
void tls_session_free(struct tls_session *session);
SL_NODISCARD enum transport_step tls_session_shake_hands(struct tls_session *session);
SL_NODISCARD enum transport_step tls_session_send(struct tls_session *session, struct slice bytes,
                                                  size_t *n_sent);
SL_NODISCARD enum transport_step tls_session_receive(struct tls_session *session, uint8_t *out,
                                                     size_t cap, size_t *n_received,
                                                     bool *is_drained);

#endif
