/*
 * session.c - two arrays that are walked from end to end
 *
 * A walk over a thousand digests takes microseconds, and a page is asked for by people; so there is
 * no index to get wrong. A token is compared by its digest, so the time that a comparison takes
 * says nothing about the token.
 */
#include "edge/page/session.h"

#include "base/base64.h"
#include "base/sha256.h"
#include "base/writer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES = 32 };

struct link_entry {
    int64_t end_ms; /* 0: free */
    uint8_t digest[SHA256_BYTES];
    uint8_t subject[SESSION_SUBJECT_BYTES];
};

struct session_entry {
    bool taken;
    uint8_t digest[SHA256_BYTES];
    struct session session;
};

struct session_table {
    pthread_mutex_t lock;
    uint64_t n_ever;
    struct link_entry links[SESSION_LINKS_MAX];
    struct session_entry sessions[SESSIONS_MAX];
};

enum sl_err session_table_new(struct session_table **out)
{
    struct session_table *table = calloc(1, sizeof *table);
    if (!table)
        return SL_EINTERNAL;
    pthread_mutex_init(&table->lock, NULL);
    *out = table;
    return SL_OK;
}

void session_table_free(struct session_table *table)
{
    if (!table)
        return;
    pthread_mutex_destroy(&table->lock);
    OPENSSL_clear_free(table, sizeof *table);
}

/* A random token as text, and its digest. */
static enum sl_err draw(char text[SESSION_TOKEN_CHARS + 1], uint8_t digest[SHA256_BYTES])
{
    uint8_t bytes[TOKEN_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return SL_EINTERNAL;
    struct writer writer = writer_over(text, SESSION_TOKEN_CHARS);
    write_base64url(&writer, slice_of(bytes, sizeof bytes));
    SL_ASSERT(writer.n == SESSION_TOKEN_CHARS && !writer.overflow);
    text[writer.n] = 0;
    sha256_of(writer_slice(&writer), digest);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return SL_OK;
}

static bool digest_of(struct slice token, uint8_t digest[SHA256_BYTES])
{
    if (token.n != SESSION_TOKEN_CHARS || !base64url_is_canonical(token, TOKEN_BYTES))
        return false;
    sha256_of(token, digest);
    return true;
}

static bool is_same(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
    return CRYPTO_memcmp(a, b, SHA256_BYTES) == 0;
}

static bool is_of(const uint8_t a[SESSION_SUBJECT_BYTES], const uint8_t b[SESSION_SUBJECT_BYTES])
{
    return memcmp(a, b, SESSION_SUBJECT_BYTES) == 0;
}

/* ----------------------------------------------------------------------------------- links -- */

enum sl_err session_link_new(struct session_table *table,
                             const uint8_t subject[SESSION_SUBJECT_BYTES], int64_t now_ms,
                             char token[SESSION_TOKEN_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    SL_TRY(draw(token, digest));
    pthread_mutex_lock(&table->lock);
    struct link_entry *oldest = &table->links[0];
    for (size_t i = 1; i < SESSION_LINKS_MAX; i++)
        if (table->links[i].end_ms < oldest->end_ms)
            oldest = &table->links[i];
    oldest->end_ms = now_ms + SESSION_LINK_MS;
    memcpy(oldest->digest, digest, sizeof digest);
    memcpy(oldest->subject, subject, sizeof oldest->subject);
    pthread_mutex_unlock(&table->lock);
    return SL_OK;
}

static struct link_entry *link_find(struct session_table *table, const uint8_t digest[SHA256_BYTES],
                                    int64_t now_ms)
{
    for (size_t i = 0; i < SESSION_LINKS_MAX; i++) {
        struct link_entry *link = &table->links[i];
        if (link->end_ms > now_ms && is_same(link->digest, digest))
            return link;
    }
    return NULL;
}

bool session_link_holds(struct session_table *table, struct slice token, int64_t now_ms)
{
    uint8_t digest[SHA256_BYTES];
    if (!digest_of(token, digest))
        return false;
    pthread_mutex_lock(&table->lock);
    const bool holds = link_find(table, digest, now_ms) != NULL;
    pthread_mutex_unlock(&table->lock);
    return holds;
}

/* -------------------------------------------------------------------------------- sessions -- */

static bool entry_holds(const struct session_entry *entry, int64_t now_ms)
{
    return entry->taken && now_ms < entry->session.used_ms + SESSION_IDLE_MS &&
           now_ms < entry->session.began_ms + SESSION_AGE_MAX_MS;
}

static void entry_end(struct session_entry *entry)
{
    OPENSSL_cleanse(entry, sizeof *entry);
}

/* A free one, or the one that was used longest ago. */
static struct session_entry *entry_for_new(struct session_table *table, int64_t now_ms)
{
    struct session_entry *oldest = &table->sessions[0];
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session_entry *entry = &table->sessions[i];
        if (!entry_holds(entry, now_ms))
            return entry;
        if (entry->session.used_ms < oldest->session.used_ms)
            oldest = entry;
    }
    return oldest;
}

bool session_open(struct session_table *table, struct slice link, int64_t now_ms,
                  char token[SESSION_TOKEN_CHARS + 1], struct session *out)
{
    struct session_entry fresh = {.taken = true};
    uint8_t link_digest[SHA256_BYTES], csrf_digest[SHA256_BYTES];
    if (!digest_of(link, link_digest) || draw(token, fresh.digest) != SL_OK ||
        draw(fresh.session.csrf, csrf_digest) != SL_OK)
        return false;
    fresh.session.began_ms = fresh.session.used_ms = now_ms;

    pthread_mutex_lock(&table->lock);
    struct link_entry *spent = link_find(table, link_digest, now_ms);
    if (spent) {
        fresh.session.number = ++table->n_ever;
        memcpy(fresh.session.subject, spent->subject, sizeof fresh.session.subject);
        *entry_for_new(table, now_ms) = fresh;
        *out = fresh.session;
        OPENSSL_cleanse(spent, sizeof *spent);
    }
    pthread_mutex_unlock(&table->lock);
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return spent != NULL;
}

bool session_use(struct session_table *table, struct slice token, int64_t now_ms,
                 struct session *out)
{
    uint8_t digest[SHA256_BYTES];
    if (!digest_of(token, digest))
        return false;
    bool found = false;
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
        struct session_entry *entry = &table->sessions[i];
        if (!entry->taken || !is_same(entry->digest, digest))
            continue;
        if (!entry_holds(entry, now_ms)) {
            entry_end(entry);
            break;
        }
        entry->session.used_ms = now_ms;
        *out = entry->session;
        found = true;
    }
    pthread_mutex_unlock(&table->lock);
    return found;
}

bool session_end(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES],
                 uint64_t number)
{
    bool found = false;
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session_entry *entry = &table->sessions[i];
        if (!entry->taken || entry->session.number != number ||
            !is_of(entry->session.subject, subject))
            continue;
        entry_end(entry);
        found = true;
    }
    pthread_mutex_unlock(&table->lock);
    return found;
}

void session_end_all(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES])
{
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (table->sessions[i].taken && is_of(table->sessions[i].session.subject, subject))
            entry_end(&table->sessions[i]);
    for (size_t i = 0; i < SESSION_LINKS_MAX; i++)
        if (is_of(table->links[i].subject, subject))
            OPENSSL_cleanse(&table->links[i], sizeof table->links[i]);
    pthread_mutex_unlock(&table->lock);
}

size_t session_list(struct session_table *table, const uint8_t subject[SESSION_SUBJECT_BYTES],
                    int64_t now_ms, struct session *out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < SESSIONS_MAX && n < max; i++)
        if (entry_holds(&table->sessions[i], now_ms) &&
            is_of(table->sessions[i].session.subject, subject))
            out[n++] = table->sessions[i].session;
    pthread_mutex_unlock(&table->lock);
    return n;
}
