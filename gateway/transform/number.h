/*
 * number.h - reading the numbers of positions, times and amounts
 *
 * The text is a number of RFC 8259 that scan_number() has accepted.
 */
#ifndef SLUIS_TRANSFORM_NUMBER_H
#define SLUIS_TRANSFORM_NUMBER_H

#include "base/slice.h"

/*
 * The nearest double where the number has at most 15 significant digits and no large exponent
 * (every position a device writes); else within one part in 10^15. Beyond the range of a double:
 * infinite.
 */
double number_to_double(struct slice text);
/*
 * The whole part, rounded down: 1.9 is 1, -1.9 is -2. False for a number with an exponent, or
 * beyond `max` in size; `*out` is then untouched.
 */
bool number_to_whole(struct slice text, int64_t max, int64_t *out);

/* 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z: between them a year has four digits. */
bool time_has_four_digit_year(int64_t time_ms);
/*
 * A number of seconds since 1970 below 10^11 in size, of milliseconds from there on; fractions are
 * rounded down. False for an exponent, or a year that has not four digits.
 */
bool number_to_time(struct slice text, int64_t *time_ms, bool *is_seconds);
/*
 * A thousand times the number, rounded down, exactly: 1.9996 is 1999, -0.0001 is -1, 1.5e3 is
 * 1500000. False beyond 10^18 thousandths in size; `*out` is then untouched.
 */
bool number_to_thousandths(struct slice text, int64_t *out);

#endif
