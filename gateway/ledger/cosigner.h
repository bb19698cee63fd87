/*
 * cosigner.h - a witness's own key: made, kept in a file, used to cosign
 *
 * Shape   the file holds one line, the private twin of a vkey:
 *             PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64(0x01 || seed)>
 *         which is how Go's golang.org/x/mod/sumdb/note writes Ed25519 signer keys, so that a
 *         witness can move between programs. The digits are the key's id as an Ed25519 key (0x01);
 *         what is published, and what signs, is the same key as a cosigner (0x04).
 * Owns    the OpenSSL key and context
 * Threads one at a time
 * Spec    C2SP tlog-cosignature, Ed25519
 */
#ifndef SLUIS_LEDGER_COSIGNER_H
#define SLUIS_LEDGER_COSIGNER_H

#include "ledger/cosignature.h"

struct cosigner;

/* SL_ESTORE when the file can't be read, SL_EMALFORMED when it holds no such key. */
SL_NODISCARD enum sl_err cosigner_open(const char *key_file, struct note_problem *problem,
                                       struct cosigner **out);
void cosigner_free(struct cosigner *cosigner);
SL_DEFINE_AUTO(cosigner, cosigner_free)
/* The public key, as a value and as text; both live as long as the cosigner. */
const struct vkey *cosigner_vkey(const struct cosigner *cosigner);
const char *cosigner_vkey_text(const struct cosigner *cosigner);
/* One signature line over `text`, which ends in LF. */
SL_NODISCARD enum sl_err cosigner_sign(struct cosigner *cosigner, struct slice text,
                                       uint64_t time_s, struct writer *out);

/*
 * Draws a key and writes it to `key_file`, mode 0600; never overwrites. `vkey` gets the public key
 * as text. SL_EMALFORMED: the name can't be a key's name.
 */
SL_NODISCARD enum sl_err cosigner_generate(const char *key_file, struct slice name,
                                           struct note_problem *problem,
                                           char vkey[NOTE_VKEY_BYTES_MAX]);

#endif
