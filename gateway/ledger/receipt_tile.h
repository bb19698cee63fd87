/*
 * receipt_tile.h - up to 256 receipts that are read and hashed together
 *
 * Shape   the receipts from TILE_WIDTH * index on, as an entry bundle (tile.h) beside their hashes;
 *         receipts are added at the end
 * Owns    all of it; a large plain value
 */
#ifndef SLUIS_LEDGER_RECEIPT_TILE_H
#define SLUIS_LEDGER_RECEIPT_TILE_H

#include "ledger/leaf.h"
#include "ledger/tile.h"

enum { TILE_ENTRIES_BYTES_MAX = TILE_WIDTH * (2 + LEAF_BYTES_MAX) };

struct receipt_tile {
    uint64_t index;
    uint16_t width; /* 0: none yet */
    uint8_t hashes[TILE_WIDTH][SHA256_BYTES];
    uint32_t ends[TILE_WIDTH]; /* of each receipt in `entries` */
    uint8_t entries[TILE_ENTRIES_BYTES_MAX];
};

/* The tile must not be full; `leaf` has at most LEAF_BYTES_MAX. */
void receipt_tile_add(struct receipt_tile *tile, struct slice leaf);
/* One of the tile's receipts; `i` < width. */
struct slice receipt_tile_leaf(const struct receipt_tile *tile, unsigned i);
/* The first `width` receipts, an entry bundle. */
struct slice receipt_tile_entries(const struct receipt_tile *tile, unsigned width);

#endif
