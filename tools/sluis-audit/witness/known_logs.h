/*
 * known_logs.h - the logs that a witness watches, and the newest it has seen of each
 *
 * Shape   one for each origin, in the order of their origins; a log may have several keys (while
 *         it changes them), each of which may sign
 * Owns    copies of the keys, and the notes of the records
 */
#ifndef SLUIS_WITNESS_KNOWN_LOGS_H
#define SLUIS_WITNESS_KNOWN_LOGS_H

#include "base/sha256.h"
#include "ledger/vkey.h"

enum { KNOWN_LOG_HASH_CHARS = 2 * SHA256_BYTES };

/* The newest checkpoint that was cosigned. */
struct record {
    uint64_t size; /* 0: none, or an empty tree */
    uint8_t root[SHA256_BYTES];
    uint64_t time_s; /* of the cosignature */
    uint8_t *note;   /* with the log's signatures and the witness's; NULL: never cosigned */
    size_t note_n;
};

struct known_log {
    struct slice origin;
    const struct vkey *keys;
    size_t n_keys;
    char hash[KNOWN_LOG_HASH_CHARS + 1]; /* SHA-256 of the origin: its name in paths */
    struct record record;
};

struct known_logs {
    size_t n;
    struct known_log *list;
};

/* `keys` are of type VKEY_ED25519; one that stands there twice counts once. */
SL_NODISCARD enum sl_err known_logs_new(const struct vkey *keys, size_t n_keys,
                                        struct known_logs **out);
void known_logs_free(struct known_logs *logs);
SL_DEFINE_AUTO(known_logs, known_logs_free)

/* NULL when there is none. */
struct known_log *known_logs_find(struct known_logs *logs, struct slice origin);
struct known_log *known_logs_find_hash(struct known_logs *logs, struct slice hash);

#endif
