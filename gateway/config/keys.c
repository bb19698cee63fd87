/*
 * keys.c - names of the state folder's parts in one table, and the raw 32-byte keys
 */
#include "config/keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>

static const char *const places[] = {
    [STATE_KEYS] = "keys",
    [STATE_LEDGER_KEY] = "keys/ledger.pem",
    [STATE_LEDGER_VKEY] = "keys/ledger.vkey",
    [STATE_KEK] = "keys/kek.key",
    [STATE_PSEUDONYM_KEY] = "keys/pseudonym.key",
    [STATE_STORE] = "store",
    [STATE_LEDGER] = "ledger",
    [STATE_INDEX] = "index",
    [STATE_LOCK] = "lock",
};

enum sl_err keys_path(const char *state_folder, enum state_place place, char path[KEYS_PATH_BYTES])
{
    SL_ASSERT((size_t)place < SL_LENGTH(places));
    char joined[KEYS_PATH_BYTES];
    int n = snprintf(joined, sizeof joined, "%s/%s", state_folder, places[place]);
    if (n < 0 || (size_t)n >= sizeof joined)
        return SL_ELIMIT;
    snprintf(path, KEYS_PATH_BYTES, "%s", joined);
    return SL_OK;
}

enum sl_err keys_read(const char *path, uint8_t key[KEYS_SECRET_BYTES],
                      struct private_file_problem *problem)
{
    return private_file_read_exactly(path, key, KEYS_SECRET_BYTES, problem);
}

enum sl_err keys_create(const char *path, struct private_file_problem *problem)
{
    uint8_t key[KEYS_SECRET_BYTES];
    if (RAND_priv_bytes(key, sizeof key) != 1) {
        snprintf(problem->text, sizeof problem->text, "no random bytes for %s", path);
        return SL_EINTERNAL;
    }
    enum sl_err err = private_file_create(path, slice_of(key, sizeof key), problem);
    OPENSSL_cleanse(key, sizeof key);
    return err;
}
