/*
 * note.h - signed notes: a text, and under it the names and signatures of who stands for it
 *
 * Shape   text ends in LF; an empty line; then "— <name> <base64(key id || signature)>" lines.
 *         A verifier key (vkey) is "name+hex(key id)+base64(0x01 || public key)".
 * Owns    a signer and a verifier own their OpenSSL key and context
 * Threads a signer or verifier is used by one thread at a time
 * Spec    C2SP signed-note v1, Ed25519 (type 0x01)
 */
#ifndef SLUIS_LEDGER_NOTE_H
#define SLUIS_LEDGER_NOTE_H

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

enum {
    NOTE_NAME_BYTES_MAX = 255,
    NOTE_KEY_BYTES = 32, /* an Ed25519 public key */
    NOTE_KEY_ID_BYTES = 4,
    NOTE_SIGNATURE_BYTES = 64,
    NOTE_BYTES_MAX = 131072, /* room for 16 signatures of the largest type */
    NOTE_SIGNATURES_MAX = 64,
    /* name, "+", 8 digits, "+", 44 characters, NUL */
    NOTE_VKEY_BYTES_MAX = NOTE_NAME_BYTES_MAX + 1 + 8 + 1 + 44 + 1,
    /* "— ", name, " ", 92 characters, LF */
    NOTE_SIGNATURE_LINE_BYTES_MAX = 4 + NOTE_NAME_BYTES_MAX + 1 + 92 + 1,
};

/* Not empty, printable UTF-8, no space of any kind, no "+", at most NOTE_NAME_BYTES_MAX. */
bool note_name_is_valid(struct slice name);
void note_key_id(struct slice name, const uint8_t key[NOTE_KEY_BYTES],
                 uint8_t id[NOTE_KEY_ID_BYTES]);
/* Without a line feed. `name` is a valid one. */
void write_vkey(struct writer *writer, struct slice name, const uint8_t key[NOTE_KEY_BYTES]);

struct note_verifier;
/* SL_EMALFORMED when `vkey` is not an Ed25519 verifier key whose id is right. */
SL_NODISCARD enum sl_err note_verifier_new(struct slice vkey, struct note_verifier **out);
/* The same key again, for another thread. */
SL_NODISCARD enum sl_err note_verifier_copy(const struct note_verifier *verifier,
                                            struct note_verifier **out);
void note_verifier_free(struct note_verifier *verifier);
SL_DEFINE_AUTO(note_verifier, note_verifier_free)
struct slice note_verifier_name(const struct note_verifier *verifier);
struct vkey;
/* Its name lives as long as the verifier. */
void note_verifier_vkey(const struct note_verifier *verifier, struct vkey *out);

enum note_check {
    NOTE_VALID,
    NOTE_MALFORMED,
    NOTE_OTHER_KEY,     /* well-formed, but no line is of this name and key */
    NOTE_BAD_SIGNATURE, /* a line is of this name and key, but does not hold */
};
/*
 * Checks `note` against one key. Lines of other keys are ignored. *text (with its last LF) and
 * *n_signatures are set when the note is valid.
 */
SL_NODISCARD enum note_check note_verify(struct note_verifier *verifier, struct slice note,
                                         struct slice *text, size_t *n_signatures);

struct note_signer;
struct note_problem {
    char text[600];
};
/* `key_file`: an Ed25519 private key, PEM (PKCS #8), readable by its owner only. */
SL_NODISCARD enum sl_err note_signer_open(const char *key_file, struct slice name,
                                          struct note_problem *problem, struct note_signer **out);
void note_signer_free(struct note_signer *signer);
SL_DEFINE_AUTO(note_signer, note_signer_free)
const char *note_signer_vkey(const struct note_signer *signer);
/* Writes the whole note. `text` ends in LF. */
SL_NODISCARD enum sl_err note_sign(struct note_signer *signer, struct slice text,
                                   struct writer *out);

/*
 * Draws a key and writes it to `key_file` (PEM, mode 0600). Never overwrites. SL_EMALFORMED: the
 * name can't be a key's name.
 */
SL_NODISCARD enum sl_err note_key_create(const char *key_file, struct slice name,
                                         struct note_problem *problem,
                                         char vkey[NOTE_VKEY_BYTES_MAX]);
/*
 * The same, and writes its vkey with a line feed to `vkey_file`. */
SL_NODISCARD enum sl_err note_key_generate(const char *key_file, const char *vkey_file,
                                           struct slice name, struct note_problem *problem);

#endif
