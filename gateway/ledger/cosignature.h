/*
 * cosignature.h - a witness's word: at this time, this was the newest checkpoint I had seen
 *
 * Shape   of a signature in a note: u64be time in seconds, then 64 bytes of Ed25519 over
 *         "cosignature/v1" LF "time " decimal LF, and the checkpoint's text
 * Owns    nothing
 * Spec    C2SP tlog-cosignature, Ed25519 (type 0x04)
 */
#ifndef SLUIS_LEDGER_COSIGNATURE_H
#define SLUIS_LEDGER_COSIGNATURE_H

#include "ledger/vkey.h"

enum {
    COSIGNATURE_BYTES = 8 + NOTE_SIGNATURE_BYTES,
    /* Its line in a note: "— ", name, " ", base64 of the key's id and the cosignature, LF. */
    COSIGNATURE_LINE_BYTES_MAX = 4 + NOTE_NAME_BYTES_MAX + 1 + 104 + 1,
    COSIGNATURE_TEXT_BYTES_MAX = 8192, /* a checkpoint with extension lines */
    COSIGNATURE_MESSAGE_BYTES_MAX = 15 + 5 + 20 + 1 + COSIGNATURE_TEXT_BYTES_MAX,
};

/* The bytes that are signed. `text`: of the note, with its last LF. */
void write_cosignature_message(struct writer *writer, uint64_t time_s, struct slice text);
/* What follows the key's id in a signature line: the time and the signature. */
void write_cosignature(struct writer *writer, uint64_t time_s,
                       const uint8_t signature[NOTE_SIGNATURE_BYTES]);

/*
 * Does `cosignature` (without the key's id) hold for `text` under a key of type VKEY_COSIGNATURE?
 * *time_s is set when it does. Times beyond 2^63-1 don't hold; no clock is asked.
 */
bool cosignature_verify(const struct vkey *vkey, struct slice text, struct slice cosignature,
                        uint64_t *time_s);

#endif
