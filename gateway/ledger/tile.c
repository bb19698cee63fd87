/*
 * tile.c - paths with one spelling, and the bytes behind them
 *
 * A path is a name under which others cache for ever, so each tile must have one name only: no
 * leading zeros, no empty group, "x" before every group but the last, and no ".p/256".
 *
 * A tree has at most 2^64-1 leaves, so tiles exist up to level 7. The format goes to level 63, and
 * so does the parser; tile_width() then says that there is no such tile.
 */
#include "ledger/tile.h"

#include "base/reader.h"
#include "ledger/tree.h"

#include <string.h>

enum { LEVEL_BITS = 8, LEVELS = 64 / LEVEL_BITS };

/* ----------------------------------------------------------------------------------- paths -- */

static void write_group(struct writer *writer, uint64_t group)
{
    const uint8_t digits[3] = {(uint8_t)('0' + group / 100), (uint8_t)('0' + group / 10 % 10),
                               (uint8_t)('0' + group % 10)};
    write_bytes(writer, slice_of(digits, sizeof digits));
}

static void write_index(struct writer *writer, uint64_t index)
{
    uint64_t unit = 1;
    while (index / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000) {
        write_str(writer, "x");
        write_group(writer, index / unit % 1000);
        write_str(writer, "/");
    }
    write_group(writer, index % 1000);
}

void write_tile_path(struct writer *writer, const struct tile *tile)
{
    write_str(writer, "tile/");
    if (tile->is_entries)
        write_str(writer, "entries");
    else
        write_decimal(writer, tile->level);
    write_str(writer, "/");
    write_index(writer, tile->index);
    if (tile->width == TILE_WIDTH)
        return;
    write_str(writer, ".p/");
    write_decimal(writer, tile->width);
}

static bool read_group(struct reader *reader, uint64_t *group)
{
    struct slice digits = read_bytes(reader, 3);
    *group = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        *group = *group * 10 + (uint64_t)(digits.p[i] - '0');
    }
    return !reader->bad;
}

static bool read_index(struct reader *reader, uint64_t *index)
{
    uint64_t value = 0, group;
    bool first = true;
    while (reader_left(reader) > 0 && *reader->at == 'x') {
        (void)read_u8(reader);
        if (!read_group(reader, &group) || read_u8(reader) != '/')
            return false;
        if ((first && group == 0) || value > (UINT64_MAX - group) / 1000)
            return false;
        value = value * 1000 + group;
        first = false;
    }
    if (!read_group(reader, &group) || value > (UINT64_MAX - group) / 1000)
        return false;
    *index = value * 1000 + group;
    return true;
}

static bool read_width(struct reader *reader, uint16_t *width)
{
    *width = TILE_WIDTH;
    if (reader_left(reader) == 0)
        return true;
    uint64_t partial;
    if (!slice_equals_str(read_bytes(reader, 3), ".p/") ||
        !slice_to_u64(read_bytes(reader, reader_left(reader)), TILE_WIDTH - 1, &partial) ||
        partial == 0)
        return false;
    *width = (uint16_t)partial;
    return true;
}

enum sl_err tile_path_parse(struct slice path, struct tile *out)
{
    struct reader reader = reader_over(path);
    struct tile tile = {0};
    if (!slice_equals_str(read_until(&reader, '/'), "tile"))
        return SL_EMALFORMED;
    struct slice level_text = read_until(&reader, '/');
    uint64_t level = 0;
    tile.is_entries = slice_equals_str(level_text, "entries");
    if (!tile.is_entries && !slice_to_u64(level_text, TILE_LEVEL_MAX, &level))
        return SL_EMALFORMED;
    tile.level = (uint8_t)level;
    if (reader.bad || !read_index(&reader, &tile.index) || !read_width(&reader, &tile.width))
        return SL_EMALFORMED;
    *out = tile;
    return SL_OK;
}

uint16_t tile_width(uint8_t level, uint64_t index, uint64_t size)
{
    uint64_t n_hashes = level < LEVELS ? size >> LEVEL_BITS * level : 0;
    if (n_hashes / TILE_WIDTH > index)
        return TILE_WIDTH;
    return n_hashes / TILE_WIDTH == index ? (uint16_t)(n_hashes % TILE_WIDTH) : 0;
}

/* ----------------------------------------------------------------------------------- bytes -- */

void tile_fold(const uint8_t *hashes, unsigned n_hashes, uint8_t out[SHA256_BYTES])
{
    SL_ASSERT(n_hashes > 0 && n_hashes <= TILE_WIDTH && (n_hashes & (n_hashes - 1)) == 0);
    uint8_t nodes[TILE_WIDTH][SHA256_BYTES];
    memcpy(nodes, hashes, n_hashes * sizeof nodes[0]);
    for (; n_hashes > 1; n_hashes /= 2)
        for (unsigned i = 0; i < n_hashes / 2; i++)
            tree_node_hash(nodes[2 * i], nodes[2 * i + 1], nodes[i]);
    memcpy(out, nodes[0], SHA256_BYTES);
}

enum sl_err tile_write_hashes(const struct tile *tile, struct proof_source source,
                              struct writer *out)
{
    SL_ASSERT(!tile->is_entries);
    SL_ASSERT(tile->level < LEVELS);
    for (uint64_t i = 0; i < tile->width; i++) {
        uint8_t hash[SHA256_BYTES];
        SL_TRY(source.subtree(source.context, LEVEL_BITS * tile->level,
                              tile->index * TILE_WIDTH + i, hash));
        write_bytes(out, slice_of(hash, sizeof hash));
    }
    return out->overflow ? SL_ELIMIT : SL_OK;
}

enum sl_err tile_write_entries(const struct tile *tile, struct tile_entries entries,
                               struct writer *out)
{
    SL_ASSERT(tile->is_entries);
    for (uint64_t i = 0; i < tile->width; i++) {
        struct slice entry;
        SL_TRY(entries.entry(entries.context, tile->index * TILE_WIDTH + i, &entry));
        if (entry.n > UINT16_MAX)
            return SL_ELIMIT;
        write_u16be(out, (uint16_t)entry.n);
        write_bytes(out, entry);
    }
    return out->overflow ? SL_ELIMIT : SL_OK;
}
