/*
 * fuzz_tile_path.c - any text as a tile's path
 *
 * Property: what is read is what is written for that tile, so a tile has one path; and the bytes of
 * the input, taken as a tile, come back from their path.
 */
#include "base/reader.h"
#include "ledger/tile.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_same_path(const struct tile *tile, struct slice path)
{
    char block[TILE_PATH_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_tile_path(&writer, tile);
    SL_ASSERT(!writer.overflow);
    SL_ASSERT(slice_equals(writer_slice(&writer), path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tile tile, again;
    if (tile_path_parse(slice_of(data, size), &tile) == SL_OK) {
        SL_ASSERT(tile.level <= TILE_LEVEL_MAX);
        SL_ASSERT(tile.width >= 1 && tile.width <= TILE_WIDTH);
        require_same_path(&tile, slice_of(data, size));
    }
    struct reader reader = reader_over(slice_of(data, size));
    uint64_t leaves = read_u64(&reader);
    tile = (struct tile){.is_entries = read_u8(&reader) & 1, .index = read_u64(&reader)};
    tile.level = tile.is_entries ? 0 : read_u8(&reader) % (TILE_LEVEL_MAX + 1);
    tile.width = (uint16_t)(read_u8(&reader) + 1);
    char block[TILE_PATH_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_tile_path(&writer, &tile);
    SL_ASSERT(!writer.overflow);
    SL_ASSERT(tile_path_parse(writer_slice(&writer), &again) == SL_OK);
    require_same_path(&again, writer_slice(&writer));
    /* A tile that is there has a full one before it. */
    uint16_t width = tile_width(tile.level, tile.index, leaves);
    SL_ASSERT(width <= TILE_WIDTH);
    if (width > 0 && tile.index > 0)
        SL_ASSERT(tile_width(tile.level, tile.index - 1, leaves) == TILE_WIDTH);
    return 0;
}
