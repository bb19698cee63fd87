/*
 * ask.c - a call to whoever may write the node
 *
 * First this process tries to take the node's lock. When another has it, that is sluisd, which
 * answers on its control socket, or another `sluis` that is done in a moment, or a sluisd that is
 * still starting: so both ways are tried again for a few seconds.
 *
 * A call is sent once. When the connection breaks before the answer came, nobody knows whether
 * the change was made, and the message says how to find out.
 */
#include "workspace.h"

#include "base/timestamp.h"
#include "daemon/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    WAIT_FOR_NODE_MS = 5000,
    TRY_AGAIN_MS = 50,
    ANSWER_MS = 60000, /* a change waits for the disk */
    ANSWER_BYTES_MAX = 1 << 20,
};

/* Connected, or -1. By way of /proc/self/fd, as in daemon/control.c: sun_path is short. */
static int connect_to_daemon(const struct config *config)
{
    int folder = open(config->state_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control.sock", folder);
    bool done = folder >= 0 && fd >= 0 &&
                connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (folder >= 0)
        close(folder);
    if (!done && fd >= 0)
        close(fd);
    return done ? fd : -1;
}

static bool send_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        text += sent;
        n -= (size_t)sent;
    }
    return true;
}

static json_t *receive_line(int fd)
{
    char *block = malloc(ANSWER_BYTES_MAX);
    size_t n = 0;
    int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
    while (block && n < ANSWER_BYTES_MAX && (n == 0 || block[n - 1] != '\n')) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&waiting, 1, (int)left_ms) == 0)
            break;
        ssize_t got = recv(fd, block + n, ANSWER_BYTES_MAX - n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    json_t *answer = NULL;
    if (block && n > 0 && block[n - 1] == '\n')
        answer = json_loadb(block, n, JSON_REJECT_DUPLICATES, NULL);
    free(block);
    return answer;
}

/* The answer, or NULL when the connection broke. */
static json_t *call_over(int fd, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return NULL;
    size_t n = strlen(text);
    text[n] = '\n'; /* in the place of the NUL */
    json_t *answer = send_all(fd, text, n + 1) ? receive_line(fd) : NULL;
    free(text);
    return answer;
}

bool ask_daemon(const struct config *config, json_t *request, json_t **answer)
{
    int fd = connect_to_daemon(config);
    json_t *got = NULL;
    if (fd >= 0) {
        got = call_over(fd, request);
        close(fd);
    }
    json_decref(request);
    if (got)
        *answer = got;
    return got != NULL;
}

struct asking {
    const struct cli *cli;
    struct node *node; /* one of the two */
    int fd;
};

enum attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_FAILED };

static enum attempt attempt_open(const struct config *config, struct asking *asking,
                                 struct node_problem *problem, int *code)
{
    switch (node_open(config, problem, &asking->node)) {
    case NODE_OPENED:
        return ATTEMPT_DONE;
    case NODE_BROKEN:
        *code = cli_fail(asking->cli, EX_IOERR, "%s", problem->text);
        return ATTEMPT_FAILED;
    case NODE_LOCKED_BY_OTHER:
        break;
    }
    asking->fd = connect_to_daemon(config);
    return asking->fd >= 0 ? ATTEMPT_DONE : ATTEMPT_AGAIN;
}

int ask_open(const struct cli *cli, const struct config *config, struct asking **out)
{
    struct asking *asking = calloc(1, sizeof *asking);
    if (!asking)
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    *asking = (struct asking){.cli = cli, .fd = -1};
    struct node_problem problem = {""};
    int code = EX_OK;
    enum attempt attempt = ATTEMPT_AGAIN;
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_FOR_NODE_MS;
    for (;;) {
        attempt = attempt_open(config, asking, &problem, &code);
        if (attempt != ATTEMPT_AGAIN || clock_monotonic_ms() >= deadline_ms)
            break;
        poll(NULL, 0, TRY_AGAIN_MS);
    }
    if (attempt == ATTEMPT_DONE) {
        *out = asking;
        return EX_OK;
    }
    free(asking);
    return attempt == ATTEMPT_FAILED
               ? code
               : cli_fail(cli, EX_TEMPFAIL, "%s; and it does not answer on %s/control.sock",
                          problem.text, config->state_folder);
}

int ask_call(struct asking *asking, json_t *request, json_t **answer)
{
    json_t *got =
        asking->node ? calls_answer(asking->node, request) : call_over(asking->fd, request);
    json_decref(request);
    if (got) {
        *answer = got;
        return EX_OK;
    }
    if (asking->node)
        return cli_fail(asking->cli, EX_SOFTWARE, "out of memory");
    return cli_fail(asking->cli, EX_TEMPFAIL,
                    "sluisd went away before it answered, so the change may have been made or "
                    "not; look with `sluis policy history`, `sluis subject list` or `sluis "
                    "status`");
}

void ask_close(struct asking *asking)
{
    if (!asking)
        return;
    node_close(asking->node);
    if (asking->fd >= 0)
        close(asking->fd);
    free(asking);
}

int ask_node(const struct cli *cli, const struct config *config, json_t *request, json_t **answer)
{
    struct asking *asking = NULL;
    int code = ask_open(cli, config, &asking);
    if (code == EX_OK)
        code = ask_call(asking, request, answer);
    else
        json_decref(request);
    ask_close(asking);
    return code;
}

struct slice answer_text(const json_t *answer, const char *member)
{
    const json_t *value = json_object_get(answer, member);
    return slice_of(json_string_value(value), json_string_length(value));
}

int answer_code(const struct cli *cli, const json_t *answer)
{
    static const struct {
        const char *outcome;
        int code;
    } codes[] = {
        {"recorded", EX_OK},      {"unchanged", EX_OK},        {"added", EX_OK},
        {"set", EX_OK},           {"removed", EX_OK},          {"status", EX_OK},
        {"invalid", EX_DATAERR},  {"exists", EX_CANTCREAT},    {"no_subject", EX_NOINPUT},
        {"no_app", EX_NOINPUT},   {"conflict", EX_TEMPFAIL},   {"failed", EX_IOERR},
        {"misused", EX_SOFTWARE}, {"taken", EX_CANTCREAT},     {"rotated", EX_OK},
        {"prepared", EX_OK},      {"discarded", EX_OK},        {"erased", EX_OK},
        {"started", EX_OK},       {"no_retention", EX_CONFIG},
    };
    struct slice outcome = answer_text(answer, "outcome");
    struct slice text = answer_text(answer, "text");
    int code = EX_SOFTWARE;
    for (size_t i = 0; i < SL_LENGTH(codes); i++) {
        if (slice_equals_str(outcome, codes[i].outcome))
            code = codes[i].code;
    }
    if (code != EX_OK && text.n > 0)
        return cli_fail(cli, code, "%.*s", SLICE_PRINTF(text));
    return code;
}
