/*
 * textfile.h - a whole file in memory, up to a cap; "-" is standard input
 */
#ifndef SLUIS_TOOLS_TEXTFILE_H
#define SLUIS_TOOLS_TEXTFILE_H

#include "common/cli.h"

/*
 * The bytes of `path`, to be freed by the caller; a NUL that is not counted follows. On failure
 * what is wrong has been said, and the exit code is given; EX_OK otherwise.
 */
SL_NODISCARD int textfile_read(const struct cli *cli, const char *path, size_t bytes_max,
                               uint8_t **bytes, size_t *n_bytes);

#endif
