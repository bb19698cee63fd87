/*
 * segment_file.h - the file operations of the writing side: preparing, opening, synchronous writes
 *
 * Errors  errno-style: 0 or a positive error number; a short write is EIO
 * Owns    descriptors are the caller's
 */
#ifndef SLUIS_LEDGER_SEGMENT_FILE_H
#define SLUIS_LEDGER_SEGMENT_FILE_H

#include "ledger/segment.h"

#include <stdatomic.h>

enum { ZEROS_BYTES = 1 << 20 };

#define SEGMENT_NEXT_NAME "next.tmp"

struct segment_file {
    int fd;
    uint32_t alignment;  /* that writes have to keep */
    bool shares_sectors; /* a write may touch a sector that holds bytes from before */
};

/*
 * Creates SEGMENT_NEXT_NAME in the folder, as `segment_bytes` zeros on stable storage. `zeros`:
 * ZEROS_BYTES, aligned. Gives up with ECANCELED when *cancel becomes true. Leaves no file behind
 * when it fails.
 */
SL_NODISCARD int segment_file_prepare(int folder_fd, uint64_t segment_bytes, uint8_t *zeros,
                                      const atomic_bool *cancel, struct segment_file *out);
/* Opens a segment that is there, to go on writing it at its own alignment. */
SL_NODISCARD int segment_file_open(int folder_fd, const char *name, uint32_t alignment,
                                   struct segment_file *out);
/* One write, on stable storage when it returns. Block, length and offset are aligned. */
SL_NODISCARD int segment_file_write(const struct segment_file *file, uint8_t *block, size_t n,
                                    uint64_t offset);

#endif
