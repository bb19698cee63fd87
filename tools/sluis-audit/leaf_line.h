/*
 * leaf_line.h - one receipt on one line, as `list` and `mine` print it
 */
#ifndef SLUIS_AUDIT_LEAF_LINE_H
#define SLUIS_AUDIT_LEAF_LINE_H

#include "ledger/leaf.h"

#include <jansson.h>

/* Its place, time, kind, and what it says. */
void leaf_line_print(uint64_t index, const struct leaf *leaf);
/* The receipt as JSON, with its index before it; NULL without memory. */
json_t *leaf_line_json(uint64_t index, struct slice bytes);

#endif
