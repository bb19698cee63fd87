/*
 * tile_reader.h - the receipts of one tile, from the segments: bytes and hashes
 *
 * Shape   a place (index_reader.h) says where to begin; batches are read from there on until the
 *         tile's receipts are there. Form, order and each receipt's checksum are checked here; that
 *         they are the receipts that were signed shows when the hashes lead to a root.
 * Memory  a window of more than one batch
 * Owns    its descriptors and window
 * Errors  SL_ESTORE, and `problem` names segment and byte
 */
#ifndef SLUIS_LEDGER_TILE_READER_H
#define SLUIS_LEDGER_TILE_READER_H

#include "ledger/index_pending.h"
#include "ledger/receipt_tile.h"

struct tile_reader {
    int folder_fd;
    struct slice origin; /* the caller's; empty: not compared */
    int segment_fd;      /* -1: none */
    uint64_t segment_first, segment_bytes;
    uint32_t alignment;
    uint8_t *window;
    uint64_t window_at;
    size_t window_n;
    char problem[400];
};

SL_NODISCARD enum sl_err tile_reader_init(struct tile_reader *reader, const char *folder,
                                          struct slice origin);
/* Also when it could not be initialised. */
void tile_reader_deinit(struct tile_reader *reader);
/* The first `width` receipts of tile `index`; `place` is of a batch at or before its first. */
SL_NODISCARD enum sl_err tile_reader_read(struct tile_reader *reader, uint64_t index,
                                          uint16_t width, const struct index_batch *place,
                                          struct receipt_tile *tile);

#endif
