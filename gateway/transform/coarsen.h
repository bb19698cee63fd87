/*
 * coarsen.h - making a value less precise: pure, deterministic, idempotent
 *
 * A position snaps to the centre of its cell in a grid over the whole globe: rows of equal height
 * in latitude, and in each row columns of equal width in longitude, as many as fit so that a cell
 * is at least `metres` high and wide everywhere (at the poleward edge of the row). The grid is the
 * same for everyone, so asking again, or asking as two partners, teaches nothing more.
 * docs/formats/coarsening.md has the exact arithmetic.
 */
#ifndef SLUIS_TRANSFORM_COARSEN_H
#define SLUIS_TRANSFORM_COARSEN_H

#include "base/err.h"
#include "base/writer.h"

/* Degrees, latitude -90 to 90, longitude -180 to 180. */
struct position {
    double latitude;
    double longitude;
};

bool position_is_on_globe(struct position position);
struct position coarsen_position(struct position position, uint32_t metres);
/* What is known of a position: its middle, and how far it reaches from there, in degrees. */
struct cell {
    struct position centre;
    double half_height, half_width;
};
/* The cell of the grid that holds the position; for 0 metres the position itself. */
struct cell position_cell(struct position position, uint32_t metres);
/*
 * The cell of the grid of `metres` (1 or more) that holds the position, and as much around it: all
 * that is within `metres` of the position lies inside. It depends on the cell alone.
 */
struct cell position_surroundings(struct position position, uint32_t metres);
/* True when a cell of these edges and this width is nowhere lower or narrower than the grid's. */
bool grid_fits_in(double south, double north, double width, uint32_t metres);
/* True when they have a point in common, the last 0.1 m of their borders included. */
bool cells_touch(const struct cell *a, const struct cell *b);
/* Degrees with six decimals, trailing zeros cut: 52.37, -0.5, 4. */
void write_degrees(struct writer *writer, double degrees);
/* The start of the bucket of `bucket_s` seconds (counted from 1970) that holds `time_ms`. */
int64_t coarsen_time(int64_t time_ms, uint32_t bucket_s);

/* The start of the bucket of so many thousandths (counted from 0) that holds `thousandths`. */
int64_t coarsen_number(int64_t thousandths, uint32_t bucket_thousandths);

#endif
