/*
 * relay.c - the app's answer passes through the filter piece by piece, and is not kept whole
 *
 * The head is judged first: only 200, only the declared media type, no content coding, no part of
 * a whole. Whatever else the app sent stays here; the answer to the partner is written anew.
 *
 * Where an answer tells in which situation its subject is, the plan can't be made before it is
 * there: such an answer is kept (answer_bytes at most) and filtered twice, first down to that one
 * field, then by the plan that follows from it; and wiped.
 */
#include "flow/relay.h"

#include "base/timestamp.h"
#include "flow/judge.h"
#include "flow/people.h"
#include "flow/recorded.h"
#include "flow/situation_field.h"

enum { ANSWERED_START_BYTES = 4096 };

static struct flow *flow_of(struct upstream_exchange *exchange)
{
    return (struct flow *)((char *)exchange - offsetof(struct flow, exchange));
}

/* "application/json; charset=utf-8" is of type application/json; another charset is not. */
bool flow_media_type_matches(struct slice value, struct slice expected)
{
    static const char *const charsets[] = {"charset=utf-8", "charset=\"utf-8\""};
    size_t n_type = 0;
    while (n_type < value.n && value.p[n_type] != ';' && value.p[n_type] != ' ' &&
           value.p[n_type] != '\t')
        n_type++;
    char type[128];
    if (expected.n != n_type || expected.n >= sizeof type)
        return false;
    struct writer writer = writer_over(type, sizeof type);
    write_bytes(&writer, expected);
    write_u8(&writer, 0);
    if (!slice_equals_str_nocase(slice_of(value.p, n_type), type))
        return false;

    size_t at = n_type;
    while (at < value.n && (value.p[at] == ';' || value.p[at] == ' ' || value.p[at] == '\t'))
        at++;
    struct slice parameters = slice_of(value.p + at, value.n - at);
    if (parameters.n == 0)
        return true;
    for (size_t i = 0; i < SL_LENGTH(charsets); i++)
        if (slice_equals_str_nocase(parameters, charsets[i]))
            return true;
    return false;
}

static bool answer_head(struct upstream_exchange *exchange, const struct upstream_head *head)
{
    struct flow *flow = flow_of(exchange);
    if (head->status != 200)
        flow->app_reason = REASON_APP_STATUS;
    else if (head->has_content_encoding || head->has_content_range ||
             !flow_media_type_matches(head->content_type, flow->request.route->media_type))
        flow->app_reason = REASON_ANSWER_TYPE;
    else if (head->has_length && head->content_length > flow->engine->config->limits.answer_bytes)
        flow->app_reason = REASON_ANSWER_TOO_LARGE;
    else
        return true;
    return false;
}

enum reason flow_reason_of_fault(enum filter_fault fault)
{
    switch (fault) {
    case FILTER_TOO_LARGE:
        return REASON_ANSWER_TOO_LARGE;
    case FILTER_SUBJECT:
        return REASON_ANSWER_SUBJECT;
    default:
        return REASON_ANSWER_MALFORMED;
    }
}

static bool answer_body(struct upstream_exchange *exchange, struct slice piece)
{
    struct flow *flow = flow_of(exchange);
    if (flow->request.route->situation && !buffer_append(&flow->answered, piece)) {
        flow->app_reason = REASON_ANSWER_TOO_LARGE;
        return false;
    }
    if (flow->people ? people_take(flow, piece) : filter_feed(flow->filter, piece) == SL_OK)
        return true;
    flow->app_reason = flow_reason_of_fault(filter_fault(flow->filter));
    return false;
}

static enum reason reason_of_outcome(const struct flow *flow, enum upstream_outcome outcome)
{
    switch (outcome) {
    case UPSTREAM_UNREACHABLE:
        return REASON_APP_UNREACHABLE;
    case UPSTREAM_TIMEOUT:
        return REASON_APP_TIMEOUT;
    case UPSTREAM_STOPPED:
        return flow->app_reason;
    case UPSTREAM_COMPLETE:
    case UPSTREAM_MALFORMED:
    case UPSTREAM_CUT_OFF:
        break;
    }
    return REASON_APP_MALFORMED;
}

static int32_t year_of(int64_t time_ms)
{
    static const int64_t day_ms = 86400000;
    return civil_from_days(time_ms / day_ms - (time_ms % day_ms < 0)).year;
}

void flow_plan_reduction(struct flow *flow)
{
    struct reduction *reduction = &flow->reduction;
    reduction->n_classes = flow->decision.n_entries;
    for (size_t i = 0; i < reduction->n_classes; i++)
        reduction->classes[i] = (struct reduction_entry){
            .keep = flow->decision.entries[i].action != ACTION_DROP,
            .coarseness = flow->decision.entries[i].coarseness,
        };
    reduction->time_s = flow->decision.time_s;
    reduction->year = year_of(flow->time_ms);
    reduction->user = flow->user;
    reduction->pseudonym = slice_of(flow->pseudonym, PSEUDONYM_CHARS);
    reduction->app = flow->request.route->app->id;
    reduction->identifier_key = &flow_names(flow)->identifier_key;
}

/* The first pass found the situation: now the plan can be made, and the answer be reduced to it. */
static bool filter_answered(struct flow *flow)
{
    const struct config_route *route = flow->request.route;
    enum reason reason;
    const uint8_t situations = situation_field_read(route->situation, filter_output(flow->filter));
    if (!judge_flow_answered(flow, situations, &reason)) {
        flow_refuse(flow, reason);
        return false;
    }
    flow_plan_reduction(flow);
    filter_begin(flow->filter, route->trie, &flow->reduction);
    if (filter_feed(flow->filter, slice_of(flow->answered.p, flow->answered.n)) != SL_OK ||
        filter_finish(flow->filter) != SL_OK) {
        /* An answer that is not taken tells nothing of anybody's situation either. */
        (void)judge_flow_answered(flow, 0, &reason);
        flow_refuse(flow, flow_reason_of_fault(filter_fault(flow->filter)));
        return false;
    }
    buffer_wipe(&flow->answered);
    return true;
}

static void answer_done(struct upstream_exchange *exchange, enum upstream_outcome outcome)
{
    struct flow *flow = flow_of(exchange);
    if (outcome != UPSTREAM_COMPLETE) {
        flow_refuse(flow, reason_of_outcome(flow, outcome));
        return;
    }
    if (flow->people) {
        people_finish(flow);
        return;
    }
    if (filter_finish(flow->filter) != SL_OK) {
        flow_refuse(flow, flow_reason_of_fault(filter_fault(flow->filter)));
        return;
    }
    if (flow->request.route->situation && !filter_answered(flow))
        return;
    flow_move(flow, FLOW_TRANSFORMED);
    flow_record_release(flow);
}

static const struct upstream_events answer_events = {answer_head, answer_body, answer_done};

/* The app's target in the arena; empty when it does not fit. */
static struct slice write_app_target(struct flow *flow)
{
    size_t room = flow->engine->config->limits.request_target_bytes + 3 * flow->user.n;
    struct writer writer = writer_over(arena_alloc(&flow->arena, room), room);
    if (flow->arena.overflow)
        return slice_of(NULL, 0);
    route_write_target(&flow->request, flow->user, &writer);
    return writer.overflow ? slice_of(NULL, 0) : writer_slice(&writer);
}

void flow_relay(struct flow *flow)
{
    struct flow_engine *engine = flow->engine;
    const struct config_route *route = flow->request.route;
    struct slice target = write_app_target(flow);
    flow->filter = engine_borrow_filter(engine);
    const bool keeps_answer =
        !route->situation ||
        buffer_init(&flow->answered, ANSWERED_START_BYTES, engine->config->limits.answer_bytes);
    if (target.n == 0 || !flow->filter || !keeps_answer) {
        flow_refuse(flow, REASON_BUSY);
        return;
    }
    if (route->records.n > 0 && !people_begin(flow)) {
        flow_refuse(flow, REASON_BUSY);
        return;
    }
    if (!flow->people) {
        flow_plan_reduction(flow);
        filter_begin(flow->filter, route->situation ? route->situation->trie : route->trie,
                     &flow->reduction);
    }
    flow_move(flow, FLOW_FORWARDED);
    flow->exchange = (struct upstream_exchange){
        .events = &answer_events,
        .method = route->forward_method,
        .target = target,
        .accept = route->media_type,
        .deadline_ms = engine->loop->now_ms + (int64_t)engine->config->limits.flow_ms,
    };
    upstream_start(engine->upstreams[route->app_index], &flow->exchange);
}
