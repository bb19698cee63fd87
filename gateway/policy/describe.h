/*
 * describe.h - the values of a policy in the words that a policy is written in
 */
#ifndef SLUIS_POLICY_DESCRIBE_H
#define SLUIS_POLICY_DESCRIBE_H

#include "policy/policy.h"

/* 5km, 200m */
void write_distance_m(struct writer *writer, uint32_t metres);
/* 1d, 2h, 15min, 30s */
void write_duration_s(struct writer *writer, uint32_t seconds);
/* The value of a grant's key: 5km, 15min, 500m, 0.5, 5. */
void write_coarse(struct writer *writer, enum coarse_dimension dimension, uint32_t value);
/* "a grid of 5km and times in steps of 15min": what is not none, in words */
void write_coarseness_words(struct writer *writer, struct coarseness coarseness);
/* mon-fri 06:00-20:00; the part that says nothing is left out; "always" when both say nothing */
void write_window(struct writer *writer, struct policy_window window);
/* 2026-11-01 */
void write_date(struct writer *writer, struct civil_date date);
/* 24 per day */
void write_at_most(struct writer *writer, uint32_t at_most, uint32_t per_s);

#endif
