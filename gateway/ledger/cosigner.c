/*
 * cosigner.c - one line of text to a key, and a key to signature lines
 *
 * A cosignature does not name the cosigner, so the name that belongs to the key stands in the same
 * line as the key: the two can't be mixed up on a command line.
 */
#include "ledger/cosigner.h"

#include "base/base64.h"
#include "base/private_file.h"
#include "base/reader.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "PRIVATE+KEY+";
enum {
    SEED_BYTES = 32,
    KEY_FILE_BYTES_MAX = sizeof prefix + NOTE_VKEY_BYTES_MAX + 1, /* with a CR before its LF */
};

struct cosigner {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    struct vkey vkey; /* its name points into vkey_text */
    char vkey_text[NOTE_VKEY_BYTES_MAX];
};

static SL_PRINTF(3, 4) enum sl_err
    refuse(struct note_problem *problem, enum sl_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return err;
}

/* ------------------------------------------------------------------------------------ keys -- */

static bool public_key_of(const EVP_PKEY *key, uint8_t public_key[NOTE_KEY_BYTES])
{
    size_t n = NOTE_KEY_BYTES;
    return EVP_PKEY_get_raw_public_key(key, public_key, &n) == 1 && n == NOTE_KEY_BYTES;
}

static bool write_vkey_text(struct slice name, const EVP_PKEY *key, char out[NOTE_VKEY_BYTES_MAX])
{
    uint8_t public_key[NOTE_KEY_BYTES];
    if (!public_key_of(key, public_key))
        return false;
    struct writer writer = writer_over(out, NOTE_VKEY_BYTES_MAX - 1);
    vkey_write(&writer, name, VKEY_COSIGNATURE, public_key);
    SL_ASSERT(!writer.overflow);
    out[writer.n] = '\0';
    return true;
}

/* The line's parts; `seed` is secret. */
static bool line_parse(struct slice line, struct slice *name, uint8_t id[NOTE_KEY_ID_BYTES],
                       uint8_t seed[SEED_BYTES])
{
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (!slice_starts_with_str(line, prefix))
        return false;
    size_t n_prefix = sizeof prefix - 1;
    struct reader reader = reader_over(slice_of(line.p + n_prefix, line.n - n_prefix));
    *name = read_until(&reader, '+');
    struct slice id_text = read_until(&reader, '+');
    struct slice seed_text = read_bytes(&reader, reader_left(&reader));
    uint8_t typed[1 + SEED_BYTES];
    bool good = !reader.bad && note_name_is_valid(*name) &&
                hex_decode(id_text, id, NOTE_KEY_ID_BYTES) &&
                base64_decode(seed_text, typed, sizeof typed) && typed[0] == VKEY_ED25519;
    if (good)
        memcpy(seed, typed + 1, SEED_BYTES);
    OPENSSL_cleanse(typed, sizeof typed);
    return good;
}

static bool id_is_right(struct slice name, const EVP_PKEY *key, const uint8_t id[NOTE_KEY_ID_BYTES])
{
    uint8_t public_key[NOTE_KEY_BYTES], expected[NOTE_KEY_ID_BYTES];
    if (!public_key_of(key, public_key))
        return false;
    vkey_id(name, VKEY_ED25519, public_key, expected);
    return memcmp(id, expected, NOTE_KEY_ID_BYTES) == 0;
}

static enum sl_err use_line(struct cosigner *cosigner, struct slice line, const char *key_file,
                            struct note_problem *problem)
{
    struct slice name;
    uint8_t id[NOTE_KEY_ID_BYTES], seed[SEED_BYTES];
    if (!line_parse(line, &name, id, seed))
        return refuse(problem, SL_EMALFORMED,
                      "%s holds no witness key; expected one line, PRIVATE+KEY+NAME+HASH+KEY, as "
                      "`sluis-audit witness --new-key' writes it",
                      key_file);
    cosigner->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    OPENSSL_cleanse(seed, sizeof seed);
    cosigner->context = EVP_MD_CTX_new();
    if (!cosigner->key || !cosigner->context ||
        !write_vkey_text(name, cosigner->key, cosigner->vkey_text))
        return refuse(problem, SL_EINTERNAL, "OpenSSL can't use the key in %s", key_file);
    if (!id_is_right(name, cosigner->key, id))
        return refuse(problem, SL_EMALFORMED,
                      "%s: the key does not fit its name and hash: the line was changed; get it "
                      "from a copy, or make a new key under a new name",
                      key_file);
    return vkey_parse(slice_of_str(cosigner->vkey_text), &cosigner->vkey);
}

enum sl_err cosigner_open(const char *key_file, struct note_problem *problem, struct cosigner **out)
{
    SL_AUTO(cosigner) cosigner = calloc(1, sizeof *cosigner);
    if (!cosigner)
        return refuse(problem, SL_EINTERNAL, "out of memory");
    uint8_t line[KEY_FILE_BYTES_MAX];
    size_t n = 0;
    struct private_file_problem file_problem;
    if (private_file_read(key_file, line, sizeof line, &n, &file_problem) != SL_OK)
        return refuse(problem, SL_ESTORE, "%s", file_problem.text);
    enum sl_err err = use_line(cosigner, slice_of(line, n), key_file, problem);
    OPENSSL_cleanse(line, sizeof line);
    SL_TRY(err);
    *out = cosigner;
    cosigner = NULL;
    return SL_OK;
}

void cosigner_free(struct cosigner *cosigner)
{
    if (!cosigner)
        return;
    EVP_MD_CTX_free(cosigner->context);
    EVP_PKEY_free(cosigner->key);
    free(cosigner);
}

const struct vkey *cosigner_vkey(const struct cosigner *cosigner)
{
    return &cosigner->vkey;
}

const char *cosigner_vkey_text(const struct cosigner *cosigner)
{
    return cosigner->vkey_text;
}

/* --------------------------------------------------------------------------------- signing -- */

enum sl_err cosigner_sign(struct cosigner *cosigner, struct slice text, uint64_t time_s,
                          struct writer *out)
{
    SL_ASSERT(text.n > 0 && text.p[text.n - 1] == '\n');
    uint8_t message[COSIGNATURE_MESSAGE_BYTES_MAX];
    struct writer writer = writer_over(message, sizeof message);
    write_cosignature_message(&writer, time_s, text);
    if (writer.overflow)
        return SL_ELIMIT;
    uint8_t signature[NOTE_SIGNATURE_BYTES];
    size_t n = sizeof signature;
    if (EVP_DigestSignInit(cosigner->context, NULL, NULL, NULL, cosigner->key) != 1 ||
        EVP_DigestSign(cosigner->context, signature, &n, message, writer.n) != 1 ||
        n != sizeof signature)
        return SL_EINTERNAL;
    uint8_t blob[NOTE_KEY_ID_BYTES + COSIGNATURE_BYTES];
    struct writer blob_writer = writer_over(blob, sizeof blob);
    write_bytes(&blob_writer, slice_of(cosigner->vkey.id, NOTE_KEY_ID_BYTES));
    write_cosignature(&blob_writer, time_s, signature);
    write_str(out, "\xe2\x80\x94 ");
    write_bytes(out, cosigner->vkey.name);
    write_str(out, " ");
    write_base64(out, writer_slice(&blob_writer));
    write_str(out, "\n");
    return out->overflow ? SL_ELIMIT : SL_OK;
}

/* -------------------------------------------------------------------------------- new keys -- */

/* The key's line. `line` is secret, and so is the seed in it. */
static bool write_line(struct slice name, const EVP_PKEY *key, struct writer *line)
{
    uint8_t public_key[NOTE_KEY_BYTES], id[NOTE_KEY_ID_BYTES], typed[1 + SEED_BYTES];
    size_t n = SEED_BYTES;
    typed[0] = VKEY_ED25519;
    bool good = public_key_of(key, public_key) &&
                EVP_PKEY_get_raw_private_key(key, typed + 1, &n) == 1 && n == SEED_BYTES;
    if (good) {
        vkey_id(name, VKEY_ED25519, public_key, id);
        write_str(line, prefix);
        write_bytes(line, name);
        write_str(line, "+");
        write_hex(line, slice_of(id, sizeof id));
        write_str(line, "+");
        write_base64(line, slice_of(typed, sizeof typed));
        write_str(line, "\n");
    }
    OPENSSL_cleanse(typed, sizeof typed);
    return good && !line->overflow;
}

enum sl_err cosigner_generate(const char *key_file, struct slice name, struct note_problem *problem,
                              char vkey[NOTE_VKEY_BYTES_MAX])
{
    if (!note_name_is_valid(name))
        return refuse(problem, SL_EMALFORMED,
                      "a witness's name must be 1 to %d printable bytes without blanks or \"+\", "
                      "such as witness.example.org/1",
                      NOTE_NAME_BYTES_MAX);
    uint8_t line[KEY_FILE_BYTES_MAX];
    struct writer writer = writer_over(line, sizeof line);
    char text[NOTE_VKEY_BYTES_MAX];
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool made = key && write_line(name, key, &writer) && write_vkey_text(name, key, text);
    EVP_PKEY_free(key);
    struct private_file_problem file_problem = {"OpenSSL can't make an Ed25519 key"};
    enum sl_err err =
        made ? private_file_create(key_file, writer_slice(&writer), &file_problem) : SL_EINTERNAL;
    OPENSSL_cleanse(line, sizeof line);
    if (err != SL_OK)
        return refuse(problem, err, "%s", file_problem.text);
    memcpy(vkey, text, sizeof text);
    return SL_OK;
}
