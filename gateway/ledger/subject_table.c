/*
 * subject_table.c - a bounded hash table with a clock hand
 *
 *     buckets: [ 3 | . | 0 | . ]         entries: 0 1 2 3 ...
 *                |       `-------------------------^     hand ──▶ walks around: an entry that was
 *                `--------------▶ 3 ──▶ 1               used since the last visit rests first
 *
 * An entry whose count has not reached the index is never taken: its count would be lost, and a
 * number used twice. There can be at most a flush interval's worth of those while the index can be
 * written.
 */
#include "ledger/subject_table.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct subject_table {
    uint32_t n_entries, n_buckets; /* n_buckets: a power of two */
    uint32_t n_dirty;
    uint32_t hand;
    uint32_t room; /* an entry that was made free, or NONE */
    uint32_t *buckets;
    uint32_t *dirty;
    struct subject_entry *entries;
};

enum sl_err subject_table_new(uint32_t n_entries, struct subject_table **out)
{
    SL_ASSERT(n_entries > 0 && n_entries <= UINT32_MAX / 4);
    SL_AUTO(subject_table) table = calloc(1, sizeof *table);
    if (!table)
        return SL_EINTERNAL;
    table->n_entries = n_entries;
    table->n_buckets = 1;
    while (table->n_buckets < n_entries)
        table->n_buckets *= 2;
    table->room = NONE;
    table->buckets = calloc(table->n_buckets, sizeof *table->buckets);
    table->dirty = calloc(n_entries, sizeof *table->dirty);
    table->entries = calloc(n_entries, sizeof *table->entries);
    if (!table->buckets || !table->dirty || !table->entries)
        return SL_EINTERNAL;
    for (uint32_t i = 0; i < table->n_buckets; i++)
        table->buckets[i] = NONE;
    *out = table;
    table = NULL;
    return SL_OK;
}

void subject_table_free(struct subject_table *table)
{
    if (!table)
        return;
    if (table->entries)
        OPENSSL_cleanse(table->entries, table->n_entries * sizeof *table->entries);
    free(table->entries);
    free(table->dirty);
    free(table->buckets);
    free(table);
}

static uint32_t *bucket_of(struct subject_table *table, const uint8_t id[SUBJECT_ID_BYTES])
{
    uint32_t hash;
    memcpy(&hash, id, sizeof hash);
    return &table->buckets[hash & (table->n_buckets - 1)];
}

struct subject_entry *subject_table_find(struct subject_table *table,
                                         const uint8_t id[SUBJECT_ID_BYTES])
{
    for (uint32_t i = *bucket_of(table, id); i != NONE; i = table->entries[i].next_in_bucket) {
        struct subject_entry *entry = &table->entries[i];
        if (memcmp(entry->id, id, SUBJECT_ID_BYTES) == 0) {
            entry->rested = false;
            return entry;
        }
    }
    return NULL;
}

static void unlink_entry(struct subject_table *table, uint32_t at)
{
    struct subject_entry *entry = &table->entries[at];
    uint32_t *link = bucket_of(table, entry->id);
    while (*link != at)
        link = &table->entries[*link].next_in_bucket;
    *link = entry->next_in_bucket;
}

static void forget(struct subject_table *table, uint32_t victim)
{
    unlink_entry(table, victim);
    OPENSSL_cleanse(&table->entries[victim], sizeof table->entries[victim]);
}

bool subject_table_make_room(struct subject_table *table)
{
    if (table->room != NONE)
        return true;
    if (table->n_dirty == table->n_entries)
        return false;
    for (;;) {
        uint32_t at = table->hand;
        struct subject_entry *entry = &table->entries[at];
        table->hand = (at + 1) % table->n_entries;
        if (entry->used && (entry->dirty || !entry->rested)) {
            entry->rested = true;
            continue;
        }
        if (entry->used)
            forget(table, at);
        table->room = at;
        return true;
    }
}

struct subject_entry *subject_table_add(struct subject_table *table,
                                        const uint8_t id[SUBJECT_ID_BYTES])
{
    SL_ASSERT(table->room != NONE);
    uint32_t at = table->room;
    table->room = NONE;
    struct subject_entry *entry = &table->entries[at];
    uint32_t *bucket = bucket_of(table, id);
    memcpy(entry->id, id, SUBJECT_ID_BYTES);
    entry->used = true;
    entry->next_in_bucket = *bucket;
    *bucket = at;
    return entry;
}

static void make_dirty(struct subject_table *table, struct subject_entry *entry)
{
    if (entry->dirty)
        return;
    SL_ASSERT(table->n_dirty < table->n_entries);
    entry->dirty = true;
    table->dirty[table->n_dirty++] = (uint32_t)(entry - table->entries);
}

void subject_table_advance(struct subject_table *table, struct subject_entry *entry, uint64_t epoch)
{
    if (!entry->has_start || entry->start_epoch != epoch) {
        entry->has_start = entry->start_dirty = true;
        entry->start_epoch = epoch;
        entry->start = entry->n;
    }
    entry->n++;
    make_dirty(table, entry);
}

void subject_table_erase(struct subject_table *table, struct subject_entry *entry)
{
    make_dirty(table, entry);
    unlink_entry(table, (uint32_t)(entry - table->entries));
    struct subject_entry rest = {.used = true, .dirty = true, .gone = true};
    memcpy(rest.label, entry->label, sizeof rest.label);
    OPENSSL_cleanse(entry, sizeof *entry);
    *entry = rest;
}

uint32_t subject_table_n_dirty(const struct subject_table *table)
{
    return table->n_dirty;
}

const struct subject_entry *subject_table_dirty(const struct subject_table *table, uint32_t i)
{
    SL_ASSERT(i < table->n_dirty);
    return &table->entries[table->dirty[i]];
}

void subject_table_clear_dirty(struct subject_table *table)
{
    for (uint32_t i = 0; i < table->n_dirty; i++) {
        struct subject_entry *entry = &table->entries[table->dirty[i]];
        entry->dirty = entry->start_dirty = false;
        if (entry->gone)
            OPENSSL_cleanse(entry, sizeof *entry);
    }
    table->n_dirty = 0;
}
