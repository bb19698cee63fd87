/*
 * siv.h - deterministic authenticated encryption under one key and fixed headers
 *
 * Shape   plaintext of 16 to SIV_PLAIN_BYTES_MAX bytes becomes a tag of 16 bytes and as many bytes
 *         as there were; the same plaintext always becomes the same
 * Spec    RFC 5297, AEAD_AES_SIV_CMAC_256
 * Threads a context belongs to one thread
 */
#ifndef SLUIS_IDENTIFY_SIV_H
#define SLUIS_IDENTIFY_SIV_H

#include "base/err.h"
#include "base/slice.h"

enum { SIV_KEY_BYTES = 32, SIV_TAG_BYTES = 16, SIV_PLAIN_BYTES_MIN = 16, SIV_PLAIN_BYTES_MAX = 64 };

struct siv;

SL_NODISCARD enum sl_err siv_new(const uint8_t key[SIV_KEY_BYTES], const struct slice *headers,
                                 size_t n_headers, struct siv **out);
void siv_free(struct siv *siv);
SL_DEFINE_AUTO(siv, siv_free)

/* `sealed` takes plain.n bytes. */
SL_NODISCARD enum sl_err siv_seal(struct siv *siv, struct slice plain, uint8_t tag[SIV_TAG_BYTES],
                                  uint8_t *sealed);
/* False, and `plain` untouched, when tag and bytes were not sealed under this key and these
 * headers. */
bool siv_open(struct siv *siv, const uint8_t tag[SIV_TAG_BYTES], struct slice sealed,
              uint8_t *plain);

#endif
