/*
 * coarsen.c - the grid, exactly
 *
 * One degree of latitude is at least 110,574 m long anywhere on the WGS 84 ellipsoid (it is
 * shortest at the equator); one degree of longitude at latitude phi is at least
 * 111,319.49 m * cos(phi). With these two lower bounds, for a grid of `metres` (1 or more):
 *
 *     rows      = max(1, floor(180 * 110574 / metres))
 *     row       = min(rows - 1, floor((latitude + 90) * rows / 180))
 *     south     = row * 180 / rows - 90,  north = (row + 1) * 180 / rows - 90
 *     columns   = max(1, floor(360 * 111319.49 * cos(max(|south|, |north|)) / metres))
 *     column    = min(columns - 1, floor((longitude + 180) * columns / 360))
 *     latitude  = (row + 1/2) * 180 / rows - 90
 *     longitude = (column + 1/2) * 360 / columns - 180
 *
 * where a longitude of 180 is taken as -180 first, so that the antimeridian is one line, and both
 * results are rounded to six decimals. All in IEEE 754 doubles, in the order written here.
 *
 * What follows from it: a cell is nowhere narrower or lower than `metres`, except that there is
 * never less than one row and one column; the rows that touch a pole are one cell each; the centre
 * of a cell lies at least half a metre inside it, so rounding by 0.06 m does not leave the cell,
 * and coarsening a result gives that result again. A finer position does not change which cell it
 * lies in, and the grid knows neither subject nor partner: asking again teaches nothing.
 */
#include "transform/coarsen.h"

#include "base/coarseness.h"

#include <math.h>

static const double METRES_PER_DEGREE_LATITUDE = 110574;
static const double METRES_PER_DEGREE_EQUATOR = 111319.49;
static const double MICRODEGREES = 1e6;
/* Centres are rounded to half a microdegree. */
static const double BORDER_DEGREES = 1e-6;

bool position_is_on_globe(struct position position)
{
    /* Written so that NaN is nowhere. */
    return position.latitude >= -90 && position.latitude <= 90 && position.longitude >= -180 &&
           position.longitude <= 180;
}

/* Which of `n_cells` equal parts of [0, range] holds `offset`; the last one holds its end. */
static double cell_of(double offset, double range, double n_cells)
{
    double cell = floor(offset * n_cells / range);
    return cell < n_cells - 1 ? cell : n_cells - 1;
}

static double round_degrees(double degrees)
{
    return round(degrees * MICRODEGREES) / MICRODEGREES;
}

/* Rows of the whole globe, or columns of one row: never less than one. */
static double rows_of(uint32_t metres)
{
    return fmax(1, floor(180 * METRES_PER_DEGREE_LATITUDE / metres));
}

static double columns_of(double row, double rows, uint32_t metres)
{
    double south = row * 180 / rows - 90;
    double north = (row + 1) * 180 / rows - 90;
    double poleward = fmax(fabs(south), fabs(north)) * M_PI / 180;
    return fmax(1, floor(360 * METRES_PER_DEGREE_EQUATOR * cos(poleward) / metres));
}

static struct position centre_of(struct position position, double row, double rows, double columns)
{
    double longitude = position.longitude >= 180 ? -180 : position.longitude;
    double column = cell_of(longitude + 180, 360, columns);
    return (struct position){
        .latitude = round_degrees((row + 0.5) * 180 / rows - 90),
        .longitude = round_degrees((column + 0.5) * 360 / columns - 180),
    };
}

struct position coarsen_position(struct position position, uint32_t metres)
{
    SL_ASSERT(metres > 0);
    return position_cell(position, metres).centre;
}

struct cell position_cell(struct position position, uint32_t metres)
{
    SL_ASSERT(position_is_on_globe(position));
    if (metres == 0)
        return (struct cell){.centre = position};
    double rows = rows_of(metres);
    double row = cell_of(position.latitude + 90, 180, rows);
    double columns = columns_of(row, rows, metres);
    return (struct cell){centre_of(position, row, rows, columns), 90 / rows, 180 / columns};
}

/*
 * The row above and the row below are as high. Sideways it is one column of the row, of these
 * three, that has fewest: there the same metres are most degrees. Beyond a pole there is every
 * longitude.
 */
struct cell position_surroundings(struct position position, uint32_t metres)
{
    SL_ASSERT(metres > 0);
    struct cell cell = position_cell(position, metres);
    double rows = rows_of(metres);
    double row = cell_of(position.latitude + 90, 180, rows);
    double fewest = 1;
    if (row > 0 && row + 1 < rows)
        fewest = fmin(columns_of(row - 1, rows, metres), columns_of(row + 1, rows, metres));
    cell.half_height *= 3;
    cell.half_width = fewest > 1 ? cell.half_width + 360 / fewest : 360;
    return cell;
}

/* The grid's cells are widest, in degrees, where they are nearest to a pole. */
bool grid_fits_in(double south, double north, double width, uint32_t metres)
{
    SL_ASSERT(metres > 0);
    const double rows = rows_of(metres);
    const double columns = fmin(columns_of(cell_of(south + 90, 180, rows), rows, metres),
                                columns_of(cell_of(north + 90, 180, rows), rows, metres));
    return north - south >= 180 / rows + 2 * BORDER_DEGREES &&
           width >= 360 / columns + 2 * BORDER_DEGREES;
}

bool cells_touch(const struct cell *a, const struct cell *b)
{
    double between = fabs(a->centre.longitude - b->centre.longitude);
    between = fmin(between, 360 - between);
    return fabs(a->centre.latitude - b->centre.latitude) <=
               a->half_height + b->half_height + BORDER_DEGREES &&
           between <= a->half_width + b->half_width + BORDER_DEGREES;
}

void write_degrees(struct writer *writer, double degrees)
{
    write_parts(writer, llround(degrees * MICRODEGREES), (uint32_t)MICRODEGREES);
}

/* The greatest multiple of `step` that is not above `value`. */
static int64_t round_down(int64_t value, int64_t step)
{
    int64_t above = value % step;
    return value - above - (above < 0 ? step : 0);
}

int64_t coarsen_time(int64_t time_ms, uint32_t bucket_s)
{
    return bucket_s > 0 ? round_down(time_ms, (int64_t)bucket_s * 1000) : time_ms;
}

int64_t coarsen_number(int64_t thousandths, uint32_t bucket_thousandths)
{
    return bucket_thousandths > 0 ? round_down(thousandths, bucket_thousandths) : thousandths;
}
