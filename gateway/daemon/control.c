/*
 * control.c - a small server for one client at a time
 *
 * Whoever holds the node's lock is the only writer, so while sluisd runs `sluis` asks it to write.
 * Requests are rare and short, and a change blocks until it is durable: one thread that serves one
 * connection after the other is enough. A client that sends nothing is cut off at the deadline, so
 * that it can't keep the next one out for long.
 *
 * The socket is bound by way of /proc/self/fd, because sun_path has only 108 bytes and a state
 * folder may lie deeper. A socket that a dead daemon left behind is removed: the lock says that
 * nobody is listening on it.
 */
#include "daemon/control.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/calls.h"

#include <errno.h>
#include <fcntl.h>
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

enum { CONTROL_BACKLOG = 16, REQUEST_BYTES_MAX = LIMIT_MAX_control_request_bytes };

static const char socket_name[] = "control.sock";

struct control {
    struct node *node;
    int folder_fd, listen_fd, stop_fd;
    pthread_t thread;
    size_t n_buffered;
    uint8_t buffer[REQUEST_BYTES_MAX + 1]; /* a request and its LF */
};

/* Waits for `events` on `fd`. False when time is up, or the daemon ends. */
static bool wait_for(const struct control *control, int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return false;
        struct pollfd fds[] = {{.fd = fd, .events = events},
                               {.fd = control->stop_fd, .events = POLLIN}};
        int n = poll(fds, 2, (int)left_ms);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || fds[1].revents)
            return false;
        return true;
    }
}

static int64_t request_deadline(void)
{
    return clock_monotonic_ms() + LIMIT_MAX_control_request_ms;
}

static bool send_line(const struct control *control, int fd, json_t *answer)
{
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (!text)
        return false;
    size_t n = strlen(text);
    text[n++] = '\n'; /* in the place of the NUL */
    int64_t deadline_ms = request_deadline();
    size_t n_sent = 0;
    while (n_sent < n && wait_for(control, fd, POLLOUT, deadline_ms)) {
        ssize_t sent = send(fd, text + n_sent, n - n_sent, MSG_NOSIGNAL);
        if (sent > 0)
            n_sent += (size_t)sent;
        else if (errno != EAGAIN && errno != EINTR)
            break;
    }
    free(text);
    return n_sent == n;
}

/* The answer to one line, without its LF. */
static bool answer_line(struct control *control, int fd, struct slice line)
{
    json_t *request = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *answer = request ? calls_answer(control->node, request)
                             : calls_misused("the request is not one JSON object on one line");
    json_decref(request);
    return send_line(control, fd, answer);
}

/* Reads what there is. False at the end, on failure, and when the deadline passes. */
static bool receive_more(struct control *control, int fd, int64_t deadline_ms)
{
    if (!wait_for(control, fd, POLLIN, deadline_ms))
        return false;
    ssize_t got = recv(fd, control->buffer + control->n_buffered,
                       sizeof control->buffer - control->n_buffered, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    control->n_buffered += (size_t)got;
    return true;
}

static void serve_connection(struct control *control, int fd)
{
    control->n_buffered = 0;
    int64_t deadline_ms = request_deadline();
    for (;;) {
        const uint8_t *end = memchr(control->buffer, '\n', control->n_buffered);
        if (end) {
            size_t n = (size_t)(end - control->buffer);
            if (!answer_line(control, fd, slice_of(control->buffer, n)))
                return;
            control->n_buffered -= n + 1;
            memmove(control->buffer, end + 1, control->n_buffered);
            deadline_ms = request_deadline();
        } else if (control->n_buffered == sizeof control->buffer) {
            (void)send_line(control, fd, calls_misused("the request is too long"));
            return;
        } else if (!receive_more(control, fd, deadline_ms)) {
            return;
        }
    }
}

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

static void *run(void *context)
{
    struct control *control = context;
    for (;;) {
        struct pollfd fds[] = {{.fd = control->listen_fd, .events = POLLIN},
                               {.fd = control->stop_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            log_error("control socket: %s; it is closed", strerror(errno));
            return NULL;
        }
        if (fds[1].revents)
            return NULL;
        int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            /* Out of descriptors, most likely: the connection stays queued, so don't spin. */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                poll(&fds[1], 1, 100);
            continue;
        }
        if (peer_is_allowed(fd))
            serve_connection(control, fd);
        close(fd);
    }
}

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
    free(control);
}

enum sl_err control_start(struct node *node, struct control **out)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return SL_EINTERNAL;
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
