/*
 * call.c - exchanges that keep a record
 */
#include "call.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GUARD_MS = 30000 };

static bool on_head(struct upstream_exchange *exchange, const struct upstream_head *head)
{
    struct call *call = (struct call *)(void *)exchange;
    call->n_heads++;
    call->status = head->status;
    assert_true(head->content_type.n < sizeof call->content_type);
    if (head->content_type.n > 0)
        memcpy(call->content_type, head->content_type.p, head->content_type.n);
    bool go_on = !call->refuse_head;
    if (call->in_head)
        call->in_head(call);
    return go_on;
}

static bool on_body(struct upstream_exchange *exchange, struct slice piece)
{
    struct call *call = (struct call *)(void *)exchange;
    assert_true(piece.n > 0);
    call->content = realloc(call->content, call->n_content + piece.n);
    assert_non_null(call->content);
    memcpy(call->content + call->n_content, piece.p, piece.n);
    call->n_content += piece.n;
    call->n_pieces++;
    bool go_on = !call->refuse_body;
    if (call->in_body)
        call->in_body(call);
    return go_on;
}

static void on_done(struct upstream_exchange *exchange, enum upstream_outcome outcome)
{
    struct call *call = (struct call *)(void *)exchange;
    struct bench *bench = call->bench;
    call->outcome = outcome;
    call->n_done++;
    call->done_order = ++bench->n_done;
    if (bench->n_done == bench->n_done_expected)
        loop_stop(&bench->loop);
    if (call->in_done)
        call->in_done(call);
}

static const struct upstream_events events = {on_head, on_body, on_done};

static void guard_fired(struct loop_timer *timer)
{
    (void)timer;
    fail_msg("the loop ran for %d ms and nothing more happened", GUARD_MS);
}

int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(loop_init(&bench->loop), SL_OK);
    peer_init(&bench->peer, &bench->loop);
    bench->loop.turn = peer_turn;
    bench->loop.turn_context = &bench->peer;
    bench->guard.fire = guard_fired;
    bench->limits = limits_default();
    bench->config = (struct upstream_config){
        .host = slice_of_str("app.example"),
        .address_bytes = sizeof bench->peer.address,
        .limits = &bench->limits,
    };
    memcpy(&bench->config.address, &bench->peer.address, sizeof bench->peer.address);
    *state = bench;
    return 0;
}

int bench_teardown(void **state)
{
    struct bench *bench = *state;
    upstream_free(bench->upstream);
    peer_deinit(&bench->peer);
    assert_int_equal(bench->loop.n_timers, 0);
    loop_deinit(&bench->loop);
    free(bench);
    return 0;
}

void call_init(struct bench *bench, struct call *call, const char *target)
{
    memset(call, 0, sizeof *call);
    call->bench = bench;
    call->exchange.events = &events;
    call->exchange.method = slice_of_str("GET");
    call->exchange.target = slice_of_str(target);
    call->exchange.accept = slice_of_str("application/json");
    call->exchange.deadline_ms = clock_monotonic_ms() + GUARD_MS;
}

void call_start_again(struct call *call)
{
    struct bench *bench = call->bench;
    if (!bench->upstream)
        assert_int_equal(upstream_new(&bench->loop, &bench->config, &bench->upstream), SL_OK);
    unsigned n_done = call->n_done;
    upstream_start(bench->upstream, &call->exchange);
    assert_int_equal(call->n_done, n_done);
}

void call_start(struct bench *bench, struct call *call, const char *target)
{
    call_init(bench, call, target);
    call_start_again(call);
}

void call_deinit(struct call *call)
{
    free(call->content);
    call->content = NULL;
}

void bench_run(struct bench *bench)
{
    loop_timer_set(&bench->loop, &bench->guard, clock_monotonic_ms() + GUARD_MS);
    assert_int_equal(loop_run(&bench->loop), SL_OK);
    loop_timer_clear(&bench->loop, &bench->guard);
}

void bench_run_until_done(struct bench *bench, unsigned n_done)
{
    bench->n_done_expected = n_done;
    if (bench->n_done < n_done)
        bench_run(bench);
    assert_int_equal(bench->n_done, n_done);
}

enum upstream_outcome call_once(struct bench *bench, struct call *call)
{
    call_start(bench, call, "/v1/position");
    bench_run_until_done(bench, bench->n_done + 1);
    assert_int_equal(call->n_done, 1);
    call_deinit(call);
    return call->outcome;
}

void assert_answered(const struct call *call, unsigned status, const char *content)
{
    assert_int_equal(call->n_done, 1);
    assert_int_equal(call->outcome, UPSTREAM_COMPLETE);
    assert_int_equal(call->n_heads, 1);
    assert_int_equal(call->status, status);
    assert_int_equal(call->n_content, strlen(content));
    if (call->n_content > 0)
        assert_memory_equal(call->content, content, strlen(content));
}
