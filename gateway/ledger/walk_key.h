/*
 * walk_key.h - from one key to another, in the middle of a walk; a part of walk.c
 */
#ifndef SLUIS_LEDGER_WALK_KEY_H
#define SLUIS_LEDGER_WALK_KEY_H

#include "ledger/walk_prove.h"

/*
 * The batch's key receipt, if it has one: WALK_BATCH when the ledger may go over to the key that it
 * names. *next is that key's verifier, and stays NULL while the walk is before the caller's key.
 */
enum walk_step walk_check_key(struct walk *walk, const struct batch *batch,
                              const struct batch_proof *proof, struct note_verifier **next);
/* The text of a signed note whose key is not known. False when it is none. */
bool walk_note_of_other(struct slice note, struct slice *text, size_t *n_signatures);
/* The batch stands: the next one is signed by `next`, which is the walk's now, if it is not NULL.
 */
void walk_go_over(struct walk *walk, const struct batch_proof *proof, struct note_verifier *next);
/* Is the proof under the key that is in force? It may have been made ahead, under an older one. */
bool walk_is_key_in_force(const struct walk *walk, const struct batch_proof *proof);

#endif
