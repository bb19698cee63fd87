/*
 * geohash.h - making a geohash shorter: never finer than the grid, and never more than its cell
 *
 * Shape   at most 12 characters of base 32; the first one halves the globe east and west, south and
 *         north, and so on in turn: five times for each character
 * Spec    docs/formats/coarsening.md, "Geohashes"
 */
#ifndef SLUIS_TRANSFORM_GEOHASH_H
#define SLUIS_TRANSFORM_GEOHASH_H

#include "base/writer.h"

enum { GEOHASH_CHARS_MAX = 12 };

/*
 * Writes what is left of the geohash `text` (empty: the whole globe) at a precision of `metres`; 0
 * leaves it as it is. False when it is none, and nothing is written then.
 */
bool geohash_coarsen(struct slice text, uint32_t metres, struct writer *out);

#endif
