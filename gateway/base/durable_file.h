/*
 * durable_file.h - small files that are replaced as a whole, or not at all, whenever power fails
 *
 * Shape   a file of a folder that is open; written under another name first ("NAME.tmp"), then
 *         renamed. One writer at a time for each folder: the caller's lock sees to that.
 * Errors  SL_ESTORE, with errno
 */
#ifndef SLUIS_BASE_DURABLE_FILE_H
#define SLUIS_BASE_DURABLE_FILE_H

#include "base/err.h"
#include "base/slice.h"

#include <sys/types.h>

enum { DURABLE_FILE_NAME_BYTES_MAX = 96 }; /* without NUL */

/*
 * Opens the folder that the file at `path` is in, or would be. *name points into `path`. -1 with
 * errno on failure; ENAMETOOLONG also when there is no name, or it is too long for a file here.
 */
int durable_folder_open(const char *path, const char **name);
/*
 * When this returns SL_OK, `bytes` and the name are on stable storage. After a failure the file is
 * the old one or the new one, whole in either case.
 */
SL_NODISCARD enum sl_err durable_file_replace(int folder_fd, const char *name, mode_t mode,
                                              struct slice bytes);
/* All of it; *n_bytes is 0 when there is no such file. SL_ELIMIT: it has more than `cap` bytes. */
SL_NODISCARD enum sl_err durable_file_read(int folder_fd, const char *name, void *block, size_t cap,
                                           size_t *n_bytes);

#endif
