/*
 * subject_table.h - what the recorder keeps of the subjects that were active last
 *
 * Shape   a chained hash over a fixed pool of entries; a clock hand finds one that has rested and
 *         whose count is in the index. Ids are random, so they are their own hash.
 * Owns    the keys: an entry is wiped when it makes room, and all are wiped at the end
 * Threads the recorder's
 */
#ifndef SLUIS_LEDGER_SUBJECT_TABLE_H
#define SLUIS_LEDGER_SUBJECT_TABLE_H

#include "base/err.h"
#include "base/sha256.h"
#include "ledger/index.h"

enum { SUBJECT_TABLE_ENTRIES = 65536 };

struct subject_entry {
    uint8_t id[SUBJECT_ID_BYTES];
    struct hmac_key key;
    uint8_t label[INDEX_LABEL_BYTES];
    uint64_t n; /* the next number */
    uint64_t policy_version;
    uint32_t next_in_bucket;
    bool used, rested;
    bool dirty; /* n is not in the index yet */
    bool gone;  /* the subject was erased: only the label is left, to be dropped from the index */
    /* Its first number in an epoch, of those since the entry was added. */
    bool has_start, start_dirty; /* start_dirty: it is not in the index yet */
    uint64_t start_epoch, start;
};

struct subject_table;

SL_NODISCARD enum sl_err subject_table_new(uint32_t n_entries, struct subject_table **out);
void subject_table_free(struct subject_table *table);
SL_DEFINE_AUTO(subject_table, subject_table_free)

/* NULL when it is not there. */
struct subject_entry *subject_table_find(struct subject_table *table,
                                         const uint8_t id[SUBJECT_ID_BYTES]);
/* Makes sure that the next subject_table_add() finds room; false: all entries are dirty. */
bool subject_table_make_room(struct subject_table *table);
/* Adds an id that is not there, in the room that was made. */
struct subject_entry *subject_table_add(struct subject_table *table,
                                        const uint8_t id[SUBJECT_ID_BYTES]);
/* Wipes all but the label; what is left goes when the index has dropped it. */
void subject_table_erase(struct subject_table *table, struct subject_entry *entry);
/* Counts one more receipt, in this epoch. */
void subject_table_advance(struct subject_table *table, struct subject_entry *entry,
                           uint64_t epoch);

/* The entries whose count, or whose end, the index has not: [0, n_dirty). */
uint32_t subject_table_n_dirty(const struct subject_table *table);
const struct subject_entry *subject_table_dirty(const struct subject_table *table, uint32_t i);
void subject_table_clear_dirty(struct subject_table *table);

#endif
