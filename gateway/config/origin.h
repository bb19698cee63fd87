/*
 * origin.h - what a node's ledger may be called
 *
 * Shape   one rule, for `node.origin` in a configuration and for `sluis init --origin`
 * Spec    a key name of C2SP signed-note has no blanks and no "+"; without double quotes and
 *         backslashes it stands as it is in a receipt and in YAML between double quotes
 */
#ifndef SLUIS_CONFIG_ORIGIN_H
#define SLUIS_CONFIG_ORIGIN_H

#include "base/slice.h"

enum { ORIGIN_BYTES_MAX = 128 };

/* The rule in words. */
#define ORIGIN_RULE                                                                                \
    "1 to 128 printable ASCII characters without blanks, double quotes, backslashes and \"+\""

bool origin_is_valid(struct slice text);

#endif
