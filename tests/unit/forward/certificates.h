/*
 * certificates.h - an authority made for one test run, and what it signs
 */
#ifndef SLUIS_TEST_CERTIFICATES_H
#define SLUIS_TEST_CERTIFICATES_H

#include <openssl/ssl.h>

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char pem_path[64];
};

/* What is wrong with a server's certificate; all zeros: nothing. */
struct certificate_order {
    const char *names;       /* subjectAltName as OpenSSL writes it; NULL: none at all */
    const char *common_name; /* NULL: "server" */
    const char *usage;       /* extendedKeyUsage; NULL: serverAuth */
    long from_s, until_s;    /* from now; both 0: from an hour ago for a day */
};

void authority_init(struct authority *authority);
void authority_deinit(struct authority *authority);
/* A server that shows a certificate signed by `authority`. */
SSL_CTX *server_context(struct authority *authority, const struct certificate_order *order);

#endif
