/*
 * mean.h - the mean of one number of each person, to which nobody adds more than the bounds
 *
 * Shape   a sum of whole thousandths, exact; each number is brought between `low` and `high` first
 * Units   thousandths, rounded down
 * Spec    docs/configuration.md, "Answers about a group"
 */
#ifndef SLUIS_TRANSFORM_MEAN_H
#define SLUIS_TRANSFORM_MEAN_H

#include "base/writer.h"

/* So that a sum over all records that there can be fits 64 bits. */
enum { MEAN_BOUND_MAX = 1000000000 };

struct mean {
    int64_t low, high; /* thousandths; at most MEAN_BOUND_MAX wholes in size */
    int64_t sum;
    uint64_t n;
};

/*
 * Adds the number in a reduced record, which has one field at most, behind names. False when there
 * is none: the field is absent, null, or no number.
 */
bool mean_add(struct mean *mean, struct slice record);
/* In decimal, with at most three decimals; of at least one number. */
void write_mean(struct writer *writer, const struct mean *mean);

#endif
