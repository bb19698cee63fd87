/*
 * The small server over real sockets: what the guard refuses, bodies, deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/writer.h"
#include "edge/server.h"
#include "edge/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_BYTES_MAX = 1000, ANSWER_BYTES_MAX = 1 << 20 };

static struct limits limits;
static struct server *server;
static uint16_t port;
static unsigned n_answers; /* read when the connection has been answered or closed */
static uint8_t large[300000];

/* Says what it was asked. */
static void echo(void *context, const struct server_request *request, struct server_answer *answer)
{
    static uint8_t text[BODY_BYTES_MAX + 4096];
    assert_ptr_equal(context, &limits);
    n_answers++;
    struct writer writer = writer_over(text, sizeof text);
    write_bytes(&writer, request->method);
    write_str(&writer, " ");
    write_bytes(&writer, request->target);
    write_str(&writer, " [");
    write_bytes(&writer, request->body);
    write_str(&writer, "]");
    answer->status = 200;
    answer->body = writer_slice(&writer);
    if (slice_equals_str(request->target, "/large"))
        answer->body = slice_of(large, sizeof large);
}

static void start(size_t body_bytes_max)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port = 0;
    struct server_config config = {
        .listen_fd = socket_listen(&address, sizeof *in, false, &port),
        .thread_name = "test",
        .limits = &limits,
        .n_connections = 16,
        .n_address_connections = 8,
        .body_bytes_max = body_bytes_max,
        .answer = echo,
        .context = &limits,
    };
    assert_true(config.listen_fd >= 0);
    assert_int_equal(server_start(&config, &server), SL_OK);
    n_answers = 0;
}

static int setup(void **state)
{
    (void)state;
    limits = limits_default();
    memset(large, 'x', sizeof large);
    start(BODY_BYTES_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_stop(server);
    server = NULL;
    return 0;
}

static int connect_to_it(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* closed meanwhile: the test looks at what came back */
        bytes += sent;
        n -= (size_t)sent;
    }
}

/* All that comes until the other side closes. */
static char *read_to_end(int fd)
{
    static char text[ANSWER_BYTES_MAX];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    text[n] = 0;
    close(fd);
    return text;
}

/* With "Connection: close" in the request, so that there is an end. */
static char *ask(const char *request)
{
    int fd = connect_to_it();
    send_all(fd, request, strlen(request));
    return read_to_end(fd);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

static void a_request_is_answered_with_what_the_call_says(void **state)
{
    (void)state;
    const char *text = ask("GET /a%20b?c=d HTTP/1.1\r\n" CLOSE "\r\n");
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nGET /a%20b?c=d []"));
    assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
    assert_non_null(strstr(text, "X-Content-Type-Options: nosniff\r\n"));
    text = ask("POST /p HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello");
    assert_non_null(strstr(text, "\r\n\r\nPOST /p [hello]"));
    text = ask("POST /p HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo"
               "\r\n0\r\n\r\n");
    assert_non_null(strstr(text, "\r\n\r\nPOST /p [hello]"));
    text = ask("GET /large HTTP/1.1\r\n" CLOSE "\r\n");
    assert_non_null(strstr(text, "Content-Length: 300000\r\n"));
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), sizeof large);
}

static void requests_on_one_connection_are_answered_in_order(void **state)
{
    (void)state;
    const char *text = ask("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                           "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
                           "GET /3 HTTP/1.1\r\n" CLOSE "\r\n");
    const char *first = strstr(text, "GET /1 []");
    assert_non_null(first);
    const char *second = strstr(first, "POST /2 [ab]");
    assert_non_null(second);
    assert_non_null(strstr(second, "GET /3 []"));
}

static void a_malformed_head_is_refused_and_the_connection_closed(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status, *reason;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400", "host"},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400", "host"},
        {"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "400", "malformed"},
        {"GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n", "400", "target"},
        {"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400", "target"},
        {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", "505", "version"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "400",
         "length"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
         "400", "length"},
        {"POST / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", "417", "expect"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        char status[16], reason[64];
        snprintf(status, sizeof status, "HTTP/1.1 %s ", cases[i].status);
        snprintf(reason, sizeof reason, "\"reason\":\"%s\"", cases[i].reason);
        const char *text = ask(cases[i].request);
        assert_non_null(strstr(text, status));
        assert_non_null(strstr(text, reason));
        assert_non_null(strstr(text, "Connection: close\r\n"));
    }
    assert_int_equal(n_answers, 0);
}

static char *post(size_t n_said, size_t n_sent)
{
    static char request[8 * BODY_BYTES_MAX];
    int n = snprintf(request, sizeof request,
                     "POST / HTTP/1.1\r\n" CLOSE "Content-Length: %zu\r\n\r\n", n_said);
    memset(request + n, 'b', n_sent);
    request[(size_t)n + n_sent] = 0;
    return ask(request);
}

static void a_body_of_the_largest_size_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    assert_non_null(strstr(post(BODY_BYTES_MAX, BODY_BYTES_MAX), "HTTP/1.1 200 "));
    assert_int_equal(n_answers, 1);
    const char *text = post(BODY_BYTES_MAX + 1, 0);
    assert_non_null(strstr(text, "HTTP/1.1 413 "));
    assert_non_null(strstr(text, "body_too_large"));
    assert_int_equal(n_answers, 1);
}

static void a_chunked_body_that_grows_too_large_ends_the_connection(void **state)
{
    (void)state;
    static char request[8 * BODY_BYTES_MAX];
    int n = snprintf(request, sizeof request,
                     "POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                     BODY_BYTES_MAX + 1);
    memset(request + n, 'b', BODY_BYTES_MAX + 1);
    strcpy(request + n + BODY_BYTES_MAX + 1, "\r\n0\r\n\r\n");
    assert_string_equal(ask(request), "");
    assert_int_equal(n_answers, 0);
}

static void a_server_that_takes_no_body_refuses_one(void **state)
{
    (void)state;
    server_stop(server);
    start(0);
    assert_non_null(strstr(post(1, 1), "\"reason\":\"body\""));
    assert_non_null(strstr(post(0, 0), "HTTP/1.1 200 "));
}

static void a_target_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    server_stop(server);
    limits.request_target_bytes = 64;
    start(BODY_BYTES_MAX);
    char request[256], target[80];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    snprintf(request, sizeof request, "GET %.64s HTTP/1.1\r\n" CLOSE "\r\n", target);
    assert_non_null(strstr(ask(request), "HTTP/1.1 200 "));
    snprintf(request, sizeof request, "GET %.65s HTTP/1.1\r\n" CLOSE "\r\n", target);
    assert_non_null(strstr(ask(request), "HTTP/1.1 414 "));
}

/* Whoever is slow is closed, in each phase; nothing here measures how long it took. */
static void each_phase_has_a_deadline(void **state)
{
    (void)state;
    server_stop(server);
    limits.request_head_ms = limits.request_body_ms = 100;
    limits.connection_idle_ms = 100;
    start(BODY_BYTES_MAX);
    assert_string_equal(read_to_end(connect_to_it()), "");
    assert_string_equal(ask("GET / HTTP/1.1\r\nHost:"), "");
    assert_string_equal(ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"), "");
    assert_int_equal(n_answers, 0);
    assert_non_null(strstr(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "GET / []")); /* then idle */
}

static void a_slow_client_delays_nobody(void **state)
{
    (void)state;
    int slow = connect_to_it();
    send_all(slow, "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(ask("GET / HTTP/1.1\r\n" CLOSE "\r\n"), "GET / []"));
    close(slow);
}

static void one_address_has_so_many_connections_and_no_more(void **state)
{
    (void)state;
    int open[8];
    for (size_t i = 0; i < SL_LENGTH(open); i++)
        open[i] = connect_to_it();
    assert_string_equal(read_to_end(connect_to_it()), "");
    for (size_t i = 0; i < SL_LENGTH(open); i++)
        close(open[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_with_what_the_call_says),
        TEST(requests_on_one_connection_are_answered_in_order),
        TEST(a_malformed_head_is_refused_and_the_connection_closed),
        TEST(a_body_of_the_largest_size_passes_and_one_byte_more_does_not),
        TEST(a_chunked_body_that_grows_too_large_ends_the_connection),
        TEST(a_server_that_takes_no_body_refuses_one),
        TEST(a_target_beyond_the_limit_is_refused),
        TEST(each_phase_has_a_deadline),
        TEST(a_slow_client_delays_nobody),
        TEST(one_address_has_so_many_connections_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
