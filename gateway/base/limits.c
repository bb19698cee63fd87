/*
 * limits.c - rows of limits.def
 */
#include "base/limits.h"

#include "base/err.h"

#include <stddef.h>
#include <string.h>

const struct limit_info limit_table[] = {
#define LIMIT(name, unit, min, dflt, max, beyond, why)                                             \
    {#name, unit, min, dflt, max, beyond, why, offsetof(struct limits, name)},
#include "base/limits.def"
#undef LIMIT
};

const size_t n_limits = SL_LENGTH(limit_table);

struct limits limits_default(void)
{
    return (struct limits){
#define LIMIT(name, unit, min, dflt, max, beyond, why) .name = (dflt),
#include "base/limits.def"
#undef LIMIT
    };
}

const struct limit_info *limit_find(struct slice name)
{
    for (size_t i = 0; i < n_limits; i++)
        if (slice_equals_str(name, limit_table[i].name))
            return &limit_table[i];
    return NULL;
}

void limit_set(struct limits *limits, const struct limit_info *row, uint64_t value)
{
    SL_ASSERT(value >= row->min && value <= row->max);
    memcpy((uint8_t *)limits + row->offset, &value, sizeof value);
}
