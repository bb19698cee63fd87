/*
 * last_checkpoint.h - the newest checkpoint in a file of its own, meant for another disk
 *
 * Shape   a thread copies the recorder's newest durable checkpoint to the file about once a second
 *         when there is a new one, and at the end; a start compares the file with the ledger, so
 *         that one that was cut off, forked, or put back from an old copy is not gone on with
 * Threads one writer; last_checkpoint_failure() from any. Nobody waits for the file, but who ends
 *         the writer.
 * Errors  SL_ESTORE with a text for the operator. A write that fails is tried again every second.
 */
#ifndef SLUIS_LEDGER_LAST_CHECKPOINT_H
#define SLUIS_LEDGER_LAST_CHECKPOINT_H

#include "ledger/recorder.h"

struct last_checkpoint_problem {
    char text[512];
};

/*
 * What the file at `path` says. *out is of size 0 when there is no such file yet; an empty one is
 * damage, and its folder must be there. Signatures are not looked at: a start needs the ledger to
 * hold these receipts, whoever stands for them.
 */
SL_NODISCARD enum sl_err last_checkpoint_read(const char *path, struct slice origin,
                                              struct last_checkpoint_problem *problem,
                                              struct ledger_held *out);

struct last_checkpoint;

/* `size`: what was read; `recorder` must outlive the writer. */
SL_NODISCARD enum sl_err last_checkpoint_start(const char *path, uint64_t size,
                                               struct recorder *recorder,
                                               struct last_checkpoint **out);
/* Writes once more, ends the thread, frees. NULL is fine. */
void last_checkpoint_stop(struct last_checkpoint *last);
/* How many receipts the checkpoint in the file is over. */
uint64_t last_checkpoint_size(const struct last_checkpoint *last);
/* Copies why the newest write failed; false, and `problem` untouched, when it did not. */
bool last_checkpoint_failure(struct last_checkpoint *last, struct last_checkpoint_problem *problem);

#endif
