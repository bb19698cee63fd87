/*
 * reach.h - how far a grant or a refusal of a data class reaches
 *
 * A grant of a class grants what it makes known: all further along `coarser`. A grant with
 * `detail` begins at that class instead. A refusal of a class refuses every class below it by
 * name, and every class that makes one of those known.
 *
 *     listening.track ─▶ listening.album ─▶ listening.artist ─▶ listening.genre
 *     ◀── refuse: [listening.artist] ──────────────────────┤
 *                     grant: {listening.album: {}} ├──────────────────────────▶
 */
#ifndef SLUIS_POLICY_REACH_H
#define SLUIS_POLICY_REACH_H

#include "policy/policy.h"

/* One class that a consent grants, with the coarser of each dimension where it does so twice. */
struct reached {
    const struct vocabulary_class *class;
    struct coarseness coarseness;
};

/* The first class that the grant keeps: its own, or that of `detail`. */
const struct vocabulary_class *grant_first_class(const struct policy_grant *grant);
/*
 * What a consent grants, ordered by code. `out` has room for vocabulary_n_classes() entries;
 * returns how many were written.
 */
size_t consent_reach(const struct policy_consent *consent, struct reached *out);
/* True when a refusal of `refused` refuses `class`. */
bool refusal_reaches(const struct vocabulary_class *refused, const struct vocabulary_class *class);
/* True when the refusal names `class` in this sense, or names none and so refuses all. */
bool refusal_covers(const struct policy_refusal *refusal, const struct vocabulary_class *class);

#endif
