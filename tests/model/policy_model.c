/*
 * policy_model.c - see policy_model.h
 */
#include "policy_model.h"

#include <string.h>

static bool window_covers_now(const struct policy_window *window, const struct model_clock *clock)
{
    const unsigned week = 7 * 1440;
    const unsigned now = clock->weekday * 1440 + clock->minute;
    for (unsigned day = 0; day < 7; day++) {
        if (!(window->days & (1U << day)))
            continue;
        unsigned start = day * 1440 + window->start_minute;
        unsigned length = window->end_minute > window->start_minute
                              ? (unsigned)(window->end_minute - window->start_minute)
                              : 1440U - window->start_minute + window->end_minute;
        if ((now + week - start) % week < length)
            return true;
    }
    return false;
}

static bool comes_before(struct civil_date a, struct civil_date b)
{
    if (a.year != b.year)
        return a.year < b.year;
    if (a.month != b.month)
        return a.month < b.month;
    return a.day < b.day;
}

static enum verdict stage_of(const struct policy_document *policy, size_t index,
                             const struct model_facts *facts)
{
    const struct policy_consent *consent = &policy->consents[index];
    if (!slice_equals(consent->app, facts->app) ||
        !slice_equals(consent->partner, facts->partner) ||
        !slice_equals(consent->purpose->name, facts->purpose))
        return VERDICT_OTHER_FLOW;
    if (consent->has_from && comes_before(facts->clock.date, consent->from))
        return VERDICT_NOT_YET;
    if (consent->has_until && !comes_before(facts->clock.date, consent->until))
        return VERDICT_EXPIRED;
    if (consent->has_window && !window_covers_now(&consent->window, &facts->clock))
        return VERDICT_OUTSIDE_HOURS;
    for (size_t i = 0; i < consent->n_situations; i++) {
        bool holds = false;
        for (size_t j = 0; j < facts->n_situations; j++)
            holds = holds || slice_equals(consent->situations[i]->name, facts->situations[j]->name);
        if (!holds)
            return VERDICT_SITUATION;
    }
    if (consent->at_most > 0 && (facts->consents_spent & UINT64_C(1) << index))
        return VERDICT_QUOTA;
    return VERDICT_CONTRIBUTES;
}

static bool makes_known(const struct vocabulary_class *class, struct slice name)
{
    for (; class; class = class->coarser) {
        if (slice_equals(class->term.name, name))
            return true;
    }
    return false;
}

/* Does the grant cover the class: is it behind the granted one, and not finer than `detail`? */
static bool grant_covers(const struct policy_grant *grant, const struct vocabulary_class *class)
{
    if (!makes_known(grant->class, class->term.name))
        return false;
    return !grant->detail || makes_known(grant->detail, class->term.name);
}

static bool name_is_below(struct slice name, struct slice above)
{
    return name.n > above.n && memcmp(name.p, above.p, above.n) == 0 && name.p[above.n] == '.';
}

static bool names_class(const struct policy_refusal *refusal, const struct vocabulary_class *class)
{
    if (refusal->n_classes == 0)
        return true;
    for (size_t i = 0; i < refusal->n_classes; i++) {
        struct slice refused = refusal->classes[i]->term.name;
        for (const struct vocabulary_class *known = class; known; known = known->coarser) {
            if (slice_equals(known->term.name, refused) || name_is_below(known->term.name, refused))
                return true;
        }
    }
    return false;
}

bool model_is_refused(const struct policy_document *policy, const struct model_facts *facts,
                      const struct vocabulary_class *class)
{
    for (size_t i = 0; i < policy->n_refusals; i++) {
        const struct policy_refusal *refusal = &policy->refusals[i];
        if (refusal->app.n > 0 && !slice_equals(refusal->app, facts->app))
            continue;
        if (refusal->partner.n > 0 && !slice_equals(refusal->partner, facts->partner))
            continue;
        if (refusal->purpose && !slice_equals(refusal->purpose->name, facts->purpose))
            continue;
        if (refusal->has_window && !window_covers_now(&refusal->window, &facts->clock))
            continue;
        if (names_class(refusal, class))
            return true;
    }
    return false;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void make_coarser(struct plan_entry *entry, const struct coarseness *other)
{
    for (int i = 0; i < N_COARSE; i++) {
        uint32_t *number = &entry->coarseness.by[i];
        if (i != COARSE_TOP)
            *number = larger(*number, other->by[i]);
        else if (*number == 0 || (other->by[i] != 0 && other->by[i] < *number))
            *number = other->by[i];
    }
}

static bool is_as_it_is(const struct plan_entry *entry)
{
    for (int i = 0; i < N_COARSE; i++) {
        if (entry->coarseness.by[i] != 0)
            return false;
    }
    return true;
}

/* The plan for one class under one consent; false when the consent does not grant it. */
static bool plan_class(const struct policy_consent *consent, const struct vocabulary_class *class,
                       struct plan_entry *entry)
{
    bool granted = false;
    for (size_t i = 0; i < consent->n_grants; i++) {
        if (!grant_covers(&consent->grants[i], class))
            continue;
        granted = true;
        make_coarser(entry, &consent->grants[i].coarseness);
        make_coarser(entry, &class->least);
    }
    return granted;
}

/* Those that hold, of what is asked for by consents that came so far. */
static uint32_t model_situations(const struct policy_document *policy,
                                 const struct model_facts *facts)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < policy->n_consents; i++) {
        const struct policy_consent *consent = &policy->consents[i];
        if (stage_of(policy, i, facts) < VERDICT_SITUATION)
            continue;
        for (size_t j = 0; j < facts->n_situations; j++) {
            for (size_t k = 0; k < consent->n_situations; k++) {
                if (slice_equals(consent->situations[k]->name, facts->situations[j]->name))
                    asked |= UINT32_C(1) << j;
            }
        }
    }
    return asked;
}

void model_decide(const struct policy_document *policy, const struct model_facts *facts,
                  struct decision *decision)
{
    static const enum reason reasons[] = {REASON_NO_CONSENT,    REASON_NOT_YET,   REASON_EXPIRED,
                                          REASON_OUTSIDE_HOURS, REASON_SITUATION, REASON_QUOTA};
    enum verdict furthest = VERDICT_OTHER_FLOW;
    bool is_refused = false;
    memset(decision, 0, sizeof *decision);
    decision->situations = model_situations(policy, facts);
    decision->n_entries = facts->n_classes;
    for (size_t i = 0; i < policy->n_consents; i++) {
        const struct policy_consent *consent = &policy->consents[i];
        enum verdict stage = stage_of(policy, i, facts);
        furthest = stage > furthest ? stage : furthest;
        if (stage != VERDICT_CONTRIBUTES)
            continue;
        for (size_t j = 0; j < facts->n_classes; j++) {
            struct plan_entry entry = decision->entries[j];
            if (!plan_class(consent, facts->classes[j], &entry))
                continue;
            if (model_is_refused(policy, facts, facts->classes[j])) {
                is_refused = true;
                continue;
            }
            if (decision->consents == 0)
                decision->benefit = consent->in_return;
            decision->consents |= UINT64_C(1) << i;
            if (consent->at_most > 0)
                decision->limited |= UINT64_C(1) << i;
            entry.action = is_as_it_is(&entry) ? ACTION_KEEP : ACTION_COARSEN;
            decision->entries[j] = entry;
            decision->time_s = larger(decision->time_s, entry.coarseness.by[COARSE_TIME]);
        }
    }
    if (decision->consents != 0) {
        decision->effect = EFFECT_RELEASE;
        decision->reason = REASON_CONSENTED;
    } else {
        decision->effect = EFFECT_REFUSE;
        decision->reason = furthest < VERDICT_NOT_COVERED ? reasons[furthest]
                           : is_refused                   ? REASON_REFUSED
                                                          : REASON_NOT_COVERED;
    }
}
