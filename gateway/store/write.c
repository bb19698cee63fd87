/*
 * write.c - the writer's side: each call is one durable transaction, or no change at all
 *
 *     begin ── forget notes of durable receipts ── the change ── commit (synced) ── reserve
 *
 * Compare and set: a change names the version it was made against, and is rejected when another
 * one came first.
 */
#include "store/env.h"

#include "base/utf8.h"
#include "ledger/basis.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

int write_begin(struct store *store, MDB_txn **out)
{
    SL_ASSERT(!store->read_only);
    if (store->broken)
        return EIO;
    SL_AUTO(MDB_txn) txn = NULL;
    int code = mdb_txn_begin(store->now->env, NULL, 0, &txn);
    if (code == 0)
        code = pending_forget(store, txn);
    if (code != 0)
        return code;
    *out = txn;
    txn = NULL;
    return 0;
}

/* Takes the transaction over, whatever comes of it. */
int write_commit(struct store *store, MDB_txn **txn)
{
    int code = mdb_txn_commit(*txn);
    *txn = NULL;
    reserve_keep(store);
    return code;
}

static int put(MDB_txn *txn, MDB_dbi dbi, struct slice key, struct slice value, unsigned flags)
{
    MDB_val key_val = val_of(key);
    MDB_val value_val = val_of(value);
    return mdb_put(txn, dbi, &key_val, &value_val, flags);
}

int write_put_live(struct generation *generation, MDB_txn *txn,
                   const uint8_t id[STORE_SUBJECT_ID_BYTES], const struct record_live *live)
{
    MDB_val key = val_of(slice_of(id, STORE_SUBJECT_ID_BYTES));
    MDB_val place = {record_live_bytes(live), NULL};
    int code = mdb_put(txn, generation->live, &key, &place, MDB_RESERVE);
    if (code != 0)
        return code;
    struct writer writer = writer_over(place.mv_data, place.mv_size);
    record_live_write(live, &writer);
    SL_ASSERT(!writer.overflow && writer.n == place.mv_size);
    return 0;
}

static int put_history(struct store *store, MDB_txn *txn, const struct store_change *change,
                       const uint8_t digest[SHA256_BYTES])
{
    struct record_history history = {.time_ms = change->time_ms,
                                     .vocabulary_version = change->vocabulary_version,
                                     .yaml = change->yaml,
                                     .blob = change->blob};
    memcpy(history.digest, digest, SHA256_BYTES);
    uint8_t key_bytes[RECORD_KEY_BYTES];
    record_key_write(change->id, change->expected_version + 1, key_bytes);
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val place = {record_history_bytes(&history), NULL};
    int code = mdb_put(txn, store->now->history, &key, &place, MDB_RESERVE | MDB_NOOVERWRITE);
    if (code != 0)
        return code;
    struct writer writer = writer_over(place.mv_data, place.mv_size);
    record_history_write(&history, &writer);
    SL_ASSERT(!writer.overflow && writer.n == place.mv_size);
    return 0;
}

/* Once for each text: the key is its hash. */
static int keep_vocabulary(struct store *store, MDB_txn *txn, const struct store_change *change)
{
    MDB_val key = val_of(slice_of(change->vocabulary_sha256, SHA256_BYTES));
    MDB_val place = {sizeof(uint32_t) + change->vocabulary.n, NULL};
    int code = mdb_put(txn, store->now->vocabularies, &key, &place, MDB_RESERVE | MDB_NOOVERWRITE);
    if (code != 0)
        return code == MDB_KEYEXIST ? 0 : code;
    struct writer writer = writer_over(place.mv_data, place.mv_size);
    write_u32(&writer, change->vocabulary_version);
    write_bytes(&writer, change->vocabulary);
    SL_ASSERT(!writer.overflow && writer.n == place.mv_size);
    return 0;
}

int write_get_live(struct generation *generation, MDB_txn *txn,
                   const uint8_t id[STORE_SUBJECT_ID_BYTES], uint8_t **copy,
                   struct record_live *live)
{
    MDB_val key = val_of(slice_of(id, STORE_SUBJECT_ID_BYTES));
    MDB_val value;
    int code = mdb_get(txn, generation->live, &key, &value);
    if (code != 0)
        return code;
    uint8_t *bytes = malloc(value.mv_size > 0 ? value.mv_size : 1);
    if (!bytes)
        return ENOMEM;
    memcpy(bytes, value.mv_data, value.mv_size);
    if (!record_live_read(slice_of(bytes, value.mv_size), live)) {
        free(bytes);
        return MDB_CORRUPTED;
    }
    *copy = bytes;
    return 0;
}

/* An app that decodes "%2E%2E" or "%2F" would be led to another place than the subject's. */
bool store_name_is_safe(struct slice name)
{
    bool dots = slice_equals_str(name, ".") || slice_equals_str(name, "..");
    return name.n > 0 && !dots && utf8_is_printable(name) && !memchr(name.p, '/', name.n) &&
           !memchr(name.p, '\\', name.n);
}

/* Puts the name and draws the key; a conflict when there is such a name or id. */
static int create_subject(struct store *store, MDB_txn *txn, struct slice name,
                          const uint8_t id[STORE_SUBJECT_ID_BYTES], struct record_live *live)
{
    *live = (struct record_live){.name = name};
    uint8_t key[STORE_SUBJECT_KEY_BYTES];
    bool drawn = RAND_priv_bytes(key, sizeof key) == 1 &&
                 generation_wrap(store->now, key, live->wrapped_key) == SL_OK;
    OPENSSL_cleanse(key, sizeof key);
    if (!drawn)
        return ENOMEM;
    MDB_val existing;
    MDB_val id_key = val_of(slice_of(id, STORE_SUBJECT_ID_BYTES));
    int code = mdb_get(txn, store->now->live, &id_key, &existing);
    if (code != MDB_NOTFOUND)
        return code == 0 ? STORE_CODE_CONFLICT : code;
    code = put(txn, store->now->names, name, slice_of(id, STORE_SUBJECT_ID_BYTES), MDB_NOOVERWRITE);
    if (code != 0)
        return code == MDB_KEYEXIST ? STORE_CODE_CONFLICT : code;
    return account_check_new_name(store, txn, name);
}

/* All parts of a change; a conflict when it is not the one expected next. */
static int apply_change(struct store *store, MDB_txn *txn, const struct store_change *change,
                        struct record_live *live, const uint8_t digest[SHA256_BYTES],
                        uint64_t *number)
{
    if (live->version != change->expected_version || !slice_equals(live->name, change->name))
        return STORE_CODE_CONFLICT;
    live->version = change->expected_version + 1;
    live->blob = change->blob;
    memcpy(live->digest, digest, SHA256_BYTES);
    int code = write_put_live(store->now, txn, change->id, live);
    if (code == 0)
        code = put_history(store, txn, change, digest);
    if (code == 0)
        code = keep_vocabulary(store, txn, change);
    if (code == 0)
        code = meta_count_change(store, txn, number);
    if (code == 0)
        code = pending_put(store, txn, *number, change->pending);
    return code;
}

static int change_in(struct store *store, MDB_txn *txn, const struct store_change *change,
                     const uint8_t digest[SHA256_BYTES], uint64_t *number)
{
    uint8_t *copy = NULL;
    struct record_live live;
    int code = write_get_live(store->now, txn, change->id, &copy, &live);
    if (code == MDB_NOTFOUND && change->expected_version == 0)
        code = create_subject(store, txn, change->name, change->id, &live);
    else if (code == MDB_NOTFOUND)
        code = STORE_CODE_CONFLICT;
    if (code == 0)
        code = apply_change(store, txn, change, &live, digest, number);
    free(copy);
    return code;
}

enum sl_err store_put_policy(struct store *store, const struct store_change *change,
                             uint64_t *number)
{
    if (change->yaml.n > UINT32_MAX || change->blob.n > UINT32_MAX)
        return SL_ELIMIT;
    bool named = change->name.n <= STORE_SUBJECT_NAME_BYTES_MAX && store_name_is_safe(change->name);
    uint8_t digest[SHA256_BYTES];
    basis_policy_digest(change->yaml, change->blob, change->vocabulary_sha256, digest);
    STORE_LOCK(store);
    if (!named || change->expected_version == UINT64_MAX)
        return store_refuse(store, named ? STORE_CODE_CONFLICT : STORE_CODE_UNSAFE,
                            "write a policy", change->why);
    store_touch(store, change->id);
    SL_AUTO(MDB_txn) txn = NULL;
    uint64_t counted = 0;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = change_in(store, txn, change, digest, &counted);
    if (code == 0)
        code = write_commit(store, &txn);
    if (code != 0)
        return store_refuse(store, code, "write a policy", change->why);
    if (number)
        *number = counted;
    return SL_OK;
}

void store_new_id(uint8_t id[STORE_SUBJECT_ID_BYTES])
{
    /* OpenSSL's generator fails only when the system's does: then nothing should go on. */
    SL_ASSERT(RAND_bytes(id, STORE_SUBJECT_ID_BYTES) == 1);
}

enum sl_err store_add_subject(struct store *store, struct slice name,
                              uint8_t id[STORE_SUBJECT_ID_BYTES], enum store_refusal *why)
{
    if (name.n > STORE_SUBJECT_NAME_BYTES_MAX)
        return SL_ELIMIT;
    uint8_t drawn[STORE_SUBJECT_ID_BYTES];
    store_new_id(drawn);
    struct record_live live;
    STORE_LOCK(store);
    if (!store_name_is_safe(name))
        return store_refuse(store, STORE_CODE_UNSAFE, "add a subject", why);
    store_touch(store, drawn);
    SL_AUTO(MDB_txn) txn = NULL;
    int code = write_begin(store, &txn);
    if (code == 0)
        code = create_subject(store, txn, name, drawn, &live);
    if (code == 0)
        code = write_put_live(store->now, txn, drawn, &live);
    if (code == 0)
        code = write_commit(store, &txn);
    if (code != 0)
        return store_refuse(store, code, "add a subject", why);
    memcpy(id, drawn, sizeof drawn);
    return SL_OK;
}
