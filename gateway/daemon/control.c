/*
 * control.c - a small server for a few clients
 *
 * Whoever holds the node's lock is the only writer, so while sluisd runs `sluis` asks it to write.
 * Requests are rare and short, and a change blocks until it is durable: one thread that answers
 * one call after the other is enough. But nobody may wait for a client that is slow or silent, a
 * withdrawal least of all. So connections take turns: each has a buffer and a deadline of its own,
 * and a turn is one receive, one call and one send, none of which waits for that client.
 *
 * The socket is bound by way of /proc/self/fd, because sun_path has only 108 bytes and a state
 * folder may lie deeper. A socket that a dead daemon left behind is removed: the lock says that
 * nobody is listening on it.
 */
#include "daemon/control.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/calls.h"
#include "daemon/login_call.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONTROL_BACKLOG = 16,
    CLIENTS_MAX = LIMIT_MAX_control_connections,
    REQUEST_BYTES_MAX = LIMIT_MAX_control_request_bytes,
};

static const char socket_name[] = "control.sock";

struct client {
    int fd; /* -1: a free place */
    int64_t deadline_ms;
    char *answer; /* being sent; NULL while a request is read */
    size_t n_answer, n_sent;
    bool is_last;  /* close after this answer */
    bool has_line; /* a whole request is in the buffer, and ends at n_line */
    size_t n_line;
    size_t n_buffered;
    uint8_t buffer[REQUEST_BYTES_MAX + 1]; /* a request and its LF */
};

struct control {
    struct node *node;
    int folder_fd, listen_fd, stop_fd;
    pthread_t thread;
    size_t n_clients;
    struct client clients[CLIENTS_MAX]; /* pages that no request reached take no memory */
};

/* --- one client ------------------------------------------------------------------------------ */

static void client_open(struct client *client, int fd)
{
    client->fd = fd;
    client->is_last = client->has_line = false;
    client->n_buffered = 0;
    client->deadline_ms = clock_monotonic_ms() + LIMIT_MAX_control_request_ms;
}

static void client_close(struct client *client)
{
    free(client->answer);
    client->answer = NULL;
    close(client->fd);
    client->fd = -1;
}

/* Looks for the LF of a request in what was buffered after the first `from` bytes. */
static void find_line(struct client *client, size_t from)
{
    const uint8_t *end = memchr(client->buffer + from, '\n', client->n_buffered - from);
    client->has_line = end != NULL;
    client->n_line = end ? (size_t)(end - client->buffer) : 0;
}

/* False at the end and on failure. */
static bool receive_more(struct client *client)
{
    size_t before = client->n_buffered;
    ssize_t got = recv(client->fd, client->buffer + before, sizeof client->buffer - before, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    client->n_buffered += (size_t)got;
    find_line(client, before);
    return true;
}

/* Sends what fits now. False on failure, and after a last answer. */
static bool send_more(struct client *client)
{
    ssize_t sent = send(client->fd, client->answer + client->n_sent,
                        client->n_answer - client->n_sent, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    client->n_sent += (size_t)sent;
    if (client->n_sent < client->n_answer)
        return true;
    free(client->answer);
    client->answer = NULL;
    client->deadline_ms = clock_monotonic_ms() + LIMIT_MAX_control_request_ms;
    return !client->is_last;
}

/* Takes over `answer`. */
static bool send_answer(struct client *client, json_t *answer)
{
    client->answer = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (!client->answer)
        return false;
    client->n_answer = strlen(client->answer);
    client->answer[client->n_answer++] = '\n'; /* in the place of the NUL */
    client->n_sent = 0;
    client->deadline_ms = clock_monotonic_ms() + LIMIT_MAX_control_request_ms;
    return send_more(client);
}

/* The answer to the line at the start of the buffer, which leaves it. */
static bool answer_line(struct node *node, struct client *client)
{
    json_t *request =
        json_loadb((const char *)client->buffer, client->n_line, JSON_REJECT_DUPLICATES, NULL);
    json_t *answer = NULL;
    if (!request)
        answer = calls_misused("the request is not one JSON object on one line");
    else
        answer = login_is_call(request) ? login_call(node, request) : calls_answer(node, request);
    json_decref(request);
    client->n_buffered -= client->n_line + 1;
    memmove(client->buffer, client->buffer + client->n_line + 1, client->n_buffered);
    memset(client->buffer + client->n_buffered, 0, client->n_line + 1); /* it may name somebody */
    find_line(client, 0);
    return send_answer(client, answer);
}

/* One turn. False when the connection is at its end. */
static bool take_turn(struct node *node, struct client *client)
{
    if (client->answer)
        return send_more(client);
    if (!client->has_line && !receive_more(client))
        return false;
    if (client->has_line)
        return answer_line(node, client);
    if (client->n_buffered < sizeof client->buffer)
        return true;
    client->is_last = true;
    return send_answer(client, calls_misused("the request is too long"));
}

/* --- all of them ----------------------------------------------------------------------------- */

static bool peer_is_allowed(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return false;
    if (peer.uid == geteuid() || peer.uid == 0)
        return true;
    log_warn("control socket: process %d of user %u was turned away", (int)peer.pid, peer.uid);
    return false;
}

/* Takes one connection; there is a free place. */
static void accept_one(struct control *control)
{
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        /* Out of descriptors, most likely: the connection stays queued, so don't spin. */
        struct pollfd stop = {.fd = control->stop_fd, .events = POLLIN};
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            poll(&stop, 1, 100);
        return;
    }
    if (!peer_is_allowed(fd)) {
        close(fd);
        return;
    }
    struct client *client = control->clients;
    while (client->fd >= 0)
        client++;
    client_open(client, fd);
    control->n_clients++;
}

enum { LISTEN = CLIENTS_MAX, STOP, N_FDS };

/* What to wait for, and how long; poll() passes over descriptors below 0. */
static int fill(const struct control *control, struct pollfd fds[N_FDS])
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t wait_ms = INT_MAX;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        fds[i] = (struct pollfd){.fd = client->fd, .events = client->answer ? POLLOUT : POLLIN};
        if (client->fd < 0)
            continue;
        int64_t left_ms = client->deadline_ms - now_ms;
        if (!client->answer && client->has_line)
            left_ms = 0;
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    bool is_full = control->n_clients == CLIENTS_MAX;
    fds[LISTEN] = (struct pollfd){.fd = is_full ? -1 : control->listen_fd, .events = POLLIN};
    fds[STOP] = (struct pollfd){.fd = control->stop_fd, .events = POLLIN};
    if (control->n_clients == 0)
        return -1;
    return wait_ms > 0 ? (int)wait_ms : 0;
}

static void take_turns(struct control *control, const struct pollfd fds[N_FDS])
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd < 0)
            continue;
        bool has_turn = fds[i].revents || (!client->answer && client->has_line);
        bool goes_on = has_turn ? take_turn(control->node, client)
                                : clock_monotonic_ms() < client->deadline_ms;
        if (!goes_on) {
            client_close(client);
            control->n_clients--;
        }
    }
}

static void *run(void *context)
{
    struct control *control = context;
    for (;;) {
        struct pollfd fds[N_FDS];
        int wait_ms = fill(control, fds);
        if (poll(fds, N_FDS, wait_ms) < 0) {
            if (errno == EINTR)
                continue;
            log_error("control socket: %s; it is closed", strerror(errno));
            return NULL;
        }
        if (fds[STOP].revents)
            return NULL;
        take_turns(control, fds);
        if (fds[LISTEN].revents)
            accept_one(control);
    }
}

/* --- start and stop -------------------------------------------------------------------------- */

static bool bind_socket(struct control *control)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", control->folder_fd,
             socket_name);
    if (unlinkat(control->folder_fd, socket_name, 0) != 0 && errno != ENOENT)
        return false;
    /* Nobody can connect before listen(), so the mode is right in time. */
    return bind(control->listen_fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
           fchmodat(control->folder_fd, socket_name, S_IRUSR | S_IWUSR, 0) == 0 &&
           listen(control->listen_fd, CONTROL_BACKLOG) == 0;
}

static void close_all(struct control *control)
{
    const int fds[] = {control->folder_fd, control->listen_fd, control->stop_fd};
    for (size_t i = 0; i < SL_LENGTH(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0)
            client_close(&control->clients[i]);
    }
    free(control);
}

enum sl_err control_start(struct node *node, struct control **out)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return SL_EINTERNAL;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
    control->node = node;
    control->folder_fd = open(node->config->state_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    control->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool is_open = control->folder_fd >= 0 && control->listen_fd >= 0 && control->stop_fd >= 0;
    if (!is_open || !bind_socket(control)) {
        log_warn("%s/%s can't be opened: %s", node->config->state_folder, socket_name,
                 strerror(errno));
        close_all(control);
        return SL_ESTORE;
    }
    if (pthread_create(&control->thread, NULL, run, control) != 0) {
        log_warn("no thread for the control socket");
        unlinkat(control->folder_fd, socket_name, 0);
        close_all(control);
        return SL_EINTERNAL;
    }
    *out = control;
    return SL_OK;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    uint64_t one = 1;
    ssize_t n = write(control->stop_fd, &one, sizeof one);
    SL_ASSERT(n == sizeof one);
    pthread_join(control->thread, NULL);
    unlinkat(control->folder_fd, socket_name, 0);
    close_all(control);
}
