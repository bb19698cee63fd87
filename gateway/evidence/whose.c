/*
 * whose.c - a hash table of the tags that are awaited
 *
 * Open addressing, at most half full. A slot holds a subject's place plus one; the tag stands with
 * the subject. Tags are the output of an HMAC, so they are their own hash. Each subject is in the
 * table once: its old tag is taken out, by moving back what was pushed past it, before the new one
 * goes in.
 */
#include "evidence/whose.h"

#include "base/base64.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct waiting {
    struct hmac_key key;
    uint64_t n; /* of the next receipt */
    uint8_t tag[LEAF_TAG_BYTES];
};

struct whose {
    size_t n_subjects;
    struct waiting *subjects;
    uint32_t *slots; /* 0: free */
    uint32_t mask;
};

static uint32_t home_of(const struct whose *whose, const uint8_t tag[LEAF_TAG_BYTES])
{
    uint32_t hash;
    memcpy(&hash, tag, sizeof hash);
    return hash & whose->mask;
}

static const uint8_t *tag_in(const struct whose *whose, uint32_t slot)
{
    return whose->subjects[whose->slots[slot] - 1].tag;
}

static void put(struct whose *whose, size_t subject)
{
    uint32_t slot = home_of(whose, whose->subjects[subject].tag);
    while (whose->slots[slot] != 0)
        slot = (slot + 1) & whose->mask;
    whose->slots[slot] = (uint32_t)subject + 1;
}

/* Empties the slot, and moves back those behind it that would not be found any more. */
static void take_out(struct whose *whose, uint32_t slot)
{
    uint32_t hole = slot;
    for (uint32_t at = (slot + 1) & whose->mask; whose->slots[at] != 0;
         at = (at + 1) & whose->mask) {
        uint32_t from_home = (at - home_of(whose, tag_in(whose, at))) & whose->mask;
        uint32_t from_hole = (at - hole) & whose->mask;
        if (from_home < from_hole)
            continue;
        whose->slots[hole] = whose->slots[at];
        hole = at;
    }
    whose->slots[hole] = 0;
}

enum sl_err whose_new(const struct archive *archive, struct whose **out)
{
    SL_AUTO(whose) whose = calloc(1, sizeof *whose);
    if (!whose)
        return SL_EINTERNAL;
    if (archive->n_subjects > UINT32_MAX / 4)
        return SL_ELIMIT;
    uint32_t n_slots = 16;
    while (n_slots < 2 * archive->n_subjects)
        n_slots *= 2;
    whose->mask = n_slots - 1;
    whose->n_subjects = archive->n_subjects;
    whose->slots = calloc(n_slots, sizeof *whose->slots);
    whose->subjects = calloc(archive->n_subjects + 1, sizeof *whose->subjects);
    if (!whose->slots || !whose->subjects)
        return SL_EINTERNAL;
    for (size_t i = 0; i < archive->n_subjects; i++) {
        struct waiting *subject = &whose->subjects[i];
        hmac_key_init(&subject->key, slice_of(archive->subjects[i].key, EVIDENCE_KEY_BYTES));
        leaf_tag(&subject->key, 0, subject->tag);
        put(whose, i);
    }
    *out = whose;
    whose = NULL;
    return SL_OK;
}

void whose_free(struct whose *whose)
{
    if (!whose)
        return;
    if (whose->subjects)
        OPENSSL_cleanse(whose->subjects, whose->n_subjects * sizeof *whose->subjects);
    free(whose->subjects);
    free(whose->slots);
    free(whose);
}

bool whose_take(struct whose *whose, struct slice tag, size_t *subject, uint64_t *n)
{
    uint8_t bytes[LEAF_TAG_BYTES];
    if (!base64url_decode(tag, bytes, sizeof bytes))
        return false;
    uint32_t slot = home_of(whose, bytes);
    while (whose->slots[slot] != 0 && memcmp(tag_in(whose, slot), bytes, sizeof bytes) != 0)
        slot = (slot + 1) & whose->mask;
    if (whose->slots[slot] == 0)
        return false;
    *subject = whose->slots[slot] - 1;
    struct waiting *waiting = &whose->subjects[*subject];
    take_out(whose, slot);
    *n = waiting->n++;
    leaf_tag(&waiting->key, waiting->n, waiting->tag);
    put(whose, *subject);
    return true;
}

uint64_t whose_count(const struct whose *whose, size_t subject)
{
    return whose->subjects[subject].n;
}

const struct hmac_key *whose_key(const struct whose *whose, size_t subject)
{
    return &whose->subjects[subject].key;
}
