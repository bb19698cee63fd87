/*
 * private_file.h - small secret files (keys, tokens) that only their owner may read
 *
 * Shape   a whole file at once, into the caller's block; regular files only
 * Errors  SL_ESTORE, with a text that says what was found and what to do
 */
#ifndef SLUIS_BASE_PRIVATE_FILE_H
#define SLUIS_BASE_PRIVATE_FILE_H

#include "base/err.h"
#include "base/slice.h"

struct private_file_problem {
    char text[512];
};

/*
 * Reads at most `cap` bytes. Refuses a file that anyone but its owner can read or write, an empty
 * one, and one with more than `cap` bytes. Wipe the block when done.
 */
SL_NODISCARD enum sl_err private_file_read(const char *path, void *block, size_t cap,
                                           size_t *n_bytes, struct private_file_problem *problem);
/* As above, for a file of exactly `n_bytes`. On failure the block is wiped. */
SL_NODISCARD enum sl_err private_file_read_exactly(const char *path, void *block, size_t n_bytes,
                                                   struct private_file_problem *problem);
/*
 * Creates a file that did not exist, with mode 0600, and makes it and its name durable. What
 * stands there already is never overwritten.
 */
SL_NODISCARD enum sl_err private_file_create(const char *path, struct slice bytes,
                                             struct private_file_problem *problem);
/*
 * Overwrites the file with zeros, and removes it; no error when there is none. What a disk keeps of
 * its own accord (worn cells of an SSD, snapshots, copies) is out of reach.
 */
SL_NODISCARD enum sl_err private_file_destroy(const char *path,
                                              struct private_file_problem *problem);

#endif
