/*
 * credential.h - which partner, or which app, holds this bearer token
 *
 * A token is 32 random bytes, written "sluis_" and 43 characters of base64url; the configuration
 * holds its SHA-256. It has full entropy, so a plain hash is enough. Look-up goes by hash: the
 * comparison tells an attacker nothing that helps to find a preimage.
 */
#ifndef SLUIS_IDENTIFY_CREDENTIAL_H
#define SLUIS_IDENTIFY_CREDENTIAL_H

#include "config/config.h"

enum { CREDENTIAL_TOKEN_CHARS = 49 };

struct credential_table;
SL_NODISCARD enum sl_err credential_table_new(const struct config *config,
                                              struct credential_table **out);
void credential_table_free(struct credential_table *table);
SL_DEFINE_AUTO(credential_table, credential_table_free)

/* One of the two; none: a stranger. */
struct credential_party {
    const struct config_partner *partner;
    const struct config_app *app;
};
/* Whose the value of an Authorization header is ("Bearer ..."). */
struct credential_party credential_find(const struct credential_table *table,
                                        struct slice authorization);
/* A new token and its hash. */
SL_NODISCARD enum sl_err credential_new_token(char token[CREDENTIAL_TOKEN_CHARS + 1],
                                              uint8_t hash[CONFIG_TOKEN_HASH_BYTES]);

#endif
