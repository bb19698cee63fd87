/*
 * flow.h - one flow from request to answer
 *
 * Shape   flow_start() runs the stages until one has to wait (the app, the recorder); the loop
 *         goes on from there; engine->reply() is called once, when `answer` holds what to say.
 *         Each stage reads plain facts of the stages before it and writes its own.
 * Owns    a flow belongs to the edge; it must stay until reply() was called, and the answer's
 *         body lives until flow_reset()
 */
#ifndef SLUIS_FLOW_FLOW_H
#define SLUIS_FLOW_FLOW_H

#include "base/arena.h"
#include "flow/engine.h"
#include "flow/state.h"
#include "identify/route.h"
#include "policy/decide.h"

enum answer_kind {
    ANSWER_RELEASED,
    ANSWER_REFUSED,    /* with a reason and a receipt */
    ANSWER_UNRECORDED, /* refused because no receipt can be written */
    ANSWER_NO_PARTNER, /* never became a flow: the token is unknown */
    ANSWER_NO_ROUTE,
    ANSWER_NO_METHOD,
    ANSWER_BAD_QUERY,
    ANSWER_PROVEN,     /* a receipt of the partner's own, and its proof */
    ANSWER_NO_RECEIPT, /* there is none that it may have */
    ANSWER_UNREADABLE, /* the ledger can't be read there */
    ANSWER_BUSY,       /* too many proofs are asked for */
};

struct flow_answer {
    enum answer_kind kind;
    enum reason reason;      /* refused */
    uint64_t receipt_index;  /* released and refused */
    struct slice body;       /* released: reduced, the filter's; proven: JSON */
    struct slice media_type; /* released: the route's */
};

struct flow {
    struct record record; /* first: the recorder hands it back */
    struct flow_engine *engine;
    enum flow_state state;
    struct arena arena;

    /* As received; the slices live as long as the request. */
    struct slice method, target, authorization, purpose_header;
    int64_t time_ms;

    /* identify */
    const struct config_partner *partner;
    struct route_request request;
    const struct vocabulary_term *purpose;
    char pseudonym[PSEUDONYM_CHARS + 1];

    /* decide */
    uint64_t policy_version;
    struct slice user; /* the subject's name at the app */
    struct slice benefit;
    struct decision decision;
    size_t n_situations; /* of those that held, what the policy asked about: for the receipt */
    struct slice situations[DECIDE_SITUATIONS_MAX];

    /* forward, transform */
    struct upstream_exchange exchange;
    struct reduction reduction;
    struct filter *filter;
    enum reason app_reason; /* why the answer was stopped, when it was */

    struct prover_request proof; /* of a partner that asks for a receipt */

    struct flow_answer answer;
};

/* Bytes of a flow's arena: the app's target, the user name, the benefit. */
size_t flow_arena_bytes(const struct limits *limits);
/* `block` is the flow's arena. Call flow_reset() before each further use. */
void flow_init(struct flow *flow, struct flow_engine *engine, void *block, size_t block_bytes);
/* method, target, authorization and purpose_header are set; the rest follows. */
void flow_start(struct flow *flow);
/* Gives the filter back and wipes what was personal. */
void flow_reset(struct flow *flow);

#endif
