/*
 * call.h - a test's side of an exchange: starts it, keeps what came, runs the loop to its end
 */
#ifndef SLUIS_TEST_CALL_H
#define SLUIS_TEST_CALL_H

#include "forward/upstream.h"
#include "peer.h"

/* One loop, one app, one upstream. */
struct bench {
    struct loop loop;
    struct peer peer;
    struct limits limits;
    struct upstream_config config;
    struct upstream *upstream;
    struct loop_timer guard; /* a test that hangs fails */
    unsigned n_done, n_done_expected;
};

struct call {
    struct upstream_exchange exchange;
    struct bench *bench;
    unsigned status;
    char content_type[64];
    uint8_t *content;
    size_t n_content, n_pieces;
    enum upstream_outcome outcome;
    unsigned n_heads, n_done, done_order;
    bool refuse_head, refuse_body;
    /* Called inside the events, when set. */
    void (*in_head)(struct call *call);
    void (*in_body)(struct call *call);
    void (*in_done)(struct call *call);
    void *context;
};

/* cmocka fixtures; *state is the bench. Small limits; no upstream yet. */
int bench_setup(void **state);
int bench_teardown(void **state);
/* Makes the upstream on first use, from limits and config as they are then. */
void call_start(struct bench *bench, struct call *call, const char *target);
/* As call_start(), for a call that was filled in by call_init(). */
void call_init(struct bench *bench, struct call *call, const char *target);
void call_start_again(struct call *call);
void call_deinit(struct call *call);
/* Runs until so many exchanges are done, counted from the bench's beginning. */
void bench_run_until_done(struct bench *bench, unsigned n_done);
/* Runs until a callback calls loop_stop(). */
void bench_run(struct bench *bench);
/* One call to the app as it is; returns the outcome. */
enum upstream_outcome call_once(struct bench *bench, struct call *call);
void assert_answered(const struct call *call, unsigned status, const char *content);

#endif
