/*
 * limits.h - the table of limits.def as a struct of values and a list to look names up in
 */
#ifndef SLUIS_BASE_LIMITS_H
#define SLUIS_BASE_LIMITS_H

#include "base/slice.h"

struct limits {
#define LIMIT(name, unit, min, dflt, max, beyond, why) uint64_t name;
#include "base/limits.def"
#undef LIMIT
};

/* Limits that size an array at compile time, by name. */
enum {
#define LIMIT(name, unit, min, dflt, max, beyond, why) LIMIT_MAX_##name = (max),
#include "base/limits.def"
#undef LIMIT
};

struct limit_info {
    const char *name;
    const char *unit;
    uint64_t min;
    uint64_t dflt;
    uint64_t max;
    const char *beyond;
    const char *why;
    size_t offset; /* of its value in struct limits */
};

extern const struct limit_info limit_table[];
extern const size_t n_limits;

struct limits limits_default(void);
/* The row named `name`, or NULL. */
const struct limit_info *limit_find(struct slice name);
void limit_set(struct limits *limits, const struct limit_info *row, uint64_t value);

#endif
