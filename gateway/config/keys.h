/*
 * keys.h - the node's secret files below its state folder
 *
 *     state/keys/ledger.pem      Ed25519 private key that signs checkpoints
 *     state/keys/ledger.vkey     public: every key that has, oldest first; see ledger/keyring.h
 *     state/keys/kek.key         32 bytes: wraps each subject's own key
 *     state/keys/pseudonym.key   32 bytes: pseudonyms of all partners come from it
 *     state/store  state/ledger  state/index  state/lock
 *
 * Owns    nothing; a path is written into the caller's block
 * Errors  SL_ELIMIT when a path is too long; SL_ESTORE with a text for files
 */
#ifndef SLUIS_CONFIG_KEYS_H
#define SLUIS_CONFIG_KEYS_H

#include "base/private_file.h"

enum { KEYS_PATH_BYTES = 4096, KEYS_SECRET_BYTES = 32 };

enum state_place {
    STATE_KEYS, /* the folder of the four files below */
    STATE_LEDGER_KEY,
    STATE_LEDGER_VKEY,
    STATE_KEK,
    STATE_PSEUDONYM_KEY,
    STATE_STORE,
    STATE_LEDGER,
    STATE_INDEX,
    STATE_LOCK,
};

SL_NODISCARD enum sl_err keys_path(const char *state_folder, enum state_place place,
                                   char path[KEYS_PATH_BYTES]);
/* A 32-byte key of a file that only its owner can read. Wipe it. */
SL_NODISCARD enum sl_err keys_read(const char *path, uint8_t key[KEYS_SECRET_BYTES],
                                   struct private_file_problem *problem);
/* Draws a key and writes it to a file that did not exist: mode 0600, synced. */
SL_NODISCARD enum sl_err keys_create(const char *path, struct private_file_problem *problem);

#endif
