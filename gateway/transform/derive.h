/*
 * derive.h - a coarser value made from a finer one: a month from a date, a first name from a name
 *
 * Each form takes what apps send for the finer class and what it emits itself, and a value that it
 * has made it leaves as it is. Pure: the year is the caller's.
 *
 *     FIRST_WORD   text                           "Sanne"
 *     MONTH        date, date and time, month     "2026-11"
 *     HOUR         time of day, date and time     "15:00"
 *     AGE_GROUP    date of birth, age, age group  "25-34"
 *
 * Spec    docs/formats/coarsening.md, "Derived values"
 */
#ifndef SLUIS_TRANSFORM_DERIVE_H
#define SLUIS_TRANSFORM_DERIVE_H

#include "base/writer.h"
#include "transform/path.h"

struct derive_input {
    bool is_string;
    struct slice text; /* without quotes and escapes; of a number, its bytes */
    uint32_t time_s;   /* bucket granted, or 0 */
    int32_t year;      /* in which the flow takes place, UTC */
};

bool form_is_derived(enum field_form form);
/*
 * Writes the derived text, without quotes; nothing when the input is well-formed but can't be
 * divided without guessing (a name with a comma), which leaves as null. False when the form does
 * not take it.
 */
bool derive_value(enum field_form form, const struct derive_input *input, struct writer *out);

#endif
