/*
 * subject_key.c - writing and reading a subject's key file
 */
#include "ledger/subject_key.h"

#include "base/base64.h"
#include "base/reader.h"

#include <openssl/crypto.h>
#include <string.h>

#define FIRST_LINE    "sluis subject key v1\n"
#define BEFORE_LEDGER "ledger "
#define BEFORE_KEY    "key "

void subject_key_write(const struct subject_key *subject, struct writer *writer)
{
    write_str(writer, FIRST_LINE BEFORE_LEDGER);
    write_bytes(writer, subject->ledger);
    write_str(writer, "\n" BEFORE_KEY);
    write_base64url(writer, slice_of(subject->key, sizeof subject->key));
    write_str(writer, "\n");
}

static bool expect(struct reader *reader, const char *literal)
{
    struct slice wanted = slice_of_str(literal);
    return slice_equals(read_bytes(reader, wanted.n), wanted);
}

enum sl_err subject_key_parse(struct slice text, struct subject_key *out)
{
    struct reader reader = reader_over(text);
    struct subject_key found;
    struct vkey vkey;
    if (!expect(&reader, FIRST_LINE BEFORE_LEDGER))
        return SL_EMALFORMED;
    found.ledger = read_until(&reader, '\n');
    if (!expect(&reader, BEFORE_KEY))
        return SL_EMALFORMED;
    struct slice key = read_until(&reader, '\n');
    if (reader.bad || reader_left(&reader) > 0 || vkey_parse(found.ledger, &vkey) != SL_OK ||
        vkey.type != VKEY_ED25519 || !base64url_decode(key, found.key, sizeof found.key)) {
        OPENSSL_cleanse(&found, sizeof found);
        return SL_EMALFORMED;
    }
    *out = found;
    OPENSSL_cleanse(&found, sizeof found);
    return SL_OK;
}
