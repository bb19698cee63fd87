/*
 * guard_problem.h - problem documents (RFC 9457), and those for a request that the guard stops
 *
 * Each has a stable `type` (a relative reference below /problems/, explained in
 * docs/partners.md) and words that say what to do.
 */
#ifndef SLUIS_EDGE_GUARD_PROBLEM_H
#define SLUIS_EDGE_GUARD_PROBLEM_H

#include "base/writer.h"
#include "edge/guard.h"

enum { PROBLEM_BYTES_MAX = 4096 };

struct problem {
    unsigned status;
    const char *reason; /* as in the receipt; type: /problems/<reason> */
    const char *title;
    const char *detail; /* what was found, what to do */
};

const struct problem *problem_of_guard(enum guard_fault fault);

/*
 * The document. `receipt` is "<origin>/<index>", or empty when there is none; `members` are more of
 * its members, as JSON, each behind a comma.
 */
void problem_write(const struct problem *problem, struct slice receipt, struct slice members,
                   struct writer *writer);

#endif
