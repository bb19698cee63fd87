/*
 * tag_check.c - a set of 32-bit values that stands in for one of tags, and a second look
 *
 * Ten million tags are 160 MB, and a verifier should not need that. So a pass keeps 32 bits of a
 * hash of each tag, at a place that 24 other bits of it say:
 *
 *     hash of the tag   | which part | where in the table | ...... | value, 32 bits |
 *
 *     table (linear     |  . | 91 | 07 | 3c |  . |  . | 5e |  . | ... |    u32; 0: free
 *     probing)               \____ a run is searched for the value
 *
 * A value that is there already makes the tag a *suspect*: it is a duplicate, or one of the few
 * that meet another's value by chance (one in a billion of those that are added). A tag that comes
 * for the second time is always a suspect. The suspects' tags are kept whole, and one more pass
 * tells for each whether an earlier receipt has exactly its tag. Without suspects there is no such
 * pass.
 *
 * Where the table is too small for the ledger, the tags are parted by the uppermost bits of their
 * hash, and each part is a pass. Should a table fill up all the same, there are twice as many
 * parts, and all begins anew.
 *
 * The hash has a key that is drawn for each check: who writes tags is the one who is audited, and
 * must not be able to choose them so that they meet.
 */
#include "ledger/tag_check.h"

#include "ledger/leaf_layout.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#ifndef TAG_VALUE_BITS
#define TAG_VALUE_BITS 32 /* a test takes fewer, to have suspects */
#endif

enum {
    SUSPECTS_MAX = 4096,
    /* Tags wait so long after their place in the table was asked for, that it is there. */
    WAITING_MAX = 16,
    FILTER_BITS = 1 << 16,
};

struct tag {
    uint64_t hash, receipt;
    char text[LEAF_TAG_CHARS];
};

struct suspect {
    struct tag tag;
    bool has_twin;
    uint64_t twin; /* the first receipt with this tag */
};

struct tag_check {
    uint64_t key[4];
    uint64_t n_parts, part; /* tags of this part are added */
    uint32_t *values;       /* 0: free */
    uint64_t n_values, n_values_max, n_slots;
    struct tag waiting[WAITING_MAX]; /* a ring */
    size_t n_waiting, next_waiting;
    bool is_full; /* this pass has not seen all of its tags */
    bool is_settling;
    size_t n_suspects;
    struct suspect suspects[SUSPECTS_MAX]; /* sorted by hash while settling */
    uint64_t filter[FILTER_BITS / 64];     /* of the suspects' hashes */
    bool has_twins;
    uint64_t first, second;
};

/* ------------------------------------------------------------------------------- hashing -- */

static uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

__extension__ typedef unsigned __int128 uint128;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* A tag has one text, so the text is as good as its bytes. */
static uint64_t hash_of(const struct tag_check *check, const char text[LEAF_TAG_CHARS])
{
    _Static_assert((int)LEAF_TAG_CHARS >= 16 && (int)LEAF_TAG_CHARS <= 24, "three words cover it");
    uint64_t inner = mix(load(text) ^ check->key[0], load(text + 8) ^ check->key[1]);
    return mix(inner ^ check->key[2], load(text + LEAF_TAG_CHARS - 8) ^ check->key[3]);
}

/* The part of `hash`, and its place in a table of n_slots. */
static uint64_t part_of(const struct tag_check *check, uint64_t hash, uint64_t *slot)
{
    uint128 parts = (uint128)hash * check->n_parts;
    *slot = (uint64_t)((uint128)(uint64_t)parts * check->n_slots >> 64);
    return (uint64_t)(parts >> 64);
}

/* ---------------------------------------------------------------------------- collecting -- */

static void suspect(struct tag_check *check, const struct tag *tag)
{
    check->is_full = check->is_full || check->n_suspects == SUSPECTS_MAX;
    if (!check->is_full)
        check->suspects[check->n_suspects++] = (struct suspect){.tag = *tag};
}

static void put(struct tag_check *check, const struct tag *tag)
{
    uint64_t slot;
    (void)part_of(check, tag->hash, &slot);
    uint32_t value = (uint32_t)(tag->hash & ((UINT64_C(1) << TAG_VALUE_BITS) - 1));
    if (value == 0)
        value = 1;
    while (check->values[slot] != 0 && check->values[slot] != value)
        slot = slot + 1 < check->n_slots ? slot + 1 : 0;
    if (check->values[slot] == value) {
        suspect(check, tag);
        return;
    }
    check->is_full = check->is_full || check->n_values == check->n_values_max;
    if (check->is_full)
        return;
    check->values[slot] = value;
    check->n_values++;
}

static void collect(struct tag_check *check, uint64_t hash, uint64_t receipt, const char *text)
{
    uint64_t slot;
    if (part_of(check, hash, &slot) != check->part)
        return;
    __builtin_prefetch(&check->values[slot], 1);
    struct tag *place = &check->waiting[check->next_waiting];
    if (check->n_waiting == WAITING_MAX)
        put(check, place);
    else
        check->n_waiting++;
    place->hash = hash;
    place->receipt = receipt;
    memcpy(place->text, text, sizeof place->text);
    check->next_waiting = (check->next_waiting + 1) % WAITING_MAX;
}

static void put_waiting(struct tag_check *check)
{
    size_t oldest = check->next_waiting + WAITING_MAX - check->n_waiting;
    for (size_t i = 0; i < check->n_waiting; i++)
        put(check, &check->waiting[(oldest + i) % WAITING_MAX]);
    check->n_waiting = 0;
}

static void begin_part(struct tag_check *check, uint64_t part)
{
    check->part = part;
    check->is_full = false;
    check->n_values = 0;
    memset(check->values, 0, check->n_slots * sizeof *check->values);
}

/* ------------------------------------------------------------------------------ settling -- */

static int compare_hashes(const void *a, const void *b)
{
    const struct suspect *left = a, *right = b;
    if (left->tag.hash != right->tag.hash)
        return left->tag.hash < right->tag.hash ? -1 : 1;
    return left->tag.receipt < right->tag.receipt ? -1 : left->tag.receipt > right->tag.receipt;
}

static void begin_settling(struct tag_check *check)
{
    check->is_settling = true;
    qsort(check->suspects, check->n_suspects, sizeof *check->suspects, compare_hashes);
    memset(check->filter, 0, sizeof check->filter);
    for (size_t i = 0; i < check->n_suspects; i++) {
        uint64_t bit = check->suspects[i].tag.hash % FILTER_BITS;
        check->filter[bit / 64] |= UINT64_C(1) << bit % 64;
    }
}

/* The first suspect of this hash, or the place where it would stand. */
static size_t find_suspect(const struct tag_check *check, uint64_t hash)
{
    size_t low = 0, high = check->n_suspects;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (check->suspects[middle].tag.hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A receipt before the suspect's own is its twin, or a chance meeting. */
static void settle(struct tag_check *check, uint64_t hash, uint64_t receipt, const char *text)
{
    if (!(check->filter[hash % FILTER_BITS / 64] >> hash % 64 & 1))
        return;
    for (size_t i = find_suspect(check, hash);
         i < check->n_suspects && check->suspects[i].tag.hash == hash; i++) {
        struct suspect *found = &check->suspects[i];
        if (memcmp(found->tag.text, text, LEAF_TAG_CHARS) != 0)
            continue;
        if (receipt < found->tag.receipt && !found->has_twin) {
            found->has_twin = true;
            found->twin = receipt;
        }
        if (receipt == found->tag.receipt && found->has_twin && !check->has_twins) {
            check->has_twins = true;
            check->first = found->twin;
            check->second = receipt;
        }
    }
}

/* -------------------------------------------------------------------------------- passes -- */

bool tag_check_add(struct tag_check *check, uint64_t receipt, struct slice leaf)
{
    if (leaf.n < LEAF_TAG_AT + LEAF_TAG_CHARS || !slice_starts_with_str(leaf, LEAF_BEFORE_TAG))
        return false;
    const char *text = (const char *)leaf.p + LEAF_TAG_AT;
    uint64_t hash = hash_of(check, text);
    if (check->is_settling)
        settle(check, hash, receipt, text);
    else
        collect(check, hash, receipt, text);
    return check->has_twins;
}

/* After a pass that collected, or that settled what had been collected: is there another one? */
static bool next_pass(struct tag_check *check)
{
    if (check->is_full) {
        check->n_parts *= 2;
        begin_part(check, 0);
        return true;
    }
    if (check->part + 1 == check->n_parts)
        return false;
    begin_part(check, check->part + 1);
    return true;
}

bool tag_check_end_pass(struct tag_check *check)
{
    SL_ASSERT(!check->has_twins);
    if (check->is_settling) {
        check->is_settling = false;
        check->n_suspects = 0;
        return next_pass(check);
    }
    put_waiting(check);
    bool is_last = check->is_full || check->part + 1 == check->n_parts;
    if (!is_last || check->n_suspects == 0)
        return next_pass(check);
    begin_settling(check);
    return true;
}

void tag_check_twins(const struct tag_check *check, uint64_t *first, uint64_t *second)
{
    SL_ASSERT(check->has_twins);
    *first = check->first;
    *second = check->second;
}

uint64_t tag_check_n_passes(const struct tag_check *check)
{
    return check->n_parts + (check->n_suspects > 0);
}

/* ------------------------------------------------------------------------- begin and end -- */

/* A table of 4 bytes a place, at most 7/8 full; large pages, because places are far apart. */
static enum sl_err make_table(struct tag_check *check, size_t memory_bytes, uint64_t n_receipts)
{
    uint64_t n_slots = memory_bytes / sizeof *check->values;
    if (n_receipts < n_slots / 4 * 3)
        n_slots = n_receipts + n_receipts / 4 + TAG_CHECK_BYTES_MIN / sizeof *check->values;
    size_t n_bytes = n_slots * sizeof *check->values;
    void *table = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        return SL_EINTERNAL;
    (void)madvise(table, n_bytes, MADV_HUGEPAGE);
    check->values = table;
    check->n_slots = n_slots;
    check->n_values_max = n_slots / 8 * 7;
    check->n_parts = n_receipts / check->n_values_max + 1;
    return SL_OK;
}

enum sl_err tag_check_new(size_t memory_bytes, uint64_t n_receipts, struct tag_check **out)
{
    SL_ASSERT(memory_bytes >= TAG_CHECK_BYTES_MIN);
    SL_AUTO(tag_check) check = calloc(1, sizeof *check);
    if (!check || getrandom(check->key, sizeof check->key, 0) != sizeof check->key)
        return SL_EINTERNAL;
    SL_TRY(make_table(check, memory_bytes, n_receipts));
    *out = check;
    check = NULL;
    return SL_OK;
}

void tag_check_free(struct tag_check *check)
{
    if (check && check->values)
        (void)munmap(check->values, check->n_slots * sizeof *check->values);
    free(check);
}
