/*
 * outdated.h - policies that were compiled in another layout than this version of Sluis reads
 *
 * Such a policy grants nothing until it is put again (judge.c), so the operator has to know.
 */
#ifndef SLUIS_FLOW_OUTDATED_H
#define SLUIS_FLOW_OUTDATED_H

#include "store/store.h"

/* How many subjects have one in force. Looks at each subject of the store. */
SL_NODISCARD enum sl_err outdated_count(struct store *store, uint64_t *n);

#endif
