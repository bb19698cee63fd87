/*
 * reach.c - follows `coarser` and names
 */
#include "policy/reach.h"

#include <string.h>

const struct vocabulary_class *grant_first_class(const struct policy_grant *grant)
{
    return grant->detail ? grant->detail : grant->class;
}

/* Puts the class in its place by code, or coarsens the entry that is there. */
static void reach_class(const struct policy_grant *grant, const struct vocabulary_class *class,
                        struct reached *out, size_t *n)
{
    size_t at = 0;
    while (at < *n && out[at].class->term.code < class->term.code)
        at++;
    if (at < *n && out[at].class == class) {
        out[at].coarseness = coarseness_coarser(out[at].coarseness, grant->coarseness);
        return;
    }
    memmove(&out[at + 1], &out[at], (*n - at) * sizeof *out);
    out[at] = (struct reached){class, coarseness_coarser(grant->coarseness, class->least)};
    ++*n;
}

size_t consent_reach(const struct policy_consent *consent, struct reached *out)
{
    size_t n = 0;
    for (size_t i = 0; i < consent->n_grants; i++) {
        const struct policy_grant *grant = &consent->grants[i];
        for (const struct vocabulary_class *class = grant_first_class(grant); class;
             class = class->coarser)
            reach_class(grant, class, out, &n);
    }
    return n;
}

static bool is_at_or_below(struct slice name, struct slice above)
{
    if (name.n < above.n || memcmp(name.p, above.p, above.n) != 0)
        return false;
    return name.n == above.n || name.p[above.n] == '.';
}

bool refusal_reaches(const struct vocabulary_class *refused, const struct vocabulary_class *class)
{
    for (; class; class = class->coarser) {
        if (is_at_or_below(class->term.name, refused->term.name))
            return true;
    }
    return false;
}

bool refusal_covers(const struct policy_refusal *refusal, const struct vocabulary_class *class)
{
    for (size_t i = 0; i < refusal->n_classes; i++) {
        if (refusal_reaches(refusal->classes[i], class))
            return true;
    }
    return refusal->n_classes == 0;
}
