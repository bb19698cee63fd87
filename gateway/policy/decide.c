/*
 * decide.c - the decision
 *
 *     for each consent:  other flow? ─▶ dates ─▶ window ─▶ situations ─▶ quota ─▶ classes
 *                            └────────────┴─────────┴───────────┴──────────┴── else: drops out
 *
 *     refused:  the classes of all refusals in force for this flow, now
 *     plan:     for each class of the route, what the consents left grant, the coarser of each
 *               dimension; minus what is refused
 *
 * The route's classes are numbered 0 to 23, so a set of them is a word of 32 bits, and every step
 * is an AND. Facts that are not known count as not so: each step can only take away.
 *
 * Nothing here checks the blob: policy_blob_is_valid() did.
 */
#include "policy/decide.h"

#include "policy/blob.h"
#include "policy/window.h"
#include "policy/zone.h"

#include <string.h>

_Static_assert(LIMIT_MAX_route_classes <= 32, "a set of the route's classes is a uint32_t");
_Static_assert(LIMIT_MAX_policy_consents <= 64, "a set of consents is a uint64_t");
_Static_assert(DECIDE_SITUATIONS_MAX <= 32, "a set of situations is a uint32_t");

struct walk {
    struct slice blob;
    const struct facts *facts;
    bool has_local;
    int64_t local_s;     /* the subject's clock on the wall; read when a window asks */
    uint32_t situations; /* of the facts' those that were asked for */
    bool any_situation;  /* whatever is asked for, holds */
};

const char *reason_name(enum reason reason)
{
    static const char *const names[N_REASONS] = {
        [REASON_CONSENTED] = "consented",
        [REASON_NO_CONSENT] = "no_consent",
        [REASON_NOT_YET] = "not_yet",
        [REASON_EXPIRED] = "expired",
        [REASON_OUTSIDE_HOURS] = "outside_hours",
        [REASON_SITUATION] = "situation",
        [REASON_QUOTA] = "quota",
        [REASON_REFUSED] = "refused",
        [REASON_NOT_COVERED] = "not_covered",
        [REASON_PURPOSE] = "purpose",
        [REASON_CONSENT_CHANGED] = "consent_changed",
        [REASON_TOO_FEW] = "too_few",
        [REASON_BUDGET] = "budget",
        [REASON_APP_UNREACHABLE] = "app_unreachable",
        [REASON_APP_TIMEOUT] = "app_timeout",
        [REASON_APP_STATUS] = "app_status",
        [REASON_APP_MALFORMED] = "app_malformed",
        [REASON_ANSWER_TYPE] = "answer_type",
        [REASON_ANSWER_MALFORMED] = "answer_malformed",
        [REASON_ANSWER_SUBJECT] = "answer_subject",
        [REASON_ANSWER_TOO_LARGE] = "answer_too_large",
        [REASON_BODY_TYPE] = "body_type",
        [REASON_BODY_MALFORMED] = "body_malformed",
        [REASON_BODY_SUBJECT] = "body_subject",
        [REASON_BODY_TOO_LARGE] = "body_too_large",
        [REASON_CLOCK] = "clock",
        [REASON_UNWITNESSED] = "unwitnessed",
        [REASON_BUSY] = "busy",
    };
    SL_ASSERT((unsigned)reason < N_REASONS);
    return names[reason];
}

static struct walk walk_begin(struct slice blob, const struct facts *facts)
{
    SL_ASSERT(facts->n_classes <= LIMIT_MAX_route_classes);
    SL_ASSERT(facts->n_situations <= DECIDE_SITUATIONS_MAX);
    return (struct walk){.blob = blob, .facts = facts};
}

static bool window_holds(struct walk *walk, size_t at)
{
    if (walk->blob.p[at] == 0)
        return true;
    if (!walk->has_local) {
        walk->local_s = zone_local_s(blob_zone(walk->blob), zone_seconds(walk->facts->time_ms));
        walk->has_local = true;
    }
    return window_covers_local(blob_window(walk->blob, at), walk->local_s);
}

/* The code's place among the known situations, as a bit; 0 when it is not known to hold. */
static uint32_t known_situation(const struct facts *facts, uint32_t code)
{
    for (size_t i = 0; i < facts->n_situations; i++) {
        if (facts->situations[i] == code)
            return UINT32_C(1) << i;
    }
    return 0;
}

/* Each situation that the consent asks for must be known to hold; those that are get noted. */
static bool situations_hold(struct walk *walk, size_t at)
{
    const size_t n = blob_u16(walk->blob, at + 42), list_at = blob_u32(walk->blob, at + 48);
    bool all_hold = true;
    for (size_t i = 0; i < n; i++) {
        const uint32_t known =
            known_situation(walk->facts, blob_u32(walk->blob, list_at + i * BLOB_CODE_BYTES));
        all_hold = all_hold && known != 0;
        walk->situations |= known;
    }
    return all_hold;
}

/* Of this app, partner and purpose? */
static bool consent_is_of_flow(struct slice blob, const struct facts *facts, size_t at)
{
    return blob_u32(blob, at) == facts->purpose &&
           slice_equals(blob_text(blob, at + 8, at + 21), facts->app) &&
           slice_equals(blob_text(blob, at + 12, at + 22), facts->partner);
}

static bool is_limited(struct slice blob, size_t at)
{
    return blob_u32(blob, at + 60) != 0;
}

/* How far the consent comes without looking at data classes; VERDICT_CONTRIBUTES: all the way. */
static enum verdict consent_applies(struct walk *walk, size_t index)
{
    const struct slice blob = walk->blob;
    const struct facts *facts = walk->facts;
    const size_t at = blob_consent_at(index);
    if (!consent_is_of_flow(blob, facts, at))
        return VERDICT_OTHER_FLOW;
    if (facts->time_ms < blob_i64(blob, at + 24))
        return VERDICT_NOT_YET;
    if (facts->time_ms >= blob_i64(blob, at + 32))
        return VERDICT_EXPIRED;
    if (!window_holds(walk, at + 52))
        return VERDICT_OUTSIDE_HOURS;
    if (!walk->any_situation && !situations_hold(walk, at))
        return VERDICT_SITUATION;
    if (is_limited(blob, at) && (facts->consents_spent >> index & 1))
        return VERDICT_QUOTA;
    return VERDICT_CONTRIBUTES;
}

/* The place of `code` in n ordered entries, or 0, where no entry can be. */
static size_t find_code(struct slice blob, size_t at, size_t n, size_t stride, uint32_t code)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint32_t found = blob_u32(blob, at + middle * stride);
        if (found == code)
            return at + middle * stride;
        if (found < code)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static size_t find_grant(const struct walk *walk, size_t index, uint32_t class_code)
{
    const size_t at = blob_consent_at(index);
    return find_code(walk->blob, blob_u32(walk->blob, at + 44), blob_u16(walk->blob, at + 40),
                     BLOB_GRANT_BYTES, class_code);
}

/* Which of the route's classes the consent grants. */
static uint32_t granted_classes(const struct walk *walk, size_t index)
{
    uint32_t granted = 0;
    for (size_t i = 0; i < walk->facts->n_classes; i++) {
        if (find_grant(walk, index, walk->facts->classes[i]) != 0)
            granted |= 1U << i;
    }
    return granted;
}

/* Is the refusal at `at` in force for this flow, now? */
static bool refusal_holds(struct walk *walk, size_t at)
{
    const struct slice blob = walk->blob;
    const struct facts *facts = walk->facts;
    const struct slice app = blob_text(blob, at + 4, at + 12);
    const struct slice partner = blob_text(blob, at + 8, at + 13);
    const uint32_t purpose = blob_u32(blob, at);
    return (purpose == 0 || purpose == facts->purpose) &&
           (app.n == 0 || slice_equals(app, facts->app)) &&
           (partner.n == 0 || slice_equals(partner, facts->partner)) && window_holds(walk, at + 20);
}

static bool refusal_has_class(struct slice blob, size_t at, uint32_t class_code)
{
    const size_t n = blob_u16(blob, at + 14);
    return n == 0 || find_code(blob, blob_u32(blob, at + 16), n, BLOB_CODE_BYTES, class_code) != 0;
}

/* Which of the route's classes are refused. */
static uint32_t refused_classes(struct walk *walk)
{
    uint32_t refused = 0;
    const size_t n_refusals = blob_u16(walk->blob, 18);
    for (size_t i = 0; i < n_refusals; i++) {
        const size_t at = blob_refusal_at(walk->blob, i);
        if (!refusal_holds(walk, at))
            continue;
        for (size_t j = 0; j < walk->facts->n_classes; j++) {
            if (refusal_has_class(walk->blob, at, walk->facts->classes[j]))
                refused |= 1U << j;
        }
    }
    return refused;
}

static enum action action_of(struct coarseness coarseness)
{
    return coarseness_is_none(coarseness) ? ACTION_KEEP : ACTION_COARSEN;
}

struct coarse_done plan_entry_done(const struct plan_entry *entry)
{
    if (entry->action == ACTION_DROP)
        return (struct coarse_done){0};
    return (struct coarse_done){.kept = true, .coarseness = entry->coarseness};
}

struct plan_entry plan_entry_of_done(const struct coarse_done *done)
{
    if (!done->kept)
        return (struct plan_entry){0};
    return (struct plan_entry){action_of(done->coarseness), done->coarseness};
}

/* Adds what the consent grants of `kept` to the plan. */
static void merge_grants(const struct walk *walk, size_t index, uint32_t kept,
                         struct decision *decision)
{
    for (size_t i = 0; i < walk->facts->n_classes; i++) {
        if (!(kept >> i & 1))
            continue;
        const size_t at = find_grant(walk, index, walk->facts->classes[i]);
        struct plan_entry *entry = &decision->entries[i];
        entry->coarseness = coarseness_coarser(entry->coarseness,
                                               blob_coarseness(walk->blob, at + BLOB_CODE_BYTES));
        entry->action = action_of(entry->coarseness);
        if (entry->coarseness.by[COARSE_TIME] > decision->time_s)
            decision->time_s = entry->coarseness.by[COARSE_TIME];
    }
}

static enum reason reason_of(enum verdict furthest, bool is_refused)
{
    static const enum reason reasons[] = {
        [VERDICT_OTHER_FLOW] = REASON_NO_CONSENT,   [VERDICT_NOT_YET] = REASON_NOT_YET,
        [VERDICT_EXPIRED] = REASON_EXPIRED,         [VERDICT_OUTSIDE_HOURS] = REASON_OUTSIDE_HOURS,
        [VERDICT_SITUATION] = REASON_SITUATION,     [VERDICT_QUOTA] = REASON_QUOTA,
        [VERDICT_NOT_COVERED] = REASON_NOT_COVERED, [VERDICT_CONTRIBUTES] = REASON_CONSENTED,
    };
    return furthest == VERDICT_NOT_COVERED && is_refused ? REASON_REFUSED : reasons[furthest];
}

bool decide_asks_situations(struct slice blob, const struct facts *facts)
{
    const size_t n_consents = policy_blob_n_consents(blob);
    for (size_t i = 0; i < n_consents; i++) {
        const size_t at = blob_consent_at(i);
        if (blob_u16(blob, at + 42) > 0 && consent_is_of_flow(blob, facts, at))
            return true;
    }
    return false;
}

bool decide_could_release(struct slice blob, const struct facts *facts)
{
    struct walk walk = walk_begin(blob, facts);
    walk.any_situation = true;
    const uint32_t refused = refused_classes(&walk);
    const size_t n_consents = policy_blob_n_consents(blob);
    for (size_t i = 0; i < n_consents; i++) {
        if (consent_applies(&walk, i) == VERDICT_CONTRIBUTES &&
            (granted_classes(&walk, i) & ~refused) != 0)
            return true;
    }
    return false;
}

void decide(struct slice blob, const struct facts *facts, struct decision *decision)
{
    struct walk walk = walk_begin(blob, facts);
    *decision = (struct decision){.n_entries = facts->n_classes};
    enum verdict furthest = VERDICT_OTHER_FLOW;
    bool has_refused = false, is_refused = false;
    uint32_t refused = 0;

    const size_t n_consents = policy_blob_n_consents(blob);
    for (size_t i = 0; i < n_consents; i++) {
        enum verdict verdict = consent_applies(&walk, i);
        if (verdict == VERDICT_CONTRIBUTES) {
            if (!has_refused)
                refused = refused_classes(&walk);
            has_refused = true;
            const uint32_t granted = granted_classes(&walk, i);
            const uint32_t kept = granted & ~refused;
            is_refused = is_refused || (granted & refused);
            if (kept == 0) {
                verdict = VERDICT_NOT_COVERED;
            } else {
                merge_grants(&walk, i, kept, decision);
                if (decision->consents == 0)
                    decision->benefit =
                        blob_text(blob, blob_consent_at(i) + 16, blob_consent_at(i) + 23);
                decision->consents |= UINT64_C(1) << i;
                if (is_limited(blob, blob_consent_at(i)))
                    decision->limited |= UINT64_C(1) << i;
            }
        }
        if (verdict > furthest)
            furthest = verdict;
    }
    decision->situations = walk.situations;
    decision->reason = reason_of(furthest, is_refused);
    decision->effect = decision->consents != 0 ? EFFECT_RELEASE : EFFECT_REFUSE;
}

enum verdict decide_consent(struct slice blob, const struct facts *facts, size_t index)
{
    SL_ASSERT(index < policy_blob_n_consents(blob));
    struct walk walk = walk_begin(blob, facts);
    const enum verdict verdict = consent_applies(&walk, index);
    if (verdict != VERDICT_CONTRIBUTES)
        return verdict;
    return (granted_classes(&walk, index) & ~refused_classes(&walk)) != 0 ? VERDICT_CONTRIBUTES
                                                                          : VERDICT_NOT_COVERED;
}

bool decide_is_refused(struct slice blob, const struct facts *facts, uint32_t class_code)
{
    struct walk walk = walk_begin(blob, facts);
    const size_t n_refusals = blob_u16(blob, 18);
    for (size_t i = 0; i < n_refusals; i++) {
        const size_t at = blob_refusal_at(blob, i);
        if (refusal_has_class(blob, at, class_code) && refusal_holds(&walk, at))
            return true;
    }
    return false;
}
