/*
 * sha256.h - SHA-256 and HMAC-SHA-256 as plain values: no allocation, no failure
 *
 * Shape   a context is a struct; copying it copies the state
 * Owns    nothing
 * Spec    FIPS 180-4; RFC 2104. Why not EVP: docs/decisions/002-low-level-sha256.md
 */
#ifndef SLUIS_BASE_SHA256_H
#define SLUIS_BASE_SHA256_H

#include "base/slice.h"

enum { SHA256_BYTES = 32 };

/* The state of OpenSSL's SHA256_CTX, kept opaque so that its header stays in sha256.c. */
struct sha256 {
    uint64_t state[14];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, struct slice bytes);
void sha256_end(struct sha256 *hash, uint8_t out[SHA256_BYTES]);
void sha256_of(struct slice bytes, uint8_t out[SHA256_BYTES]);

/*
 * A key with its two pads hashed already: a message of up to 55 bytes then costs two
 * compressions instead of four. Secret: wipe with OPENSSL_cleanse.
 */
struct hmac_key {
    struct sha256 inner;
    struct sha256 outer;
};

void hmac_key_init(struct hmac_key *key, struct slice secret);
void hmac_begin(const struct hmac_key *key, struct sha256 *hash);
/* sha256_add() the message, then: */
void hmac_end(const struct hmac_key *key, struct sha256 *hash, uint8_t out[SHA256_BYTES]);

#endif
