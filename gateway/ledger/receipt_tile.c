/*
 * receipt_tile.c - an entry bundle, and where each receipt of it ends
 */
#include "ledger/receipt_tile.h"

#include "ledger/tree.h"

void receipt_tile_add(struct receipt_tile *tile, struct slice leaf)
{
    SL_ASSERT(tile->width < TILE_WIDTH);
    uint32_t at = tile->width == 0 ? 0 : tile->ends[tile->width - 1];
    struct writer writer = writer_over(tile->entries + at, sizeof tile->entries - at);
    write_u16be(&writer, (uint16_t)leaf.n);
    write_bytes(&writer, leaf);
    SL_ASSERT(!writer.overflow);
    tree_leaf_hash(leaf, tile->hashes[tile->width]);
    tile->ends[tile->width++] = at + (uint32_t)writer.n;
}

struct slice receipt_tile_entries(const struct receipt_tile *tile, unsigned width)
{
    SL_ASSERT(width > 0 && width <= tile->width);
    return slice_of(tile->entries, tile->ends[width - 1]);
}

struct slice receipt_tile_leaf(const struct receipt_tile *tile, unsigned i)
{
    SL_ASSERT(i < tile->width);
    uint32_t start = (i == 0 ? 0 : tile->ends[i - 1]) + sizeof(uint16_t);
    return slice_of(tile->entries + start, tile->ends[i] - start);
}
