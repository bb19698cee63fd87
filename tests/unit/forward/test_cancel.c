/*
 * Exchanges that are given up, in every state and from inside every event; and a long random run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call.h"
#include "faults.h"

#include <stdlib.h>

static struct upstream_counters counters(const struct bench *bench)
{
    return upstream_counters(bench->upstream);
}

static void cancel_self(struct call *call)
{
    upstream_cancel(&call->exchange);
    loop_stop(&call->bench->loop);
}

static void keep_silent(struct peer_connection *connection, struct slice text)
{
    (void)text;
    loop_stop(connection->peer->loop);
}

static void answer_half_a_head(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, "HTTP/1.1 200 OK\r\nContent-");
    loop_stop(connection->peer->loop);
}

static void answer_with_body(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
}

/* After a cancel no event may follow, however long the loop goes on. */
static void assert_cancelled(struct bench *bench, struct call *call)
{
    unsigned n_heads = call->n_heads;
    size_t n_pieces = call->n_pieces;
    call_deinit(call);
    struct call next;
    bench->peer.request = peer_answer_empty;
    assert_int_equal(call_once(bench, &next), UPSTREAM_COMPLETE);
    assert_int_equal(call->n_done, 0);
    assert_int_equal(call->n_heads, n_heads);
    assert_int_equal(call->n_pieces, n_pieces);
    assert_int_equal(counters(bench).n_reused, 0);
}

static void cancelled_while_connecting_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    call_start(bench, &call, "/");
    upstream_cancel(&call.exchange);
    assert_cancelled(bench, &call);
}

static void cancelled_while_sending_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    struct call first;
    assert_int_equal(call_once(bench, &first), UPSTREAM_COMPLETE);
    n_sends_to_block = 2;
    call_start(bench, &call, "/");
    assert_int_equal(n_sends_to_block, 0);
    upstream_cancel(&call.exchange);
    assert_int_equal(call_once(bench, &first), UPSTREAM_COMPLETE);
    assert_int_equal(call.n_done, 0);
    assert_int_equal(counters(bench).n_connects, 2);
}

static void cancelled_before_the_head_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    bench->peer.request = keep_silent;
    call_start(bench, &call, "/");
    bench_run(bench);
    upstream_cancel(&call.exchange);
    assert_cancelled(bench, &call);
}

static void cancelled_while_the_head_comes_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    struct call other;
    bench->peer.request = answer_half_a_head;
    call_start(bench, &call, "/");
    bench_run(bench);
    /* When the other, which was asked later, is answered, the half has long been read. */
    bench->peer.request = peer_answer_empty;
    assert_int_equal(call_once(bench, &other), UPSTREAM_COMPLETE);
    upstream_cancel(&call.exchange);
    assert_int_equal(call_once(bench, &other), UPSTREAM_COMPLETE);
    assert_int_equal(call.n_done + call.n_heads, 0);
    assert_true(peer_find(&bench->peer, 0)->was_closed_by_client);
}

static void cancelled_inside_head_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    bench->peer.request = answer_with_body;
    call_init(bench, &call, "/");
    call.in_head = cancel_self;
    call_start_again(&call);
    bench_run(bench);
    assert_int_equal(call.n_heads, 1);
    assert_int_equal(call.n_pieces, 0);
    assert_cancelled(bench, &call);
}

static void cancelled_inside_body_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    bench->peer.request = answer_with_body;
    call_init(bench, &call, "/");
    call.in_body = cancel_self;
    call.refuse_body = true;
    call_start_again(&call);
    bench_run(bench);
    assert_int_equal(call.n_pieces, 1);
    assert_cancelled(bench, &call);
}

static void stop_in_body(struct call *call)
{
    loop_stop(&call->bench->loop);
}

static void cancelled_between_pieces_it_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct call call;
    bench->peer.request = answer_with_body;
    call_init(bench, &call, "/");
    call.in_body = stop_in_body;
    call_start_again(&call);
    bench_run(bench);
    upstream_cancel(&call.exchange);
    assert_cancelled(bench, &call);
}

static void cancelled_in_line_it_leaves_the_others_in_order(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 1;
    bench->peer.request = peer_answer_echo;
    static const char *const targets[] = {"/a", "/b", "/c", "/d", "/e"};
    struct call calls[SL_LENGTH(targets)];
    for (size_t i = 0; i < SL_LENGTH(targets); i++)
        call_start(bench, &calls[i], targets[i]);
    upstream_cancel(&calls[2].exchange);
    upstream_cancel(&calls[4].exchange);
    upstream_cancel(&calls[1].exchange);
    bench_run_until_done(bench, 2);
    assert_answered(&calls[0], 200, "a");
    assert_answered(&calls[3], 200, "d");
    assert_int_equal(calls[1].n_done + calls[2].n_done + calls[4].n_done, 0);
    call_deinit(&calls[0]);
    call_deinit(&calls[3]);
}

static void cancelling_the_one_being_served_lets_the_next_go(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 1;
    bench->peer.request = peer_answer_echo;
    struct call calls[2];
    call_start(bench, &calls[0], "/a");
    call_start(bench, &calls[1], "/b");
    upstream_cancel(&calls[0].exchange);
    bench_run_until_done(bench, 1);
    assert_answered(&calls[1], 200, "b");
    call_deinit(&calls[1]);
}

static void a_failure_not_yet_told_can_be_cancelled(void **state)
{
    struct bench *bench = *state;
    struct call call;
    call_start(bench, &call, "/not sendable");
    upstream_cancel(&call.exchange);
    assert_cancelled(bench, &call);
}

static void cancel_context(struct call *call)
{
    struct call *other = call->context;
    upstream_cancel(&other->exchange);
}

static void an_exchange_may_cancel_another_whose_event_is_in_the_same_turn(void **state)
{
    struct bench *bench = *state;
    struct call calls[2];
    bench->peer.request = keep_silent;
    for (int i = 0; i < 2; i++) {
        call_init(bench, &calls[i], "/");
        calls[i].in_done = cancel_context;
        calls[i].context = &calls[1 - i];
        call_start_again(&calls[i]);
    }
    while (bench->peer.n_requests < 2)
        bench_run(bench);
    /* Both answers are in the sockets before the loop turns. */
    peer_answer_empty(peer_find(&bench->peer, 0), (struct slice){0});
    peer_answer_empty(peer_find(&bench->peer, 1), (struct slice){0});
    bench_run_until_done(bench, 1);
    assert_int_equal(calls[0].n_done + calls[1].n_done, 1);
    assert_int_equal(calls[0].n_heads + calls[1].n_heads, 1);
}

static void cancel_and_start_another(struct call *call)
{
    upstream_cancel(&call->exchange);
    struct call *other = call->context;
    call_start_again(other);
}

static void a_connection_object_used_again_inside_a_callback_is_not_mistaken(void **state)
{
    struct bench *bench = *state;
    struct call calls[2];
    bench->peer.request = peer_answer_echo;
    call_init(bench, &calls[0], "/a");
    call_init(bench, &calls[1], "/b");
    calls[0].in_head = cancel_and_start_another;
    calls[0].context = &calls[1];
    call_start_again(&calls[0]);
    bench_run_until_done(bench, 1);
    assert_int_equal(calls[0].n_pieces + calls[0].n_done, 0);
    assert_answered(&calls[1], 200, "b");
    call_deinit(&calls[1]);
}

static void start_next(struct call *call)
{
    upstream_cancel(&call->exchange); /* is over: nothing happens */
    if (call->n_done < 5)
        call_start_again(call);
}

static void an_exchange_may_be_started_again_when_it_is_done(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    call_init(bench, &call, "/");
    call.in_done = start_next;
    call_start_again(&call);
    bench_run_until_done(bench, 5);
    assert_int_equal(call.n_heads, 5);
    assert_int_equal(counters(bench).n_connects, 1);
}

static void free_upstream(struct call *call)
{
    upstream_free(call->bench->upstream);
    call->bench->upstream = NULL;
}

static const char *answer_of_the_moment;

static void answer_as_told(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, answer_of_the_moment);
}

static void the_upstream_may_be_freed_when_the_last_exchange_is_done(void **state)
{
    struct bench *bench = *state;
    static const char *const answers[] = {PEER_EMPTY_ANSWER, PEER_EMPTY_ANSWER "x", "garbage\r\n"};
    bench->peer.request = answer_as_told;
    for (size_t i = 0; i < SL_LENGTH(answers); i++) {
        struct call call;
        answer_of_the_moment = answers[i];
        call_init(bench, &call, "/");
        call.in_done = free_upstream;
        call_start_again(&call);
        bench_run_until_done(bench, (unsigned)i + 1);
        assert_null(bench->upstream);
    }
}

/* ------------------------------------------------------------------------------- a long run -- */

enum { MIX_CALLS = 16, MIX_ROUNDS = 600 };

struct mix {
    struct call calls[MIX_CALLS];
    unsigned n_started, n_outcomes[UPSTREAM_STOPPED + 1], n_cancelled;
    uint64_t random;
};

static unsigned next_random(struct mix *mix)
{
    mix->random = mix->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(mix->random >> 33);
}

static struct mix *the_mix;

static void answer_at_random(struct peer_connection *connection, struct slice text)
{
    switch (next_random(the_mix) % 8) {
    case 0:
        peer_close(connection);
        break;
    case 1:
        peer_answer_empty(connection, text);
        peer_close(connection);
        break;
    case 2:
        peer_reset(connection);
        break;
    case 3:
        peer_send_str(connection, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
        peer_close(connection);
        break;
    case 4:
        peer_send_str(connection, PEER_EMPTY_ANSWER "!");
        break;
    default:
        peer_answer_echo(connection, text);
        break;
    }
}

static void mix_done(struct call *call)
{
    struct mix *mix = call->context;
    mix->n_outcomes[call->outcome]++;
    free(call->content);
    call->content = NULL;
    call->n_content = 0;
    struct call *other = &mix->calls[next_random(mix) % MIX_CALLS];
    if (next_random(mix) % 16 == 0 && other != call && other->exchange.upstream) {
        upstream_cancel(&other->exchange);
        mix->n_cancelled++;
        mix->n_started++;
        call_start_again(other);
    }
    if (mix->n_started < MIX_ROUNDS) {
        mix->n_started++;
        call_start_again(call);
    } else if (call->bench->n_done + mix->n_cancelled == mix->n_started) {
        loop_stop(&call->bench->loop);
    }
}

static void every_exchange_of_a_long_random_run_ends_once(void **state)
{
    struct bench *bench = *state;
    struct mix mix = {.random = 20261123};
    the_mix = &mix;
    bench->limits.app_connections = 5;
    bench->peer.request = answer_at_random;
    for (size_t i = 0; i < MIX_CALLS; i++) {
        call_init(bench, &mix.calls[i], "/x");
        mix.calls[i].in_done = mix_done;
        mix.calls[i].context = &mix;
        mix.n_started++;
        call_start_again(&mix.calls[i]);
    }
    bench_run(bench);
    assert_int_equal(bench->n_done + mix.n_cancelled, mix.n_started);
    assert_true(mix.n_outcomes[UPSTREAM_COMPLETE] > 0);
    assert_true(mix.n_outcomes[UPSTREAM_UNREACHABLE] > 0);
    assert_true(mix.n_outcomes[UPSTREAM_CUT_OFF] > 0);
    assert_int_equal(mix.n_outcomes[UPSTREAM_TIMEOUT] + mix.n_outcomes[UPSTREAM_MALFORMED], 0);
    for (size_t i = 0; i < MIX_CALLS; i++)
        call_deinit(&mix.calls[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancelled_while_connecting_it_ends_without_a_word),
        TEST(cancelled_while_sending_it_ends_without_a_word),
        TEST(cancelled_before_the_head_it_ends_without_a_word),
        TEST(cancelled_while_the_head_comes_it_ends_without_a_word),
        TEST(cancelled_inside_head_it_ends_without_a_word),
        TEST(cancelled_inside_body_it_ends_without_a_word),
        TEST(cancelled_between_pieces_it_ends_without_a_word),
        TEST(cancelled_in_line_it_leaves_the_others_in_order),
        TEST(cancelling_the_one_being_served_lets_the_next_go),
        TEST(a_failure_not_yet_told_can_be_cancelled),
        TEST(an_exchange_may_cancel_another_whose_event_is_in_the_same_turn),
        TEST(a_connection_object_used_again_inside_a_callback_is_not_mistaken),
        TEST(an_exchange_may_be_started_again_when_it_is_done),
        TEST(the_upstream_may_be_freed_when_the_last_exchange_is_done),
        TEST(every_exchange_of_a_long_random_run_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
