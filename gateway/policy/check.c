/*
 * check.c - what a valid policy says as a whole, where that may surprise its owner
 *
 * Nothing here is an error: the rules for what happens are clear. But a person who grants the
 * same data twice may not expect the coarser of both, and a consent that a refusal empties looks
 * like one that works.
 */
#include "policy/loading.h"
#include "policy/reach.h"
#include "policy/window.h"

#include <stdlib.h>

static bool is_same_flow(const struct policy_consent *a, const struct policy_consent *b)
{
    return slice_equals(a->app, b->app) && slice_equals(a->partner, b->partner) &&
           a->purpose == b->purpose;
}

static const struct policy_window *window_of(bool has_window, const struct policy_window *window)
{
    return has_window ? window : NULL;
}

static bool are_apart_in_time(const struct policy_consent *a, const struct policy_consent *b)
{
    if (a->has_until && b->has_from && days_from_civil(a->until) <= days_from_civil(b->from))
        return true;
    if (b->has_until && a->has_from && days_from_civil(b->until) <= days_from_civil(a->from))
        return true;
    return window_relate(window_of(a->has_window, &a->window),
                         window_of(b->has_window, &b->window)) == WINDOW_APART;
}

/* A class that both reach, or NULL; both lists are ordered by code. */
static const struct vocabulary_class *common_class(const struct reached *a, size_t n_a,
                                                   const struct reached *b, size_t n_b)
{
    for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
        if (a[i].class == b[j].class)
            return a[i].class;
        if (a[i].class->term.code < b[j].class->term.code)
            i++;
        else
            j++;
    }
    return NULL;
}

static void warn_of_overlaps(const struct policy_document *policy, size_t index,
                             struct reached *mine, struct reached *other,
                             struct yaml_problems *problems)
{
    const struct policy_consent *consent = &policy->consents[index];
    const size_t n_mine = consent_reach(consent, mine);
    for (size_t i = 0; i < index; i++) {
        const struct policy_consent *earlier = &policy->consents[i];
        if (!is_same_flow(consent, earlier))
            continue;
        const struct vocabulary_class *class =
            common_class(mine, n_mine, other, consent_reach(earlier, other));
        if (class && !are_apart_in_time(consent, earlier))
            yaml_warning_at(problems, consent->line, consent->column,
                            "\"%.*s\" grants %.*s as \"%.*s\" on line %u does; while both apply, "
                            "the coarser grant counts",
                            SLICE_PRINTF(consent->id), SLICE_PRINTF(class->term.name),
                            SLICE_PRINTF(earlier->id), earlier->line);
    }
}

/* A grant of a class that another grant of the same consent reaches already. */
static void warn_of_repeats(const struct policy_consent *consent, struct yaml_problems *problems)
{
    for (size_t i = 0; i < consent->n_grants; i++) {
        const struct policy_grant *grant = &consent->grants[i];
        for (size_t j = 0; j < consent->n_grants; j++) {
            const struct policy_grant *other = &consent->grants[j];
            const struct vocabulary_class *class = grant_first_class(other);
            while (class && class != grant->class)
                class = class->coarser;
            if (class && i != j)
                yaml_warning_at(problems, grant->line, grant->column,
                                "%.*s is granted by %.*s already; the coarser grant counts",
                                SLICE_PRINTF(grant->class->term.name),
                                SLICE_PRINTF(other->class->term.name));
        }
    }
}

static bool always_refuses(const struct policy_refusal *refusal,
                           const struct policy_consent *consent)
{
    if ((refusal->app.n > 0 && !slice_equals(refusal->app, consent->app)) ||
        (refusal->partner.n > 0 && !slice_equals(refusal->partner, consent->partner)) ||
        (refusal->purpose && refusal->purpose != consent->purpose))
        return false;
    return !refusal->has_window || window_relate(window_of(consent->has_window, &consent->window),
                                                 &refusal->window) == WINDOW_INSIDE;
}

static void warn_of_refused(const struct policy_document *policy,
                            const struct policy_consent *consent, struct reached *reached,
                            struct yaml_problems *problems)
{
    bool refuses[LIMIT_MAX_policy_refusals];
    for (size_t i = 0; i < policy->n_refusals; i++)
        refuses[i] = always_refuses(&policy->refusals[i], consent);
    const size_t n = consent_reach(consent, reached);
    for (size_t i = 0; i < n; i++) {
        bool refused = false;
        for (size_t j = 0; j < policy->n_refusals && !refused; j++)
            refused = refuses[j] && refusal_covers(&policy->refusals[j], reached[i].class);
        if (!refused)
            return;
    }
    yaml_warning_at(problems, consent->line, consent->column,
                    "\"%.*s\" has no effect: all that it grants is refused under `refuse`",
                    SLICE_PRINTF(consent->id));
}

void check_policy(const struct policy_document *policy, struct yaml_problems *problems)
{
    const size_t n_classes = vocabulary_n_classes(policy->vocabulary);
    struct reached *mine = calloc(2 * n_classes, sizeof *mine);
    if (!mine)
        return; /* warnings only */
    for (size_t i = 0; i < policy->n_consents; i++) {
        warn_of_repeats(&policy->consents[i], problems);
        warn_of_overlaps(policy, i, mine, mine + n_classes, problems);
        warn_of_refused(policy, &policy->consents[i], mine, problems);
    }
    free(mine);
}
