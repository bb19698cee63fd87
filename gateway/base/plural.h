/*
 * plural.h - the word that goes with a number: "1 receipt", "0 receipts", "2 bases"
 *
 *     printf("%llu %s", n, plural(n, "receipt", "receipts"));
 */
#ifndef SLUIS_BASE_PLURAL_H
#define SLUIS_BASE_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

#endif
