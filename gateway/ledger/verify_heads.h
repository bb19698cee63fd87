/*
 * verify_heads.h - that heads follow one another, and that each list is what it has to be; a part
 *                  of verify.c
 *
 * Memory  a few kilobytes, whatever the size of the ledger
 */
#ifndef SLUIS_LEDGER_VERIFY_HEADS_H
#define SLUIS_LEDGER_VERIFY_HEADS_H

#include "ledger/walk.h"

#include <sluis/verify.h>

/* Receipts of the node that one epoch, and the time until its heads, can have. */
enum { VERIFY_HEADS_NODES_MAX = LIMIT_MAX_ledger_keys + 1 };

struct verify_heads {
    uint64_t n_epochs; /* whose heads were seen, and hold */
    uint64_t end;      /* of the last of them */
    uint64_t heads_at; /* the receipt that has its heads; 0: none yet */
    uint64_t n_key_changes;
    /* Receipts since `end` that are nobody's. */
    size_t n_nodes;
    uint64_t nodes[VERIFY_HEADS_NODES_MAX];
};

/*
 * The batch that `walk` has just proven. Anything but SLUIS_VERIFY_VALID ends it, and the report
 * says why.
 */
enum sluis_verify_result verify_heads_take(struct verify_heads *heads, const struct walk *walk,
                                           struct sluis_verify_report *report);

#endif
