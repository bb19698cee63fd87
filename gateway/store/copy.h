/*
 * copy.h - the records of one generation, written into another under its own key
 *
 * Errors  LMDB or errno codes; 0 is success. ECANCELED: stopped
 */
#ifndef SLUIS_STORE_COPY_H
#define SLUIS_STORE_COPY_H

#include "store/env.h"

struct copying {
    struct generation *from, *to;
    struct store_rewriting *run; /* stop, and how far */
    MDB_txn *in;                 /* what is copied; the caller's */
    MDB_txn *out;                /* committed now and then */
    size_t n_uncommitted_bytes;
};

/* Subjects with all that is theirs, into an empty generation. Commits. */
int copy_subjects(struct copying *copying);
/* The same subjects as they are in `in`, or are not: what `to` had of them goes first. Commits. */
int copy_again(struct copying *copying, uint8_t (*ids)[STORE_SUBJECT_ID_BYTES], size_t n_ids);
/*
 * What is nobody's: vocabularies, notes, and what the store keeps about itself, with `n_paid` less
 * owed. Commits.
 */
int copy_rest(struct copying *copying, uint64_t n_paid);

#endif
