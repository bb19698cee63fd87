/*
 * keywrap.c - RFC 3394 by OpenSSL, with both directions keyed once
 *
 * A flow's receipt needs K_s, so unwrapping is on the recorder's path: the contexts are kept, and
 * each call only rewinds them. OpenSSL allows the wrap mode only to those who say that they mean
 * it (EVP_CIPHER_CTX_FLAG_WRAP_ALLOW).
 */
#include "store/keywrap.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct keywrap {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *wrap, *unwrap;
};

static EVP_CIPHER_CTX *keyed_context(const EVP_CIPHER *cipher, const uint8_t kek[KEYWRAP_KEY_BYTES],
                                     int encrypts)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return NULL;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, kek, NULL, encrypts, NULL) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

enum sl_err keywrap_new(const uint8_t kek[KEYWRAP_KEY_BYTES], struct keywrap **out)
{
    SL_AUTO(keywrap) keywrap = calloc(1, sizeof *keywrap);
    if (!keywrap)
        return SL_EINTERNAL;
    keywrap->cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
    if (keywrap->cipher) {
        keywrap->wrap = keyed_context(keywrap->cipher, kek, 1);
        keywrap->unwrap = keyed_context(keywrap->cipher, kek, 0);
    }
    if (!keywrap->wrap || !keywrap->unwrap) {
        ERR_clear_error();
        return SL_EINTERNAL;
    }
    *out = keywrap;
    keywrap = NULL;
    return SL_OK;
}

void keywrap_free(struct keywrap *keywrap)
{
    if (!keywrap)
        return;
    EVP_CIPHER_CTX_free(keywrap->wrap);
    EVP_CIPHER_CTX_free(keywrap->unwrap);
    EVP_CIPHER_free(keywrap->cipher);
    free(keywrap);
}

/* One shot: the mode has no streaming, and its last step adds nothing. */
static bool run(EVP_CIPHER_CTX *ctx, struct slice in, uint8_t *out, size_t out_bytes)
{
    int n = 0;
    bool done = EVP_CipherInit_ex2(ctx, NULL, NULL, NULL, -1, NULL) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 && (size_t)n == out_bytes;
    if (!done)
        ERR_clear_error(); /* or the next TLS call on this thread would report it */
    return done;
}

enum sl_err keywrap_wrap(struct keywrap *keywrap, const uint8_t key[KEYWRAP_KEY_BYTES],
                         uint8_t wrapped[KEYWRAP_WRAPPED_BYTES])
{
    uint8_t out[KEYWRAP_WRAPPED_BYTES];
    if (!run(keywrap->wrap, slice_of(key, KEYWRAP_KEY_BYTES), out, sizeof out))
        return SL_EINTERNAL;
    memcpy(wrapped, out, sizeof out);
    return SL_OK;
}

enum sl_err keywrap_unwrap(struct keywrap *keywrap, const uint8_t wrapped[KEYWRAP_WRAPPED_BYTES],
                           uint8_t key[KEYWRAP_KEY_BYTES])
{
    /* OpenSSL uses the ninth block of the output while it works. */
    uint8_t out[KEYWRAP_WRAPPED_BYTES];
    bool done =
        run(keywrap->unwrap, slice_of(wrapped, KEYWRAP_WRAPPED_BYTES), out, KEYWRAP_KEY_BYTES);
    if (done)
        memcpy(key, out, KEYWRAP_KEY_BYTES);
    OPENSSL_cleanse(out, sizeof out);
    return done ? SL_OK : SL_EMALFORMED;
}
