/*
 * credential.c - open addressing over the hashes of all tokens
 *
 *     slots   | NULL | hash, partner | NULL | hash, partner | hash, partner | ...
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
    const struct config_partner *partner;
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

static void insert(struct credential_table *table, const uint8_t *hash,
                   const struct config_partner *partner)
{
    size_t at = first_slot(table, hash);
    while (table->slots[at].partner)
        at = (at + 1) & table->mask;
    table->slots[at] = (struct credential_slot){hash, partner};
}

enum sl_err credential_table_new(const struct config *config, struct credential_table **out)
{
    size_t n_tokens = 0;
    for (size_t i = 0; i < config->n_partners; i++)
        n_tokens += config->partners[i].n_tokens;
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
        for (size_t t = 0; t < partner->n_tokens; t++)
            insert(table, partner->tokens[t], partner);
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

const struct config_partner *credential_find(const struct credential_table *table,
                                             struct slice authorization)
{
    struct slice token = token_of(authorization);
    if (token.n == 0)
        return NULL;
    uint8_t hash[SHA256_BYTES];
    sha256_of(token, hash);
    for (size_t at = first_slot(table, hash); table->slots[at].partner;
         at = (at + 1) & table->mask) {
        if (memcmp(table->slots[at].hash, hash, sizeof hash) == 0)
            return table->slots[at].partner;
    }
    return NULL;
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
