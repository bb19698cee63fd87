/*
 * credential.c - open addressing over the hashes of all tokens
 *
 *     slots   | NULL | hash, party | NULL | hash, party | hash, party | ...
 *
 * The first bytes of a SHA-256 are as good a table hash as any. The table is at most half full,
 * so that a probe ends soon; it is built once and never changes.
 */
#include "identify/credential.h"

#include "base/sha256.h"
#include "base/writer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_RANDOM_BYTES = 32 };

static const struct slice token_prefix = SLICE_LITERAL("sluis_");
static const struct slice scheme = SLICE_LITERAL("Bearer ");

struct credential_slot {
    const uint8_t *hash; /* in the configuration */
    struct credential_party party;
};

struct credential_table {
    size_t mask;
    struct credential_slot slots[];
};

static size_t first_slot(const struct credential_table *table, const uint8_t *hash)
{
    uint64_t start;
    memcpy(&start, hash, sizeof start);
    return (size_t)start & table->mask;
}

static void insert_all(struct credential_table *table, struct credential_party party,
                       const uint8_t (*tokens)[CONFIG_TOKEN_HASH_BYTES], size_t n_tokens)
{
    for (size_t i = 0; i < n_tokens; i++) {
        size_t at = first_slot(table, tokens[i]);
        while (table->slots[at].hash)
            at = (at + 1) & table->mask;
        table->slots[at] = (struct credential_slot){tokens[i], party};
    }
}

static size_t count_tokens(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_partners; i++)
        n += config->partners[i].n_tokens;
    for (size_t i = 0; i < config->n_apps; i++)
        n += config->apps[i].n_tokens;
    return n;
}

enum sl_err credential_table_new(const struct config *config, struct credential_table **out)
{
    size_t n_tokens = count_tokens(config);
    size_t n_slots = 2;
    while (n_slots < 2 * n_tokens)
        n_slots *= 2;
    struct credential_table *table =
        calloc(1, sizeof *table + n_slots * sizeof(struct credential_slot));
    if (!table)
        return SL_EINTERNAL;
    table->mask = n_slots - 1;
    for (size_t i = 0; i < config->n_partners; i++) {
        const struct config_partner *partner = &config->partners[i];
        insert_all(table, (struct credential_party){.partner = partner}, partner->tokens,
                   partner->n_tokens);
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        insert_all(table, (struct credential_party){.app = app}, app->tokens, app->n_tokens);
    }
    *out = table;
    return SL_OK;
}

void credential_table_free(struct credential_table *table)
{
    free(table);
}

/* The token of "Bearer <token>" (RFC 6750 section 2.1); empty when it is anything else. */
static struct slice token_of(struct slice authorization)
{
    struct slice none = {NULL, 0};
    if (authorization.n != scheme.n + CREDENTIAL_TOKEN_CHARS)
        return none;
    /* RFC 9110 section 11.1: the scheme's name is case-insensitive. */
    if (!slice_equals_str_nocase(slice_of(authorization.p, scheme.n), "bearer "))
        return none;
    struct slice token = slice_of(authorization.p + scheme.n, CREDENTIAL_TOKEN_CHARS);
    return slice_equals(slice_of(token.p, token_prefix.n), token_prefix) ? token : none;
}

struct credential_party credential_find(const struct credential_table *table,
                                        struct slice authorization)
{
    static const struct credential_party stranger = {NULL, NULL};
    struct slice token = token_of(authorization);
    if (token.n == 0)
        return stranger;
    uint8_t hash[SHA256_BYTES];
    sha256_of(token, hash);
    for (size_t at = first_slot(table, hash); table->slots[at].hash; at = (at + 1) & table->mask) {
        if (memcmp(table->slots[at].hash, hash, sizeof hash) == 0)
            return table->slots[at].party;
    }
    return stranger;
}

enum sl_err credential_new_token(char token[CREDENTIAL_TOKEN_CHARS + 1],
                                 uint8_t hash[CONFIG_TOKEN_HASH_BYTES])
{
    uint8_t random[TOKEN_RANDOM_BYTES];
    if (RAND_priv_bytes(random, sizeof random) != 1)
        return SL_EINTERNAL;
    struct writer writer = writer_over(token, CREDENTIAL_TOKEN_CHARS);
    write_bytes(&writer, token_prefix);
    write_base64url(&writer, slice_of(random, sizeof random));
    SL_ASSERT(!writer.overflow && writer.n == CREDENTIAL_TOKEN_CHARS);
    token[CREDENTIAL_TOKEN_CHARS] = 0;
    sha256_of(writer_slice(&writer), hash);
    OPENSSL_cleanse(random, sizeof random);
    return SL_OK;
}
