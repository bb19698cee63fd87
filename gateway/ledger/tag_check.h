/*
 * tag_check.h - is a tag under two receipts? An exact answer in a fixed amount of memory
 *
 * Shape   all receipts are added, in order, as often as it takes: mostly once.
 *             do add all receipts; while (tag_check_end_pass(check));
 * Memory  what tag_check_new() is given; the less, the more passes: four bytes for each receipt,
 * and a quarter more, are enough for one Owns    its tables Units   receipts by their index; a leaf
 * is the exact bytes of a receipt, proven before
 */
#ifndef SLUIS_LEDGER_TAG_CHECK_H
#define SLUIS_LEDGER_TAG_CHECK_H

#include "base/err.h"
#include "base/slice.h"

enum { TAG_CHECK_BYTES_MIN = 4096 };

struct tag_check;

/* `n_receipts` is a guess; a bad one costs passes. */
SL_NODISCARD enum sl_err tag_check_new(size_t memory_bytes, uint64_t n_receipts,
                                       struct tag_check **out);
void tag_check_free(struct tag_check *check);
SL_DEFINE_AUTO(tag_check, tag_check_free)

/*
 * Receipts that are no subject's have no tag, and are passed over. True when it is clear that this
 * receipt has the tag of one before: the rest need not be added.
 */
bool tag_check_add(struct tag_check *check, uint64_t receipt, struct slice leaf);
/*
 * After all receipts. True when they have to be added once more; false when no tag is under two of
 * them.
 */
SL_NODISCARD bool tag_check_end_pass(struct tag_check *check);
/* After tag_check_add() was true: the two receipts. */
void tag_check_twins(const struct tag_check *check, uint64_t *first, uint64_t *second);
/* How many passes it will take, as far as can be told. */
uint64_t tag_check_n_passes(const struct tag_check *check);

#endif
