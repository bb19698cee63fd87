/*
 * verify_heads.h - that heads follow one another, and that each list is what it has to be; a part
 *                  of verify.c
 *
 * Memory  a few kilobytes, whatever the size of the ledger
 */
#ifndef SLUIS_LEDGER_VERIFY_HEADS_H
#define SLUIS_LEDGER_VERIFY_HEADS_H

#include "ledger/leaf.h"
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
    /* What the folder has. */
    bool has_list;
    uint64_t newest_list;
};

/* --- receipt by receipt, whoever has the lists --- */

enum { VERIFY_HEADS_PROBLEM_BYTES = 256 };

/* Do these heads, the receipt at `index`, follow on those before? False: `problem` says why not. */
bool verify_heads_follow(const struct verify_heads *heads, uint64_t index,
                         const struct leaf_heads *leaf, char problem[VERIFY_HEADS_PROBLEM_BYTES]);
/* How many receipts of subjects there are from the last epoch's end up to `end`. */
uint64_t verify_heads_subjects(const struct verify_heads *heads, uint64_t end);
/*
 * They follow, and their list is sound. False, as below: there are more receipts of nobody's than a
 * ledger can have.
 */
bool verify_heads_go_on(struct verify_heads *heads, uint64_t index, const struct leaf_heads *leaf);
/* Another receipt of nobody's. */
bool verify_heads_note_node(struct verify_heads *heads, uint64_t index);

/* --- a folder --- */

/*
 * The batch that `walk` has just proven. Anything but SLUIS_VERIFY_VALID ends it, and the report
 * says why.
 */
enum sluis_verify_result verify_heads_take(struct verify_heads *heads, const struct walk *walk,
                                           struct sluis_verify_report *report);

/* Which lists there are; before the walk begins. */
void verify_heads_list(struct verify_heads *heads, int ledger_fd);
/* At the end of the ledger: does a list of the folder tell of receipts that come after it? */
void verify_heads_look_beyond(const struct verify_heads *heads, const struct walk *walk,
                              struct sluis_verify_report *report);

#endif
