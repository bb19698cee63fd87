/*
 * read.c - what one look-up finds
 *
 *     idle ── store_read(), store_version_get() ──▶ active ── store_read_end() ──▶ idle
 *
 * Calls that copy out what they found (find, subject_key) leave the state as they met it.
 */
#include "store/readers.h"

#include <string.h>

/* *found is false, and *out untouched, when there is no such key. */
static enum sl_err get(struct store_reader *reader, MDB_dbi dbi, struct slice key,
                       struct slice *out, bool *found)
{
    MDB_val key_val = val_of(key);
    MDB_val value;
    int code = mdb_get(reader->txn, dbi, &key_val, &value);
    *found = code == 0;
    if (code == 0)
        *out = slice_of_val(value);
    return code == MDB_NOTFOUND ? SL_OK : store_err(code);
}

static enum sl_err get_live(struct store_reader *reader, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                            struct record_live *out, bool *found)
{
    struct slice bytes;
    SL_TRY(
        get(reader, reader->generation->live, slice_of(id, STORE_SUBJECT_ID_BYTES), &bytes, found));
    return !*found || record_live_read(bytes, out) ? SL_OK : SL_ESTORE;
}

enum sl_err store_read(struct store_reader *reader, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                       struct store_subject *out)
{
    store_read_end(reader);
    SL_TRY(reader_begin(reader));
    struct record_live live;
    bool found;
    enum sl_err err = get_live(reader, id, &live, &found);
    if (err != SL_OK) {
        store_read_end(reader);
        return err;
    }
    struct store_subject subject = {.found = found};
    if (found) {
        subject.version = live.version;
        memcpy(subject.policy_digest, live.digest, sizeof subject.policy_digest);
        subject.name = live.name;
        subject.accounts = live.accounts;
        subject.blob = live.blob;
    }
    *out = subject;
    return SL_OK;
}

struct slice store_account(const struct store_subject *subject, struct slice app)
{
    struct slice user = record_account_find(subject->accounts, app);
    return user.n > 0 ? user : subject->name;
}

static enum sl_err find_active(struct store_reader *reader, struct slice name,
                               uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found)
{
    struct slice bytes;
    bool there;
    SL_TRY(get(reader, reader->generation->names, name, &bytes, &there));
    if (there && bytes.n != STORE_SUBJECT_ID_BYTES)
        return SL_ESTORE;
    if (there)
        memcpy(id, bytes.p, STORE_SUBJECT_ID_BYTES);
    *found = there;
    return SL_OK;
}

enum sl_err store_find(struct store_reader *reader, struct slice name,
                       uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found)
{
    if (name.n == 0 || name.n > STORE_SUBJECT_NAME_BYTES_MAX) {
        *found = false;
        return SL_OK;
    }
    bool was_active = reader->active;
    SL_TRY(reader_begin(reader));
    enum sl_err err = find_active(reader, name, id, found);
    if (!was_active)
        store_read_end(reader);
    return err;
}

static enum sl_err find_account(struct store_reader *reader, struct slice app, struct slice user,
                                uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found)
{
    uint8_t bytes[RECORD_ACCOUNT_BYTES];
    struct writer key = writer_over(bytes, sizeof bytes);
    struct slice owner;
    bool there;
    record_account_key_write(user, app, &key);
    SL_TRY(get(reader, reader->generation->accounts, writer_slice(&key), &owner, &there));
    if (there && owner.n != STORE_SUBJECT_ID_BYTES)
        return SL_ESTORE;
    if (there)
        memcpy(id, owner.p, STORE_SUBJECT_ID_BYTES);
    *found = there;
    return SL_OK;
}

/* By its own name, unless it has another at this app. */
static enum sl_err find_named(struct store_reader *reader, struct slice app, struct slice user,
                              uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found)
{
    uint8_t named[STORE_SUBJECT_ID_BYTES];
    struct record_live live = {0};
    bool is_named = false, is_live = false;
    if (user.n <= STORE_SUBJECT_NAME_BYTES_MAX)
        SL_TRY(find_active(reader, user, named, &is_named));
    if (is_named)
        SL_TRY(get_live(reader, named, &live, &is_live));
    *found = is_live && record_account_find(live.accounts, app).n == 0;
    if (*found)
        memcpy(id, named, sizeof named);
    return SL_OK;
}

enum sl_err store_find_user(struct store_reader *reader, struct slice app, struct slice user,
                            uint8_t id[STORE_SUBJECT_ID_BYTES], bool *found)
{
    *found = false;
    if (user.n == 0 || user.n > STORE_USER_BYTES_MAX || memchr(user.p, 0, user.n))
        return SL_OK;
    bool was_active = reader->active;
    SL_TRY(reader_begin(reader));
    enum sl_err err = find_account(reader, app, user, id, found);
    if (err == SL_OK && !*found)
        err = find_named(reader, app, user, id, found);
    if (!was_active)
        store_read_end(reader);
    return err;
}

enum sl_err store_version_get(struct store_reader *reader, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                              uint64_t version, struct store_version *out, bool *found)
{
    SL_TRY(reader_begin(reader));
    uint8_t key[RECORD_KEY_BYTES];
    record_key_write(id, version, key);
    struct slice bytes;
    bool there;
    SL_TRY(get(reader, reader->generation->history, slice_of(key, sizeof key), &bytes, &there));
    struct record_history history;
    if (there && !record_history_read(bytes, &history))
        return SL_ESTORE;
    if (there) {
        *out = (struct store_version){.version = version,
                                      .time_ms = history.time_ms,
                                      .vocabulary_version = history.vocabulary_version,
                                      .yaml = history.yaml,
                                      .blob = history.blob};
        memcpy(out->policy_digest, history.digest, sizeof out->policy_digest);
    }
    *found = there;
    return SL_OK;
}

enum sl_err store_subject_key(struct store_reader *reader, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                              uint8_t key[STORE_SUBJECT_KEY_BYTES])
{
    bool was_active = reader->active;
    SL_TRY(reader_begin(reader));
    struct record_live live;
    bool found = false;
    enum sl_err err = get_live(reader, id, &live, &found);
    /* The store's own key was checked at opening: a failure here is a damaged record. */
    if (err == SL_OK && found &&
        generation_unwrap(reader->generation, live.wrapped_key, key) != SL_OK)
        err = SL_ESTORE;
    if (!was_active)
        store_read_end(reader);
    return err == SL_OK && !found ? SL_EMALFORMED : err;
}
