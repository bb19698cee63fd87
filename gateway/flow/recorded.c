/*
 * recorded.c - no receipt, no release
 *
 * A release is drafted when the whole reduced answer is there, so that the receipt commits to
 * exactly the bytes that will leave; and it is judged once more, as of that moment. A refusal is
 * drafted with what is known by then; a flow whose refusal can't be recorded is refused without a
 * receipt, and says so.
 */
#include "flow/recorded.h"

#include "flow/judge.h"
#include "flow/people.h"
#include "flow/push.h"
#include "flow/push_again.h"

enum { DENIALS_MAX = 3 };

/* What was done to each class: on a refusal, nothing of any class left. */
static size_t draft_classes(const struct flow *flow, bool released,
                            struct leaf_class classes[LIMIT_MAX_route_classes])
{
    const struct config_route *route = flow->request.route;
    for (size_t i = 0; i < route->n_classes; i++) {
        const struct plan_entry *entry = &flow->decision.entries[i];
        classes[i] = (struct leaf_class){
            .name = route->classes[i]->term.name,
            .done = released ? plan_entry_done(entry) : (struct coarse_done){0},
        };
        if (classes[i].done.kept)
            classes[i].done.group = route->aggregate.at_least;
    }
    return route->n_classes;
}

static enum sl_err draft(struct flow *flow, bool released, enum reason reason)
{
    struct leaf_class classes[LIMIT_MAX_route_classes];
    struct leaf_flow leaf = {
        .kind = flow_kind(flow) == ROUTE_PUSH ? LEAF_PUSH : LEAF_PULL,
        .time_ms = flow->time_ms,
        .partner = flow->partner->id,
        .app = flow->request.route->app->id,
        .route = flow->request.route->id,
        .purpose = flow->purpose ? flow->purpose->name : slice_of(NULL, 0),
        .benefit = released ? flow->benefit : slice_of(NULL, 0),
        .n_situations = flow->n_situations,
        .situations = flow->situations,
        .released = released,
        .reason = slice_of_str(reason_name(reason)),
        .n_classes = draft_classes(flow, released, classes),
        .classes = classes,
    };
    return leaf_draft_flow(&leaf, &flow->record.leaf);
}

enum sl_err flow_draft_release(struct flow *flow, struct slice body)
{
    sha256_of(body, flow->record.body);
    return draft(flow, true, REASON_CONSENTED);
}

static void answer(struct flow *flow, enum flow_state state, enum answer_kind kind)
{
    flow_move(flow, state);
    flow->answer.kind = kind;
    flow->engine->reply(flow);
}

static bool submit(struct flow *flow, enum record_kind kind)
{
    flow->record.kind = kind;
    flow->record.reply_to = &flow->engine->recorded;
    flow->record.policy_version = flow->policy_version;
    flow->engine->has_submitted = true;
    return recorder_submit(flow->engine->node->recorder, &flow->record);
}

void flow_unrecorded(struct flow *flow)
{
    flow->answer.body = slice_of(NULL, 0);
    answer(flow, FLOW_REFUSED, ANSWER_UNRECORDED);
}

bool flow_is_unwitnessed(const struct flow *flow)
{
    const struct witnessed *witnessed = flow->engine->node->witnessed;
    return witnessed && witnessed_refuses(witnessed);
}

void flow_record_release(struct flow *flow)
{
    enum reason reason;
    if (!judge_flow_again(flow, &reason)) {
        flow_refuse(flow, reason);
        return;
    }
    if (flow_is_unwitnessed(flow) || flow->is_over_budget) {
        flow_refuse(flow, flow->is_over_budget ? REASON_BUDGET : REASON_UNWITNESSED);
        return;
    }
    struct slice body = filter_output(flow->filter);
    flow->answer.body = body;
    flow->answer.media_type = flow->request.route->media_type;
    flow->demand.push = flow_kind(flow) == ROUTE_PUSH ? push_note(flow) : NULL;
    bool has_demand = flow->demand.push || flow->demand.n_allowances > 0;
    flow->record.demand = has_demand ? &flow->demand : NULL;
    flow->demand.is_double = false;
    if (flow_draft_release(flow, body) != SL_OK)
        flow_refuse(flow, REASON_BUSY);
    else if (!submit(flow, RECORD_RELEASE))
        flow_refuse(flow, REASON_BUSY);
}

void flow_refuse(struct flow *flow, enum reason reason)
{
    flow->answer.reason = reason;
    flow->answer.body = slice_of(NULL, 0);
    if (reason == REASON_QUOTA || reason == REASON_BUDGET)
        flow->answer.retry_after_s = flow->waits_s;
    flow->record.demand = NULL; /* a refusal uses nothing */
    if (draft(flow, false, reason) != SL_OK || !submit(flow, RECORD_REFUSAL))
        answer(flow, FLOW_REFUSED, ANSWER_UNRECORDED);
}

static void release_recorded(struct flow *flow)
{
    switch (flow->record.outcome) {
    case RECORD_DURABLE:
        flow_move(flow, FLOW_RECORDED);
        flow->answer.reason = REASON_CONSENTED;
        if (flow_kind(flow) == ROUTE_PUSH)
            push_forward(flow);
        else
            answer(flow, FLOW_RELEASED, ANSWER_RELEASED);
        return;
    case RECORD_DENIED:
        /* Others were faster. What is left may allow the same, under another consent. */
        if (flow->demand.is_double)
            push_was_double(flow);
        else if (flow->n_denied++ < DENIALS_MAX)
            flow_record_release(flow);
        else
            flow_refuse(flow, REASON_BUSY);
        return;
    case RECORD_STALE: {
        /* As of now: withdrawn, or nobody any more, or allowed under another plan. */
        enum reason reason = REASON_CONSENT_CHANGED;
        (void)judge_flow_again(flow, &reason);
        flow_refuse(flow, reason);
        return;
    }
    case RECORD_REJECTED:
    case RECORD_FULL:
    case RECORD_FAILED:
        flow_unrecorded(flow);
        return;
    }
}

void flow_recorded(struct flow *flow)
{
    if (flow->record.kind == RECORD_GROUP) {
        people_recorded(flow);
        return;
    }
    if (flow->record.kind == RECORD_OUTCOME) {
        push_settled(flow);
        return;
    }
    flow->answer.receipt_index = flow->record.index;
    flow->answer.n_receipts = 1;
    if (flow->record.kind == RECORD_RELEASE)
        release_recorded(flow);
    else if (flow->record.outcome == RECORD_DURABLE)
        answer(flow, FLOW_REFUSED, ANSWER_REFUSED);
    else
        answer(flow, FLOW_REFUSED, ANSWER_UNRECORDED);
}
