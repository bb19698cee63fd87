/*
 * apart.c - a child, a pipe, and no trust
 */
#include "base/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* False when the other end is gone. */
static bool write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

static size_t read_all(int fd, uint8_t *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/*
 * No core file, no last words, and none of the caller's handlers: what happens here is not the
 * caller's failure.
 */
static void be_quiet(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGPIPE};
    for (size_t i = 0; i < SL_LENGTH(fatal); i++)
        (void)signal(fatal[i], SIG_DFL);
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        (void)dup2(nowhere, STDERR_FILENO);
}

_Noreturn static void run_in_child(void (*work)(void *context, void *answer), void *context,
                                   uint8_t *copy, size_t answer_bytes, int fd)
{
    be_quiet();
    work(context, copy);
    _exit(write_all(fd, copy, answer_bytes) ? 0 : 1);
}

enum sl_err apart_run(void (*work)(void *context, void *answer), void *context, void *answer,
                      size_t answer_bytes, bool *came_back)
{
    int ends[2];
    uint8_t *copy = calloc(1, answer_bytes);
    if (!copy)
        return SL_EINTERNAL;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(copy);
        return SL_EINTERNAL;
    }
    pid_t child = fork();
    if (child == 0)
        run_in_child(work, context, copy, answer_bytes, ends[1]);
    close(ends[1]);
    bool whole = child > 0 && read_all(ends[0], copy, answer_bytes) == answer_bytes;
    close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (whole)
        memcpy(answer, copy, answer_bytes);
    free(copy);
    *came_back = whole;
    return child > 0 ? SL_OK : SL_EINTERNAL;
}
