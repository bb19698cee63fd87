/*
 * signing.c - Ed25519 with a seed that is one byte, 32 times
 */
#include "signing.h"

#include "ledger/cosignature.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static EVP_PKEY *key_of(const struct signing *signing)
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, signing->seed, sizeof signing->seed);
    assert_non_null(key);
    return key;
}

void signing_init(struct signing *signing, const char *name, enum vkey_type type, uint8_t seed)
{
    uint8_t public_key[NOTE_KEY_BYTES];
    size_t n = sizeof public_key;
    memset(signing, 0, sizeof *signing);
    memset(signing->seed, seed, sizeof signing->seed);
    snprintf(signing->name, sizeof signing->name, "%s", name);
    EVP_PKEY *key = key_of(signing);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, public_key, &n), 1);
    EVP_PKEY_free(key);
    struct writer writer = writer_over(signing->vkey_text, sizeof signing->vkey_text - 1);
    vkey_write(&writer, slice_of_str(signing->name), type, public_key);
    assert_false(writer.overflow);
    assert_int_equal(vkey_parse(slice_of_str(signing->vkey_text), &signing->vkey), SL_OK);
}

void signing_sign(const struct signing *signing, struct slice message,
                  uint8_t signature[NOTE_SIGNATURE_BYTES])
{
    size_t n = NOTE_SIGNATURE_BYTES;
    EVP_PKEY *key = key_of(signing);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &n, message.p, message.n), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

void signing_write_line(const struct signing *signing, struct slice text, uint64_t time_s,
                        struct writer *out)
{
    uint8_t message[COSIGNATURE_MESSAGE_BYTES_MAX], blob[NOTE_KEY_ID_BYTES + COSIGNATURE_BYTES];
    uint8_t signature[NOTE_SIGNATURE_BYTES];
    struct writer blob_writer = writer_over(blob, sizeof blob);
    write_bytes(&blob_writer, slice_of(signing->vkey.id, NOTE_KEY_ID_BYTES));
    if (signing->vkey.type == VKEY_COSIGNATURE) {
        struct writer writer = writer_over(message, sizeof message);
        write_cosignature_message(&writer, time_s, text);
        assert_false(writer.overflow);
        signing_sign(signing, writer_slice(&writer), signature);
        write_cosignature(&blob_writer, time_s, signature);
    } else {
        signing_sign(signing, text, signature);
        write_bytes(&blob_writer, slice_of(signature, sizeof signature));
    }
    write_str(out, "\xe2\x80\x94 ");
    write_str(out, signing->name);
    write_str(out, " ");
    write_base64(out, writer_slice(&blob_writer));
    write_str(out, "\n");
}
