/*
 * purpose.h - why the partner asks: from its contract, never from its word alone
 */
#ifndef SLUIS_IDENTIFY_PURPOSE_H
#define SLUIS_IDENTIFY_PURPOSE_H

#include "config/config.h"

/*
 * The purpose of a request: the one named by `header` (Sluis-Purpose) if the contract holds it;
 * without a header the contract's only one. NULL when absent, unknown, or outside the contract.
 */
const struct vocabulary_term *purpose_find(const struct config_partner *partner,
                                           struct slice header);

#endif
