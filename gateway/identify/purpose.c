/*
 * purpose.c - a contract holds few purposes: they are compared one by one, byte for byte
 */
#include "identify/purpose.h"

const struct vocabulary_term *purpose_find(const struct config_partner *partner,
                                           struct slice header)
{
    if (header.n == 0)
        return partner->n_purposes == 1 ? partner->purposes[0] : NULL;
    for (size_t i = 0; i < partner->n_purposes; i++) {
        if (slice_equals(partner->purposes[i]->name, header))
            return partner->purposes[i];
    }
    return NULL;
}
