/*
 * checkpoint.h - the text that a ledger signs: its origin, its size, its root
 *
 * Shape   origin LF size LF base64(root) LF
 * Owns    nothing
 * Spec    C2SP tlog-checkpoint v1, without extension lines
 */
#ifndef SLUIS_LEDGER_CHECKPOINT_H
#define SLUIS_LEDGER_CHECKPOINT_H

#include "base/sha256.h"
#include "base/writer.h"
#include "ledger/note.h"

enum {
    CHECKPOINT_TEXT_BYTES_MAX = NOTE_NAME_BYTES_MAX + 1 + 20 + 1 + 44 + 1,
    /* As a note with one signature. */
    CHECKPOINT_BYTES_MAX = CHECKPOINT_TEXT_BYTES_MAX + 1 + NOTE_SIGNATURE_LINE_BYTES_MAX,
};

struct checkpoint {
    struct slice origin;
    uint64_t size;
    uint8_t root[SHA256_BYTES];
};

void write_checkpoint(struct writer *writer, const struct checkpoint *checkpoint);
/* Strict: the one text that write_checkpoint() writes. */
SL_NODISCARD enum sl_err checkpoint_parse(struct slice text, struct checkpoint *out);
/* For logs of others: extension lines may follow, none of them empty. */
SL_NODISCARD enum sl_err checkpoint_parse_extended(struct slice text, struct checkpoint *out);

#endif
