/*
 * pseudonym.c - one cipher per partner, keyed from the node's key
 *
 *     node key ── HKDF-SHA-256, no salt, info "sluis pseudonym v1" 0x00 partner id ──▶ SIV key
 *                 (from generation 2 on: and 0x00, and the generation in decimal)
 *     subject's id[16] ── AES-SIV, header "sluis pseudonym v1" ──▶ tag[16] || sealed id[16]
 *                                                         base64url ──▶ 43 characters
 *
 * Two partners that compare notes see unrelated text, and neither can make a pseudonym that
 * opens: guessing a tag takes 2^128 tries. Whether a subject of that id exists is not known here.
 */
#include "identify/pseudonym.h"

#include "base/base64.h"
#include "base/writer.h"
#include "identify/siv.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { PSEUDONYM_BYTES = SIV_TAG_BYTES + PSEUDONYM_ID_BYTES, GENERATION_CHARS = 10 };

static const struct slice format_name = SLICE_LITERAL("sluis pseudonym v1");
static const struct slice identifier_use = SLICE_LITERAL("sluis identifier v1");

struct pseudonym_cipher {
    struct siv *siv;
};

/* RFC 5869 with an empty salt; one block of output is the whole key. */
static void derive_key(const uint8_t node_key[PSEUDONYM_KEY_BYTES], struct slice use,
                       struct slice partner, uint32_t generation, uint8_t key[SIV_KEY_BYTES])
{
    _Static_assert(SIV_KEY_BYTES == (int)SHA256_BYTES, "T(1) is the key");
    static const uint8_t zero = 0, first = 1;
    struct hmac_key hmac;
    struct sha256 hash;
    uint8_t extracted[SHA256_BYTES];

    hmac_key_init(&hmac, slice_of(NULL, 0));
    hmac_begin(&hmac, &hash);
    sha256_add(&hash, slice_of(node_key, PSEUDONYM_KEY_BYTES));
    hmac_end(&hmac, &hash, extracted);

    hmac_key_init(&hmac, slice_of(extracted, sizeof extracted));
    hmac_begin(&hmac, &hash);
    sha256_add(&hash, use);
    sha256_add(&hash, slice_of(&zero, 1));
    sha256_add(&hash, partner);
    if (generation > 1) {
        uint8_t decimal[GENERATION_CHARS];
        struct writer writer = writer_over(decimal, sizeof decimal);
        write_decimal(&writer, generation);
        sha256_add(&hash, slice_of(&zero, 1));
        sha256_add(&hash, writer_slice(&writer));
    }
    sha256_add(&hash, slice_of(&first, 1));
    hmac_end(&hmac, &hash, key);

    OPENSSL_cleanse(extracted, sizeof extracted);
    OPENSSL_cleanse(&hmac, sizeof hmac);
    OPENSSL_cleanse(&hash, sizeof hash);
}

enum sl_err pseudonym_cipher_new(const uint8_t node_key[PSEUDONYM_KEY_BYTES], struct slice partner,
                                 uint32_t generation, struct pseudonym_cipher **out)
{
    SL_AUTO(pseudonym_cipher) cipher = calloc(1, sizeof *cipher);
    if (!cipher)
        return SL_EINTERNAL;
    uint8_t key[SIV_KEY_BYTES];
    derive_key(node_key, format_name, partner, generation, key);
    enum sl_err err = siv_new(key, &format_name, 1, &cipher->siv);
    OPENSSL_cleanse(key, sizeof key);
    SL_TRY(err);
    *out = cipher;
    cipher = NULL;
    return SL_OK;
}

void pseudonym_identifier_key(const uint8_t node_key[PSEUDONYM_KEY_BYTES], struct slice partner,
                              uint32_t generation, struct hmac_key *out)
{
    uint8_t key[SHA256_BYTES];
    derive_key(node_key, identifier_use, partner, generation, key);
    hmac_key_init(out, slice_of(key, sizeof key));
    OPENSSL_cleanse(key, sizeof key);
}

void pseudonym_cipher_free(struct pseudonym_cipher *cipher)
{
    if (!cipher)
        return;
    siv_free(cipher->siv);
    free(cipher);
}

enum sl_err pseudonym_write(struct pseudonym_cipher *cipher, const uint8_t id[PSEUDONYM_ID_BYTES],
                            char out[PSEUDONYM_CHARS + 1])
{
    uint8_t bytes[PSEUDONYM_BYTES];
    SL_TRY(siv_seal(cipher->siv, slice_of(id, PSEUDONYM_ID_BYTES), bytes, bytes + SIV_TAG_BYTES));
    struct writer writer = writer_over(out, PSEUDONYM_CHARS);
    write_base64url(&writer, slice_of(bytes, sizeof bytes));
    SL_ASSERT(!writer.overflow && writer.n == PSEUDONYM_CHARS);
    out[PSEUDONYM_CHARS] = 0;
    return SL_OK;
}

bool pseudonym_read(struct pseudonym_cipher *cipher, struct slice text,
                    uint8_t id[PSEUDONYM_ID_BYTES])
{
    uint8_t bytes[PSEUDONYM_BYTES];
    return text.n == PSEUDONYM_CHARS && base64url_decode(text, bytes, sizeof bytes) &&
           siv_open(cipher->siv, bytes, slice_of(bytes + SIV_TAG_BYTES, PSEUDONYM_ID_BYTES), id);
}
