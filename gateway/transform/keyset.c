/*
 * keyset.c - linear probing with removal in reverse order
 *
 * Removal from an open-addressed table is hard in general, because an entry that was pushed past
 * a collision is found only through the slots before it. Here the entry that goes is always the
 * newest one: nothing was pushed past it, so its slot can simply be freed, and the table is again
 * what it was before that entry came. An object's keys are thus added and forgotten in constant
 * time each, however many members it has.
 *
 * All open objects share the table; `depth` is mixed into the entry, so that an inner object may
 * repeat its parent's key.
 */
#include "transform/keyset.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    SLOTS_START = 64,   /* few cache lines: most answers are small, and many are under way */
    SLOTS_KEPT = 16384, /* beyond, key_set_reset() gives the memory back */
};

static uint64_t hash_secret[2];
static bool hash_secret_is_drawn;
static pthread_once_t hash_secret_once = PTHREAD_ONCE_INIT;

static void draw_hash_secret(void)
{
    hash_secret_is_drawn =
        getrandom(hash_secret, sizeof hash_secret, 0) == (ssize_t)sizeof hash_secret;
    hash_secret[1] |= 1; /* a factor of zero would map all keys to one */
}

enum sl_err key_hash_init(void)
{
    pthread_once(&hash_secret_once, draw_hash_secret);
    return hash_secret_is_drawn ? SL_OK : SL_EINTERNAL;
}

__extension__ typedef unsigned __int128 wide;

/* Both halves of the product: each bit of the factors reaches the middle ones of it. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t load32(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Up to 8 bytes as one word, so that no two texts of one length share a word. */
static uint64_t load_short(struct slice key)
{
    if (key.n >= 4)
        return load32(key.p) | load32(key.p + key.n - 4) << 32;
    if (key.n == 0)
        return 0;
    return (uint64_t)key.p[0] | (uint64_t)key.p[key.n / 2] << 8 | (uint64_t)key.p[key.n - 1] << 16;
}

uint64_t key_hash(struct slice key)
{
    /* The length is a part of the secret factor: two lengths can't be played against each other. */
    uint64_t last_factor = hash_secret[1] ^ key.n;
    uint64_t hash = hash_secret[0];
    if (key.n <= 8)
        return fold(hash ^ load_short(key), last_factor) | 1;

    for (size_t at = 0; at + 8 < key.n; at += 8)
        hash = fold(hash ^ load64(key.p + at), hash_secret[1]) + hash_secret[0];
    /* The last eight bytes may overlap with the block before. */
    return fold(hash ^ load64(key.p + key.n - 8), last_factor) | 1;
}

bool key_set_init(struct key_set *set)
{
    *set = (struct key_set){
        .table = calloc(SLOTS_START, sizeof *set->table),
        .order = calloc(SLOTS_START / 2, sizeof *set->order),
        .n_slots = SLOTS_START,
    };
    return set->table && set->order;
}

void key_set_deinit(struct key_set *set)
{
    free(set->table);
    free(set->order);
    *set = (struct key_set){0};
}

/* The slot that holds `entry`, or the free one where it belongs. */
static size_t find_slot(const uint64_t *table, size_t n_slots, uint64_t entry)
{
    size_t slot = (entry >> 1) & (n_slots - 1);
    while (table[slot] != 0 && table[slot] != entry)
        slot = (slot + 1) & (n_slots - 1);
    return slot;
}

static bool double_slots(struct key_set *set)
{
    size_t n_slots = set->n_slots * 2;
    uint64_t *table = calloc(n_slots, sizeof *table);
    uint32_t *order = calloc(n_slots / 2, sizeof *order);
    if (!table || !order) {
        free(table);
        free(order);
        return false;
    }
    /* In the old order, so that removal in reverse stays right. */
    for (size_t i = 0; i < set->n_keys; i++) {
        uint64_t entry = set->table[set->order[i]];
        size_t slot = find_slot(table, n_slots, entry);
        table[slot] = entry;
        order[i] = (uint32_t)slot;
    }
    free(set->table);
    free(set->order);
    set->table = table;
    set->order = order;
    set->n_slots = n_slots;
    return true;
}

enum key_added key_set_add(struct key_set *set, uint64_t hash, size_t depth)
{
    /* An odd multiplier, so that no depth maps two keys to one entry; the lowest bit stays 1. */
    uint64_t entry = (hash + depth * 0x9e3779b97f4a7c16u) | 1;
    size_t slot = find_slot(set->table, set->n_slots, entry);
    if (set->table[slot] != 0)
        return KEY_DUPLICATE;
    if (set->n_keys == set->n_slots / 2) {
        if (!double_slots(set))
            return KEY_NO_MEMORY;
        slot = find_slot(set->table, set->n_slots, entry);
    }
    set->table[slot] = entry;
    set->order[set->n_keys++] = (uint32_t)slot;
    return KEY_NEW;
}

void key_set_cut(struct key_set *set, size_t n_keys)
{
    while (set->n_keys > n_keys)
        set->table[set->order[--set->n_keys]] = 0;
}

void key_set_reset(struct key_set *set)
{
    key_set_cut(set, 0);
    if (set->n_slots <= SLOTS_KEPT)
        return;
    uint64_t *table = realloc(set->table, SLOTS_START * sizeof *table);
    if (table)
        set->table = table;
    uint32_t *order = realloc(set->order, SLOTS_START / 2 * sizeof *order);
    if (order)
        set->order = order;
    set->n_slots = SLOTS_START;
}
