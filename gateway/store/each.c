/*
 * each.c - all of what is in one database, in the order of its keys
 */
#include "store/readers.h"

#include "base/reader.h"

#include <openssl/crypto.h>
#include <stddef.h>

/*
 * One walk over a database in the order of its keys, by `step`, which says whether to go on: SL_OK;
 * or to stop: SL_EMALFORMED when the visitor wished it, SL_ESTORE when a record is damaged.
 */
struct walk {
    enum sl_err (*step)(struct walk *walk, struct slice key, struct slice value);
    struct store_reader *reader;
    bool (*visit_name)(void *context, struct slice name, const uint8_t id[STORE_SUBJECT_ID_BYTES]);
    bool (*visit_key)(void *context, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                      const uint8_t key[STORE_SUBJECT_KEY_BYTES]);
    bool (*visit_vocabulary)(void *context, uint32_t version, const uint8_t sha256[SHA256_BYTES],
                             struct slice text);
    bool (*visit_note)(void *context, uint64_t number, struct slice pending);
    void *context;
};

static enum sl_err walk_active(struct walk *walk, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(walk->reader->txn, dbi, &cursor);
    if (code != 0)
        return store_err(code);
    enum sl_err err = SL_OK;
    MDB_val key, value;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (code == 0 && err == SL_OK) {
        err = walk->step(walk, slice_of_val(key), slice_of_val(value));
        if (err == SL_OK)
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (err != SL_OK)
        return err == SL_EMALFORMED ? SL_OK : err;
    return code == MDB_NOTFOUND ? SL_OK : store_err(code);
}

/* `database`: its place in struct generation, which is known only when the reader is in one. */
static enum sl_err walk_over(struct walk *walk, size_t database)
{
    MDB_dbi dbi;
    bool was_active = walk->reader->active;
    SL_TRY(reader_begin(walk->reader));
    memcpy(&dbi, (const char *)walk->reader->generation + database, sizeof dbi);
    enum sl_err err = walk_active(walk, dbi);
    if (!was_active)
        store_read_end(walk->reader);
    return err;
}

static enum sl_err step_name(struct walk *walk, struct slice name, struct slice id)
{
    if (id.n != STORE_SUBJECT_ID_BYTES)
        return SL_ESTORE;
    return walk->visit_name(walk->context, name, id.p) ? SL_OK : SL_EMALFORMED;
}

enum sl_err store_each(struct store_reader *reader,
                       bool (*visit)(void *context, struct slice name,
                                     const uint8_t id[STORE_SUBJECT_ID_BYTES]),
                       void *context)
{
    struct walk walk = {
        .step = step_name, .reader = reader, .visit_name = visit, .context = context};
    return walk_over(&walk, offsetof(struct generation, names));
}

static enum sl_err step_key(struct walk *walk, struct slice id, struct slice record)
{
    struct record_live live;
    uint8_t key[STORE_SUBJECT_KEY_BYTES];
    if (id.n != STORE_SUBJECT_ID_BYTES || !record_live_read(record, &live) ||
        generation_unwrap(walk->reader->generation, live.wrapped_key, key) != SL_OK)
        return SL_ESTORE;
    bool goes_on = walk->visit_key(walk->context, id.p, key);
    OPENSSL_cleanse(key, sizeof key);
    return goes_on ? SL_OK : SL_EMALFORMED;
}

enum sl_err store_each_key(struct store_reader *reader,
                           bool (*visit)(void *context, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                         const uint8_t key[STORE_SUBJECT_KEY_BYTES]),
                           void *context)
{
    struct walk walk = {.step = step_key, .reader = reader, .visit_key = visit, .context = context};
    return walk_over(&walk, offsetof(struct generation, live));
}

static enum sl_err step_vocabulary(struct walk *walk, struct slice sha256, struct slice value)
{
    struct reader reader = reader_over(value);
    uint32_t version = read_u32(&reader);
    struct slice text = read_bytes(&reader, reader_left(&reader));
    if (sha256.n != SHA256_BYTES || reader.bad)
        return SL_ESTORE;
    return walk->visit_vocabulary(walk->context, version, sha256.p, text) ? SL_OK : SL_EMALFORMED;
}

enum sl_err store_each_vocabulary(struct store_reader *reader,
                                  bool (*visit)(void *context, uint32_t version,
                                                const uint8_t sha256[SHA256_BYTES],
                                                struct slice text),
                                  void *context)
{
    struct walk walk = {
        .step = step_vocabulary, .reader = reader, .visit_vocabulary = visit, .context = context};
    return walk_over(&walk, offsetof(struct generation, vocabularies));
}

static enum sl_err step_note(struct walk *walk, struct slice key, struct slice pending)
{
    uint64_t number;
    if (!record_number_read(key, &number))
        return SL_ESTORE;
    if (pending_is_done(walk->reader->store, number))
        return SL_OK;
    return walk->visit_note(walk->context, number, pending) ? SL_OK : SL_EMALFORMED;
}

enum sl_err store_pending_each(struct store *store,
                               bool (*visit)(void *context, uint64_t number, struct slice pending),
                               void *context)
{
    SL_AUTO(store_reader) reader = NULL;
    SL_TRY(store_reader_new(store, &reader));
    struct walk walk = {
        .step = step_note, .reader = reader, .visit_note = visit, .context = context};
    return walk_over(&walk, offsetof(struct generation, pending));
}
