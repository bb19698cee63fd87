/*
 * situations.c - sixteen small hash tables for each app, each with a lock of its own
 *
 *     app ──▶ shard by a byte of the hash ──▶ open addressing by the first eight
 *
 *     a slot  | user: 16 bytes of HMAC | ends, by two clocks | up to 8 places in the word list |
 *
 * Data threads look somebody up only when a consent for the flow at hand asks for a situation
 * (decide_asks_situations), and hold the lock for one probe. So it is hardly ever waited for, and
 * costs less than the hash of the name; a table without locks would save nothing that can be
 * measured.
 *
 * Full means refused, not that somebody else's entry has to go: an app would have been told that
 * its word is kept, and flows would be refused without a reason that anybody can see. First all
 * that ended goes. A shard remembers a bound for when its first entry ends, so an app that goes on
 * knocking at a full table costs sixteen looks and no search.
 *
 * Lifetimes are counted by both clocks. The monotonic one can't be set, so nobody drives for a day
 * longer because a clock was set back; the wall clock goes on while a machine sleeps.
 */
#include "flow/situations.h"

#include "base/sha256.h"
#include "base/timestamp.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { USER_BYTES = 16, N_SHARDS = 16, SLOTS_MIN = 8, MS_PER_S = 1000 };

static const int64_t never_ms = INT64_MAX;

struct entry {
    uint8_t user[USER_BYTES];
    int64_t ends_ms, ends_wall_ms;
    uint16_t places[LIMIT_MAX_told_situations]; /* among the sorted words */
    uint16_t n;                                 /* 0: the slot is free */
};

struct shard {
    pthread_mutex_t lock; /* of all below */
    struct entry *slots;
    size_t n, n_slots;                         /* a power of two, and more than n; or none */
    int64_t first_ends_ms, first_ends_wall_ms; /* no entry ends before them */
};

struct app_table {
    atomic_size_t n; /* entries in all shards, and places taken for those about to be */
    struct shard shards[N_SHARDS];
};

struct situations {
    struct hmac_key key;
    size_t cap, n_words, n_apps;
    const struct vocabulary_term **words; /* the vocabulary's, in the order of their names */
    struct app_table *apps;
};

/* --- words ----------------------------------------------------------------------------------- */

static int compare_words(const void *a, const void *b)
{
    const struct vocabulary_term *const *x = a, *const *y = b;
    return slice_compare((*x)->name, (*y)->name);
}

static uint16_t place_of(const struct situations *situations, const struct vocabulary_term *term)
{
    const struct vocabulary_term **found = bsearch(&term, situations->words, situations->n_words,
                                                   sizeof *situations->words, compare_words);
    SL_ASSERT(found);
    return (uint16_t)(found - situations->words);
}

static int compare_places(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* --- one shard, with its lock ---------------------------------------------------------------- */

static size_t home_of(const struct shard *shard, const uint8_t *user)
{
    uint64_t hash;
    memcpy(&hash, user, sizeof hash);
    return (size_t)hash & (shard->n_slots - 1);
}

/* The user's slot, or the free one where it would be. There is a free one. */
static struct entry *find(const struct shard *shard, const uint8_t *user)
{
    size_t at = home_of(shard, user);
    while (shard->slots[at].n > 0 && memcmp(shard->slots[at].user, user, USER_BYTES) != 0)
        at = (at + 1) & (shard->n_slots - 1);
    return &shard->slots[at];
}

static bool has_ended(const struct entry *entry, struct situations_now now)
{
    return now.monotonic_ms >= entry->ends_ms || now.wall_ms >= entry->ends_wall_ms;
}

/* Moves back what a probe would not find behind the gap. */
static void remove_entry(struct app_table *app, struct shard *shard, struct entry *gone)
{
    const size_t mask = shard->n_slots - 1;
    size_t gap = (size_t)(gone - shard->slots);
    for (size_t at = (gap + 1) & mask; shard->slots[at].n > 0; at = (at + 1) & mask) {
        const size_t home = home_of(shard, shard->slots[at].user);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            shard->slots[gap] = shard->slots[at];
            gap = at;
        }
    }
    memset(&shard->slots[gap], 0, sizeof *shard->slots);
    shard->n--;
    atomic_fetch_sub(&app->n, 1);
}

static void note_end(struct shard *shard, const struct entry *entry)
{
    if (entry->ends_ms < shard->first_ends_ms)
        shard->first_ends_ms = entry->ends_ms;
    if (entry->ends_wall_ms < shard->first_ends_wall_ms)
        shard->first_ends_wall_ms = entry->ends_wall_ms;
}

/* Takes out what ended. A slot is looked at again when another entry was moved into it. */
static void sweep(struct app_table *app, struct shard *shard, struct situations_now now)
{
    shard->first_ends_ms = shard->first_ends_wall_ms = never_ms;
    for (size_t i = 0; i < shard->n_slots; i++) {
        while (shard->slots[i].n > 0 && has_ended(&shard->slots[i], now))
            remove_entry(app, shard, &shard->slots[i]);
        if (shard->slots[i].n > 0)
            note_end(shard, &shard->slots[i]);
    }
}

static void sweep_if_due(struct app_table *app, struct shard *shard, struct situations_now now)
{
    if (now.monotonic_ms >= shard->first_ends_ms || now.wall_ms >= shard->first_ends_wall_ms)
        sweep(app, shard, now);
}

/* Room for one more, with a quarter of the slots free. */
static bool make_room(struct shard *shard)
{
    if (4 * (shard->n + 1) <= 3 * shard->n_slots)
        return true;
    struct shard larger = {.n_slots = shard->n_slots > 0 ? 2 * shard->n_slots : SLOTS_MIN};
    larger.slots = calloc(larger.n_slots, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < shard->n_slots; i++) {
        if (shard->slots[i].n > 0)
            *find(&larger, shard->slots[i].user) = shard->slots[i];
    }
    free(shard->slots);
    shard->slots = larger.slots;
    shard->n_slots = larger.n_slots;
    return true;
}

/* A place among the app's; it is the caller's to use or to give back. */
static bool take_place(const struct situations *situations, struct app_table *app)
{
    if (atomic_fetch_add(&app->n, 1) < situations->cap)
        return true;
    atomic_fetch_sub(&app->n, 1);
    return false;
}

static enum situations_outcome put(const struct situations *situations, struct app_table *app,
                                   struct shard *shard, const struct entry *entry)
{
    struct entry *slot = shard->n_slots > 0 ? find(shard, entry->user) : NULL;
    if (!slot || slot->n == 0) {
        if (!take_place(situations, app))
            return SITUATIONS_FULL;
        if (!make_room(shard)) {
            atomic_fetch_sub(&app->n, 1);
            return SITUATIONS_NO_MEMORY;
        }
        slot = find(shard, entry->user);
        shard->n++;
    }
    *slot = *entry;
    note_end(shard, entry);
    return SITUATIONS_TOLD;
}

/* --- the table ------------------------------------------------------------------------------- */

static void hash_user(const struct situations *situations, struct slice user,
                      uint8_t out[USER_BYTES])
{
    uint8_t full[SHA256_BYTES];
    struct sha256 hash;
    hmac_begin(&situations->key, &hash);
    sha256_add(&hash, user);
    hmac_end(&situations->key, &hash, full);
    memcpy(out, full, USER_BYTES);
}

static struct shard *shard_of(struct app_table *app, const uint8_t user[USER_BYTES])
{
    return &app->shards[user[USER_BYTES - 1] % N_SHARDS];
}

struct situations_now situations_clock(void)
{
    return (struct situations_now){clock_monotonic_ms(), clock_now_ms()};
}

/* True when something ended. *wait_s: until the next that will. */
static bool make_places(struct app_table *app, struct situations_now now, uint32_t *wait_s)
{
    const size_t n_before = atomic_load(&app->n);
    int64_t first_ends_ms = never_ms;
    for (size_t i = 0; i < N_SHARDS; i++) {
        struct shard *shard = &app->shards[i];
        pthread_mutex_lock(&shard->lock);
        sweep_if_due(app, shard, now);
        if (shard->first_ends_ms < first_ends_ms)
            first_ends_ms = shard->first_ends_ms;
        pthread_mutex_unlock(&shard->lock);
    }
    int64_t wait_ms = first_ends_ms == never_ms ? 0 : first_ends_ms - now.monotonic_ms;
    *wait_s = wait_ms <= 0 ? 1 : (uint32_t)((wait_ms + MS_PER_S - 1) / MS_PER_S);
    return atomic_load(&app->n) < n_before;
}

enum situations_outcome situations_tell(struct situations *situations, size_t app_index,
                                        struct slice user, const struct situations_told *told,
                                        struct situations_now now, uint32_t *wait_s)
{
    SL_ASSERT(app_index < situations->n_apps);
    SL_ASSERT(told->n > 0 && told->n <= LIMIT_MAX_told_situations);
    struct app_table *app = &situations->apps[app_index];
    struct entry entry = {
        .ends_ms = now.monotonic_ms + (int64_t)told->left_s * MS_PER_S,
        .ends_wall_ms = now.wall_ms + (int64_t)told->left_s * MS_PER_S,
        .n = (uint16_t)told->n,
    };
    for (size_t i = 0; i < told->n; i++)
        entry.places[i] = place_of(situations, told->terms[i]);
    qsort(entry.places, entry.n, sizeof *entry.places, compare_places);
    hash_user(situations, user, entry.user);

    struct shard *shard = shard_of(app, entry.user);
    for (;;) {
        pthread_mutex_lock(&shard->lock);
        sweep_if_due(app, shard, now);
        enum situations_outcome outcome = put(situations, app, shard, &entry);
        pthread_mutex_unlock(&shard->lock);
        if (outcome != SITUATIONS_FULL || !make_places(app, now, wait_s))
            return outcome;
    }
}

void situations_forget(struct situations *situations, size_t app_index, struct slice user)
{
    SL_ASSERT(app_index < situations->n_apps);
    struct app_table *app = &situations->apps[app_index];
    uint8_t hash[USER_BYTES];
    hash_user(situations, user, hash);
    struct shard *shard = shard_of(app, hash);
    pthread_mutex_lock(&shard->lock);
    struct entry *slot = shard->n_slots > 0 ? find(shard, hash) : NULL;
    if (slot && slot->n > 0)
        remove_entry(app, shard, slot);
    pthread_mutex_unlock(&shard->lock);
}

void situations_known(struct situations *situations, size_t app_index, struct slice user,
                      struct situations_now now, struct situations_told *out)
{
    SL_ASSERT(app_index < situations->n_apps);
    struct app_table *app = &situations->apps[app_index];
    struct entry entry = {.n = 0};
    uint8_t hash[USER_BYTES];
    hash_user(situations, user, hash);
    struct shard *shard = shard_of(app, hash);
    pthread_mutex_lock(&shard->lock);
    if (shard->n_slots > 0)
        entry = *find(shard, hash);
    pthread_mutex_unlock(&shard->lock);

    out->n = 0;
    out->left_s = 0;
    if (entry.n == 0 || has_ended(&entry, now))
        return;
    int64_t left_ms = entry.ends_ms - now.monotonic_ms;
    if (entry.ends_wall_ms - now.wall_ms < left_ms)
        left_ms = entry.ends_wall_ms - now.wall_ms;
    out->left_s = (uint32_t)((left_ms + MS_PER_S - 1) / MS_PER_S);
    for (out->n = 0; out->n < entry.n; out->n++)
        out->terms[out->n] = situations->words[entry.places[out->n]];
}

size_t situations_count(struct situations *situations, struct situations_now now)
{
    size_t n = 0;
    for (size_t i = 0; i < situations->n_apps; i++) {
        for (size_t k = 0; k < N_SHARDS; k++) {
            struct shard *shard = &situations->apps[i].shards[k];
            pthread_mutex_lock(&shard->lock);
            sweep(&situations->apps[i], shard, now);
            n += shard->n;
            pthread_mutex_unlock(&shard->lock);
        }
    }
    return n;
}

/* --- making and freeing ---------------------------------------------------------------------- */

static enum sl_err make_key(struct hmac_key *key)
{
    uint8_t secret[SHA256_BYTES];
    if (RAND_priv_bytes(secret, sizeof secret) != 1)
        return SL_EINTERNAL;
    hmac_key_init(key, slice_of(secret, sizeof secret));
    OPENSSL_cleanse(secret, sizeof secret);
    return SL_OK;
}

static enum sl_err sort_words(struct situations *situations, const struct vocabulary *vocabulary)
{
    situations->n_words = vocabulary_n_situations(vocabulary);
    SL_ASSERT(situations->n_words <= UINT16_MAX);
    situations->words = calloc(situations->n_words + 1, sizeof *situations->words);
    if (!situations->words)
        return SL_EINTERNAL;
    for (size_t i = 0; i < situations->n_words; i++)
        situations->words[i] = vocabulary_situation_at(vocabulary, i);
    qsort(situations->words, situations->n_words, sizeof *situations->words, compare_words);
    return SL_OK;
}

static enum sl_err make_tables(struct situations *situations, const struct config *config)
{
    situations->apps = calloc(config->n_apps + 1, sizeof *situations->apps);
    if (!situations->apps)
        return SL_EINTERNAL;
    situations->n_apps = config->n_apps;
    for (size_t i = 0; i < config->n_apps; i++) {
        for (size_t k = 0; k < N_SHARDS; k++) {
            struct shard *shard = &situations->apps[i].shards[k];
            shard->first_ends_ms = shard->first_ends_wall_ms = never_ms;
            pthread_mutex_init(&shard->lock, NULL);
        }
    }
    return SL_OK;
}

enum sl_err situations_new(const struct config *config, struct situations **out)
{
    SL_AUTO(situations) situations = calloc(1, sizeof *situations);
    if (!situations)
        return SL_EINTERNAL;
    situations->cap = config->limits.situations;
    SL_TRY(make_key(&situations->key));
    SL_TRY(sort_words(situations, config->vocabulary));
    SL_TRY(make_tables(situations, config));
    *out = situations;
    situations = NULL;
    return SL_OK;
}

void situations_free(struct situations *situations)
{
    if (!situations)
        return;
    for (size_t i = 0; i < situations->n_apps; i++) {
        for (size_t k = 0; k < N_SHARDS; k++) {
            free(situations->apps[i].shards[k].slots);
            pthread_mutex_destroy(&situations->apps[i].shards[k].lock);
        }
    }
    OPENSSL_cleanse(&situations->key, sizeof situations->key);
    free(situations->apps);
    free(situations->words);
    free(situations);
}
