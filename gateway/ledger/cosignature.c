/*
 * cosignature.c - what a witness signs
 *
 * The first line keeps a cosignature from being taken for a log's own signature, and the other
 * way round. The witness's name is not signed, so a key must belong to one witness only;
 * tlog_policy.c sees to that for the keys that somebody trusts.
 */
#include "ledger/cosignature.h"

#include "base/reader.h"

void write_cosignature_message(struct writer *writer, uint64_t time_s, struct slice text)
{
    write_str(writer, "cosignature/v1\ntime ");
    write_decimal(writer, time_s);
    write_str(writer, "\n");
    write_bytes(writer, text);
}

void write_cosignature(struct writer *writer, uint64_t time_s,
                       const uint8_t signature[NOTE_SIGNATURE_BYTES])
{
    write_u64be(writer, time_s);
    write_bytes(writer, slice_of(signature, NOTE_SIGNATURE_BYTES));
}

bool cosignature_verify(const struct vkey *vkey, struct slice text, struct slice cosignature,
                        uint64_t *time_s)
{
    SL_ASSERT(vkey->type == VKEY_COSIGNATURE);
    struct reader reader = reader_over(cosignature);
    uint64_t time = read_u64be(&reader);
    struct slice signature = read_bytes(&reader, NOTE_SIGNATURE_BYTES);
    if (reader.bad || reader_left(&reader) > 0 || time > INT64_MAX)
        return false;
    uint8_t message[COSIGNATURE_MESSAGE_BYTES_MAX];
    struct writer writer = writer_over(message, sizeof message);
    write_cosignature_message(&writer, time, text);
    if (writer.overflow || !vkey_verify(vkey, writer_slice(&writer), signature.p))
        return false;
    *time_s = time;
    return true;
}
