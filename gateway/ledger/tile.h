/*
 * tile.h - a ledger as tlog-tiles: which hashes and receipts stand under which path
 *
 * Shape   "tile/<L>/<N>[.p/<W>]": 256 (or W) hashes of 32 bytes, hash i being that of the
 *         complete subtree (8 L, 256 N + i); "tile/entries/<N>[.p/<W>]": 256 (or W) times u16be
 *         length and receipt. N in groups of three digits: 1234067 is "x001/x234/067".
 * Owns    nothing
 * Spec    C2SP tlog-tiles
 */
#ifndef SLUIS_LEDGER_TILE_H
#define SLUIS_LEDGER_TILE_H

#include "base/writer.h"
#include "ledger/proof.h"

enum {
    TILE_WIDTH = 256,
    TILE_BYTES_MAX = TILE_WIDTH * SHA256_BYTES,
    TILE_LEVEL_MAX = 63,
    /* "tile/", "entries/", 6 times "x000/", "000", ".p/255" */
    TILE_PATH_BYTES_MAX = 5 + 8 + 6 * 5 + 3 + 6,
};

struct tile {
    bool is_entries; /* then level is 0 */
    uint8_t level;
    uint64_t index;
    uint16_t width; /* 1 to 255: partial; TILE_WIDTH: full */
};

void write_tile_path(struct writer *writer, const struct tile *tile);
/* Strict: the one text that write_tile_path() writes, without a leading "/". */
SL_NODISCARD enum sl_err tile_path_parse(struct slice path, struct tile *out);
/* How wide the tile at (level, index) is in a tree of `size` leaves; 0 when it has none. */
uint16_t tile_width(uint8_t level, uint64_t index, uint64_t size);

/* The root over n hashes of 32 bytes; n is a power of two, up to TILE_WIDTH. */
void tile_fold(const uint8_t *hashes, unsigned n_hashes, uint8_t out[SHA256_BYTES]);

/* Writes the hashes. The tile must be one that the source's tree has (tile_width()). */
SL_NODISCARD enum sl_err tile_write_hashes(const struct tile *tile, struct proof_source source,
                                           struct writer *out);

/* Where entries come from; `*entry` is read before the next call. */
struct tile_entries {
    enum sl_err (*entry)(void *context, uint64_t index, struct slice *entry);
    void *context;
};
/* SL_ELIMIT when an entry has more than 65,535 bytes, or the whole does not fit. */
SL_NODISCARD enum sl_err tile_write_entries(const struct tile *tile, struct tile_entries entries,
                                            struct writer *out);

#endif
