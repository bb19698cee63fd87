/*
 * pseudonym.h - what one partner calls a subject: AES-SIV of the subject's id under a key that
 * only this partner's pseudonyms use
 *
 * Shape   43 characters of base64url: SIV (16 bytes) || encrypted id (16 bytes). The key is
 *         HMAC-SHA-256/HKDF of the node's pseudonym key and the partner's id, so no table is kept
 * Spec    RFC 5297 (AES-SIV-CMAC-256, no associated data but the format's name), RFC 5869
 * Threads a cipher context belongs to one thread
 */
#ifndef SLUIS_IDENTIFY_PSEUDONYM_H
#define SLUIS_IDENTIFY_PSEUDONYM_H

#include "base/err.h"
#include "base/sha256.h"
#include "base/slice.h"

enum { PSEUDONYM_CHARS = 43, PSEUDONYM_KEY_BYTES = 32, PSEUDONYM_ID_BYTES = 16 };

struct pseudonym_cipher;
/*
 * `node_key`: state/keys/pseudonym.key. One cipher for each partner and thread. Each `generation`
 * (1 or more) has pseudonyms of its own.
 */
SL_NODISCARD enum sl_err pseudonym_cipher_new(const uint8_t node_key[PSEUDONYM_KEY_BYTES],
                                              struct slice partner, uint32_t generation,
                                              struct pseudonym_cipher **out);
void pseudonym_cipher_free(struct pseudonym_cipher *cipher);
SL_DEFINE_AUTO(pseudonym_cipher, pseudonym_cipher_free)

SL_NODISCARD enum sl_err pseudonym_write(struct pseudonym_cipher *cipher,
                                         const uint8_t id[PSEUDONYM_ID_BYTES],
                                         char out[PSEUDONYM_CHARS + 1]);
/*
 * The key under which the app's names of other people and things become this partner's own
 * (transform/identifier.h); derived in the same way, with "sluis identifier v1".
 */
void pseudonym_identifier_key(const uint8_t node_key[PSEUDONYM_KEY_BYTES], struct slice partner,
                              uint32_t generation, struct hmac_key *out);
/* False when `text` is no pseudonym of this partner. */
bool pseudonym_read(struct pseudonym_cipher *cipher, struct slice text,
                    uint8_t id[PSEUDONYM_ID_BYTES]);

#endif
