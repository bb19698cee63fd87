/*
 * geohash.c - from a cell to the grid, and from the grid to a wider cell
 *
 *     text ─▶ its cell's centre ─▶ the grid's cell that holds it (coarsen.c) ─▶ that one's centre
 *          ─▶ the longest geohash of that centre whose cell is nowhere lower or narrower than the
 *             grid's cells, and no longer than the text was
 *
 * Only cutting the text would leave a cell wide enough, but of another grid: an answer that holds
 * the same position as degrees as well would tell where the two cells overlap. What is left here
 * follows from the grid's cell alone, so it tells no more than the degrees do.
 *
 * Twice is once: the centre of the wider cell and that of the grid's cell around it are less than
 * half of the wider cell apart, so both lie in the wider cell, and it fits a second time.
 */
#include "transform/geohash.h"

#include "base/err.h"
#include "transform/coarsen.h"

#include <math.h>
#include <string.h>

enum { BITS_PER_CHAR = 5 };

static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";

/* One of 2^n_rows times 2^n_columns cells, counted from south and west. */
struct geocell {
    unsigned row_bits, column_bits;
    uint64_t row, column;
};

static bool read_geohash(struct slice text, struct geocell *out)
{
    struct geocell cell = {0};
    if (text.n > GEOHASH_CHARS_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t c = text.p[i];
        const char *digit = strchr(alphabet, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        if (c == 0 || !digit)
            return false;
        const unsigned value = (unsigned)(digit - alphabet);
        for (unsigned bit = BITS_PER_CHAR; bit-- > 0;) {
            if (cell.column_bits == cell.row_bits) {
                cell.column = cell.column << 1 | (value >> bit & 1);
                cell.column_bits++;
            } else {
                cell.row = cell.row << 1 | (value >> bit & 1);
                cell.row_bits++;
            }
        }
    }
    *out = cell;
    return true;
}

static double part_of(double range, unsigned bits)
{
    return ldexp(range, -(int)bits);
}

static struct position centre_of(const struct geocell *cell)
{
    return (struct position){
        .latitude = ((double)cell->row + 0.5) * part_of(180, cell->row_bits) - 90,
        .longitude = ((double)cell->column + 0.5) * part_of(360, cell->column_bits) - 180,
    };
}

static uint64_t index_of(double offset, double range, unsigned bits)
{
    const double n_cells = ldexp(1, (int)bits);
    return (uint64_t)fmin(n_cells - 1, floor(offset * n_cells / range));
}

/* The cell of a geohash of so many characters that holds the position. */
static struct geocell cell_at(struct position position, size_t n_chars)
{
    struct geocell cell = {
        .row_bits = (unsigned)n_chars * BITS_PER_CHAR / 2,
        .column_bits = ((unsigned)n_chars * BITS_PER_CHAR + 1) / 2,
    };
    cell.row = index_of(position.latitude + 90, 180, cell.row_bits);
    cell.column = index_of(position.longitude + 180, 360, cell.column_bits);
    return cell;
}

static bool is_wide_enough(const struct geocell *cell, uint32_t metres)
{
    const double height = part_of(180, cell->row_bits);
    const double south = (double)cell->row * height - 90;
    return grid_fits_in(south, south + height, part_of(360, cell->column_bits), metres);
}

static void write_geohash(const struct geocell *cell, size_t n_chars, struct writer *out)
{
    unsigned column_bits = cell->column_bits, row_bits = cell->row_bits;
    unsigned value = 0;
    for (size_t i = 0; i < n_chars * BITS_PER_CHAR; i++) {
        const bool is_column = i % 2 == 0;
        const uint64_t bit =
            is_column ? cell->column >> --column_bits & 1 : cell->row >> --row_bits & 1;
        value = (value << 1 | (unsigned)bit) & 31;
        if (i % BITS_PER_CHAR == BITS_PER_CHAR - 1)
            write_u8(out, (uint8_t)alphabet[value]);
    }
}

bool geohash_coarsen(struct slice text, uint32_t metres, struct writer *out)
{
    struct geocell cell;
    if (!read_geohash(text, &cell))
        return false;
    if (metres == 0) {
        write_bytes(out, text);
        return true;
    }
    const struct position centre = coarsen_position(centre_of(&cell), metres);
    size_t n_chars = text.n;
    for (; n_chars > 0; n_chars--) {
        cell = cell_at(centre, n_chars);
        if (is_wide_enough(&cell, metres))
            break;
    }
    write_geohash(&cell, n_chars, out);
    return true;
}
