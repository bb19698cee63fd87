/*
 * keyset.h - has this object had this key before?
 *
 * Shape   one open-addressed table of 64-bit hashes for all objects that are open, and the order
 *         in which they were added; an object's keys leave when it closes, last in first out
 * Owns    its two tables
 * Errors  KEY_NO_MEMORY
 *
 * Equal keys have equal hashes, so no duplicate is missed. Two keys that differ are taken for
 * duplicates with a chance of about 2^-64, under a key drawn when the process starts, so that
 * nobody can prepare such a pair: the answer is then refused, which harms no one.
 */
#ifndef SLUIS_TRANSFORM_KEYSET_H
#define SLUIS_TRANSFORM_KEYSET_H

#include "base/err.h"
#include "base/slice.h"

/* Draws the process's hash key once; call before key_hash(). */
SL_NODISCARD enum sl_err key_hash_init(void);
/* Of the key without its escapes. Never 0. Differs from process to process. */
uint64_t key_hash(struct slice key);

struct key_set {
    uint64_t *table; /* 0: free */
    uint32_t *order; /* slots in the table, in the order of adding */
    size_t n_slots;  /* a power of two, at least twice n_keys */
    size_t n_keys;
};

enum key_added { KEY_NEW, KEY_DUPLICATE, KEY_NO_MEMORY };

bool key_set_init(struct key_set *set);
void key_set_deinit(struct key_set *set);
/* Adds the key with this hash in the object that is open at `depth`. */
enum key_added key_set_add(struct key_set *set, uint64_t hash, size_t depth);
/* Forgets all but the first `n_keys`. */
void key_set_cut(struct key_set *set, size_t n_keys);
/* Forgets all, and gives memory back that few answers need. */
void key_set_reset(struct key_set *set);

#endif
