/*
 * engine.h - what all flows of one data thread share
 *
 * Shape   one engine for each data thread: its way to read policies, its connections to apps, its
 *         partners' names, its filters, and the mailbox in which the recorder hands back what
 *         is durable. Shared with other threads: the configuration, the credentials (both
 *         immutable) and the recorder.
 * Threads that of the loop, but engine_new() and engine_free()
 */
#ifndef SLUIS_FLOW_ENGINE_H
#define SLUIS_FLOW_ENGINE_H

#include "base/loop.h"
#include "base/mailbox.h"
#include "flow/allowances.h"
#include "flow/node.h"
#include "flow/prover.h"
#include "forward/upstream.h"
#include "identify/credential.h"
#include "identify/names.h"
#include "transform/filter.h"

struct flow;

struct flow_engine {
    const struct config *config;
    const struct credential_table *credentials;
    struct node *node;
    struct loop *loop;
    struct store_reader *reader;
    struct store_allowance allowances[ALLOWANCES_MAX]; /* for one judgement at a time */
    struct partner_names *names;  /* of each partner, in the configuration's order; secret */
    struct upstream **upstreams;  /* one for each app, */
    struct upstream **recipients; /* and for each partner that pushes go to; NULL: none do */
    struct mailbox recorded;
    bool has_submitted; /* to the recorder, in this turn of the loop */
    struct loop_source recorded_source;
    struct prover *prover; /* the node's; hands back to */
    struct mailbox proven;
    struct loop_source proven_source;
    struct filter **idle_filters; /* a stack; grows to the most that were in use at once */
    size_t n_idle_filters, idle_filters_cap;
    void (*reply)(struct flow *flow); /* the edge's: called once for each flow_start() */
};

/* Node, credentials and prover must outlive the engine. */
SL_NODISCARD enum sl_err engine_new(struct node *node, const struct credential_table *credentials,
                                    struct prover *prover, struct loop *loop,
                                    void (*reply)(struct flow *flow), struct flow_engine **out);
/* No flow may be under way, and the prover must not be about to wake this engine. */
void engine_free(struct flow_engine *engine);
SL_DEFINE_AUTO(flow_engine, engine_free)

/* At the end of a turn of the loop: one wake-up for all records submitted in it. */
void engine_end_turn(struct flow_engine *engine);

/* A filter to be given back with engine_return_filter(); NULL when memory is short. */
struct filter *engine_borrow_filter(struct flow_engine *engine);
void engine_return_filter(struct flow_engine *engine, struct filter *filter);

#endif
