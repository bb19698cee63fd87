/*
 * judge.c - one look-up, one decision, and the digest that pins both in the receipt
 *
 * The policy is read in place: what outlives the look-up (user name, benefit) is copied to the
 * flow's arena.
 */
#include "flow/judge.h"

#include "base/timestamp.h"
#include "ledger/basis.h"
#include "policy/policy.h"
#include "policy/zone.h"

#include <limits.h>
#include <string.h>

/* What the decision rested on: the policy's version and text, and the consents' ids. */
static void pin_basis(struct flow *flow, const struct store_subject *subject, struct slice blob)
{
    struct slice ids[LIMIT_MAX_policy_consents];
    size_t n_ids = 0;
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++)
        if (flow->decision.consents >> i & 1)
            ids[n_ids++] = policy_blob_consent_id(blob, i);
    basis_digest(subject->version, subject->policy_digest, ids, n_ids, flow->record.basis);
}

/* What is known to hold, in the order of names; looked up only when a consent for this flow asks.
 */
struct moment {
    size_t n;
    const struct vocabulary_term *terms[DECIDE_SITUATIONS_MAX];
    uint32_t codes[DECIDE_SITUATIONS_MAX];
};

static void add_situation(struct moment *moment, const struct vocabulary_term *term)
{
    size_t at = 0;
    while (at < moment->n && slice_compare(moment->terms[at]->name, term->name) < 0)
        at++;
    if (at < moment->n && moment->terms[at] == term)
        return;
    SL_ASSERT(moment->n < DECIDE_SITUATIONS_MAX);
    for (size_t i = moment->n++; i > at; i--) {
        moment->terms[i] = moment->terms[i - 1];
        moment->codes[i] = moment->codes[i - 1];
    }
    moment->terms[at] = term;
    moment->codes[at] = term->code;
}

/* Those of the route's field, too: a set, bit i for its terms[i]. */
static void add_answered(struct moment *moment, const struct config_situation_field *field,
                         unsigned answered)
{
    for (size_t i = 0; field && i < field->n_terms; i++) {
        if (answered >> i & 1)
            add_situation(moment, field->terms[i]);
    }
}

static void find_situations(const struct flow *flow, struct slice user, struct moment *moment)
{
    const struct situations_now now = {clock_monotonic_ms(), flow->time_ms};
    const struct config_route *route = flow->request.route;
    struct situations_told told;
    situations_known(flow->engine->node->situations, route->app_index, user, now, &told);
    for (size_t i = 0; i < told.n; i++)
        add_situation(moment, told.terms[i]);
    add_answered(moment, route->situation, flow->answered_situations);
}

/* Refused for now: could the app's answer tell of a situation in which it is not? */
static bool could_be_answered(const struct flow *flow, struct slice blob, struct facts facts,
                              struct moment moment)
{
    const struct config_situation_field *field = flow->request.route->situation;
    if (!field || flow->has_read_situation)
        return false;
    struct decision best;
    add_answered(&moment, field, UINT_MAX);
    facts.n_situations = moment.n;
    facts.situations = moment.codes;
    decide(blob, &facts, &best);
    return best.effect == EFFECT_RELEASE;
}

/* For the receipt: those that the decision asked for. */
static void keep_situations(struct flow *flow, const struct moment *moment)
{
    flow->n_situations = 0;
    for (size_t i = 0; i < moment->n; i++) {
        if (flow->decision.situations >> i & 1)
            flow->situations[flow->n_situations++] = moment->terms[i]->name;
    }
}

/* What is used up by now counts; what the flow would use is kept for the recorder. */
static enum sl_err decide_counted(struct flow *flow, struct slice blob, struct facts *facts)
{
    struct flow_engine *engine = flow->engine;
    struct store_allowance *allowances = engine->allowances;
    size_t n = 0;
    flow->is_over_budget = false;
    SL_TRY(allowances_decide(engine->reader, flow->record.subject, blob, facts, &flow->decision,
                             allowances, &n, &flow->waits_s));
    if (flow->decision.effect == EFFECT_RELEASE &&
        allowance_of_partner(flow->partner, flow->time_ms, &allowances[n])) {
        SL_TRY(store_uses_read(engine->reader, &allowances[n], 1));
        flow->is_over_budget = allowances[n].n_used >= allowances[n].at_most;
        if (flow->is_over_budget)
            flow->waits_s = (uint32_t)(allowances[n].end_s - zone_seconds(flow->time_ms));
        n++;
    }
    struct flow_demand *demand = &flow->demand;
    if (n > demand->n_room) {
        demand->allowances = arena_alloc(&flow->arena, n * sizeof *demand->allowances);
        demand->n_room = demand->allowances ? n : 0;
    }
    if (flow->arena.overflow)
        return SL_ELIMIT;
    demand->n_allowances = n;
    demand->time_s = zone_seconds(flow->time_ms);
    if (n > 0) {
        SL_ASSERT(demand->allowances); /* there is room for n_room of them */
        memcpy(demand->allowances, allowances, n * sizeof *allowances);
    }
    return SL_OK;
}

enum sl_err judge_flow(struct flow *flow)
{
    struct flow_engine *engine = flow->engine;
    struct store_subject subject = {0};
    SL_TRY(store_read(engine->reader, flow->record.subject, &subject));

    const struct config_route *route = flow->request.route;
    struct facts facts = {
        .time_ms = flow->time_ms,
        .partner = flow->partner->id,
        .app = route->app->id,
        .purpose = flow->purpose ? flow->purpose->code : 0,
        .n_classes = route->n_classes,
        .classes = route->class_codes,
    };
    /* A blob of another layout can't be read, so it grants nothing (outdated.h). */
    const bool is_current = subject.version > 0 && policy_blob_is_current(subject.blob);
    struct slice blob = is_current ? subject.blob : policy_blob_empty();
    struct moment moment = {.n = 0};
    const struct slice user = store_account(&subject, route->app->id);
    const bool asks = user.n > 0 && decide_asks_situations(blob, &facts);
    if (asks)
        find_situations(flow, user, &moment);
    facts.n_situations = moment.n;
    facts.situations = moment.codes;
    enum sl_err err = decide_counted(flow, blob, &facts);
    if (err != SL_OK) {
        store_read_end(engine->reader);
        return err;
    }
    keep_situations(flow, &moment);
    flow->awaits_situation = asks && flow->decision.effect == EFFECT_REFUSE &&
                             could_be_answered(flow, blob, facts, moment);
    pin_basis(flow, &subject, blob);

    flow->record.subject_known = subject.found;
    flow->policy_version = subject.version;
    flow->benefit = arena_copy(&flow->arena, flow->decision.benefit);
    flow->decision.benefit = flow->benefit;
    flow->user = arena_copy(&flow->arena, user);
    store_read_end(engine->reader);
    return flow->arena.overflow ? SL_ELIMIT : SL_OK;
}

static bool is_same_plan(const struct decision *a, const struct decision *b)
{
    if (a->n_entries != b->n_entries || a->time_s != b->time_s)
        return false;
    for (size_t i = 0; i < a->n_entries; i++)
        if (a->entries[i].action != b->entries[i].action ||
            !coarseness_equals(a->entries[i].coarseness, b->entries[i].coarseness))
            return false;
    return true;
}

/* As of now. False, and why: not allowed (any more). */
static bool judge_now(struct flow *flow, enum reason *reason)
{
    const int64_t time_before_ms = flow->time_ms;
    flow->time_ms = clock_now_ms();
    if (judge_flow(flow) != SL_OK) {
        flow->time_ms = time_before_ms; /* as the basis, so that the receipt can be repeated */
        *reason = REASON_BUSY;
        return false;
    }
    *reason = flow->decision.reason;
    return flow->decision.effect == EFFECT_RELEASE;
}

bool judge_flow_answered(struct flow *flow, uint8_t situations, enum reason *reason)
{
    const struct slice user_before = flow->user;
    flow->has_read_situation = true;
    flow->answered_situations = situations;
    if (!judge_now(flow, reason))
        return false;
    *reason = REASON_CONSENT_CHANGED;
    return slice_equals(user_before, flow->user);
}

bool judge_flow_again(struct flow *flow, enum reason *reason)
{
    const struct decision before = flow->decision;
    const struct slice user_before = flow->user;
    if (!judge_now(flow, reason))
        return false;
    *reason = REASON_CONSENT_CHANGED;
    return is_same_plan(&before, &flow->decision) && slice_equals(user_before, flow->user);
}
