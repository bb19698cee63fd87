/*
 * record.c - layouts; integers are little-endian, but big-endian in keys, so that they sort
 *
 * names      subject name                              -> id[16]
 *
 * live       id[16] ->
 *            +--------+--------+----------+--------+---------+------------+-----------------+
 *            | u8     | u8     | u16      | u32    | u64     | digest     | wrapped K_s     |
 *            | format | n name | n accts  | n blob | version | [32]       | [40]            |
 *            +--------+--------+----------+--------+---------+------------+-----------------+
 *            | name | accounts: (u8 n app, u8 n user, app, user)... | blob                  |
 *            +------------------------------------------------------------------------------+
 *            version 0: the subject has no policy yet; the blob is empty, the digest zero
 *
 * history    id[16] || u64be version ->
 *            +--------+-------+------------+---------+------------+--------+--------+------+
 *            | u8     | 0 [3] | u32 vocab- | i64     | digest     | u32    | u32    | yaml |
 *            | format |       | ulary      | time ms | [32]       | n yaml | n blob | blob |
 *            +--------+-------+------------+---------+------------+--------+--------+------+
 *
 * pending    u64be number of the change                -> opaque
 *
 * accounts   user name || 0 || app                     -> id[16]
 *            each account that is set, so that no second subject gets it; a user name holds no 0
 *
 * vocabularies  SHA-256[32]                            -> u32 version || text
 *            written with the first policy under it, and never changed
 *
 * uses       owner[32] || u8 period || u64be start s   -> i64 end s || u32 count
 *            owner: id[16] || SHA-256(id of the consent)[0..15]; counts since the start
 *
 * budgets    the same, owner: SHA-256(id of the partner)
 *
 * pushes     see pushes.c
 *
 * meta       "format" -> u32; "check" -> 32 zero bytes wrapped under the key-encryption key,
 *            which tells a wrong key from a damaged record; "changes" -> u64, how many changes
 *            there were; "owed" -> u64, how many erasures left bytes in free pages; "pin NAME" ->
 *            opaque; "head " || u64be epoch || label[32] -> u64, of an erased subject
 *
 * What a record says of its own lengths must add up to its size exactly.
 */
#include "store/record.h"

#include <string.h>

enum {
    RECORD_FORMAT = 1,
    LIVE_HEAD_BYTES = 1 + 1 + 2 + 4 + 8 + SHA256_BYTES + KEYWRAP_WRAPPED_BYTES,
    HISTORY_HEAD_BYTES = 1 + 3 + 4 + 8 + SHA256_BYTES + 4 + 4,
};

size_t record_live_bytes(const struct record_live *live)
{
    return LIVE_HEAD_BYTES + live->name.n + live->accounts.n + live->blob.n;
}

void record_live_write(const struct record_live *live, struct writer *writer)
{
    SL_ASSERT(live->name.n > 0 && live->name.n <= STORE_SUBJECT_NAME_BYTES_MAX);
    SL_ASSERT(live->accounts.n <= STORE_ACCOUNTS_BYTES_MAX);
    SL_ASSERT(live->blob.n <= UINT32_MAX);
    write_u8(writer, RECORD_FORMAT);
    write_u8(writer, (uint8_t)live->name.n);
    write_u16(writer, (uint16_t)live->accounts.n);
    write_u32(writer, (uint32_t)live->blob.n);
    write_u64(writer, live->version);
    write_bytes(writer, slice_of(live->digest, sizeof live->digest));
    write_bytes(writer, slice_of(live->wrapped_key, sizeof live->wrapped_key));
    write_bytes(writer, live->name);
    write_bytes(writer, live->accounts);
    write_bytes(writer, live->blob);
}

bool record_live_read(struct slice bytes, struct record_live *out)
{
    struct reader reader = reader_over(bytes);
    uint8_t format = read_u8(&reader);
    size_t name_bytes = read_u8(&reader);
    size_t accounts_bytes = read_u16(&reader);
    size_t blob_bytes = read_u32(&reader);
    struct record_live live = {.version = read_u64(&reader)};
    struct slice digest = read_bytes(&reader, SHA256_BYTES);
    struct slice wrapped = read_bytes(&reader, KEYWRAP_WRAPPED_BYTES);
    live.name = read_bytes(&reader, name_bytes);
    live.accounts = read_bytes(&reader, accounts_bytes);
    live.blob = read_bytes(&reader, blob_bytes);
    if (reader.bad || reader_left(&reader) > 0 || format != RECORD_FORMAT || name_bytes == 0)
        return false;
    memcpy(live.digest, digest.p, SHA256_BYTES);
    memcpy(live.wrapped_key, wrapped.p, KEYWRAP_WRAPPED_BYTES);
    *out = live;
    return true;
}

size_t record_history_bytes(const struct record_history *history)
{
    return HISTORY_HEAD_BYTES + history->yaml.n + history->blob.n;
}

void record_history_write(const struct record_history *history, struct writer *writer)
{
    SL_ASSERT(history->yaml.n <= UINT32_MAX && history->blob.n <= UINT32_MAX);
    write_u8(writer, RECORD_FORMAT);
    write_zeros(writer, 3);
    write_u32(writer, history->vocabulary_version);
    write_u64(writer, (uint64_t)history->time_ms);
    write_bytes(writer, slice_of(history->digest, sizeof history->digest));
    write_u32(writer, (uint32_t)history->yaml.n);
    write_u32(writer, (uint32_t)history->blob.n);
    write_bytes(writer, history->yaml);
    write_bytes(writer, history->blob);
}

bool record_history_read(struct slice bytes, struct record_history *out)
{
    struct reader reader = reader_over(bytes);
    uint8_t format = read_u8(&reader);
    read_bytes(&reader, 3);
    struct record_history history = {.vocabulary_version = read_u32(&reader)};
    history.time_ms = (int64_t)read_u64(&reader);
    struct slice digest = read_bytes(&reader, SHA256_BYTES);
    size_t yaml_bytes = read_u32(&reader);
    size_t blob_bytes = read_u32(&reader);
    history.yaml = read_bytes(&reader, yaml_bytes);
    history.blob = read_bytes(&reader, blob_bytes);
    if (reader.bad || reader_left(&reader) > 0 || format != RECORD_FORMAT ||
        digest.n != SHA256_BYTES)
        return false;
    memcpy(history.digest, digest.p, SHA256_BYTES);
    *out = history;
    return true;
}

void record_key_write(const uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t version,
                      uint8_t key[RECORD_KEY_BYTES])
{
    struct writer writer = writer_over(key, RECORD_KEY_BYTES);
    write_bytes(&writer, slice_of(id, STORE_SUBJECT_ID_BYTES));
    write_u64be(&writer, version);
}

bool record_key_read(struct slice key, uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t *version)
{
    if (key.n != RECORD_KEY_BYTES)
        return false;
    struct reader reader = reader_over(key);
    (void)read_bytes(&reader, STORE_SUBJECT_ID_BYTES);
    memcpy(id, key.p, STORE_SUBJECT_ID_BYTES);
    *version = read_u64be(&reader);
    return true;
}

void record_number_write(uint64_t number, uint8_t key[RECORD_NUMBER_BYTES])
{
    struct writer writer = writer_over(key, RECORD_NUMBER_BYTES);
    write_u64be(&writer, number);
}

bool record_number_read(struct slice key, uint64_t *number)
{
    struct reader reader = reader_over(key);
    uint64_t found = read_u64be(&reader);
    if (reader.bad || reader_left(&reader) > 0)
        return false;
    *number = found;
    return true;
}

void record_use_key_write(const struct record_use *use, uint8_t key[RECORD_USE_KEY_BYTES])
{
    struct writer writer = writer_over(key, RECORD_USE_KEY_BYTES);
    write_bytes(&writer, slice_of(use->owner, sizeof use->owner));
    write_u8(&writer, use->period);
    write_u64be(&writer, (uint64_t)use->start_s);
}

void record_use_write(const struct record_use *use, uint8_t value[RECORD_USE_BYTES])
{
    struct writer writer = writer_over(value, RECORD_USE_BYTES);
    write_u64(&writer, (uint64_t)use->end_s);
    write_u32(&writer, use->n);
}

bool record_use_read(struct slice key, struct slice value, struct record_use *out)
{
    if (key.n != RECORD_USE_KEY_BYTES || value.n != RECORD_USE_BYTES)
        return false;
    struct reader reader = reader_over(key);
    struct slice owner = read_bytes(&reader, STORE_OWNER_BYTES);
    out->period = read_u8(&reader);
    out->start_s = (int64_t)read_u64be(&reader);
    reader = reader_over(value);
    out->end_s = (int64_t)read_u64(&reader);
    out->n = read_u32(&reader);
    SL_ASSERT(owner.p); /* the key is as long as that */
    memcpy(out->owner, owner.p, sizeof out->owner);
    return true;
}

void record_account_key_write(struct slice user, struct slice app, struct writer *writer)
{
    SL_ASSERT(app.n <= STORE_APP_BYTES_MAX && user.n <= STORE_USER_BYTES_MAX);
    write_bytes(writer, user);
    write_u8(writer, 0);
    write_bytes(writer, app);
}

bool record_account_next(struct reader *reader, struct slice *app, struct slice *user)
{
    if (reader_left(reader) == 0)
        return false;
    size_t app_bytes = read_u8(reader);
    size_t user_bytes = read_u8(reader);
    *app = read_bytes(reader, app_bytes);
    *user = read_bytes(reader, user_bytes);
    return !reader->bad;
}

struct slice record_account_find(struct slice accounts, struct slice app)
{
    struct reader reader = reader_over(accounts);
    struct slice at, user;
    while (record_account_next(&reader, &at, &user)) {
        if (slice_equals(at, app))
            return user;
    }
    return (struct slice){NULL, 0};
}

static void account_write(struct writer *writer, struct slice app, struct slice user)
{
    write_u8(writer, (uint8_t)app.n);
    write_u8(writer, (uint8_t)user.n);
    write_bytes(writer, app);
    write_bytes(writer, user);
}

void record_accounts_write(struct slice accounts, struct slice app, struct slice user,
                           struct writer *writer)
{
    SL_ASSERT(app.n <= STORE_APP_BYTES_MAX && user.n <= STORE_USER_BYTES_MAX);
    struct reader reader = reader_over(accounts);
    struct slice at, old;
    while (record_account_next(&reader, &at, &old)) {
        if (!slice_equals(at, app))
            account_write(writer, at, old);
    }
    if (user.n > 0)
        account_write(writer, app, user);
}
