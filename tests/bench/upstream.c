/*
 * upstream.c - what one exchange with an app costs the data thread
 *
 * A child process on the second core answers every request with the same 360 bytes of JSON, from
 * a small epoll loop of its own. The client keeps a number of exchanges in flight on the first
 * core: each that is done starts the next. Prints requests per second and the client's own CPU
 * microseconds per request; asserts nothing, since a figure depends on the machine.
 *
 *     upstream [exchanges in flight] [exchanges in all] [port of another app, such as nginx]
 */
#include "forward/upstream.h"
#include "base/timestamp.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY_BYTES = 360, IN_FLIGHT_MAX = 4096, EVENTS = 256 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

static void pin_to_core(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    (void)sched_setaffinity(0, sizeof cores, &cores);
}

/* --------------------------------------------------------------------------------- the app -- */

static size_t write_answer(char *out, size_t cap)
{
    char body[BODY_BYTES + 1];
    memset(body, 'x', BODY_BYTES);
    body[BODY_BYTES] = 0;
    return (size_t)snprintf(out, cap,
                            "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\nConnection: keep-alive\r\n\r\n%s",
                            BODY_BYTES, body);
}

/* One request per packet: that is all the client sends. */
static void serve(int listener)
{
    char answer[1024];
    size_t n_answer = write_answer(answer, sizeof answer);
    int epoll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl");
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            char request[4096];
            if (fd == listener) {
                int on = 1;
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                event.data.fd = fd;
                must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
            } else if (recv(fd, request, sizeof request, 0) <= 0 ||
                       send(fd, answer, n_answer, MSG_NOSIGNAL) < 0) {
                close(fd);
            }
        }
    }
}

static int listen_anywhere(struct sockaddr_in *address)
{
    socklen_t address_bytes = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(listener, (struct sockaddr *)address, address_bytes) == 0, "bind");
    must(listen(listener, IN_FLIGHT_MAX) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)address, &address_bytes) == 0, "getsockname");
    return listener;
}

static pid_t start_app(struct sockaddr_in *address)
{
    int listener = listen_anywhere(address);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_to_core(1);
        serve(listener);
    }
    close(listener);
    return child;
}

/* ------------------------------------------------------------------------------ the client -- */

struct flow {
    struct upstream_exchange exchange;
};

static struct loop loop;
static struct upstream *upstream;
static unsigned long n_started, n_done, n_failed, n_wanted;
static uint64_t n_body_bytes;

static bool on_head(struct upstream_exchange *exchange, const struct upstream_head *head)
{
    (void)exchange;
    return head->status == 200;
}

static bool on_body(struct upstream_exchange *exchange, struct slice piece)
{
    (void)exchange;
    n_body_bytes += piece.n;
    return true;
}

static void start(struct upstream_exchange *exchange)
{
    n_started++;
    exchange->deadline_ms = loop.now_ms + 10000;
    upstream_start(upstream, exchange);
}

static void on_done(struct upstream_exchange *exchange, enum upstream_outcome outcome)
{
    n_failed += outcome != UPSTREAM_COMPLETE;
    n_done++;
    if (n_started < n_wanted)
        start(exchange);
    else if (n_done == n_wanted)
        loop_stop(&loop);
}

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void run(unsigned long n_exchanges, size_t n_in_flight, struct flow *flows)
{
    static const struct upstream_events events = {on_head, on_body, on_done};
    n_started = n_done = 0;
    n_wanted = n_exchanges;
    for (size_t i = 0; i < n_in_flight && n_started < n_wanted; i++) {
        flows[i].exchange.events = &events;
        flows[i].exchange.method = slice_of_str("GET");
        flows[i].exchange.target = slice_of_str("/v1/drivers/lotte/position");
        flows[i].exchange.accept = slice_of_str("application/json");
        start(&flows[i].exchange);
    }
    must(loop_run(&loop) == SL_OK, "loop_run");
}

int main(int argc, char **argv)
{
    size_t n_in_flight = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 64;
    unsigned long n_exchanges = argc > 2 ? strtoul(argv[2], NULL, 10) : 300000;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pid_t app = 0;
    if (argc > 3)
        address.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
    else
        app = start_app(&address);
    pin_to_core(0);

    struct limits limits = limits_default();
    limits.app_connections = IN_FLIGHT_MAX;
    struct upstream_config config = {.host = slice_of_str("bench"),
                                     .address_bytes = sizeof address,
                                     .token = slice_of_str("0123456789abcdef0123456789abcdef"),
                                     .limits = &limits};
    memcpy(&config.address, &address, sizeof address);
    static struct flow flows[IN_FLIGHT_MAX];
    must(n_in_flight > 0 && n_in_flight <= IN_FLIGHT_MAX, "exchanges in flight");
    must(loop_init(&loop) == SL_OK, "loop_init");
    must(upstream_new(&loop, &config, &upstream) == SL_OK, "upstream_new");

    run(n_exchanges / 10 + n_in_flight, n_in_flight, flows); /* connects, warms up */
    n_failed = 0;
    double cpu_before_us = cpu_us();
    int64_t before_ms = clock_monotonic_ms();
    run(n_exchanges, n_in_flight, flows);
    double seconds = (double)(clock_monotonic_ms() - before_ms) / 1000;
    double cpu_per_request_us = (cpu_us() - cpu_before_us) / (double)n_exchanges;
    printf("%zu in flight: %.0f requests/s, %.2f CPU us per request, %lu failed, "
           "%lu connects\n",
           n_in_flight, (double)n_exchanges / seconds, cpu_per_request_us, n_failed,
           (unsigned long)upstream_counters(upstream).n_connects);
    upstream_free(upstream);
    loop_deinit(&loop);
    if (app > 0) {
        kill(app, SIGKILL);
        waitpid(app, NULL, 0);
    }
    return n_failed == 0 ? 0 : 1;
}
