/*
 * apart.h - work on files that may be damaged, in a process of its own
 *
 * Some libraries believe their files: LMDB reads what a page says is there, and a damaged page may
 * end the process. So whoever looks at such a file without having written it does so in a child,
 * and takes what comes back as a hint to be proven.
 *
 * Threads the caller's must be the only one of the process
 */
#ifndef SLUIS_BASE_APART_H
#define SLUIS_BASE_APART_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs `work` in a child, with a copy of this process's memory. What it leaves in `answer` comes
 * back into the caller's, whole; *came_back is false, and `answer` untouched, when the child ended
 * in any other way. Nothing that the child says on standard error is seen. SL_EINTERNAL: there
 * could be no child.
 */
SL_NODISCARD enum sl_err apart_run(void (*work)(void *context, void *answer), void *context,
                                   void *answer, size_t answer_bytes, bool *came_back);

#endif
