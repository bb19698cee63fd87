/*
 * file_kind.h - what a file seems to be, when it is not the one that is needed
 *
 * Shape   a look at the first bytes, for messages that say what was found; nothing is believed
 */
#ifndef SLUIS_AUDIT_FILE_KIND_H
#define SLUIS_AUDIT_FILE_KIND_H

#include "base/slice.h"

enum file_kind {
    FILE_OTHER,
    FILE_EMPTY,
    FILE_LEDGER_VKEY,
    FILE_WITNESS_VKEY,
    FILE_WITNESS_KEY, /* private */
    FILE_SUBJECT_KEY,
    FILE_PEM,
    FILE_CHECKPOINT,
    FILE_PROOF,
    FILE_GROWTH, /* a proof of consistency */
    FILE_MANIFEST,
    FILE_TRUST,
    FILE_JSON,
    FILE_CSV,
};

enum file_kind file_kind_of(struct slice bytes);
/* "a witness's public key"; follows "FILE is". */
/* Of JSON: does its first line say that it is evidence? What follows may be damaged. */
bool file_is_evidence(struct slice bytes);

const char *file_kind_name(enum file_kind kind);

#endif
