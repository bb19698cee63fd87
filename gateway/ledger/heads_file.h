/*
 * heads_file.h - a list of heads in a ledger's folder: is it the one that the ledger commits to,
 *                and who is in it
 *
 * Shape   open looks at the head, check reads all of it once, find reads a few entries
 * Memory  a few kilobytes of stack, whatever the length of the list
 * Owns    its descriptor; not to be copied: the head's origin points into it
 * Errors  anything but HEADS_SOUND comes with a clause in `problem` that names the list
 */
#ifndef SLUIS_LEDGER_HEADS_FILE_H
#define SLUIS_LEDGER_HEADS_FILE_H

#include "ledger/heads_list.h"
#include "ledger/leaf.h"

enum heads_check {
    HEADS_SOUND,
    HEADS_MISSING,    /* there is no such file */
    HEADS_WRONG,      /* it is not what the ledger commits to, or no list at all */
    HEADS_UNREADABLE, /* it can't be opened or read */
};

#define HEADS_RECEIPTS_UNKNOWN UINT64_MAX

struct heads_file {
    int fd;
    uint64_t epoch;
    struct heads_head head;
    uint8_t head_bytes[HEADS_HEAD_BYTES];
    char problem[320];
};

/* Where a label is, or would be. */
struct heads_place {
    bool found;
    uint64_t delta;    /* 0 when it was not found */
    uint64_t n_before; /* entries with a smaller label: its index, or that of its right neighbour */
};

/*
 * The list of `epoch` of a ledger of this origin. `ledger_fd` is the ledger's folder. Close it
 * also when it could not be opened.
 */
SL_NODISCARD enum heads_check heads_file_open(struct heads_file *file, int ledger_fd,
                                              uint64_t epoch, struct slice origin);
/* The same for a list that is open already, as fd, which is then the file's. */
SL_NODISCARD enum heads_check heads_file_open_fd(struct heads_file *file, int fd, uint64_t epoch,
                                                 struct slice origin);
void heads_file_close(struct heads_file *file);

/*
 * Is it the list that `heads` commits to? `n_receipts` is how many receipts of subjects there are
 * in [first, end), or HEADS_RECEIPTS_UNKNOWN.
 */
SL_NODISCARD enum heads_check heads_file_check(struct heads_file *file,
                                               const struct leaf_heads *heads, uint64_t n_receipts);
/* Only of a list that was checked. */
SL_NODISCARD enum heads_check heads_file_find(struct heads_file *file,
                                              const uint8_t label[HEADS_LABEL_BYTES],
                                              struct heads_place *out);

#endif
