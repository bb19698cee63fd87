/*
 * proven.c - from a path to the prover, and back to an answer
 *
 * A receipt of somebody else, one that is no flow's, one that does not exist and a number that is
 * none are one and the same answer: a partner learns nothing here but what is its own.
 */
#include "flow/proven.h"

#include <string.h>

static const char path[] = "/sluis/v1/receipts/";

static void answer(struct flow *flow, enum answer_kind kind)
{
    flow->answer.kind = kind;
    flow->engine->reply(flow);
}

bool flow_asks_for_receipt(const struct flow *flow)
{
    return slice_starts_with_str(flow->target, path);
}

void flow_prove_receipt(struct flow *flow)
{
    struct slice number = slice_of(flow->target.p + strlen(path), flow->target.n - strlen(path));
    struct prover_request *request = &flow->proof;
    if (!slice_equals_str(flow->method, "GET"))
        answer(flow, ANSWER_NO_METHOD);
    else if (number.n > 0 && memchr(number.p, '?', number.n))
        answer(flow, ANSWER_BAD_QUERY);
    else if (!slice_to_u64(number, UINT64_MAX, &request->index))
        answer(flow, ANSWER_NO_RECEIPT);
    else {
        request->reply_to = &flow->engine->proven;
        request->partner = flow->partner->id;
        if (!prover_submit(flow->engine->prover, request))
            answer(flow, ANSWER_BUSY);
    }
}

void flow_proven(struct prover_request *request)
{
    static const enum answer_kind answers[] = {
        [PROVER_PROVEN] = ANSWER_PROVEN,
        [PROVER_NOT_THERE] = ANSWER_NO_RECEIPT,
        [PROVER_UNREADABLE] = ANSWER_UNREADABLE,
    };
    struct flow *flow = (struct flow *)(void *)((char *)request - offsetof(struct flow, proof));
    flow->answer.body = slice_of(request->body, request->body_n);
    flow->answer.media_type = slice_of_str("application/json");
    answer(flow, answers[request->outcome]);
}
