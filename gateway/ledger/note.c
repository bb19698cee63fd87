/*
 * note.c - the text format of signed notes and verifier keys, and checking a signature
 *
 * What is signed is the text with its last line feed, without the empty line that separates it
 * from the signatures. The *last* empty line separates, so that a text may hold empty lines and
 * a signature line may not hide one.
 *
 * A line of a known name and key that does not hold refuses the whole note, even when another
 * one holds: somebody has touched it.
 */
#include "ledger/note.h"

#include "base/base64.h"
#include "base/reader.h"
#include "base/sha256.h"
#include "base/utf8.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define EM_DASH_SPACE "\xe2\x80\x94 "

enum { TYPE_ED25519 = 0x01 };

struct note_verifier {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
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
    static const uint8_t between[2] = {'\n', TYPE_ED25519};
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, name);
    sha256_add(&hash, slice_of(between, sizeof between));
    sha256_add(&hash, slice_of(key, NOTE_KEY_BYTES));
    sha256_end(&hash, digest);
    memcpy(id, digest, NOTE_KEY_ID_BYTES);
}

void write_vkey(struct writer *writer, struct slice name, const uint8_t key[NOTE_KEY_BYTES])
{
    uint8_t id[NOTE_KEY_ID_BYTES];
    uint8_t typed[1 + NOTE_KEY_BYTES];
    note_key_id(name, key, id);
    typed[0] = TYPE_ED25519;
    memcpy(typed + 1, key, NOTE_KEY_BYTES);
    write_bytes(writer, name);
    write_str(writer, "+");
    write_hex(writer, slice_of(id, sizeof id));
    write_str(writer, "+");
    write_base64(writer, slice_of(typed, sizeof typed));
}

/* The base64 of a vkey can hold "+", so only the first two separate. */
static bool vkey_parse(struct slice vkey, struct slice *name, uint8_t key[NOTE_KEY_BYTES])
{
    struct reader reader = reader_over(vkey);
    *name = read_until(&reader, '+');
    struct slice id_text = read_until(&reader, '+');
    struct slice key_text = read_bytes(&reader, reader_left(&reader));
    uint8_t typed[1 + NOTE_KEY_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES], expected_id[NOTE_KEY_ID_BYTES];
    if (reader.bad || !note_name_is_valid(*name) || !hex_decode(id_text, id, sizeof id) ||
        !base64_decode(key_text, typed, sizeof typed) || typed[0] != TYPE_ED25519)
        return false;
    note_key_id(*name, typed + 1, expected_id);
    memcpy(key, typed + 1, NOTE_KEY_BYTES);
    return memcmp(id, expected_id, sizeof id) == 0;
}

enum sl_err note_verifier_new(struct slice vkey, struct note_verifier **out)
{
    struct slice name;
    uint8_t key[NOTE_KEY_BYTES];
    if (!vkey_parse(vkey, &name, key))
        return SL_EMALFORMED;
    SL_AUTO(note_verifier) verifier = calloc(1, sizeof *verifier);
    if (!verifier)
        return SL_EINTERNAL;
    note_key_id(name, key, verifier->id);
    memcpy(verifier->name, name.p, name.n);
    verifier->name_n = name.n;
    verifier->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, sizeof key);
    verifier->context = EVP_MD_CTX_new();
    if (!verifier->key || !verifier->context)
        return SL_EINTERNAL;
    *out = verifier;
    verifier = NULL;
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

static bool signature_holds(struct note_verifier *verifier, struct slice text,
                            const uint8_t signature[NOTE_SIGNATURE_BYTES])
{
    return EVP_DigestVerifyInit(verifier->context, NULL, NULL, NULL, verifier->key) == 1 &&
           EVP_DigestVerify(verifier->context, signature, NOTE_SIGNATURE_BYTES, text.p, text.n) ==
               1;
}

/* Splits at the last empty line. */
static bool note_split(struct slice note, struct slice *text, struct slice *signatures)
{
    if (note.n > NOTE_BYTES_MAX || note.n < 2 || note.p[note.n - 1] != '\n')
        return false;
    for (size_t i = note.n - 1; i > 0; i--) {
        if (note.p[i] == '\n' && note.p[i - 1] == '\n') {
            *text = slice_of(note.p, i);
            *signatures = slice_of(note.p + i + 1, note.n - i - 1);
            return signatures->n > 0;
        }
    }
    return false;
}

/* Valid UTF-8, and no control below 0x20 but LF. */
static bool text_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 && text.p[i] != '\n')
            return false;
    return utf8_is_valid(text);
}

/* One line: its name, and what its base64 holds. */
static bool signature_line_parse(struct slice line, struct slice *name, uint8_t *blob,
                                 size_t blob_cap, size_t *blob_n)
{
    if (!slice_starts_with_str(line, EM_DASH_SPACE))
        return false;
    size_t n_dash = sizeof EM_DASH_SPACE - 1;
    struct reader reader = reader_over(slice_of(line.p + n_dash, line.n - n_dash));
    *name = read_until(&reader, ' ');
    struct slice base64 = read_bytes(&reader, reader_left(&reader));
    return !reader.bad && note_name_is_valid(*name) &&
           base64_decode_any(base64, blob, blob_cap, blob_n) && *blob_n > NOTE_KEY_ID_BYTES;
}

static enum note_check signature_line_verify(struct note_verifier *verifier, struct slice text,
                                             struct slice line)
{
    uint8_t blob[1024];
    size_t blob_n = 0;
    struct slice name;
    if (!signature_line_parse(line, &name, blob, sizeof blob, &blob_n))
        return NOTE_MALFORMED;
    if (!slice_equals(name, note_verifier_name(verifier)) ||
        memcmp(blob, verifier->id, NOTE_KEY_ID_BYTES) != 0)
        return NOTE_OTHER_KEY;
    if (blob_n != NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES ||
        !signature_holds(verifier, text, blob + NOTE_KEY_ID_BYTES))
        return NOTE_BAD_SIGNATURE;
    return NOTE_VALID;
}

enum note_check note_verify(struct note_verifier *verifier, struct slice note, struct slice *text,
                            size_t *n_signatures)
{
    struct slice signed_text, signatures;
    if (!text_is_valid(note) || !note_split(note, &signed_text, &signatures))
        return NOTE_MALFORMED;
    struct reader reader = reader_over(signatures);
    enum note_check overall = NOTE_OTHER_KEY;
    size_t n = 0;
    while (reader_left(&reader) > 0) {
        if (++n > NOTE_SIGNATURES_MAX)
            return NOTE_MALFORMED;
        enum note_check check =
            signature_line_verify(verifier, signed_text, read_until(&reader, '\n'));
        if (check == NOTE_MALFORMED)
            return NOTE_MALFORMED;
        if (check == NOTE_BAD_SIGNATURE || (check == NOTE_VALID && overall == NOTE_OTHER_KEY))
            overall = check;
    }
    if (overall == NOTE_VALID) {
        *text = signed_text;
        *n_signatures = n;
    }
    return overall;
}
