/*
 * keywrap.c - RFC 3394: wrapping by OpenSSL, unwrapping over OpenSSL's AES
 *
 * A flow's receipt needs K_s, so unwrapping is on the recorder's path. OpenSSL's key wrap runs on
 * its portable AES: 7.4 µs for a key. The same 24 blocks through its AES-256-ECB, which uses the
 * processor's instructions, take 0.6 µs; the mode around them is a loop of a few lines:
 *
 *     wrapped   | A (8) | R1 (8) | R2 (8) | R3 (8) | R4 (8) |
 *     for t = 24 .. 1:  A || R[i] = AES^-1( (A xor t) || R[i] ),  i = 4, 3, 2, 1, 4, ...
 *     good when A is A6A6A6A6A6A6A6A6 in the end
 *
 * Each direction checks the other: what OpenSSL wraps is what this unwraps.
 */
#include "store/keywrap.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_BYTES = 8, BLOCK_BYTES = 16, ROUNDS = 6, HALVES = KEYWRAP_KEY_BYTES / HALF_BYTES };

struct keywrap {
    EVP_CIPHER *wrap_cipher, *block_cipher;
    EVP_CIPHER_CTX *wrap, *unblock;
};

static EVP_CIPHER_CTX *keyed_context(const EVP_CIPHER *cipher, const uint8_t kek[KEYWRAP_KEY_BYTES],
                                     int encrypts)
{
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!ctx)
        return NULL;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, kek, NULL, encrypts, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

enum sl_err keywrap_new(const uint8_t kek[KEYWRAP_KEY_BYTES], struct keywrap **out)
{
    SL_AUTO(keywrap) keywrap = calloc(1, sizeof *keywrap);
    if (!keywrap)
        return SL_EINTERNAL;
    keywrap->wrap_cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
    keywrap->block_cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    keywrap->wrap = keyed_context(keywrap->wrap_cipher, kek, 1);
    keywrap->unblock = keyed_context(keywrap->block_cipher, kek, 0);
    if (!keywrap->wrap || !keywrap->unblock) {
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
    EVP_CIPHER_CTX_free(keywrap->unblock);
    EVP_CIPHER_free(keywrap->wrap_cipher);
    EVP_CIPHER_free(keywrap->block_cipher);
    free(keywrap);
}

enum sl_err keywrap_wrap(struct keywrap *keywrap, const uint8_t key[KEYWRAP_KEY_BYTES],
                         uint8_t wrapped[KEYWRAP_WRAPPED_BYTES])
{
    uint8_t out[KEYWRAP_WRAPPED_BYTES];
    int n = 0;
    /* One shot: the mode has no streaming, and its last step adds nothing. */
    if (EVP_CipherInit_ex2(keywrap->wrap, NULL, NULL, NULL, -1, NULL) != 1 ||
        EVP_CipherUpdate(keywrap->wrap, out, &n, key, KEYWRAP_KEY_BYTES) != 1 ||
        n != KEYWRAP_WRAPPED_BYTES) {
        ERR_clear_error(); /* or the next TLS call on this thread would report it */
        return SL_EINTERNAL;
    }
    memcpy(wrapped, out, sizeof out);
    return SL_OK;
}

/* `block` holds A || R[i]. */
static bool unblock(struct keywrap *keywrap, uint8_t block[BLOCK_BYTES])
{
    int n = 0;
    return EVP_CipherUpdate(keywrap->unblock, block, &n, block, BLOCK_BYTES) == 1 &&
           n == BLOCK_BYTES;
}

enum sl_err keywrap_unwrap(struct keywrap *keywrap, const uint8_t wrapped[KEYWRAP_WRAPPED_BYTES],
                           uint8_t key[KEYWRAP_KEY_BYTES])
{
    static const uint8_t integrity[HALF_BYTES] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};
    uint8_t halves[KEYWRAP_KEY_BYTES], block[BLOCK_BYTES];
    memcpy(block, wrapped, HALF_BYTES);
    memcpy(halves, wrapped + HALF_BYTES, sizeof halves);
    bool good = true;
    for (unsigned t = ROUNDS * HALVES; t > 0 && good; t--) {
        uint8_t *half = halves + (size_t)((t - 1) % HALVES) * HALF_BYTES;
        block[HALF_BYTES - 1] ^= (uint8_t)t;
        memcpy(block + HALF_BYTES, half, HALF_BYTES);
        good = unblock(keywrap, block);
        memcpy(half, block + HALF_BYTES, HALF_BYTES);
    }
    enum sl_err err = SL_OK;
    if (!good)
        err = SL_EINTERNAL;
    else if (CRYPTO_memcmp(block, integrity, HALF_BYTES) != 0)
        err = SL_EMALFORMED;
    else
        memcpy(key, halves, sizeof halves);
    OPENSSL_cleanse(halves, sizeof halves);
    OPENSSL_cleanse(block, sizeof block);
    return err;
}
