/*
 * record.h - the bytes of a record in each database
 *
 * Shape   plain structs of slices; reading checks every length, writing fills a block of exactly
 *         *_bytes()
 * Owns    nothing: slices point into what was read
 */
#ifndef SLUIS_STORE_RECORD_H
#define SLUIS_STORE_RECORD_H

#include "base/reader.h"
#include "base/writer.h"
#include "store/keywrap.h"
#include "store/uses.h"

struct record_live {
    uint64_t version;
    uint8_t digest[SHA256_BYTES];
    uint8_t wrapped_key[KEYWRAP_WRAPPED_BYTES];
    struct slice name, accounts, blob;
};
size_t record_live_bytes(const struct record_live *live);
void record_live_write(const struct record_live *live, struct writer *writer);
bool record_live_read(struct slice bytes, struct record_live *out);

struct record_history {
    int64_t time_ms;
    uint32_t vocabulary_version;
    uint8_t digest[SHA256_BYTES];
    struct slice yaml, blob;
};
size_t record_history_bytes(const struct record_history *history);
void record_history_write(const struct record_history *history, struct writer *writer);
bool record_history_read(struct slice bytes, struct record_history *out);

/* Of `history`: sorted by subject, then by version. */
enum { RECORD_KEY_BYTES = STORE_SUBJECT_ID_BYTES + 8 };
void record_key_write(const uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t version,
                      uint8_t key[RECORD_KEY_BYTES]);
bool record_key_read(struct slice key, uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t *version);

/* Of `pending`: sorted by the number of the change. */
enum { RECORD_NUMBER_BYTES = 8 };
void record_number_write(uint64_t number, uint8_t key[RECORD_NUMBER_BYTES]);
bool record_number_read(struct slice key, uint64_t *number);

/* Of `accounts`: sorted by user, then by app. */
enum { RECORD_ACCOUNT_BYTES = STORE_USER_BYTES_MAX + 1 + STORE_APP_BYTES_MAX };
void record_account_key_write(struct slice user, struct slice app, struct writer *writer);

/* Of `uses` and `budgets`: sorted by owner, then by period, then by start. */
enum { RECORD_USE_KEY_BYTES = STORE_OWNER_BYTES + 1 + 8, RECORD_USE_BYTES = 8 + 4 };
struct record_use {
    uint8_t owner[STORE_OWNER_BYTES];
    uint8_t period;
    int64_t start_s, end_s;
    uint32_t n;
};
void record_use_key_write(const struct record_use *use, uint8_t key[RECORD_USE_KEY_BYTES]);
void record_use_write(const struct record_use *use, uint8_t value[RECORD_USE_BYTES]);
bool record_use_read(struct slice key, struct slice value, struct record_use *out);

/* The next account of a list; false at the end. */
bool record_account_next(struct reader *reader, struct slice *app, struct slice *user);
/* The user at `app`; empty when none is set. */
struct slice record_account_find(struct slice accounts, struct slice app);
/* Copies `accounts` with that of `app` replaced, or removed when `user` is empty. */
void record_accounts_write(struct slice accounts, struct slice app, struct slice user,
                           struct writer *writer);

#endif
