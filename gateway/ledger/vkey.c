/*
 * vkey.c - keys as plain values, for checking a few signatures and no more
 *
 * Nothing is kept between two checks, so nothing has to be freed, and a verifier that is part of
 * another program allocates nothing of its own: OpenSSL makes its objects and drops them again.
 * Who checks thousands of notes under one key uses note_verifier, which keeps them.
 */
#include "ledger/vkey.h"

#include "base/base64.h"
#include "base/reader.h"
#include "base/sha256.h"

#include <openssl/evp.h>
#include <string.h>

void vkey_id(struct slice name, enum vkey_type type, const uint8_t key[NOTE_KEY_BYTES],
             uint8_t id[NOTE_KEY_ID_BYTES])
{
    const uint8_t between[2] = {'\n', (uint8_t)type};
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, name);
    sha256_add(&hash, slice_of(between, sizeof between));
    sha256_add(&hash, slice_of(key, NOTE_KEY_BYTES));
    sha256_end(&hash, digest);
    memcpy(id, digest, NOTE_KEY_ID_BYTES);
}

void vkey_write(struct writer *writer, struct slice name, enum vkey_type type,
                const uint8_t key[NOTE_KEY_BYTES])
{
    uint8_t id[NOTE_KEY_ID_BYTES];
    uint8_t typed[1 + NOTE_KEY_BYTES];
    vkey_id(name, type, key, id);
    typed[0] = (uint8_t)type;
    memcpy(typed + 1, key, NOTE_KEY_BYTES);
    write_bytes(writer, name);
    write_str(writer, "+");
    write_hex(writer, slice_of(id, sizeof id));
    write_str(writer, "+");
    write_base64(writer, slice_of(typed, sizeof typed));
}

/* The base64 can hold "+", so only the first two separate. */
enum sl_err vkey_parse(struct slice text, struct vkey *out)
{
    struct reader reader = reader_over(text);
    struct vkey vkey = {.name = read_until(&reader, '+')};
    struct slice id_text = read_until(&reader, '+');
    struct slice key_text = read_bytes(&reader, reader_left(&reader));
    uint8_t typed[1 + NOTE_KEY_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES];
    if (reader.bad || !note_name_is_valid(vkey.name) || !hex_decode(id_text, id, sizeof id) ||
        !base64_decode(key_text, typed, sizeof typed) ||
        (typed[0] != VKEY_ED25519 && typed[0] != VKEY_COSIGNATURE))
        return SL_EMALFORMED;
    vkey.type = (enum vkey_type)typed[0];
    memcpy(vkey.key, typed + 1, NOTE_KEY_BYTES);
    vkey_id(vkey.name, vkey.type, vkey.key, vkey.id);
    if (memcmp(id, vkey.id, sizeof id) != 0)
        return SL_EMALFORMED;
    *out = vkey;
    return SL_OK;
}

bool vkey_verify(const struct vkey *vkey, struct slice message,
                 const uint8_t signature[NOTE_SIGNATURE_BYTES])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, vkey->key, NOTE_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds =
        key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature, NOTE_SIGNATURE_BYTES, message.p, message.n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return holds;
}
