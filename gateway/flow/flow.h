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
#include "transform/buffer.h"

enum answer_kind {
    ANSWER_RELEASED,
    ANSWER_REFUSED,    /* with a reason and a receipt */
    ANSWER_UNRECORDED, /* refused because no receipt can be written */
    ANSWER_NO_PARTNER, /* never became a flow: the token is unknown */
    ANSWER_NO_ROUTE,
    ANSWER_NO_METHOD,
    ANSWER_BAD_QUERY,
    ANSWER_WRONG_PARTY,     /* a partner where an app is expected, or the other way round */
    ANSWER_NO_LENGTH,       /* no body where one is needed */
    ANSWER_TOO_LARGE,       /* a body beyond request_body_bytes */
    ANSWER_CODED,           /* a body with a content coding */
    ANSWER_BAD_BODY,        /* one that says nothing that can be done; `detail` says why */
    ANSWER_BAD_USER,        /* what stands in the path is no app's name of anybody */
    ANSWER_SITUATIONS_FULL, /* this app told of too many people at once */
    ANSWER_DELIVERED,       /* a push, taken by the partner; both receipts are in `body` */
    ANSWER_PARTNER_REFUSED, /* a push that was released, and not taken; `members` has more */
    ANSWER_PARTNER_UNREACHABLE,
    ANSWER_PARTNER_UNKNOWN,
    ANSWER_BAD_KEY,      /* an Idempotency-Key that is none, */
    ANSWER_KEY_REUSED,   /* that stood for something else, */
    ANSWER_UNDER_WAY,    /* or whose push has not ended yet */
    ANSWER_UNSETTLED,    /* how a push ended can't be recorded */
    ANSWER_DONE,         /* an endpoint of the gateway's own did what was asked */
    ANSWER_PROVEN,       /* a receipt of the partner's own, and its proof */
    ANSWER_NO_RECEIPT,   /* there is none that it may have */
    ANSWER_NO_PSEUDONYM, /* nor by this name anybody */
    ANSWER_UNREADABLE,   /* the ledger can't be read there */
    ANSWER_BUSY,         /* too many proofs are asked for */
};
enum { N_ANSWER_KINDS = ANSWER_BUSY + 1 };

enum { ANSWER_ALLOW_BYTES = 32, ANSWER_DETAIL_BYTES = 256, API_ARGUMENTS_MAX = 2 };

struct flow_answer {
    enum answer_kind kind;
    enum reason reason;      /* refused */
    uint64_t receipt_index;  /* released, refused, delivered or not: the first one, */
    uint64_t n_receipts;     /* of so many, one after the other */
    struct slice body;       /* released: reduced, the filter's; proven, done: JSON */
    struct slice media_type; /* released: the route's */
    unsigned status;         /* done */
    unsigned retry_after_s;  /* 0: not told, but for a 503 what is usual */
    /* Texts that end in a NUL; empty: none. */
    char allow[ANSWER_ALLOW_BYTES];   /* no such method: those that there are */
    char detail[ANSWER_DETAIL_BYTES]; /* in place of the problem's own */
    struct slice members;             /* more of a problem's: JSON, each behind a comma */
};

struct api_row;
struct people;

/* Of a push, from RECORDED on. */
struct flow_push {
    struct slice target;  /* at the partner */
    struct slice receipt; /* "<origin>/<index>" */
    uint64_t index;
    size_t n_answered; /* bytes of the partner's answer, which nobody keeps */
    struct store_push note;
    bool is_again; /* answered as an earlier one was */
    struct leaf_outcome outcome;
};

struct flow {
    struct record record; /* first: the recorder hands it back */
    struct flow_engine *engine;
    enum flow_state state;
    struct arena arena;

    /* As received; the slices live as long as the request. */
    struct slice method, target, authorization, purpose_header, content_type;
    struct slice idempotency_key;
    bool has_length; /* the head says how long a body is, be it 0, or that it comes in chunks */
    struct slice body;
    int64_t time_ms;

    /* identify */
    bool is_admitted;
    const struct config_partner *partner;
    const struct config_app *sender; /* the client, when it is an app; */
    const struct api_row *api;       /* what it asks for, when that is the gateway's own, */
    struct slice api_arguments[API_ARGUMENTS_MAX];
    struct route_request request; /* and when it is a route's */
    const struct vocabulary_term *purpose;
    char pseudonym[PSEUDONYM_CHARS + 1];

    /* decide */
    uint64_t policy_version;
    struct slice user; /* the subject's name at the app */
    struct slice benefit;
    struct decision decision;
    bool is_over_budget; /* the partner's, were it released */
    uint32_t waits_s;    /* refused for a quota or the budget: it is worth asking after */
    unsigned n_denied;   /* others used it up first: judged again */
    size_t n_situations; /* of those that held, what the policy asked about: for the receipt */
    struct slice situations[DECIDE_SITUATIONS_MAX];
    bool awaits_situation;       /* refused as it is; what the answer tells may change that */
    bool has_read_situation;     /* the answer has told, of the route's situation->terms, */
    uint8_t answered_situations; /* these */

    /* forward, transform */
    struct upstream_exchange exchange;
    struct reduction reduction;
    struct filter *filter;
    struct buffer answered; /* the whole answer, of a route whose answers tell of a situation */
    enum reason app_reason; /* why the answer was stopped, when it was */
    struct people *people;  /* of an answer about many people: see people.h */

    struct flow_push push;
    struct flow_demand demand;   /* what the store has to keep of a release, before it is one */
    struct prover_request proof; /* of a partner that asks for a receipt */

    struct flow_answer answer;
};

static inline enum route_kind flow_kind(const struct flow *flow)
{
    return flow->request.route ? flow->request.route->kind : ROUTE_PULL;
}

static inline void flow_move(struct flow *flow, enum flow_state to)
{
    flow_state_move(flow_kind(flow), &flow->state, to);
}

/*
 * Bytes of a flow's arena: the target to call, the user name, the benefit, allowances,
 * receipts by name.
 */
size_t flow_arena_bytes(const struct limits *limits);
/* `block` is the flow's arena. Call flow_reset() before each further use. */
void flow_init(struct flow *flow, struct flow_engine *engine, void *block, size_t block_bytes);
/*
 * Before a body is read, once all but `body` is set as received: does a known caller ask for
 * something that is there for it? False: `answer` says why not. The flow must not be started then.
 */
bool flow_admit(struct flow *flow);
bool flow_takes_body(const struct flow *flow); /* admitted */
/* What was received is set; the rest follows, admitting it too if that was not done. */
void flow_start(struct flow *flow);
/* Gives the filter back and wipes what was personal. */
void flow_reset(struct flow *flow);

/* The partner's own cipher. */
struct partner_names *flow_names(const struct flow *flow);
/*
 * Makes it a flow about somebody that nobody is: an id that no subject has, always the same one for
 * a partner and a name. Asked for again and again, a stranger then looks like a subject in the
 * heads of an epoch, too.
 */
void flow_name_stranger(struct flow *flow, struct slice name);

#endif
