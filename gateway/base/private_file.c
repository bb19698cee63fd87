/*
 * private_file.c - opens first and asks questions of what was opened
 *
 * Mode, kind and length are taken from the descriptor, never from the path: a file can't be
 * exchanged between the check and the read. O_NONBLOCK, so that a FIFO in a key's place is an
 * error and not a hang.
 */
#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static SL_PRINTF(2, 3) enum sl_err
    refuse(struct private_file_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

static enum sl_err check_kind_and_mode(const char *path, const struct stat *stat,
                                       struct private_file_problem *problem)
{
    if (!S_ISREG(stat->st_mode))
        return refuse(problem, "%s is not a regular file", path);
    if (stat->st_mode & (S_IRWXG | S_IRWXO))
        return refuse(problem,
                      "%s can be read or written by others (mode %04o); "
                      "make it private with: chmod 600 %s",
                      path, (unsigned)(stat->st_mode & 07777), path);
    return SL_OK;
}

/* Reads until `cap` bytes or the end. -1 with errno on failure. */
static ssize_t read_up_to(int fd, uint8_t *block, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, block + n, cap - n);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            n += (size_t)got;
    }
    return (ssize_t)n;
}

static enum sl_err read_whole(int fd, const char *path, void *block, size_t cap, size_t *n_bytes,
                              struct private_file_problem *problem)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return refuse(problem, "%s can't be read: %s", path, strerror(errno));
    SL_TRY(check_kind_and_mode(path, &stat, problem));
    if (stat.st_size == 0)
        return refuse(problem, "%s is empty", path);
    if ((uintmax_t)stat.st_size > cap)
        return refuse(problem, "%s has %jd bytes; at most %zu are expected", path,
                      (intmax_t)stat.st_size, cap);
    ssize_t n = read_up_to(fd, block, cap);
    if (n <= 0) {
        OPENSSL_cleanse(block, cap);
        return refuse(problem, "%s can't be read: %s", path,
                      n < 0 ? strerror(errno) : "it became empty");
    }
    *n_bytes = (size_t)n;
    return SL_OK;
}

enum sl_err private_file_read(const char *path, void *block, size_t cap, size_t *n_bytes,
                              struct private_file_problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(problem, "%s can't be opened: %s", path, strerror(errno));
    enum sl_err err = read_whole(fd, path, block, cap, n_bytes, problem);
    close(fd);
    return err;
}

enum sl_err private_file_read_exactly(const char *path, void *block, size_t n_bytes,
                                      struct private_file_problem *problem)
{
    size_t n = 0;
    enum sl_err err = private_file_read(path, block, n_bytes, &n, problem);
    if (err == SL_OK && n != n_bytes)
        err = refuse(problem, "%s has %zu bytes; exactly %zu are expected", path, n, n_bytes);
    if (err != SL_OK)
        OPENSSL_cleanse(block, n_bytes);
    return err;
}

/* The folder of `path`, so that the new name in it can be synced. -1 with errno on failure. */
static int open_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) {
        errno = ENOMEM;
        return -1;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    free(folder);
    errno = saved;
    return fd;
}

static bool sync_folder_of(const char *path)
{
    int fd = open_folder_of(path);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return synced;
}

static bool write_and_sync(int fd, struct slice bytes)
{
    for (size_t n = 0; n < bytes.n;) {
        ssize_t put = write(fd, bytes.p + n, bytes.n - n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            n += (size_t)put;
    }
    return fsync(fd) == 0;
}

enum sl_err private_file_create(const char *path, struct slice bytes,
                                struct private_file_problem *problem)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return refuse(problem, "%s can't be created: %s", path, strerror(errno));
    bool written = write_and_sync(fd, bytes);
    int saved = errno;
    close(fd);
    if (written && sync_folder_of(path))
        return SL_OK;
    if (written)
        saved = errno;
    unlink(path);
    return refuse(problem, "%s can't be written: %s", path, strerror(saved));
}

static bool overwrite(int fd)
{
    static const uint8_t zeros[512];
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return false;
    for (off_t done = 0; done < stat.st_size;) {
        off_t left = stat.st_size - done;
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        ssize_t put = pwrite(fd, zeros, n, done);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            done += put;
    }
    return fsync(fd) == 0;
}

enum sl_err private_file_destroy(const char *path, struct private_file_problem *problem)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return SL_OK;
    bool wiped = fd >= 0 && overwrite(fd);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    /* One that can't be wiped is removed all the same. */
    bool removed = unlink(path) == 0 && sync_folder_of(path);
    if (wiped && removed)
        return SL_OK;
    return refuse(problem, "%s can't be destroyed: %s", path, strerror(wiped ? errno : saved));
}
