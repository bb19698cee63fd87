/*
 * proven.c - from a path to the prover, and back to an answer
 *
 * A receipt of somebody else, one that is no flow's, one that does not exist and a number that is
 * none are one and the same answer: a partner learns nothing here but what is its own.
 */
#include "flow/proven.h"

static void answer(struct flow *flow, enum answer_kind kind)
{
    flow->answer.kind = kind;
    flow->engine->reply(flow);
}

void flow_prove_receipt(struct flow *flow)
{
    struct prover_request *request = &flow->proof;
    if (!slice_to_u64(flow->api_arguments[0], UINT64_MAX, &request->index))
        answer(flow, ANSWER_NO_RECEIPT);
    else {
        request->reply_to = &flow->engine->proven;
        request->partner = flow->partner ? flow->partner->id : slice_of(NULL, 0);
        request->app = flow->sender ? flow->sender->id : slice_of(NULL, 0);
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
