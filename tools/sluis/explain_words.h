/*
 * explain_words.h - a decision in plain words
 *
 * Shape   each function writes one clause without a full stop
 */
#ifndef SLUIS_TOOLS_EXPLAIN_WORDS_H
#define SLUIS_TOOLS_EXPLAIN_WORDS_H

#include "base/writer.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/quota.h"
#include "policy/zone.h"
#include "store/uses.h"

/* What a reason means, for a person: "no consent names this app, partner and purpose". */
const char *reason_words(enum reason reason);
/* The name of a verdict, as JSON has it: "outside_hours". */
const char *verdict_name(enum verdict verdict);

/* "kept as it is", "dropped", "coarsened to a grid of 5km and times in steps of 15min" */
void write_plan_entry(struct writer *writer, const struct plan_entry *entry);
struct policy_clock {
    struct slice name; /* Europe/Amsterdam */
    struct slice zone; /* its rules, see zone.h */
};
/* "Mon 2026-11-23 10:00:00" */
void write_local_time(struct writer *writer, const struct policy_clock *clock, int64_t time_ms);
/* The instant at which a local date begins, in milliseconds. */
int64_t date_start_ms(const struct policy_clock *clock, struct civil_date date);
/* "2026-11-01 00:00 in Europe/Amsterdam, which is 2026-10-31T23:00:00Z" */
void write_date_start(struct writer *writer, const struct policy_clock *clock,
                      struct civil_date date);

/* "3 of 24 per day used, 21 left until 2026-11-28T23:00:00Z" */
uint32_t allowance_left(const struct store_allowance *uses);
void write_uses(struct writer *writer, const struct store_allowance *uses);
/* Why a consent applies or not. */
void write_verdict(struct writer *writer, const struct policy_clock *clock,
                   const struct policy_consent *consent, const struct facts *facts,
                   enum verdict verdict);

#endif
