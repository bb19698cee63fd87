/*
 * push.c - from an app's body to a partner, and from the partner's answer to a second receipt
 *
 *     body ─▶ filter ─▶ receipt durable ─▶ partner ─▶ outcome ─▶ receipt durable ─▶ app
 *
 * What the partner answers is its status and nothing else: the app gets none of the answer's bytes,
 * or a push would be a way for a partner to tell about people without their consent. The status
 * decides as soon as it came; what follows it may be cut off or malformed. Without one, all depends
 * on whether a byte of the request left: "unreachable" is a promise that the partner has nothing.
 */
#include "flow/push.h"

#include "base/timestamp.h"
#include "flow/recorded.h"
#include "flow/relay.h"
#include "identify/user.h"

#include <string.h>

enum { RECEIPT_NAME_BYTES = 160, ANSWER_BODY_BYTES = 512 };

/* ------------------------------------------------------------------------------- identify -- */

enum sl_err push_identify(struct flow *flow)
{
    uint8_t name[STORE_USER_BYTES_MAX];
    struct writer writer = writer_over(name, sizeof name);
    bool found = false;
    if (user_read(flow->request.subject, &writer))
        SL_TRY(store_find_user(flow->engine->reader, flow->sender->id, writer_slice(&writer),
                               flow->record.subject, &found));
    if (!found)
        flow_name_stranger(flow, flow->request.subject);
    return pseudonym_write(flow_names(flow)->cipher, flow->record.subject, flow->pseudonym);
}

/* ------------------------------------------------------------------------------- transform -- */

static enum reason reason_of_fault(enum filter_fault fault)
{
    switch (fault) {
    case FILTER_TOO_LARGE:
        return REASON_BODY_TOO_LARGE;
    case FILTER_SUBJECT:
        return REASON_BODY_SUBJECT;
    default:
        return REASON_BODY_MALFORMED;
    }
}

/* Before the receipt: afterwards nothing may stand in the way. */
static bool write_target(struct flow *flow)
{
    size_t room = flow->engine->config->limits.request_target_bytes + PSEUDONYM_CHARS;
    struct writer writer = writer_over(arena_alloc(&flow->arena, room), room);
    if (flow->arena.overflow)
        return false;
    route_write_target(&flow->request, slice_of(flow->pseudonym, PSEUDONYM_CHARS), &writer);
    flow->push.target = writer_slice(&writer);
    return !writer.overflow;
}

void flow_push(struct flow *flow)
{
    const struct config_route *route = flow->request.route;
    if (!flow_media_type_matches(flow->content_type, route->media_type)) {
        flow_refuse(flow, REASON_BODY_TYPE);
        return;
    }
    flow->filter = engine_borrow_filter(flow->engine);
    if (!flow->filter || !write_target(flow)) {
        flow_refuse(flow, REASON_BUSY);
        return;
    }
    flow_plan_reduction(flow);
    filter_begin(flow->filter, route->trie, &flow->reduction);
    if (filter_feed(flow->filter, flow->body) != SL_OK || filter_finish(flow->filter) != SL_OK) {
        flow_refuse(flow, reason_of_fault(filter_fault(flow->filter)));
        return;
    }
    flow_move(flow, FLOW_TRANSFORMED);
    flow_record_release(flow);
}

/* -------------------------------------------------------------------------------- deliver -- */

static struct flow *flow_of(struct upstream_exchange *exchange)
{
    return (struct flow *)((char *)exchange - offsetof(struct flow, exchange));
}

static bool answer_head(struct upstream_exchange *exchange, const struct upstream_head *head)
{
    flow_of(exchange)->push.outcome.status = head->status;
    return true;
}

/* Read, so that the connection can be kept; and dropped. */
static bool answer_body(struct upstream_exchange *exchange, struct slice piece)
{
    struct flow *flow = flow_of(exchange);
    flow->push.n_answered += piece.n;
    return flow->push.n_answered <= flow->engine->config->limits.answer_bytes;
}

static enum delivery delivery_of(unsigned status, bool is_sent)
{
    if (status > 0)
        return status >= 200 && status <= 299 ? DELIVERY_DELIVERED : DELIVERY_REFUSED;
    return is_sent ? DELIVERY_UNKNOWN : DELIVERY_UNREACHABLE;
}

static void answer_done(struct upstream_exchange *exchange, enum upstream_outcome ended)
{
    (void)ended;
    struct flow *flow = flow_of(exchange);
    struct leaf_outcome *outcome = &flow->push.outcome;
    outcome->time_ms = clock_now_ms();
    outcome->of = flow->push.index;
    outcome->delivery = delivery_of(outcome->status, exchange->is_sent);
    enum sl_err err = leaf_draft_outcome(outcome, &flow->record.leaf);
    SL_ASSERT(err == SL_OK); /* it has no text of anybody's */
    flow->push.note.delivery = (uint8_t)outcome->delivery;
    flow->push.note.status = (uint16_t)outcome->status;
    flow->push.note.ended_ms = outcome->time_ms;
    flow->demand = (struct flow_demand){.push = &flow->push.note};
    flow->record.kind = RECORD_OUTCOME;
    flow->record.demand = &flow->demand;
    flow->engine->has_submitted = true;
    bool taken = recorder_submit(flow->engine->node->recorder, &flow->record);
    SL_ASSERT(taken); /* it always is */
}

static const struct upstream_events delivery_events = {answer_head, answer_body, answer_done};

static struct slice write_receipt(struct flow *flow, uint64_t index)
{
    struct writer writer =
        writer_over(arena_alloc(&flow->arena, RECEIPT_NAME_BYTES), RECEIPT_NAME_BYTES);
    if (flow->arena.overflow)
        return slice_of(NULL, 0);
    write_bytes(&writer, flow->engine->config->origin);
    write_u8(&writer, '/');
    write_decimal(&writer, index);
    return writer_slice(&writer);
}

struct store_push *push_note(struct flow *flow)
{
    memcpy(flow->push.note.basis, flow->record.basis, sizeof flow->push.note.basis);
    flow->push.note.time_ms = flow->time_ms;
    return &flow->push.note;
}

void push_forward(struct flow *flow)
{
    struct flow_engine *engine = flow->engine;
    const struct config_route *route = flow->request.route;
    flow->push.index = flow->record.index;
    flow->push.receipt = write_receipt(flow, flow->push.index);
    flow_move(flow, FLOW_FORWARDED);
    flow->exchange = (struct upstream_exchange){
        .events = &delivery_events,
        .method = route->forward_method,
        .target = flow->push.target,
        .accept = slice_of_str("*/*"),
        .body = flow->answer.body,
        .body_type = route->media_type,
        .receipt = flow->push.receipt,
        .deadline_ms = engine->loop->now_ms + (int64_t)engine->config->limits.flow_ms,
    };
    upstream_start(engine->recipients[route->partner_index], &flow->exchange);
}

/* --------------------------------------------------------------------------------- answer -- */

static void write_member(struct writer *writer, const char *name, struct slice value)
{
    write_json_string(writer, slice_of_str(name));
    write_u8(writer, ':');
    write_json_string(writer, value);
}

/* "outcome":"refused","partner_status":503,"outcome_receipt":"gateway.example/1/18" */
static void write_outcome(struct flow *flow, const uint64_t *outcome_index, struct writer *writer)
{
    const struct leaf_outcome *outcome = &flow->push.outcome;
    write_member(writer, "outcome", slice_of_str(delivery_name(outcome->delivery)));
    write_str(writer, ",\"partner_status\":");
    if (outcome->status > 0)
        write_decimal(writer, outcome->status);
    else
        write_str(writer, "null");
    if (outcome_index) {
        write_u8(writer, ',');
        write_member(writer, "outcome_receipt", write_receipt(flow, *outcome_index));
    }
}

void push_answer(struct flow *flow, bool has_outcome, uint64_t outcome_index)
{
    static const enum answer_kind kinds[N_DELIVERIES] = {
        [DELIVERY_DELIVERED] = ANSWER_DELIVERED,
        [DELIVERY_REFUSED] = ANSWER_PARTNER_REFUSED,
        [DELIVERY_UNREACHABLE] = ANSWER_PARTNER_UNREACHABLE,
        [DELIVERY_UNKNOWN] = ANSWER_PARTNER_UNKNOWN,
    };
    struct flow_answer *answer = &flow->answer;
    answer->kind = has_outcome ? kinds[flow->push.outcome.delivery] : ANSWER_UNSETTLED;
    answer->receipt_index = flow->push.index;
    answer->n_receipts = 1;
    answer->body = slice_of(NULL, 0);
    bool is_delivered = answer->kind == ANSWER_DELIVERED;
    /* flow_arena_bytes() has room for it. */
    struct writer writer =
        writer_over(arena_alloc(&flow->arena, ANSWER_BODY_BYTES), ANSWER_BODY_BYTES);
    SL_ASSERT(!flow->arena.overflow);
    if (is_delivered) {
        write_u8(&writer, '{');
        write_member(&writer, "receipt", write_receipt(flow, flow->push.index));
    }
    write_u8(&writer, ',');
    write_outcome(flow, has_outcome ? &outcome_index : NULL, &writer);
    if (is_delivered) {
        write_str(&writer, "}\n");
        answer->body = writer_slice(&writer);
        answer->media_type = slice_of_str("application/json");
    } else {
        answer->members = writer_slice(&writer);
    }
    SL_ASSERT(!writer.overflow);
    flow->engine->reply(flow);
}

void push_settled(struct flow *flow)
{
    flow_move(flow, FLOW_SETTLED);
    push_answer(flow, flow->record.outcome == RECORD_DURABLE, flow->record.index);
}
