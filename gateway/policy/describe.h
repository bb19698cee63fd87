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
/* mon-fri 06:00-20:00; the part that says nothing is left out; "always" when both say nothing */
void write_window(struct writer *writer, struct policy_window window);
/* 2026-11-01 */
void write_date(struct writer *writer, struct civil_date date);
/* 24 per day */
void write_at_most(struct writer *writer, uint32_t at_most, uint32_t per_s);

#endif
