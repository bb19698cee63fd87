/*
 * Many exchanges over few connections: keeping, distrusting, retrying, waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call.h"
#include "faults.h"

#include "base/timestamp.h"
#include "forward/connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------- app behaviours -- */

static void answer_and_close(struct peer_connection *connection, struct slice text)
{
    peer_answer_empty(connection, text);
    peer_close(connection);
}

static void close_at_the_second_request(struct peer_connection *connection, struct slice text)
{
    if (connection->n_requests < 2)
        peer_answer_empty(connection, text);
    else
        peer_close(connection);
}

static void close_unless_first(struct peer_connection *connection, struct slice text)
{
    if (connection->peer->n_requests < 2)
        peer_answer_empty(connection, text);
    else
        peer_close(connection);
}

static void one_byte_at_the_second_request(struct peer_connection *connection, struct slice text)
{
    if (connection->n_requests < 2) {
        peer_answer_empty(connection, text);
        return;
    }
    peer_send_str(connection, "H");
    peer_close(connection);
}

static void stay_silent_at_the_second_request(struct peer_connection *connection, struct slice text)
{
    if (connection->peer->n_requests < 2)
        peer_answer_empty(connection, text);
}

static struct upstream_counters counters(const struct bench *bench)
{
    return upstream_counters(bench->upstream);
}

static void stop_loop(struct peer_connection *connection)
{
    loop_stop(connection->peer->loop);
}

/* ---------------------------------------------------------------------------------- keeping -- */

static void one_connection_serves_many_exchanges(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    for (int i = 0; i < 10; i++)
        assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(counters(bench).n_connects, 1);
    assert_int_equal(counters(bench).n_reused, 9);
    assert_int_equal(counters(bench).n_requests, 10);
    assert_int_equal(bench->peer.n_accepted, 1);
}

static const char *answer_of_the_moment;

static void answer_as_told(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, answer_of_the_moment);
}

static void connections_that_may_hold_more_are_not_kept(void **state)
{
    struct bench *bench = *state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        PEER_EMPTY_ANSWER "x",
        PEER_EMPTY_ANSWER PEER_EMPTY_ANSWER,
        "HTTP/1.1 204 \r\n\r\nx",
        "HTTP/1.1 304 \r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\n",
    };
    bench->peer.request = answer_as_told;
    for (size_t i = 0; i < SL_LENGTH(answers); i++) {
        struct call call;
        answer_of_the_moment = answers[i];
        assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
        assert_int_equal(counters(bench).n_connects, i + 1);
    }
    assert_int_equal(counters(bench).n_reused, 0);
}

static void bytes_on_an_idle_connection_close_it(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    bench->peer.client_closed = stop_loop;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    peer_send_str(peer_find(&bench->peer, 0), PEER_EMPTY_ANSWER);
    bench_run(bench);
    assert_true(peer_find(&bench->peer, 0)->was_closed_by_client);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(counters(bench).n_connects, 2);
    assert_int_equal(counters(bench).n_retries, 0);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_idle_ms = 100;
    bench->peer.request = peer_answer_empty;
    bench->peer.client_closed = stop_loop;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    bench_run(bench);
    assert_int_equal(bench->peer.n_closed_by_client, 1);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(counters(bench).n_reused, 0);
}

static void the_newest_idle_connection_is_used_first(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call calls[3];
    for (size_t i = 0; i < SL_LENGTH(calls); i++)
        call_start(bench, &calls[i], "/");
    bench_run_until_done(bench, 3);
    size_t newest = 0;
    for (size_t i = 0; i < SL_LENGTH(calls); i++)
        if (calls[i].done_order == 3)
            newest = i;
    struct call call;
    for (int i = 0; i < 3; i++)
        assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(peer_find(&bench->peer, (unsigned)newest)->n_requests, 4);
    assert_int_equal(bench->peer.n_accepted, 3);
}

/* --------------------------------------------------------------------------------- retrying -- */

static void a_get_on_a_connection_the_app_just_closed_is_sent_once_more(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = close_at_the_second_request;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(counters(bench).n_retries, 1);
    assert_int_equal(counters(bench).n_connects, 2);
    assert_int_equal(bench->peer.n_requests, 3);
}

static void a_second_failure_is_told(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = close_unless_first;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
    assert_int_equal(counters(bench).n_retries, 1);
    assert_int_equal(bench->peer.n_requests, 3);
}

static void only_get_is_sent_once_more(void **state)
{
    struct bench *bench = *state;
    static const char *const methods[] = {"HEAD", "get", "POST"};
    for (size_t i = 0; i < SL_LENGTH(methods); i++) {
        struct call call;
        bench->peer.request = close_at_the_second_request;
        assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
        call_init(bench, &call, "/");
        call.exchange.method = slice_of_str(methods[i]);
        call_start_again(&call);
        bench_run_until_done(bench, bench->n_done + 1);
        assert_int_equal(call.outcome, UPSTREAM_UNREACHABLE);
    }
    assert_int_equal(counters(bench).n_retries, 0);
}

static void after_one_byte_of_answer_nothing_is_sent_again(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = one_byte_at_the_second_request;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_CUT_OFF);
    assert_int_equal(counters(bench).n_retries, 0);
}

static void a_slow_answer_on_a_kept_connection_is_not_asked_for_again(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_head_ms = 50;
    bench->peer.request = stay_silent_at_the_second_request;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_TIMEOUT);
    assert_int_equal(counters(bench).n_retries, 0);
    assert_int_equal(bench->peer.n_requests, 2);
}

static void a_send_that_fails_at_once_is_tried_on_a_new_connection(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    n_sends_to_break = 1;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(counters(bench).n_retries, 1);
    n_sends_to_break = 2;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
    assert_int_equal(counters(bench).n_retries, 2);
    assert_int_equal(bench->peer.n_requests, 2);
}

static void what_was_never_sent_is_tried_on_a_new_connection_whatever_its_method(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    call_init(bench, &call, "/");
    call.exchange.method = slice_of_str("HEAD");
    n_sends_to_break = 1;
    call_start_again(&call);
    bench_run_until_done(bench, 2);
    assert_int_equal(call.outcome, UPSTREAM_COMPLETE);
    assert_true(call.exchange.is_sent);
    assert_int_equal(bench->peer.n_requests, 2);
    n_sends_to_break = 2;
    call_start_again(&call);
    bench_run_until_done(bench, 3);
    assert_int_equal(call.outcome, UPSTREAM_UNREACHABLE);
    assert_false(call.exchange.is_sent);
    assert_int_equal(bench->peer.n_requests, 2);
}

/*
 * The app's unasked bytes and the next exchange meet in one turn: the event of the bytes is
 * collected, and before it is served another event of that turn starts the exchange.
 */
struct collision {
    struct loop_source source; /* ready in the same turn, served first */
    struct bench *bench;
    struct call call;
};

static void start_in_collision(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct collision *collision = (struct collision *)(void *)source;
    loop_remove(&collision->bench->loop, source);
    call_start_again(&collision->call);
}

static void bytes_that_came_before_the_request_are_not_its_answer(void **state)
{
    struct bench *bench = *state;
    struct collision collision = {.bench = bench};
    struct call call;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    collision.source = (struct loop_source){start_in_collision, pipe_fds[0]};
    bench->peer.request = peer_answer_echo;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    /* Readiness is reported in the order in which it came about. */
    assert_int_equal(loop_add(&bench->loop, &collision.source, EPOLLIN), SL_OK);
    peer_send_str(peer_find(&bench->peer, 0), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nZ");
    call_init(bench, &collision.call, "/b");
    bench_run_until_done(bench, 2);
    assert_answered(&collision.call, 200, "b");
    assert_int_equal(counters(bench).n_reused, 1);
    assert_int_equal(counters(bench).n_retries, 1);
    call_deinit(&collision.call);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* ---------------------------------------------------------------------------------- waiting -- */

static void the_line_is_served_first_come_first_served(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 1;
    bench->peer.request = peer_answer_echo;
    static const char *const targets[] = {"/a", "/b", "/c", "/d", "/e"};
    struct call calls[SL_LENGTH(targets)];
    for (size_t i = 0; i < SL_LENGTH(targets); i++)
        call_start(bench, &calls[i], targets[i]);
    bench_run_until_done(bench, SL_LENGTH(targets));
    for (size_t i = 0; i < SL_LENGTH(targets); i++) {
        assert_answered(&calls[i], 200, targets[i] + 1);
        assert_int_equal(calls[i].done_order, i + 1);
        call_deinit(&calls[i]);
    }
    assert_int_equal(bench->peer.n_accepted, 1);
}

static void no_more_connections_than_the_limit_are_opened(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 3;
    bench->peer.request = answer_and_close;
    struct call calls[12];
    for (size_t i = 0; i < SL_LENGTH(calls); i++)
        call_start(bench, &calls[i], "/");
    assert_int_equal(counters(bench).n_connects, 3);
    bench_run_until_done(bench, SL_LENGTH(calls));
    assert_int_equal(counters(bench).n_connects, SL_LENGTH(calls));
}

static void one_who_waits_too_long_leaves_the_line(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 1;
    struct call calls[4];
    for (size_t i = 0; i < SL_LENGTH(calls); i++) {
        call_init(bench, &calls[i], "/");
        if (i == 1 || i == 2)
            calls[i].exchange.deadline_ms = clock_monotonic_ms() + 50;
        call_start_again(&calls[i]);
    }
    bench_run_until_done(bench, 2);
    assert_int_equal(calls[1].outcome, UPSTREAM_TIMEOUT);
    assert_int_equal(calls[2].outcome, UPSTREAM_TIMEOUT);
    bench->peer.request = peer_answer_empty;
    peer_answer_empty(peer_find(&bench->peer, 0), (struct slice){0});
    bench_run_until_done(bench, 4);
    assert_answered(&calls[0], 200, "");
    assert_answered(&calls[3], 200, "");
    assert_int_equal(bench->peer.n_accepted, 1);
}

static void the_line_moves_on_when_no_connection_can_be_made(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_connections = 1;
    loop_remove(&bench->loop, &bench->peer.listener);
    close(bench->peer.listener.fd);
    bench->peer.listener.fd = -1;
    struct call calls[3];
    for (size_t i = 0; i < SL_LENGTH(calls); i++)
        call_start(bench, &calls[i], "/");
    bench_run_until_done(bench, SL_LENGTH(calls));
    for (size_t i = 0; i < SL_LENGTH(calls); i++)
        assert_int_equal(calls[i].outcome, UPSTREAM_UNREACHABLE);
}

static void a_request_that_leaves_in_pieces_arrives_whole(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    n_sends_to_block = 2;
    call_start(bench, &call, "/v1/position");
    /* Nothing frees the socket's buffer here, so no event comes of itself: raise one. */
    assert_int_equal(n_sends_to_block, 0);
    assert_int_equal(loop_change(&bench->loop, &call.exchange.connection->source,
                                 EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET),
                     SL_OK);
    bench_run_until_done(bench, 2);
    assert_answered(&call, 200, "");
    assert_int_equal(bench->peer.n_requests, 2);
}

static void without_memory_for_a_connection_the_app_is_unreachable(void **state)
{
    struct bench *bench = *state;
    bench->peer.request = peer_answer_empty;
    struct call call;
    call_init(bench, &call, "/");
    assert_int_equal(upstream_new(&bench->loop, &bench->config, &bench->upstream), SL_OK);
    n_callocs_to_fail = 1;
    call_start_again(&call);
    assert_int_equal(n_callocs_to_fail, 0);
    bench_run_until_done(bench, 1);
    assert_int_equal(call.outcome, UPSTREAM_UNREACHABLE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
}

static void without_memory_no_upstream_is_made(void **state)
{
    struct bench *bench = *state;
    n_callocs_to_fail = 1;
    assert_int_equal(upstream_new(&bench->loop, &bench->config, &bench->upstream), SL_EINTERNAL);
    assert_null(bench->upstream);
}

static void a_host_that_breaks_a_line_makes_no_upstream(void **state)
{
    struct bench *bench = *state;
    bench->config.host = slice_of_str("a\r\nb");
    assert_int_equal(upstream_new(&bench->loop, &bench->config, &bench->upstream), SL_EMALFORMED);
    assert_null(bench->upstream);
}

static void outcomes_have_names(void **state)
{
    (void)state;
    for (unsigned i = UPSTREAM_COMPLETE; i <= UPSTREAM_STOPPED; i++)
        assert_non_null(upstream_outcome_name((enum upstream_outcome)i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_connection_serves_many_exchanges),
        TEST(connections_that_may_hold_more_are_not_kept),
        TEST(bytes_on_an_idle_connection_close_it),
        TEST(an_idle_connection_is_closed_after_its_time),
        TEST(the_newest_idle_connection_is_used_first),
        TEST(a_get_on_a_connection_the_app_just_closed_is_sent_once_more),
        TEST(a_second_failure_is_told),
        TEST(only_get_is_sent_once_more),
        TEST(after_one_byte_of_answer_nothing_is_sent_again),
        TEST(a_slow_answer_on_a_kept_connection_is_not_asked_for_again),
        TEST(a_send_that_fails_at_once_is_tried_on_a_new_connection),
        TEST(what_was_never_sent_is_tried_on_a_new_connection_whatever_its_method),
        TEST(bytes_that_came_before_the_request_are_not_its_answer),
        TEST(the_line_is_served_first_come_first_served),
        TEST(no_more_connections_than_the_limit_are_opened),
        TEST(one_who_waits_too_long_leaves_the_line),
        TEST(the_line_moves_on_when_no_connection_can_be_made),
        TEST(a_request_that_leaves_in_pieces_arrives_whole),
        TEST(without_memory_for_a_connection_the_app_is_unreachable),
        TEST(without_memory_no_upstream_is_made),
        TEST(a_host_that_breaks_a_line_makes_no_upstream),
        TEST(outcomes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
