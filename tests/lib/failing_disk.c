/*
 * failing_disk.c - a disk that fails when told to: an LD_PRELOAD library for crash tests
 *
 * While the file named by FAILING_DISK_WHEN exists, writing to files of a ledger, or syncing them,
 * gives the error in FAILING_DISK_ERRNO: EIO as a dying disk, ENOSPC as a full one. FAILING_DISK_CALL
 * narrows it to "write" or "sync". Everything else goes to the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_of_ledger(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return 0;
    path[n] = '\0';
    return strstr(path, "/ledger/") != NULL;
}

static int fails(int fd, const char *call)
{
    const char *when = getenv("FAILING_DISK_WHEN");
    const char *only = getenv("FAILING_DISK_CALL");
    if (!when || (only && strcmp(only, call) != 0) || access(when, F_OK) != 0 || !is_of_ledger(fd))
        return 0;
    errno = atoi(getenv("FAILING_DISK_ERRNO"));
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t n)
{
    return fails(fd, "write") ? -1 : REAL(write)(fd, data, n);
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    return fails(fd, "write") ? -1 : REAL(pwrite)(fd, data, n, at);
}
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at)
{
    return fails(fd, "write") ? -1 : REAL(pwrite64)(fd, data, n, at);
}
ssize_t pwritev(int fd, const struct iovec *pieces, int n, off_t at)
{
    return fails(fd, "write") ? -1 : REAL(pwritev)(fd, pieces, n, at);
}
ssize_t pwritev2(int fd, const struct iovec *pieces, int n, off_t at, int flags)
{
    return fails(fd, "write") ? -1 : REAL(pwritev2)(fd, pieces, n, at, flags);
}
ssize_t pwritev64v2(int fd, const struct iovec *pieces, int n, off64_t at, int flags)
{
    return fails(fd, "write") ? -1 : REAL(pwritev64v2)(fd, pieces, n, at, flags);
}
int fsync(int fd)
{
    return fails(fd, "sync") ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd)
{
    return fails(fd, "sync") ? -1 : REAL(fdatasync)(fd);
}
