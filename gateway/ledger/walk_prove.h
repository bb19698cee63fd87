/*
 * walk_prove.h - what makes a batch believable; a part of walk.c
 */
#ifndef SLUIS_LEDGER_WALK_PROVE_H
#define SLUIS_LEDGER_WALK_PROVE_H

#include "ledger/walk.h"

#include <sys/types.h>

/* Sets walk->problem and returns `step`. */
enum walk_step walk_stop(struct walk *walk, enum walk_step step, uint64_t offset,
                         const char *format, ...) SL_PRINTF(4, 5);

/* The same for WALK_DAMAGED because origin or key are not ours. */
enum walk_step walk_stop_other_key(struct walk *walk, uint64_t offset, const char *format, ...)
    SL_PRINTF(3, 4);

/* A receipt that goes over to another key. */
struct batch_key {
    bool found;
    uint64_t index, offset;
    struct leaf_key leaf; /* points into the batch */
};

/* What a batch says by itself, proven; what remains is to compare it with what came before. */
struct batch_proof {
    struct tree_run run;
    int64_t newest_time_ms; /* of its receipts */
    struct checkpoint checkpoint;
    uint8_t signer[NOTE_KEY_BYTES]; /* of it */
    struct batch_key key;           /* the first one in the batch */
    struct batch_heads heads;
};

/*
 * Two steps. The first needs of `walk` only the key, and the place for what it has to say; so
 * another thread can do it ahead, with a walk of its own that has never been opened. The second
 * moves the walk's tree and time, and its key when a key receipt ends the batch, and nothing else.
 * A proof made ahead under a key that is no longer in force is made again in the second step; a
 * batch that was refused ahead because of its key has to be given to walk_prove().
 */
enum walk_step walk_prove_alone(struct walk *walk, const struct batch *batch,
                                struct batch_proof *proof);
enum walk_step walk_prove_place(struct walk *walk, const struct batch *batch);
enum walk_step walk_accept(struct walk *walk, const struct batch *batch,
                           const struct batch_proof *proof);
/* All of it, for a whole batch at walk->offset. */
enum walk_step walk_prove(struct walk *walk, const struct batch *batch);

/* A batch at walk->offset whose form or CRC is wrong: names the first receipt that is. */
enum walk_step walk_name_damage(struct walk *walk, enum walk_step step, struct slice bytes);

/* pread() of n bytes, as far as the file has them. -1 with errno on failure. */
ssize_t walk_pread(int fd, uint8_t *block, size_t n, uint64_t offset);

#endif
