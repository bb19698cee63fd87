/*
 * heads_list.c - head, entries and labels of a list, in memory
 *
 * Why a list at all: a subject can find its receipts by their tags, and a gap in the numbers shows.
 * But a ledger that leaves out the newest ones has no gap. By a list that the ledger commits to,
 * the gateway says for each epoch how many there were, before anyone asks; whoever is not in the
 * list had none. The label changes with each epoch, so lists can't be compared with each other.
 *
 * Nothing here touches a file.
 */
#include "ledger/heads_list.h"

#include "base/reader.h"
#include "base/writer.h"
#include "ledger/crc32c.h"
#include "ledger/note.h"

#include <string.h>

static const struct slice magic = SLICE_LITERAL("SLUISHDS");
static const struct slice name_suffix = SLICE_LITERAL(".heads");

enum { NAME_DIGITS = 20 };

void heads_name(uint64_t epoch, char name[HEADS_NAME_BYTES + 1])
{
    for (size_t i = NAME_DIGITS; i > 0; i--) {
        name[i - 1] = (char)('0' + epoch % 10);
        epoch /= 10;
    }
    memcpy(name + NAME_DIGITS, name_suffix.p, name_suffix.n);
    name[HEADS_NAME_BYTES] = '\0';
}

bool heads_name_parse(struct slice name, uint64_t *epoch)
{
    if (name.n != HEADS_NAME_BYTES ||
        !slice_equals(slice_of(name.p + NAME_DIGITS, name_suffix.n), name_suffix))
        return false;
    size_t n_zeros = 0;
    while (n_zeros < NAME_DIGITS - 1 && name.p[n_zeros] == '0')
        n_zeros++;
    return slice_to_u64(slice_of(name.p + n_zeros, NAME_DIGITS - n_zeros), UINT64_MAX, epoch);
}

/* ---------------------------------------------------------------------------------- heads -- */

static bool head_is_sound(const struct heads_head *head)
{
    return head->first < head->end && head->n_entries > 0 &&
           head->n_entries <= head->end - head->first && note_name_is_valid(head->origin);
}

void heads_head_write(const struct heads_head *head, uint8_t block[HEADS_HEAD_BYTES])
{
    SL_ASSERT(head_is_sound(head));
    struct writer writer = writer_over(block, HEADS_HEAD_BYTES);
    write_bytes(&writer, magic);
    write_u32(&writer, HEADS_VERSION);
    write_u32(&writer, 0);
    write_u64(&writer, head->epoch);
    write_u64(&writer, head->first);
    write_u64(&writer, head->end);
    write_u64(&writer, head->n_entries);
    write_u16(&writer, (uint16_t)head->origin.n);
    write_bytes(&writer, head->origin);
    write_zeros(&writer, HEADS_HEAD_BYTES - HEADS_CRC_BYTES - writer.n);
    write_u32(&writer, crc32c_of(writer_slice(&writer)));
    SL_ASSERT(!writer.overflow && writer.n == HEADS_HEAD_BYTES);
}

static bool is_zero(struct slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i] != 0)
            return false;
    return true;
}

enum sl_err heads_head_parse(struct slice bytes, struct heads_head *out)
{
    if (bytes.n != HEADS_HEAD_BYTES)
        return SL_EMALFORMED;
    struct reader reader = reader_over(slice_of(bytes.p, HEADS_HEAD_BYTES - HEADS_CRC_BYTES));
    struct heads_head head = {0};
    bool sound = slice_equals(read_bytes(&reader, magic.n), magic);
    sound = read_u32(&reader) == HEADS_VERSION && sound;
    sound = read_u32(&reader) == 0 && sound;
    head.epoch = read_u64(&reader);
    head.first = read_u64(&reader);
    head.end = read_u64(&reader);
    head.n_entries = read_u64(&reader);
    head.origin = read_bytes(&reader, read_u16(&reader));
    sound = sound && !reader.bad && head_is_sound(&head);
    struct slice before_crc = slice_of(bytes.p, HEADS_HEAD_BYTES - HEADS_CRC_BYTES);
    struct reader crc = reader_over(slice_of(bytes.p + before_crc.n, HEADS_CRC_BYTES));
    if (!sound || !is_zero(slice_of(reader.at, reader_left(&reader))) ||
        read_u32(&crc) != crc32c_of(before_crc))
        return SL_EMALFORMED;
    *out = head;
    return SL_OK;
}

uint64_t heads_file_bytes(uint64_t n_entries)
{
    const uint64_t others = HEADS_HEAD_BYTES + HEADS_CRC_BYTES;
    if (n_entries > (INT64_MAX - others) / HEADS_ENTRY_BYTES)
        return 0;
    return others + n_entries * HEADS_ENTRY_BYTES;
}

/* -------------------------------------------------------------------------------- entries -- */

void heads_entry_write(const struct heads_entry *entry, uint8_t bytes[HEADS_ENTRY_BYTES])
{
    struct writer writer = writer_over(bytes, HEADS_ENTRY_BYTES);
    write_bytes(&writer, slice_of(entry->label, sizeof entry->label));
    write_u64be(&writer, entry->delta);
}

void heads_entry_read(const uint8_t bytes[HEADS_ENTRY_BYTES], struct heads_entry *out)
{
    struct reader reader =
        reader_over(slice_of(bytes + HEADS_LABEL_BYTES, HEADS_ENTRY_BYTES - HEADS_LABEL_BYTES));
    memcpy(out->label, bytes, HEADS_LABEL_BYTES);
    out->delta = read_u64be(&reader);
}

void heads_label(const struct hmac_key *key, uint64_t epoch, uint8_t label[HEADS_LABEL_BYTES])
{
    uint8_t text[4 + 1 + 8];
    struct writer writer = writer_over(text, sizeof text);
    write_str(&writer, "head");
    write_u8(&writer, 0);
    write_u64be(&writer, epoch);
    struct sha256 hash;
    hmac_begin(key, &hash);
    sha256_add(&hash, writer_slice(&writer));
    hmac_end(key, &hash, label);
}
