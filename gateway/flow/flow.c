/*
 * flow.c - how a flow travels
 *
 *   flow_start   identify  who, whose, what, why
 *   judge.c      decide    the policy, read in place
 *   relay.c      forward   the app's own API, and
 *                transform the plan applied to its answer as it comes in
 *   judge.c      decide    once more, as of now: an app may take its time
 *   recorded.c   record    durable, signed, in order
 *                release   the edge sends the answer
 *
 * A push goes another way: what the app sent is transformed and recorded, and then forwarded to the
 * partner (push.c); a second receipt says how that ended.
 *
 * A subject nobody knows goes the same way as one who never gave a consent: one look-up, one
 * decision on a policy (the empty one), one receipt under a tag (of a key that nobody keeps).
 */
#include "flow/flow.h"

#include "base/timestamp.h"
#include "flow/api.h"
#include "flow/judge.h"
#include "flow/people.h"
#include "flow/push.h"
#include "flow/push_again.h"
#include "flow/recorded.h"
#include "flow/relay.h"
#include "identify/purpose.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_SLACK_MS = 5000 };

size_t flow_arena_bytes(const struct limits *limits)
{
    size_t target_bytes = limits->request_target_bytes;
    size_t user_bytes = 3 * STORE_USER_BYTES_MAX;
    size_t room_for_alignment = 256;
    size_t push_bytes = 2048; /* two receipts by name, and the answer that says how it ended */
    size_t allowances_bytes = ALLOWANCES_MAX * sizeof(struct store_allowance);
    return allowances_bytes + 2 * target_bytes + 2 * user_bytes + LEAF_BYTES_MAX + push_bytes +
           room_for_alignment;
}

void flow_init(struct flow *flow, struct flow_engine *engine, void *block, size_t block_bytes)
{
    memset(flow, 0, sizeof *flow);
    flow->engine = engine;
    arena_init(&flow->arena, block, block_bytes);
}

void flow_reset(struct flow *flow)
{
    struct flow_engine *engine = flow->engine;
    if (flow->filter)
        engine_return_filter(engine, flow->filter);
    people_free(flow->people);
    buffer_deinit(&flow->answered);
    free(flow->proof.body);
    arena_reset(&flow->arena);
    struct arena arena = flow->arena;
    OPENSSL_cleanse(flow, sizeof *flow);
    flow->engine = engine;
    flow->arena = arena;
}

static void turn_away(struct flow *flow, enum answer_kind kind)
{
    flow->answer.kind = kind;
    flow->engine->reply(flow);
}

/* A pull is for any partner, a push for the app that its route names. */
static bool may_call(const struct flow *flow)
{
    return flow_kind(flow) == ROUTE_PUSH ? flow->sender == flow->request.route->app
                                         : flow->partner != NULL;
}

static bool find_route(struct flow *flow)
{
    static const enum answer_kind turned_away[] = {
        [ROUTE_UNKNOWN] = ANSWER_NO_ROUTE,
        [ROUTE_METHOD] = ANSWER_NO_METHOD,
        [ROUTE_BAD_QUERY] = ANSWER_BAD_QUERY,
    };
    const struct config *config = flow->engine->config;
    enum route_match match = route_find(config, flow->method, flow->target, &flow->request);
    if (match == ROUTE_FOUND && may_call(flow))
        return true;
    flow->answer.kind = match == ROUTE_FOUND ? ANSWER_WRONG_PARTY : turned_away[match];
    if (match == ROUTE_METHOD) {
        struct writer writer = writer_over(flow->answer.allow, sizeof flow->answer.allow - 1);
        route_write_methods(config, flow->target, &writer);
    }
    return false;
}

/* Caller and route: without both (or with a question to the gateway itself), this is no flow, and
 * strangers leave nothing in the ledger. */
bool flow_admit(struct flow *flow)
{
    struct credential_party party = credential_find(flow->engine->credentials, flow->authorization);
    flow->partner = party.partner;
    flow->sender = party.app;
    flow->answer.kind = ANSWER_NO_PARTNER;
    if (!party.partner && !party.app)
        return false;
    flow->is_admitted = api_is_target(flow->target) ? api_find(flow) : find_route(flow);
    return flow->is_admitted;
}

bool flow_takes_body(const struct flow *flow)
{
    return flow->api ? flow->api->takes_body : flow_kind(flow) == ROUTE_PUSH;
}

void flow_name_stranger(struct flow *flow, struct slice name)
{
    static const struct slice label = SLICE_LITERAL("sluis stranger v1\n");
    static const struct slice end = SLICE_LITERAL("\n");
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, label);
    sha256_add(&hash, flow->partner->id);
    sha256_add(&hash, end);
    sha256_add(&hash, name);
    sha256_end(&hash, digest);
    memcpy(flow->record.subject, digest, sizeof flow->record.subject);
}

struct partner_names *flow_names(const struct flow *flow)
{
    return &flow->engine->names[flow->partner - flow->engine->config->partners];
}

/*
 * Whose: an unreadable pseudonym is a stranger's, and so is a request that names nobody. Asked for
 * by an earlier pseudonym, the answer has the present one.
 */
static void identify_subject(struct flow *flow)
{
    if (!partner_names_read(flow_names(flow), flow->request.subject, flow->time_ms,
                            flow->record.subject, flow->pseudonym))
        flow_name_stranger(flow, flow->request.subject);
}

/* Who, whose, why: by the partner's word and its contract, or by the app's and the route's. */
static enum sl_err identify(struct flow *flow)
{
    const struct config_route *route = flow->request.route;
    if (flow_kind(flow) == ROUTE_PUSH) {
        flow->partner = route->partner;
        flow->purpose = route->purpose;
        return push_identify(flow);
    }
    identify_subject(flow);
    flow->purpose = purpose_find(flow->partner, flow->purpose_header);
    return SL_OK;
}

void flow_start(struct flow *flow)
{
    flow->state = FLOW_RECEIVED;
    flow->time_ms = clock_now_ms();
    if (!flow->is_admitted && !flow_admit(flow)) {
        flow->engine->reply(flow);
        return;
    }
    if (flow_takes_body(flow) && !flow->has_length) {
        turn_away(flow, ANSWER_NO_LENGTH);
        return;
    }
    if (flow->api) {
        flow->api->handle(flow);
        return;
    }
    enum sl_err err = identify(flow);
    flow_move(flow, FLOW_IDENTIFIED);
    if (err == SL_OK && flow_kind(flow) == ROUTE_PUSH && !push_is_new(flow))
        return;
    if (err != SL_OK || judge_flow(flow) != SL_OK) {
        turn_away(flow, ANSWER_UNRECORDED);
        return;
    }
    int64_t newest_ms = recorder_newest_time_ms(flow->engine->node->recorder);
    if (!flow->purpose)
        flow_refuse(flow, REASON_PURPOSE);
    else if (flow->time_ms + CLOCK_SLACK_MS < newest_ms)
        flow_refuse(flow, REASON_CLOCK);
    else if (flow_is_unwitnessed(flow))
        flow_refuse(flow, REASON_UNWITNESSED);
    else if (flow->decision.effect == EFFECT_REFUSE && !flow->request.route->is_fixed &&
             !flow->awaits_situation)
        flow_refuse(flow, flow->decision.reason);
    else if (flow->is_over_budget)
        flow_refuse(flow, REASON_BUDGET);
    else {
        flow_move(flow, FLOW_DECIDED);
        if (flow_kind(flow) == ROUTE_PUSH)
            flow_push(flow);
        else
            flow_relay(flow);
    }
}
