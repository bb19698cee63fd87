/*
 * err.c - names of the failures, and the end of the process when one of our own invariants breaks
 */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

const char *sl_err_name(enum sl_err err)
{
    switch (err) {
    case SL_OK:
        return "ok";
    case SL_EMALFORMED:
        return "malformed";
    case SL_ELIMIT:
        return "limit";
    case SL_EUPSTREAM:
        return "upstream";
    case SL_ETIMEOUT:
        return "timeout";
    case SL_ESTORE:
        return "store";
    case SL_EINTERNAL:
        return "internal";
    }
    return "unknown";
}

void sl_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "sluis: broken invariant \"%s\" at %s:%d; stopping\n", condition, file, line);
    abort();
}
