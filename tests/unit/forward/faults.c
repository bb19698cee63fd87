/*
 * faults.c - wraps around the calls
 */
#include "faults.h"

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

int n_sends_to_break, n_sends_to_block, n_callocs_to_fail;

ssize_t __real_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags)
{
    if (n_sends_to_break > 0) {
        n_sends_to_break--;
        errno = EPIPE;
        return -1;
    }
    if (n_sends_to_block > 0) {
        n_sends_to_block--;
        if (n_sends_to_block % 2 == 0) {
            errno = EAGAIN;
            return -1;
        }
        n = n / 2 + 1;
    }
    return __real_send(fd, bytes, n, flags);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    if (n_callocs_to_fail > 0) {
        n_callocs_to_fail--;
        return NULL;
    }
    return __real_calloc(n, bytes);
}
