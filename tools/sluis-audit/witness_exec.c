/*
 * witness_exec.c - `sluis-audit witness ...` is the program sluis-audit-witness beside this one
 *
 * It listens, and this program is to link nothing that does (docs/decisions/009): whoever checks a
 * ledger should not have to trust a server's code.
 */
#include "commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = "-witness";

int witness_exec(char **arguments)
{
    char path[PATH_MAX + sizeof suffix];
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n > 0) {
        memcpy(path + n, suffix, sizeof suffix);
        execv(path, arguments);
    }
    fprintf(stderr, "sluis-audit: %s can't be started: %s; it is installed beside sluis-audit\n",
            n > 0 ? path : "sluis-audit-witness", strerror(errno));
    return EX_UNAVAILABLE;
}

int witness_run(struct cli *cli)
{
    return cli_misused(cli, "`witness' comes first: sluis-audit witness --help");
}
