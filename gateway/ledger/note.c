/*
 * note.c - names, and checking a note under one key that is kept
 *
 * What is signed is the text with its last line feed, without the empty line that separates it
 * from the signatures (note_lines.c).
 *
 * A line of a known name and key that does not hold refuses the whole note, even when another
 * one holds: somebody has touched it.
 */
#include "ledger/note.h"

#include "base/utf8.h"
#include "ledger/note_lines.h"
#include "ledger/vkey.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct note_verifier {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    uint8_t raw[NOTE_KEY_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES];
    size_t name_n;
    uint8_t name[NOTE_NAME_BYTES_MAX];
};

/* Unicode's White_Space beyond ASCII: all of U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028,
 * U+2029, U+202F, U+205F, U+3000. `sequence` is one valid UTF-8 sequence. */
static bool is_unicode_space(struct slice sequence)
{
    if (sequence.n == 2)
        return sequence.p[0] == 0xc2 && (sequence.p[1] == 0x85 || sequence.p[1] == 0xa0);
    if (sequence.n != 3)
        return false;
    uint32_t point = (uint32_t)(sequence.p[0] & 0x0f) << 12 |
                     (uint32_t)(sequence.p[1] & 0x3f) << 6 | (uint32_t)(sequence.p[2] & 0x3f);
    return point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

bool note_name_is_valid(struct slice name)
{
    if (name.n == 0 || name.n > NOTE_NAME_BYTES_MAX || !utf8_is_printable(name))
        return false;
    for (size_t i = 0; i < name.n;) {
        if (name.p[i] == ' ' || name.p[i] == '+')
            return false;
        size_t n = utf8_sequence_bytes(slice_of(name.p + i, name.n - i));
        if (is_unicode_space(slice_of(name.p + i, n)))
            return false;
        i += n;
    }
    return true;
}

void note_key_id(struct slice name, const uint8_t key[NOTE_KEY_BYTES],
                 uint8_t id[NOTE_KEY_ID_BYTES])
{
    vkey_id(name, VKEY_ED25519, key, id);
}

void write_vkey(struct writer *writer, struct slice name, const uint8_t key[NOTE_KEY_BYTES])
{
    vkey_write(writer, name, VKEY_ED25519, key);
}

enum sl_err note_verifier_new(struct slice vkey, struct note_verifier **out)
{
    struct vkey parsed;
    SL_TRY(vkey_parse(vkey, &parsed));
    if (parsed.type != VKEY_ED25519)
        return SL_EMALFORMED;
    SL_AUTO(note_verifier) verifier = calloc(1, sizeof *verifier);
    if (!verifier)
        return SL_EINTERNAL;
    memcpy(verifier->raw, parsed.key, sizeof verifier->raw);
    memcpy(verifier->id, parsed.id, sizeof verifier->id);
    memcpy(verifier->name, parsed.name.p, parsed.name.n);
    verifier->name_n = parsed.name.n;
    verifier->key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, parsed.key, sizeof parsed.key);
    verifier->context = EVP_MD_CTX_new();
    if (!verifier->key || !verifier->context)
        return SL_EINTERNAL;
    *out = verifier;
    verifier = NULL;
    return SL_OK;
}

enum sl_err note_verifier_copy(const struct note_verifier *verifier, struct note_verifier **out)
{
    SL_AUTO(note_verifier) copy = malloc(sizeof *copy);
    if (!copy)
        return SL_EINTERNAL;
    *copy = *verifier;
    copy->context = EVP_MD_CTX_new();
    copy->key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, verifier->raw, sizeof verifier->raw);
    if (!copy->key || !copy->context)
        return SL_EINTERNAL;
    *out = copy;
    copy = NULL;
    return SL_OK;
}

void note_verifier_free(struct note_verifier *verifier)
{
    if (!verifier)
        return;
    EVP_MD_CTX_free(verifier->context);
    EVP_PKEY_free(verifier->key);
    free(verifier);
}

struct slice note_verifier_name(const struct note_verifier *verifier)
{
    return slice_of(verifier->name, verifier->name_n);
}

void note_verifier_vkey(const struct note_verifier *verifier, struct vkey *out)
{
    out->name = note_verifier_name(verifier);
    out->type = VKEY_ED25519;
    memcpy(out->id, verifier->id, sizeof out->id);
    memcpy(out->key, verifier->raw, sizeof out->key);
}

static bool signature_holds(struct note_verifier *verifier, struct slice text,
                            const uint8_t signature[NOTE_SIGNATURE_BYTES])
{
    return EVP_DigestVerifyInit(verifier->context, NULL, NULL, NULL, verifier->key) == 1 &&
           EVP_DigestVerify(verifier->context, signature, NOTE_SIGNATURE_BYTES, text.p, text.n) ==
               1;
}

static enum note_check line_verify(struct note_verifier *verifier, struct slice text,
                                   const struct note_line *line)
{
    if (!slice_equals(line->name, note_verifier_name(verifier)) ||
        memcmp(line->key_id, verifier->id, NOTE_KEY_ID_BYTES) != 0)
        return NOTE_OTHER_KEY;
    if (line->signature_n != NOTE_SIGNATURE_BYTES ||
        !signature_holds(verifier, text, line->signature))
        return NOTE_BAD_SIGNATURE;
    return NOTE_VALID;
}

enum note_check note_verify(struct note_verifier *verifier, struct slice note, struct slice *text,
                            size_t *n_signatures)
{
    struct note_lines lines;
    struct note_line line;
    if (!note_lines_open(note, &lines))
        return NOTE_MALFORMED;
    enum note_check overall = NOTE_OTHER_KEY;
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE) {
        enum note_check check = line_verify(verifier, lines.text, &line);
        if (check == NOTE_BAD_SIGNATURE || (check == NOTE_VALID && overall == NOTE_OTHER_KEY))
            overall = check;
    }
    if (step == NOTE_LINE_MALFORMED)
        return NOTE_MALFORMED;
    if (overall == NOTE_VALID) {
        *text = lines.text;
        *n_signatures = lines.n;
    }
    return overall;
}
