/*
 * sha256.c - a thin layer over OpenSSL's block functions
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include "base/err.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(struct sha256) >= sizeof(SHA256_CTX), "the opaque state holds the real one");
_Static_assert(_Alignof(struct sha256) >= _Alignof(SHA256_CTX), "and is aligned like it");

static SHA256_CTX *context_of(struct sha256 *hash)
{
    return (SHA256_CTX *)(void *)hash->state;
}

void sha256_begin(struct sha256 *hash)
{
    SL_ASSERT(SHA256_Init(context_of(hash)) == 1);
}

void sha256_add(struct sha256 *hash, struct slice bytes)
{
    if (bytes.n > 0)
        SL_ASSERT(SHA256_Update(context_of(hash), bytes.p, bytes.n) == 1);
}

void sha256_end(struct sha256 *hash, uint8_t out[SHA256_BYTES])
{
    SL_ASSERT(SHA256_Final(out, context_of(hash)) == 1);
}

void sha256_of(struct slice bytes, uint8_t out[SHA256_BYTES])
{
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, bytes);
    sha256_end(&hash, out);
}

void hmac_key_init(struct hmac_key *key, struct slice secret)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    if (secret.n > sizeof block)
        sha256_of(secret, block);
    else if (secret.n > 0)
        memcpy(block, secret.p, secret.n);

    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    sha256_begin(&key->inner);
    sha256_add(&key->inner, slice_of(block, sizeof block));

    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_begin(&key->outer);
    sha256_add(&key->outer, slice_of(block, sizeof block));
    OPENSSL_cleanse(block, sizeof block);
}

void hmac_begin(const struct hmac_key *key, struct sha256 *hash)
{
    *hash = key->inner;
}

void hmac_end(const struct hmac_key *key, struct sha256 *hash, uint8_t out[SHA256_BYTES])
{
    uint8_t inner[SHA256_BYTES];
    sha256_end(hash, inner);
    *hash = key->outer;
    sha256_add(hash, slice_of(inner, sizeof inner));
    sha256_end(hash, out);
}
