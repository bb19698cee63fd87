/*
 * note_sign.c - the private half of signed notes: keys on disk, and signing
 *
 * The key and the context are kept for the life of the signer; a signature then costs the curve
 * and nothing else. The PEM is read into memory that is wiped after.
 */
#include "base/private_file.h"
#include "ledger/note.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PEM_BYTES_MAX = 4096 };

struct note_signer {
    EVP_PKEY *key;
    EVP_MD_CTX *context;
    uint8_t id[NOTE_KEY_ID_BYTES];
    size_t name_n;
    uint8_t name[NOTE_NAME_BYTES_MAX];
    char vkey[NOTE_VKEY_BYTES_MAX];
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

/* A key under a password would make OpenSSL ask on the terminal; it gets none. */
static int no_password(char *block, int cap, int writing, void *context)
{
    (void)block;
    (void)cap;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *key_from_pem(const uint8_t *pem, size_t pem_n)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static enum sl_err key_load(const char *key_file, struct note_problem *problem, EVP_PKEY **out)
{
    uint8_t pem[PEM_BYTES_MAX];
    size_t pem_n = 0;
    struct private_file_problem file_problem;
    if (private_file_read(key_file, pem, sizeof pem, &pem_n, &file_problem) != SL_OK)
        return refuse(problem, SL_ESTORE, "%s", file_problem.text);
    EVP_PKEY *key = key_from_pem(pem, pem_n);
    OPENSSL_cleanse(pem, sizeof pem);
    if (key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) {
        *out = key;
        return SL_OK;
    }
    EVP_PKEY_free(key);
    return refuse(problem, SL_ESTORE,
                  "%s holds no Ed25519 private key (PEM, without a password); "
                  "\"sluis init\" makes one",
                  key_file);
}

static bool public_key_of(const EVP_PKEY *key, uint8_t public_key[NOTE_KEY_BYTES])
{
    size_t n = NOTE_KEY_BYTES;
    return EVP_PKEY_get_raw_public_key(key, public_key, &n) == 1 && n == NOTE_KEY_BYTES;
}

static void write_vkey_text(struct slice name, const uint8_t key[NOTE_KEY_BYTES],
                            char vkey[NOTE_VKEY_BYTES_MAX])
{
    struct writer writer = writer_over(vkey, NOTE_VKEY_BYTES_MAX - 1);
    write_vkey(&writer, name, key);
    SL_ASSERT(!writer.overflow);
    vkey[writer.n] = '\0';
}

enum sl_err note_signer_open(const char *key_file, struct slice name, struct note_problem *problem,
                             struct note_signer **out)
{
    if (!note_name_is_valid(name))
        return refuse(problem, SL_EMALFORMED,
                      "the origin must be 1 to %d printable bytes without blanks or \"+\"",
                      NOTE_NAME_BYTES_MAX);
    SL_AUTO(note_signer) signer = calloc(1, sizeof *signer);
    if (!signer)
        return refuse(problem, SL_EINTERNAL, "out of memory");
    SL_TRY(key_load(key_file, problem, &signer->key));
    signer->context = EVP_MD_CTX_new();
    uint8_t public_key[NOTE_KEY_BYTES];
    if (!signer->context || !public_key_of(signer->key, public_key))
        return refuse(problem, SL_EINTERNAL, "OpenSSL can't use the key in %s", key_file);
    memcpy(signer->name, name.p, name.n);
    signer->name_n = name.n;
    note_key_id(name, public_key, signer->id);
    write_vkey_text(name, public_key, signer->vkey);
    *out = signer;
    signer = NULL;
    return SL_OK;
}

void note_signer_free(struct note_signer *signer)
{
    if (!signer)
        return;
    EVP_MD_CTX_free(signer->context);
    EVP_PKEY_free(signer->key);
    free(signer);
}

const char *note_signer_vkey(const struct note_signer *signer)
{
    return signer->vkey;
}

enum sl_err note_sign(struct note_signer *signer, struct slice text, struct writer *out)
{
    SL_ASSERT(text.n > 0 && text.p[text.n - 1] == '\n');
    uint8_t blob[NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];
    memcpy(blob, signer->id, NOTE_KEY_ID_BYTES);
    size_t n = NOTE_SIGNATURE_BYTES;
    if (EVP_DigestSignInit(signer->context, NULL, NULL, NULL, signer->key) != 1 ||
        EVP_DigestSign(signer->context, blob + NOTE_KEY_ID_BYTES, &n, text.p, text.n) != 1 ||
        n != NOTE_SIGNATURE_BYTES)
        return SL_EINTERNAL;
    write_bytes(out, text);
    write_str(out, "\n\xe2\x80\x94 ");
    write_bytes(out, slice_of(signer->name, signer->name_n));
    write_str(out, " ");
    write_base64(out, slice_of(blob, sizeof blob));
    write_str(out, "\n");
    return out->overflow ? SL_ELIMIT : SL_OK;
}

/* The key as PEM, in a block that the caller wipes. 0 on failure. */
static size_t key_to_pem(EVP_PKEY *key, uint8_t *pem, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        bio = BIO_new(BIO_s_mem());
    int n = 0;
    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        n = BIO_read(bio, pem, (int)cap);
    BIO_free(bio);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

enum sl_err note_key_create(const char *key_file, struct slice name, struct note_problem *problem,
                            char vkey[NOTE_VKEY_BYTES_MAX])
{
    if (!note_name_is_valid(name))
        return refuse(problem, SL_EMALFORMED,
                      "the origin must be 1 to %d printable bytes without blanks or \"+\"",
                      NOTE_NAME_BYTES_MAX);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    uint8_t public_key[NOTE_KEY_BYTES];
    uint8_t pem[PEM_BYTES_MAX];
    size_t pem_n = 0;
    if (key && public_key_of(key, public_key))
        pem_n = key_to_pem(key, pem, sizeof pem);
    EVP_PKEY_free(key);
    if (pem_n == 0)
        return refuse(problem, SL_EINTERNAL, "OpenSSL can't make an Ed25519 key");
    struct private_file_problem file_problem;
    enum sl_err err = private_file_create(key_file, slice_of(pem, pem_n), &file_problem);
    OPENSSL_cleanse(pem, sizeof pem);
    if (err != SL_OK)
        return refuse(problem, err, "%s", file_problem.text);
    write_vkey_text(name, public_key, vkey);
    return SL_OK;
}

enum sl_err note_key_generate(const char *key_file, const char *vkey_file, struct slice name,
                              struct note_problem *problem)
{
    char vkey[NOTE_VKEY_BYTES_MAX + 1];
    struct private_file_problem file_problem;
    SL_TRY(note_key_create(key_file, name, problem, vkey));
    size_t n = strlen(vkey);
    vkey[n] = '\n';
    if (private_file_create(vkey_file, slice_of(vkey, n + 1), &file_problem) == SL_OK) {
        (void)chmod(vkey_file, 0644); /* it is public, and meant to be handed out */
        return SL_OK;
    }
    remove(key_file);
    return refuse(problem, SL_ESTORE, "%s", file_problem.text);
}
