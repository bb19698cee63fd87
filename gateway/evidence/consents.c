/*
 * consents.c - from the policies of one person to the life of each consent
 *
 *     version      1            2              3
 *     c1           given        (the same)     withdrawn
 *     c2                        given          changed
 *
 * Each version's receipt is the evidence of what it changed. A consent is the same one as long as
 * it has the same id; it was changed when anything that it allows is another, by the words that a
 * record has for it. A version that is not opened says nothing of its consents: the next one is
 * then held against the last one before it that is, and what there is without any is given there.
 */
#include "evidence/consents.h"

#include "evidence/consent_words.h"
#include "policy/zone.h"

#include <stdlib.h>

const char *consent_event_name(enum consent_event_kind kind)
{
    static const char *const names[] = {
        [CONSENT_GIVEN] = "given",         [CONSENT_CHANGED] = "changed",
        [CONSENT_WITHDRAWN] = "withdrawn", [CONSENT_EXPIRED] = "expired",
        [CONSENT_ERASED] = "erased",
    };
    return names[kind];
}

static struct consent_life *find_or_add(struct consent_lives *lives, struct slice id)
{
    const struct consent_life *found = consent_lives_find(lives, id);
    if (found)
        return &lives->list[found - lives->list];
    if (lives->n == lives->cap) {
        size_t cap = lives->cap ? 2 * lives->cap : 8;
        struct consent_life *longer = reallocarray(lives->list, cap, sizeof *longer);
        if (!longer)
            return NULL;
        lives->list = longer;
        lives->cap = cap;
    }
    lives->list[lives->n] = (struct consent_life){.id = id};
    return &lives->list[lives->n++];
}

static int64_t until_of(const struct policy_document *policy, const struct policy_consent *consent)
{
    return consent->has_until ? zone_day_start_s(policy->zone, consent->until) * 1000 : INT64_MAX;
}

static bool add_event(struct consent_life *life, struct consent_event event)
{
    struct consent_event *events = reallocarray(life->events, life->n_events + 1, sizeof *events);
    if (!events)
        return false;
    life->events = events;
    events[life->n_events++] = event;
    return true;
}

static const struct consent_event *last_event(const struct consent_life *life)
{
    return life->n_events > 0 ? &life->events[life->n_events - 1] : NULL;
}

/* In the policy, whether its last day is past or not. */
static bool is_there(const struct consent_life *life)
{
    const struct consent_event *last = last_event(life);
    return last && last->kind != CONSENT_WITHDRAWN && last->kind != CONSENT_ERASED;
}

const struct consent_event *consent_last_terms(const struct consent_life *life)
{
    size_t k = life->n_events;
    while (k > 0 && !life->events[k - 1].consent)
        k--;
    return k > 0 ? &life->events[k - 1] : NULL;
}

/* If its last day was over before `time_ms`, it ended by itself; at once, if it was over before. */
static bool expire(struct consent_life *life, int64_t time_ms, size_t version)
{
    const struct consent_event *last = last_event(life);
    if (!last || !last->consent || last->until_ms > time_ms)
        return true;
    int64_t end_ms = last->until_ms > last->time_ms ? last->until_ms : last->time_ms;
    return add_event(life, (struct consent_event){
                               .kind = CONSENT_EXPIRED, .time_ms = end_ms, .version = version});
}

static const struct policy_consent *find_consent(const struct policy_document *policy,
                                                 struct slice id)
{
    for (size_t i = 0; i < policy->n_consents; i++) {
        if (slice_equals(policy->consents[i].id, id))
            return &policy->consents[i];
    }
    return NULL;
}

/* Of the consents that were there: what is past, and what is there no more. */
static bool end_lives(struct consent_lives *lives, const struct consent_version *version, size_t at)
{
    struct consent_event event = {
        .kind = CONSENT_WITHDRAWN, .time_ms = version->time_ms, .version = at};
    if (version->is_erasure)
        event.kind = CONSENT_ERASED;
    for (size_t i = 0; i < lives->n; i++) {
        struct consent_life *life = &lives->list[i];
        if (!expire(life, version->time_ms, at - 1))
            return false;
        bool ends = version->is_erasure || !find_consent(version->policy, life->id);
        if (ends && is_there(life) && !add_event(life, event))
            return false;
    }
    return true;
}

static bool add_consent(struct consent_lives *lives, const struct consent_version *version,
                        const struct policy_consent *consent, size_t at)
{
    struct consent_life *life = find_or_add(lives, consent->id);
    if (!life)
        return false;
    const struct consent_event event = {.kind = is_there(life) ? CONSENT_CHANGED : CONSENT_GIVEN,
                                        .time_ms = version->time_ms,
                                        .version = at,
                                        .consent = consent,
                                        .timezone = version->policy->timezone,
                                        .until_ms = until_of(version->policy, consent)};
    if (event.kind == CONSENT_CHANGED && consent_terms_equal(consent_last_terms(life), &event))
        return true;
    return add_event(life, event);
}

static bool add_version(struct consent_lives *lives, const struct consent_version *version,
                        size_t at)
{
    if (!version->is_erasure && !version->policy)
        return true;
    if (!end_lives(lives, version, at))
        return false;
    for (size_t i = 0; !version->is_erasure && i < version->policy->n_consents; i++) {
        if (!add_consent(lives, version, &version->policy->consents[i], at))
            return false;
    }
    return true;
}

enum sl_err consents_trace(const struct consent_version *versions, size_t n_versions,
                           int64_t as_of_ms, struct consent_lives *out)
{
    struct consent_lives lives = {0};
    bool has_memory = true;
    for (size_t i = 0; i < n_versions && has_memory; i++)
        has_memory = add_version(&lives, &versions[i], i);
    for (size_t i = 0; i < lives.n && has_memory; i++)
        has_memory = expire(&lives.list[i], as_of_ms, n_versions - 1);
    if (has_memory)
        *out = lives;
    else
        consent_lives_free(&lives);
    return has_memory ? SL_OK : SL_EINTERNAL;
}

void consent_lives_free(struct consent_lives *lives)
{
    for (size_t i = 0; i < lives->n; i++)
        free(lives->list[i].events);
    free(lives->list);
    *lives = (struct consent_lives){0};
}

const struct consent_life *consent_lives_find(const struct consent_lives *lives, struct slice id)
{
    for (size_t i = 0; i < lives->n; i++) {
        if (slice_equals(lives->list[i].id, id))
            return &lives->list[i];
    }
    return NULL;
}
