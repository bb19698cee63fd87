/*
 * timestamp.h - instants, and their RFC 3339 text
 *
 * Units   milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted
 * Range   years 0001 to 9999
 * Spec    RFC 3339; the calendar is the proleptic Gregorian one
 */
#ifndef SLUIS_BASE_TIMESTAMP_H
#define SLUIS_BASE_TIMESTAMP_H

#include "base/writer.h"

/* The wall clock now. */
int64_t clock_now_ms(void);
/* A clock that never goes back; for deadlines only. */
int64_t clock_monotonic_ms(void);

struct civil_date {
    int32_t year;
    uint8_t month; /* 1 to 12 */
    uint8_t day;   /* 1 to 31 */
};

int64_t days_from_civil(struct civil_date date);
struct civil_date civil_from_days(int64_t days_since_epoch);
bool civil_date_is_valid(struct civil_date date);

enum { TIMESTAMP_BYTES = 24 }; /* 2026-11-23T01:24:54.123Z */

/* 2026-11-23T01:24:54.123Z, always with milliseconds. */
void write_timestamp_ms(struct writer *writer, int64_t time_ms);
/* 2026-11-23T01:24:54Z; the milliseconds are cut off. */
void write_timestamp_s(struct writer *writer, int64_t time_ms);
/*
 * Any RFC 3339 date-time ("T" and "Z" in capitals, fraction of 1 to 9 digits, offset). Digits of
 * the fraction after the third are cut off. A leap second reads as the second before it.
 */
bool timestamp_parse(struct slice text, int64_t *time_ms);
/* Only what write_timestamp_ms() would have written; quicker than the above. */
bool timestamp_parse_exact(struct slice text, int64_t *time_ms);
/* YYYY-MM-DD */
bool date_parse(struct slice text, struct civil_date *date);

#endif
