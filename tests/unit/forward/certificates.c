/*
 * certificates.c - P-256 keys and X.509 by OpenSSL's own calls
 */
#include "certificates.h"

#include "base/err.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    SL_ASSERT(extension);
    SL_ASSERT(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *new_certificate(EVP_PKEY *key, const char *common_name, long from_s, long until_s)
{
    static long serial;
    X509 *certificate = X509_new();
    SL_ASSERT(certificate);
    SL_ASSERT(X509_set_version(certificate, X509_VERSION_3) == 1);
    SL_ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1);
    SL_ASSERT(X509_gmtime_adj(X509_getm_notBefore(certificate), from_s));
    SL_ASSERT(X509_gmtime_adj(X509_getm_notAfter(certificate), until_s));
    SL_ASSERT(X509_set_pubkey(certificate, key) == 1);
    SL_ASSERT(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                         (const unsigned char *)common_name, -1, -1, 0) == 1);
    return certificate;
}

void authority_init(struct authority *authority)
{
    authority->key = EVP_EC_gen("P-256");
    X509 *certificate = new_certificate(authority->key, "test authority", -3600, 86400);
    SL_ASSERT(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
    SL_ASSERT(X509_sign(certificate, authority->key, EVP_sha256()) > 0);
    authority->certificate = certificate;

    snprintf(authority->pem_path, sizeof authority->pem_path, "/tmp/sluis-test-ca-XXXXXX");
    int fd = mkstemp(authority->pem_path);
    SL_ASSERT(fd >= 0);
    FILE *file = fdopen(fd, "w");
    SL_ASSERT(file && PEM_write_X509(file, certificate) == 1);
    SL_ASSERT(fclose(file) == 0);
}

void authority_deinit(struct authority *authority)
{
    unlink(authority->pem_path);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

SSL_CTX *server_context(struct authority *authority, const struct certificate_order *order)
{
    bool has_dates = order->from_s != 0 || order->until_s != 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate =
        new_certificate(key, order->common_name ? order->common_name : "server",
                        has_dates ? order->from_s : -3600, has_dates ? order->until_s : 86400);
    X509 *issuer = authority->certificate;
    SL_ASSERT(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
    if (order->names)
        add_extension(certificate, issuer, NID_subject_alt_name, order->names);
    add_extension(certificate, issuer, NID_ext_key_usage,
                  order->usage ? order->usage : "serverAuth");
    SL_ASSERT(X509_sign(certificate, authority->key, EVP_sha256()) > 0);

    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SL_ASSERT(context && SSL_CTX_use_certificate(context, certificate) == 1);
    SL_ASSERT(SSL_CTX_use_PrivateKey(context, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
