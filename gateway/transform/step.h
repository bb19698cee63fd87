/*
 * step.h - the text of a path, read into steps
 *
 * Owns    nothing: names are written into the caller's block
 * Spec    RFC 9535 sections 2.1 (root), 2.3.1 (name), 2.3.2 ([*]), 2.3.3 (index, not negative),
 *         2.5.1 (.name); nothing else of it, and no white space
 */
#ifndef SLUIS_TRANSFORM_STEP_H
#define SLUIS_TRANSFORM_STEP_H

#include "base/limits.h"
#include "base/slice.h"

enum step_kind { STEP_NAME, STEP_INDEX, STEP_ANY };

struct step {
    enum step_kind kind;
    struct slice name; /* STEP_NAME: escapes resolved */
    uint32_t index;    /* STEP_INDEX */
    size_t at;         /* where it stands in the path */
};

enum { STEPS_MAX = LIMIT_MAX_json_depth };

struct steps {
    size_t n;
    struct step step[STEPS_MAX];
};

enum steps_fault { STEPS_OK, STEPS_SYNTAX, STEPS_TOO_MANY };

/* `names` has room for path.n bytes. On a fault `*fault_at` is an offset in the path. */
enum steps_fault steps_parse(struct slice path, uint8_t *names, struct steps *out,
                             size_t *fault_at);

#endif
