/*
 * tag_set.c - a hash set of 16-byte tags, at most half full
 *
 * The tag of all zeros marks a free slot; that a real tag is all zeros happens once in 2^128.
 */
#include "ledger/tag_set.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t free_slot[LEAF_TAG_BYTES];

enum sl_err tag_set_init(struct tag_set *set, uint32_t n_tags_max)
{
    SL_ASSERT(n_tags_max > 0 && n_tags_max <= UINT32_MAX / 4 &&
              (n_tags_max & (n_tags_max - 1)) == 0);
    uint8_t(*slots)[LEAF_TAG_BYTES] = calloc(2 * (size_t)n_tags_max, LEAF_TAG_BYTES);
    if (!slots)
        return SL_EINTERNAL;
    *set = (struct tag_set){slots, 2 * n_tags_max, 0, n_tags_max};
    return SL_OK;
}

void tag_set_deinit(struct tag_set *set)
{
    free(set->slots);
    memset(set, 0, sizeof *set);
}

bool tag_set_is_full(const struct tag_set *set)
{
    return set->n_tags == set->n_tags_max;
}

void tag_set_clear(struct tag_set *set)
{
    memset(set->slots, 0, (size_t)set->n_slots * LEAF_TAG_BYTES);
    set->n_tags = 0;
}

/* The slot of `tag`, or the free one where it would stand. */
static uint32_t slot_of(const struct tag_set *set, const uint8_t tag[LEAF_TAG_BYTES])
{
    uint32_t at;
    memcpy(&at, tag, sizeof at);
    for (;; at++) {
        at &= set->n_slots - 1;
        if (memcmp(set->slots[at], free_slot, LEAF_TAG_BYTES) == 0 ||
            memcmp(set->slots[at], tag, LEAF_TAG_BYTES) == 0)
            return at;
    }
}

void tag_set_add(struct tag_set *set, const uint8_t tag[LEAF_TAG_BYTES])
{
    SL_ASSERT(!tag_set_is_full(set));
    uint32_t at = slot_of(set, tag);
    if (memcmp(set->slots[at], tag, LEAF_TAG_BYTES) == 0)
        return;
    memcpy(set->slots[at], tag, LEAF_TAG_BYTES);
    set->n_tags++;
}

bool tag_set_has(const struct tag_set *set, const uint8_t tag[LEAF_TAG_BYTES])
{
    uint32_t at = slot_of(set, tag);
    return memcmp(set->slots[at], free_slot, LEAF_TAG_BYTES) != 0;
}
