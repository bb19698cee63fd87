/*
 * exit_code.h - what a tool's exit code says, in one place
 *
 * The codes are those of <sysexits.h>, so that a script can tell a wrong command line (64) from a
 * wrong policy (65), a missing file (66), a missing right (77) and a wrong configuration (78), and
 * knows that 75 is worth another try. sluis-audit verify keeps 0, 1 and 2 for its verdicts.
 */
#ifndef SLUIS_TOOLS_EXIT_CODE_H
#define SLUIS_TOOLS_EXIT_CODE_H

#include "base/err.h"

#include <sysexits.h>

int exit_code_of(enum sl_err err);
/* Of a failed system call on something to be read. */
int exit_code_of_errno(int error);

#endif
