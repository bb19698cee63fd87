/*
 * signing.h - logs and witnesses made up for a test, from one byte each, always the same
 */
#ifndef SLUIS_TESTS_LEDGER_SIGNING_H
#define SLUIS_TESTS_LEDGER_SIGNING_H

#include "ledger/vkey.h"

struct signing {
    char name[64];
    char vkey_text[200];
    struct vkey vkey; /* its name points into vkey_text */
    uint8_t seed[32];
};

void signing_init(struct signing *signing, const char *name, enum vkey_type type, uint8_t seed);
void signing_sign(const struct signing *signing, struct slice message,
                  uint8_t signature[NOTE_SIGNATURE_BYTES]);
/* A signature line over `text`; of a witness, at `time_s`. */
void signing_write_line(const struct signing *signing, struct slice text, uint64_t time_s,
                        struct writer *out);

#endif
