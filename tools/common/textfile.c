/*
 * textfile.c - reads until the end, and one byte further than allowed to see that it is too much
 */
#include "common/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int code_of(const struct cli *cli, int code)
{
    return cli->program->unreadable_code ? cli->program->unreadable_code : code;
}

static FILE *open_for_reading(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
}

int textfile_read(const struct cli *cli, const char *path, size_t bytes_max, uint8_t **bytes,
                  size_t *n_bytes)
{
    FILE *file = open_for_reading(path);
    if (!file) {
        int error = errno;
        return cli_fail(cli, code_of(cli, exit_code_of_errno(error)), "cannot open %s: %s", path,
                        strerror(error));
    }
    uint8_t *block = malloc(bytes_max + 2);
    if (!block) {
        if (file != stdin)
            fclose(file);
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    }
    size_t n = fread(block, 1, bytes_max + 1, file);
    int error = ferror(file) ? errno : 0;
    if (file != stdin)
        fclose(file);
    if (error || n > bytes_max) {
        free(block);
        if (error)
            return cli_fail(cli, code_of(cli, exit_code_of_errno(error)), "cannot read %s: %s",
                            path, strerror(error));
        return cli_fail(cli, code_of(cli, EX_DATAERR),
                        "%s has more than %zu bytes, the most it may have", path, bytes_max);
    }
    block[n] = 0;
    *bytes = block;
    *n_bytes = n;
    return EX_OK;
}
