/*
 * vkey.h - verifier keys: who may have signed, as one line of text
 *
 * Shape   name "+" 8 hexadecimal digits of the key's id "+" base64(type || public key), where
 *         id = SHA-256(name || LF || type || public key)[0:4]
 * Owns    nothing: the name points into the text that was parsed
 * Spec    C2SP signed-note v1, "verifier keys"; types 0x01 (Ed25519) and 0x04 (Ed25519 over
 *         cosignature/v1)
 */
#ifndef SLUIS_LEDGER_VKEY_H
#define SLUIS_LEDGER_VKEY_H

#include "base/err.h"
#include "base/writer.h"
#include "ledger/note.h"

enum vkey_type { VKEY_ED25519 = 0x01, VKEY_COSIGNATURE = 0x04 };

struct vkey {
    struct slice name;
    enum vkey_type type;
    uint8_t id[NOTE_KEY_ID_BYTES];
    uint8_t key[NOTE_KEY_BYTES];
};

void vkey_id(struct slice name, enum vkey_type type, const uint8_t key[NOTE_KEY_BYTES],
             uint8_t id[NOTE_KEY_ID_BYTES]);
/* Without a line feed. `name` is a valid one. */
void vkey_write(struct writer *writer, struct slice name, enum vkey_type type,
                const uint8_t key[NOTE_KEY_BYTES]);
/* SL_EMALFORMED unless `text` is a key of one of the two types whose id is right. */
SL_NODISCARD enum sl_err vkey_parse(struct slice text, struct vkey *out);
/* A plain Ed25519 signature over `message`. False also when OpenSSL has no memory. */
bool vkey_verify(const struct vkey *vkey, struct slice message,
                 const uint8_t signature[NOTE_SIGNATURE_BYTES]);

#endif
