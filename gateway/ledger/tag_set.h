/*
 * tag_set.h - the tags of the receipts that are read again at start
 *
 * Shape   open addressing over a fixed number of slots; tags are the output of an HMAC, so they
 *         are their own hash
 * Owns    its slots
 */
#ifndef SLUIS_LEDGER_TAG_SET_H
#define SLUIS_LEDGER_TAG_SET_H

#include "base/err.h"
#include "ledger/leaf.h"

struct tag_set {
    uint8_t (*slots)[LEAF_TAG_BYTES]; /* all zeros: free */
    uint32_t n_slots;                 /* a power of two */
    uint32_t n_tags, n_tags_max;
};

/* An empty set is all zeros, and can be deinitialised. n_tags_max is a power of two. */
SL_NODISCARD enum sl_err tag_set_init(struct tag_set *set, uint32_t n_tags_max);
void tag_set_deinit(struct tag_set *set);
bool tag_set_is_full(const struct tag_set *set);
void tag_set_clear(struct tag_set *set);
/* A tag that is there already is not added twice. The set must not be full. */
void tag_set_add(struct tag_set *set, const uint8_t tag[LEAF_TAG_BYTES]);
bool tag_set_has(const struct tag_set *set, const uint8_t tag[LEAF_TAG_BYTES]);

#endif
