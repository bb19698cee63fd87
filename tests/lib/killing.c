/*
 * killing.c - SIGKILL before the n-th step on the disk: an LD_PRELOAD library for crash tests
 *
 * A step is a call that changes files below KILLING_BELOW, or their names: writing, syncing, cutting,
 * renaming, removing. When the file KILLING_WHEN is there, the number in it is read, and steps are
 * counted from then on, by all threads together; before the step of that number the process kills
 * itself. So what is on the disk is what a crash at that moment leaves of the process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOT_ARMED = -1 };

static atomic_long n_left = NOT_ARMED;

/* Whoever sees the file first sets the number; it is there as a whole, by a rename. */
static void arm(void)
{
    const char *when = getenv("KILLING_WHEN");
    char text[32] = "";
    int fd = when ? open(when, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    long not_armed = NOT_ARMED;
    if (n > 0)
        atomic_compare_exchange_strong(&n_left, &not_armed, atol(text));
}

static void step(void)
{
    if (atomic_load(&n_left) == NOT_ARMED)
        arm();
    if (atomic_load(&n_left) == NOT_ARMED)
        return;
    if (atomic_fetch_sub(&n_left, 1) == 1) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

static void step_on(int fd)
{
    const char *below = getenv("KILLING_BELOW");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0 || !below)
        return;
    path[n] = '\0';
    if (strncmp(path, below, strlen(below)) == 0)
        step();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A call on a descriptor, and one on a name. */
#define ON_FD(type, name, parameters, ...)   \
    type name parameters                     \
    {                                        \
        step_on(fd);                         \
        return REAL(name)(fd, ##__VA_ARGS__); \
    }
#define ON_NAME(name, parameters, ...)  \
    int name parameters                 \
    {                                   \
        step();                         \
        return REAL(name)(__VA_ARGS__); \
    }

ON_FD(ssize_t, write, (int fd, const void *data, size_t n), data, n)
ON_FD(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at), data, n, at)
ON_FD(ssize_t, pwrite64, (int fd, const void *data, size_t n, off64_t at), data, n, at)
ON_FD(ssize_t, writev, (int fd, const struct iovec *pieces, int n), pieces, n)
ON_FD(ssize_t, pwritev, (int fd, const struct iovec *pieces, int n, off_t at), pieces, n, at)
ON_FD(ssize_t, pwritev64, (int fd, const struct iovec *pieces, int n, off64_t at), pieces, n, at)
ON_FD(ssize_t, pwritev2, (int fd, const struct iovec *pieces, int n, off_t at, int flags), pieces,
      n, at, flags)
ON_FD(ssize_t, pwritev64v2, (int fd, const struct iovec *pieces, int n, off64_t at, int flags),
      pieces, n, at, flags)
ON_FD(int, fsync, (int fd))
ON_FD(int, fdatasync, (int fd))
ON_FD(int, ftruncate, (int fd, off_t size), size)
ON_FD(int, ftruncate64, (int fd, off64_t size), size)
ON_FD(int, fallocate, (int fd, int mode, off_t at, off_t n), mode, at, n)
ON_FD(int, fallocate64, (int fd, int mode, off64_t at, off64_t n), mode, at, n)
ON_NAME(rename, (const char *from, const char *to), from, to)
ON_NAME(renameat, (int from_fd, const char *from, int to_fd, const char *to), from_fd, from, to_fd,
        to)
ON_NAME(renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
        from_fd, from, to_fd, to, flags)
ON_NAME(unlink, (const char *path), path)
ON_NAME(unlinkat, (int at_fd, const char *path, int flags), at_fd, path, flags)
ON_NAME(rmdir, (const char *path), path)
ON_NAME(mkdir, (const char *path, mode_t mode), path, mode)
ON_NAME(mkdirat, (int at_fd, const char *path, mode_t mode), at_fd, path, mode)
ON_NAME(msync, (void *block, size_t n, int flags), block, n, flags)
