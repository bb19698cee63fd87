/*
 * keywrap.h - AES-256 key wrap of a subject's key under the key-encryption key
 *
 * Shape   32 bytes become 40; deterministic; unwrapping under another key, or of altered bytes,
 *         fails
 * Threads a context belongs to one thread
 * Spec    RFC 3394
 */
#ifndef SLUIS_STORE_KEYWRAP_H
#define SLUIS_STORE_KEYWRAP_H

#include "base/err.h"
#include "base/slice.h"

enum { KEYWRAP_KEY_BYTES = 32, KEYWRAP_WRAPPED_BYTES = 40 };

struct keywrap;

SL_NODISCARD enum sl_err keywrap_new(const uint8_t kek[KEYWRAP_KEY_BYTES], struct keywrap **out);
void keywrap_free(struct keywrap *keywrap);
SL_DEFINE_AUTO(keywrap, keywrap_free)

SL_NODISCARD enum sl_err keywrap_wrap(struct keywrap *keywrap, const uint8_t key[KEYWRAP_KEY_BYTES],
                                      uint8_t wrapped[KEYWRAP_WRAPPED_BYTES]);
/* SL_EMALFORMED: not wrapped under this key. */
SL_NODISCARD enum sl_err keywrap_unwrap(struct keywrap *keywrap,
                                        const uint8_t wrapped[KEYWRAP_WRAPPED_BYTES],
                                        uint8_t key[KEYWRAP_KEY_BYTES]);

#endif
