/*
 * One answer over a real socket: its framing, its ways to go wrong, its deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* What the app answers to every request, and whether it closes then. */
static struct slice answer;
static enum { STAY, CLOSE, RESET } after;

static void answer_request(struct peer_connection *connection, struct slice text)
{
    (void)text;
    if (answer.n > 0)
        peer_send(connection, answer);
    if (after == CLOSE)
        peer_close(connection);
    else if (after == RESET)
        peer_reset(connection);
}

static void app_answers(struct bench *bench, const char *text, int then)
{
    answer = slice_of_str(text);
    after = then;
    bench->peer.request = answer_request;
}

static void assert_answer(struct bench *bench, const char *text, int then, unsigned status,
                          const char *content)
{
    struct call call;
    app_answers(bench, text, then);
    call_start(bench, &call, "/");
    bench_run_until_done(bench, bench->n_done + 1);
    assert_answered(&call, status, content);
    call_deinit(&call);
}

static enum upstream_outcome outcome_of(struct bench *bench, const char *text, int then)
{
    struct call call;
    app_answers(bench, text, then);
    return call_once(bench, &call);
}

static void check_request_text(struct peer_connection *connection, struct slice text)
{
    assert_true(slice_equals_str(text, "GET /v1/position HTTP/1.1\r\n"
                                       "Host: app.example\r\n"
                                       "Accept: application/json\r\n"
                                       "Accept-Encoding: identity\r\n"
                                       "User-Agent: sluis\r\n"
                                       "Authorization: Bearer s3cret\r\n\r\n"));
    peer_send_str(connection, OK "Content-Length: 0\r\n\r\n");
}

static void the_app_sees_one_request_written_anew(void **state)
{
    struct bench *bench = *state;
    bench->config.token = slice_of_str("s3cret");
    bench->peer.request = check_request_text;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(bench->peer.n_requests, 1);
}

static void answers_of_every_framing_are_complete(void **state)
{
    struct bench *bench = *state;
    assert_answer(bench, OK "Content-Length: 5\r\n\r\nhello", STAY, 200, "hello");
    assert_answer(bench, OK "Content-Length: 0\r\n\r\n", STAY, 200, "");
    assert_answer(bench, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", STAY, 200,
                  "hello");
    assert_answer(bench, "HTTP/1.1 204 No Content\r\n\r\n", STAY, 204, "");
    assert_answer(bench, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", STAY, 304, "");
    assert_answer(bench, "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", STAY, 500, "no");
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 1);
    assert_answer(bench, OK "\r\nuntil the end", CLOSE, 200, "until the end");
    assert_answer(bench, "HTTP/1.0 200 OK\r\n\r\nold", CLOSE, 200, "old");
    assert_answer(bench, OK "\r\n", CLOSE, 200, "");
}

static void interim_answers_are_skipped(void **state)
{
    assert_answer(*state,
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK
                  "Content-Length: 1\r\n\r\nx",
                  STAY, 200, "x");
}

static void an_answer_byte_by_byte_reads_the_same(void **state)
{
    struct bench *bench = *state;
    bench->peer.dribble_bytes = 1;
    assert_answer(bench,
                  "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Type: a/b\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n"
                  "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n",
                  STAY, 200, "hello!");
    assert_answer(bench, OK "Content-Length: 6\r\n\r\nhello!", STAY, 200, "hello!");
    assert_int_equal(upstream_counters(bench->upstream).n_reused, 1);
}

static void the_type_of_the_answer_is_handed_over(void **state)
{
    struct bench *bench = *state;
    struct call call;
    app_answers(bench, OK "Content-Type: application/json\r\nContent-Length: 0\r\n\r\n", STAY);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_string_equal(call.content_type, "application/json");
}

static void an_answer_to_head_has_no_body(void **state)
{
    struct bench *bench = *state;
    struct call call;
    app_answers(bench, OK "Content-Length: 500\r\n\r\n", STAY);
    call_init(bench, &call, "/");
    call.exchange.method = slice_of_str("HEAD");
    call_start_again(&call);
    bench_run_until_done(bench, 1);
    assert_answered(&call, 200, "");
}

static void malformed_answers_are_told_and_their_connection_closed(void **state)
{
    struct bench *bench = *state;
    static const char *const bad[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        OK "A: b\r\n c\r\n\r\n",
        OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK "Transfer-Encoding: gzip\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        OK "Content-Type: a/b\r\nContent-Type: a/b\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_int_equal(outcome_of(bench, bad[i], STAY), UPSTREAM_MALFORMED);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, SL_LENGTH(bad));
}

static void a_head_beyond_the_limit_is_malformed_and_one_at_the_limit_is_not(void **state)
{
    struct bench *bench = *state;
    enum { HEAD_BYTES = 1024 };
    static const char start[] = OK "Content-Length: 0\r\nA: ";
    char text[HEAD_BYTES + 2];
    bench->limits.app_head_bytes = HEAD_BYTES;
    for (size_t n = HEAD_BYTES; n <= HEAD_BYTES + 1; n++) {
        memset(text, 'x', sizeof text);
        memcpy(text, start, strlen(start));
        memcpy(text + n - 4, "\r\n\r\n", 5);
        assert_int_equal(outcome_of(bench, text, STAY),
                         n == HEAD_BYTES ? UPSTREAM_COMPLETE : UPSTREAM_MALFORMED);
    }
}

static void a_large_head_limit_has_a_buffer_to_match(void **state)
{
    struct bench *bench = *state;
    enum { HEAD_BYTES = 65536 };
    char *text = malloc(HEAD_BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', HEAD_BYTES);
    static const char start[] = OK "Content-Length: 0\r\nA: ";
    memcpy(text, start, strlen(start));
    memcpy(text + HEAD_BYTES - 4, "\r\n\r\n", 5);
    bench->limits.app_head_bytes = HEAD_BYTES;
    assert_int_equal(outcome_of(bench, text, STAY), UPSTREAM_COMPLETE);
    free(text);
}

static void an_answer_that_ends_early_is_cut_off(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(outcome_of(bench, "H", CLOSE), UPSTREAM_CUT_OFF);
    assert_int_equal(outcome_of(bench, OK "Content-Length: 5\r\n", CLOSE), UPSTREAM_CUT_OFF);
    assert_int_equal(outcome_of(bench, OK "Content-Length: 5\r\n\r\n", CLOSE), UPSTREAM_CUT_OFF);
    assert_int_equal(outcome_of(bench, OK "Content-Length: 5\r\n\r\nhell", CLOSE),
                     UPSTREAM_CUT_OFF);
    assert_int_equal(
        outcome_of(bench, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", CLOSE),
        UPSTREAM_CUT_OFF);
}

static void a_reset_never_completes_an_answer(void **state)
{
    struct bench *bench = *state;
    struct call call;
    app_answers(bench, OK "\r\nuntil the end", RESET);
    call_start(bench, &call, "/");
    bench_run_until_done(bench, 1);
    assert_int_not_equal(call.outcome, UPSTREAM_COMPLETE);
    call_deinit(&call);
}

static void closed_without_a_byte_is_unreachable(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(outcome_of(bench, "", CLOSE), UPSTREAM_UNREACHABLE);
    assert_int_equal(outcome_of(bench, "", RESET), UPSTREAM_UNREACHABLE);
    assert_int_equal(upstream_counters(bench->upstream).n_retries, 0);
}

static void send_banner(struct peer_connection *connection)
{
    peer_send_str(connection, OK "Content-Length: 0\r\n\r\n");
}

static void hang_up(struct peer_connection *connection)
{
    peer_close(connection);
}

static void an_app_that_hangs_up_on_accept_is_unreachable(void **state)
{
    struct bench *bench = *state;
    bench->peer.accepted = hang_up;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
}

/* The client's connect event must already see the banner: so it is sent before the loop turns. */
static void an_app_that_speaks_before_it_was_asked_is_malformed(void **state)
{
    struct bench *bench = *state;
    bench->peer.accepted = send_banner;
    struct call call;
    call_start(bench, &call, "/");
    bench->peer.listener.ready(&bench->peer.listener, 0);
    assert_int_equal(bench->peer.n_accepted, 1);
    bench_run_until_done(bench, 1);
    assert_int_equal(call.outcome, UPSTREAM_MALFORMED);
    assert_int_equal(call.n_heads, 0);
}

static void a_refused_connection_is_unreachable(void **state)
{
    struct bench *bench = *state;
    loop_remove(&bench->loop, &bench->peer.listener);
    close(bench->peer.listener.fd);
    bench->peer.listener.fd = -1;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
}

static void an_address_without_a_socket_is_unreachable_in_a_later_turn(void **state)
{
    struct bench *bench = *state;
    bench->config.address.ss_family = AF_UNSPEC;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
}

/* The kernel drops the SYN when the queue of a listener is full. */
static void a_connection_that_is_not_taken_is_unreachable(void **state)
{
    struct bench *bench = *state;
    enum { N_FILLERS = 4 };
    int fillers[N_FILLERS];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    assert_int_equal(bind(listener, (struct sockaddr *)&address, address_bytes), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &address_bytes), 0);
    for (int i = 0; i < N_FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, address_bytes);
    }
    memcpy(&bench->config.address, &address, sizeof address);
    bench->limits.app_connect_ms = 50;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_UNREACHABLE);
    for (int i = 0; i < N_FILLERS; i++)
        close(fillers[i]);
    close(listener);
}

static void a_head_that_does_not_come_is_a_timeout(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_head_ms = 50;
    assert_int_equal(outcome_of(bench, "", STAY), UPSTREAM_TIMEOUT);
    assert_int_equal(outcome_of(bench, OK "Content-Len", STAY), UPSTREAM_TIMEOUT);
    assert_int_equal(outcome_of(bench, "HTTP/1.1 100 \r\n\r\n", STAY), UPSTREAM_TIMEOUT);
    assert_int_equal(upstream_counters(bench->upstream).n_retries, 0);
}

static void send_one_more_byte(struct loop_timer *timer)
{
    struct peer_connection *connection =
        (struct peer_connection *)(void *)((char *)timer - offsetof(struct peer_connection, timer));
    peer_send_str(connection, "x");
    loop_timer_set(connection->peer->loop, timer, connection->peer->loop->now_ms + 1);
}

static void answer_ever_so_slowly(struct peer_connection *connection, struct slice text)
{
    (void)text;
    peer_send_str(connection, OK "Content-Length: 1000000\r\n\r\n");
    connection->timer.fire = send_one_more_byte;
    send_one_more_byte(&connection->timer);
}

static void a_body_of_one_byte_at_a_time_does_not_extend_its_deadline(void **state)
{
    struct bench *bench = *state;
    bench->limits.app_body_ms = 50;
    bench->peer.request = answer_ever_so_slowly;
    struct call call;
    assert_int_equal(call_once(bench, &call), UPSTREAM_TIMEOUT);
    assert_int_equal(call.n_heads, 1);
}

static void the_deadline_of_the_exchange_counts_in_every_stage(void **state)
{
    struct bench *bench = *state;
    static const char *const answers[] = {"", OK, OK "Content-Length: 1\r\n\r\n"};
    for (size_t i = 0; i < SL_LENGTH(answers); i++) {
        struct call call;
        app_answers(bench, answers[i], STAY);
        call_init(bench, &call, "/");
        call.exchange.deadline_ms = clock_monotonic_ms() + 50;
        call_start_again(&call);
        bench_run_until_done(bench, (unsigned)i + 1);
        assert_int_equal(call.outcome, UPSTREAM_TIMEOUT);
    }
}

static void a_deadline_that_has_passed_is_a_timeout_even_while_connecting(void **state)
{
    struct bench *bench = *state;
    struct call call;
    call_init(bench, &call, "/");
    call.exchange.deadline_ms = clock_monotonic_ms() - 1000;
    call_start_again(&call);
    bench_run_until_done(bench, 1);
    assert_int_equal(call.outcome, UPSTREAM_TIMEOUT);
}

static void the_caller_may_stop_at_head_or_body(void **state)
{
    struct bench *bench = *state;
    struct call call;
    app_answers(bench, OK "Content-Length: 5\r\n\r\nhello", STAY);
    call_init(bench, &call, "/");
    call.refuse_head = true;
    call_start_again(&call);
    bench_run_until_done(bench, 1);
    assert_int_equal(call.outcome, UPSTREAM_STOPPED);
    assert_int_equal(call.n_pieces, 0);

    call_init(bench, &call, "/");
    call.refuse_body = true;
    call_start_again(&call);
    bench_run_until_done(bench, 2);
    assert_int_equal(call.outcome, UPSTREAM_STOPPED);
    assert_int_equal(call.n_pieces, 1);
    call_deinit(&call);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 2);
}

static void a_large_body_arrives_whole_and_keeps_its_connection(void **state)
{
    struct bench *bench = *state;
    enum { BODY_BYTES = 3000000 };
    char *text = malloc(BODY_BYTES + 100);
    assert_non_null(text);
    int n_head = snprintf(text, 100, OK "Content-Length: %d\r\n\r\n", BODY_BYTES);
    for (size_t i = 0; i < BODY_BYTES; i++)
        text[(size_t)n_head + i] = (char)('a' + i * 7 % 26);
    text[n_head + BODY_BYTES] = 0;
    assert_answer(bench, text, STAY, 200, text + n_head);
    assert_answer(bench, text, STAY, 200, text + n_head);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 1);
    free(text);
}

/* Head and body together fill the buffer to its last byte, so the socket is not known to be empty.
 */
static void an_answer_that_fills_the_buffer_keeps_its_connection(void **state)
{
    struct bench *bench = *state;
    enum { BUFFER_BYTES = 16384 };
    char text[BUFFER_BYTES + 64];
    static const char head[] = OK "Content-Length: 16342\r\n\r\n";
    memset(text, 'x', sizeof text);
    memcpy(text, head, strlen(head));
    assert_int_equal(strlen(head) + 16342, BUFFER_BYTES);
    text[BUFFER_BYTES] = 0;
    assert_answer(bench, text, STAY, 200, text + strlen(head));
    assert_answer(bench, text, STAY, 200, text + strlen(head));
    assert_int_equal(upstream_counters(bench->upstream).n_reused, 1);
    /* One byte more waits in the socket when the answer is complete. */
    text[BUFFER_BYTES] = 'y';
    text[BUFFER_BYTES + 1] = 0;
    struct call call;
    assert_int_equal(outcome_of(bench, text, STAY), UPSTREAM_COMPLETE);
    assert_int_equal(call_once(bench, &call), UPSTREAM_COMPLETE);
    assert_int_equal(upstream_counters(bench->upstream).n_connects, 2);
}

static void a_request_that_can_not_be_sent_reaches_nobody(void **state)
{
    struct bench *bench = *state;
    struct call call;
    static char long_target[17000];
    memset(long_target, 'a', sizeof long_target - 1);
    long_target[0] = '/';
    call_start(bench, &call, "/a b");
    bench_run_until_done(bench, 1);
    assert_int_equal(call.outcome, UPSTREAM_UNREACHABLE);
    call_start(bench, &call, long_target);
    bench_run_until_done(bench, 2);
    assert_int_equal(call.outcome, UPSTREAM_UNREACHABLE);
    assert_int_equal(bench->peer.n_accepted, 0);
}

static void a_request_as_large_as_the_buffer_is_sent(void **state)
{
    struct bench *bench = *state;
    static char long_target[16001];
    memset(long_target, 'a', sizeof long_target - 1);
    long_target[0] = '/';
    app_answers(bench, OK "Content-Length: 0\r\n\r\n", STAY);
    struct call call;
    call_start(bench, &call, long_target);
    bench_run_until_done(bench, 1);
    assert_answered(&call, 200, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_app_sees_one_request_written_anew),
        TEST(answers_of_every_framing_are_complete),
        TEST(interim_answers_are_skipped),
        TEST(an_answer_byte_by_byte_reads_the_same),
        TEST(the_type_of_the_answer_is_handed_over),
        TEST(an_answer_to_head_has_no_body),
        TEST(malformed_answers_are_told_and_their_connection_closed),
        TEST(a_head_beyond_the_limit_is_malformed_and_one_at_the_limit_is_not),
        TEST(a_large_head_limit_has_a_buffer_to_match),
        TEST(an_answer_that_ends_early_is_cut_off),
        TEST(a_reset_never_completes_an_answer),
        TEST(closed_without_a_byte_is_unreachable),
        TEST(an_app_that_hangs_up_on_accept_is_unreachable),
        TEST(an_app_that_speaks_before_it_was_asked_is_malformed),
        TEST(a_refused_connection_is_unreachable),
        TEST(an_address_without_a_socket_is_unreachable_in_a_later_turn),
        TEST(a_connection_that_is_not_taken_is_unreachable),
        TEST(a_head_that_does_not_come_is_a_timeout),
        TEST(a_body_of_one_byte_at_a_time_does_not_extend_its_deadline),
        TEST(the_deadline_of_the_exchange_counts_in_every_stage),
        TEST(a_deadline_that_has_passed_is_a_timeout_even_while_connecting),
        TEST(the_caller_may_stop_at_head_or_body),
        TEST(a_large_body_arrives_whole_and_keeps_its_connection),
        TEST(an_answer_that_fills_the_buffer_keeps_its_connection),
        TEST(a_request_that_can_not_be_sent_reaches_nobody),
        TEST(a_request_as_large_as_the_buffer_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
