/*
 * subject_key.h - the file in which a subject gets its key
 *
 *     sluis subject key v1
 *     ledger gateway.example/1+09acc964+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh
 *     key oKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKA
 *
 * Shape   three lines, each with its LF: what it is, the first key of the ledger, K_s in base64url.
 *         There is one text for one key.
 * Owns    nothing: the vkey points into the text. The text and `key` are secret: wipe both
 * Spec    docs/formats/receipt.md
 */
#ifndef SLUIS_LEDGER_SUBJECT_KEY_H
#define SLUIS_LEDGER_SUBJECT_KEY_H

#include "base/err.h"
#include "base/writer.h"
#include "ledger/vkey.h"

enum {
    SUBJECT_KEY_FILE_SECRET_BYTES = 32,
    /* "sluis subject key v1", "ledger ", vkey, "key ", 43 characters, three LF */
    SUBJECT_KEY_FILE_BYTES_MAX = 20 + 7 + NOTE_VKEY_BYTES_MAX + 4 + 43 + 3,
};

struct subject_key {
    struct slice ledger; /* a vkey */
    uint8_t key[SUBJECT_KEY_FILE_SECRET_BYTES];
};

void subject_key_write(const struct subject_key *subject, struct writer *writer);
/* SL_EMALFORMED: not such a file. */
SL_NODISCARD enum sl_err subject_key_parse(struct slice text, struct subject_key *out);

#endif
