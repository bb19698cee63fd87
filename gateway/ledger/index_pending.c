/*
 * index_pending.c - one place and two hashes for each 256 receipts
 *
 * Whoever looks for a receipt, or for the hashes around it, reads the tile of 256 receipts that it
 * is in. So one place for each tile is enough to find anything: that of the batch that holds the
 * tile's first receipt. Where batches are larger than a tile, it is one place for each batch.
 *
 * All hashes above the tiles are kept, not only those of each eighth level that tlog-tiles serves:
 * that doubles a very small number, and makes every hash of a proof one look-up.
 */
#include "ledger/index_pending.h"

#include <stdlib.h>
#include <string.h>

/* More than one flush of the recorder adds, so that its arrays do not grow while it writes. */
enum { FIRST_CAP = 1024 };

/* A tree of n leaves has so many complete nodes, its leaves among them. */
static uint64_t n_complete_nodes(uint64_t n_leaves)
{
    return 2 * n_leaves - (uint64_t)__builtin_popcountll(n_leaves);
}

uint64_t index_hash_count(uint64_t size)
{
    return n_complete_nodes(size / TREE_TILE_LEAVES);
}

uint64_t index_hash_position(unsigned level, uint64_t index)
{
    SL_ASSERT(level >= TREE_TILE_LEVEL && level < TREE_LEVELS);
    unsigned above = level - TREE_TILE_LEVEL;
    /* The last tile under it; its own hash came first, then those of the nodes it completed. */
    uint64_t last = ((index + 1) << above) - 1;
    return n_complete_nodes(last) + above;
}

enum sl_err index_pending_init(struct index_pending *pending)
{
    memset(pending, 0, sizeof *pending);
    tree_init(&pending->tiles);
    pending->places = calloc(FIRST_CAP, sizeof *pending->places);
    pending->hashes = calloc(FIRST_CAP, sizeof *pending->hashes);
    if (!pending->places || !pending->hashes)
        return SL_EINTERNAL;
    pending->places_cap = pending->hashes_cap = FIRST_CAP;
    return SL_OK;
}

void index_pending_deinit(struct index_pending *pending)
{
    free(pending->places);
    free(pending->hashes);
    memset(pending, 0, sizeof *pending);
}

void index_pending_start(struct index_pending *pending, const struct tree *tree)
{
    pending->is_full = false;
    pending->n_places = pending->n_hashes = 0;
    pending->first_position = index_hash_count(tree->size);
    pending->tiles.size = tree->size / TREE_TILE_LEAVES;
    memcpy(pending->tiles.subtree, tree->subtree[TREE_TILE_LEVEL],
           (TREE_LEVELS - TREE_TILE_LEVEL) * sizeof tree->subtree[0]);
}

/* Room for one more in an array of pointers to `bytes_each`; false when memory is short. */
static bool make_room(void **array, size_t n, size_t *cap, size_t bytes_each)
{
    if (n < *cap)
        return true;
    void *larger = reallocarray(*array, *cap, 2 * bytes_each);
    if (!larger)
        return false;
    *array = larger;
    *cap *= 2;
    return true;
}

static void add_place(struct index_pending *pending, const struct index_batch *batch)
{
    void *places = pending->places;
    pending->is_full =
        !make_room(&places, pending->n_places, &pending->places_cap, sizeof *pending->places);
    pending->places = places;
    if (!pending->is_full)
        pending->places[pending->n_places++] = *batch;
}

static void add_hash(struct index_pending *pending, const uint8_t hash[SHA256_BYTES])
{
    void *hashes = pending->hashes;
    pending->is_full = pending->is_full ||
                       !make_room(&hashes, pending->n_hashes, &pending->hashes_cap, SHA256_BYTES);
    pending->hashes = hashes;
    if (!pending->is_full)
        memcpy(pending->hashes[pending->n_hashes++], hash, SHA256_BYTES);
}

/* As tree_append(), keeping every subtree that becomes complete. */
static void add_tile(struct index_pending *pending, const uint8_t tile[SHA256_BYTES])
{
    struct tree *tree = &pending->tiles;
    uint8_t hash[SHA256_BYTES];
    memcpy(hash, tile, sizeof hash);
    add_hash(pending, hash);
    size_t level = 0;
    for (; tree->size >> level & 1; level++) {
        tree_node_hash(tree->subtree[level], hash, hash);
        add_hash(pending, hash);
    }
    memcpy(tree->subtree[level], hash, sizeof hash);
    tree->size++;
}

static bool holds_first_of_a_tile(uint64_t first, uint32_t n_receipts)
{
    uint64_t into_tile = first % TREE_TILE_LEAVES;
    return into_tile == 0 || into_tile + n_receipts > TREE_TILE_LEAVES;
}

void index_pending_note(struct index_pending *pending, const struct index_batch *batch,
                        uint32_t n_receipts, const struct batch_tiles *tiles)
{
    if (pending->is_full)
        return;
    if (holds_first_of_a_tile(batch->first_index, n_receipts))
        add_place(pending, batch);
    for (size_t i = 0; i < tiles->n; i++)
        add_tile(pending, tiles->roots[i]);
}

void index_pending_forget(struct index_pending *pending)
{
    pending->first_position += pending->n_hashes;
    pending->n_places = pending->n_hashes = 0;
}

bool index_pending_place(const struct index_pending *pending, uint64_t receipt,
                         struct index_batch *out)
{
    size_t low = 0, high = pending->n_places; /* the first that begins after `receipt` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pending->places[middle].first_index <= receipt)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *out = pending->places[low - 1];
    return true;
}

bool index_pending_hash(const struct index_pending *pending, uint64_t position,
                        uint8_t hash[SHA256_BYTES])
{
    if (position < pending->first_position ||
        position - pending->first_position >= pending->n_hashes)
        return false;
    memcpy(hash, pending->hashes[position - pending->first_position], SHA256_BYTES);
    return true;
}
