/*
 * origin.c - a name that needs no escapes anywhere it is written: checkpoints, keys, receipts, YAML
 */
#include "config/origin.h"

bool origin_is_valid(struct slice text)
{
    if (text.n == 0 || text.n > ORIGIN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f || memchr("+\"\\", text.p[i], 3))
            return false;
    return true;
}
