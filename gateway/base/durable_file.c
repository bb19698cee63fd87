/*
 * durable_file.c - write, sync, rename, sync the folder
 *
 *     NAME.tmp  written, fsync        nobody reads it
 *     NAME.tmp -> NAME, fsync folder  from here on the new one is there, also after a power cut
 *
 * What an earlier attempt left under the temporary name is removed, never written on: after a
 * failed fsync nobody knows which of its pages are on the disk.
 */
#include "base/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char suffix[] = ".tmp";
enum { TEMPORARY_NAME_BYTES = DURABLE_FILE_NAME_BYTES_MAX + sizeof suffix };

int durable_folder_open(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    size_t name_n = strlen(last);
    if (name_n == 0 || name_n > DURABLE_FILE_NAME_BYTES_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return -1;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    free(folder);
    errno = saved;
    if (fd >= 0)
        *name = last;
    return fd;
}

static bool write_all(int fd, struct slice bytes)
{
    for (size_t n = 0; n < bytes.n;) {
        ssize_t put = write(fd, bytes.p + n, bytes.n - n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            n += (size_t)put;
    }
    return true;
}

/* A failure keeps the errno of what failed first. */
static enum sl_err close_failed(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return SL_ESTORE;
}

static enum sl_err write_temporary(int folder_fd, const char *name, mode_t mode, struct slice bytes)
{
    if (unlinkat(folder_fd, name, 0) != 0 && errno != ENOENT)
        return SL_ESTORE;
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return SL_ESTORE;
    if (!write_all(fd, bytes) || fsync(fd) != 0)
        return close_failed(fd);
    return close(fd) == 0 ? SL_OK : SL_ESTORE;
}

enum sl_err durable_file_replace(int folder_fd, const char *name, mode_t mode, struct slice bytes)
{
    char temporary[TEMPORARY_NAME_BYTES];
    int n = snprintf(temporary, sizeof temporary, "%s%s", name, suffix);
    SL_ASSERT(n > 0 && (size_t)n < sizeof temporary);
    SL_TRY(write_temporary(folder_fd, temporary, mode, bytes));
    if (renameat(folder_fd, temporary, folder_fd, name) != 0 || fsync(folder_fd) != 0)
        return SL_ESTORE;
    return SL_OK;
}

/* One byte more than fits shows that it is too much. */
static enum sl_err read_all(int fd, uint8_t *block, size_t cap, size_t *n_bytes)
{
    size_t n = 0;
    for (;;) {
        uint8_t beyond;
        bool is_full = n == cap;
        ssize_t got = read(fd, is_full ? &beyond : block + n, is_full ? 1 : cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SL_ESTORE;
        if (got == 0)
            break;
        if (is_full)
            return SL_ELIMIT;
        n += (size_t)got;
    }
    *n_bytes = n;
    return SL_OK;
}

enum sl_err durable_file_read(int folder_fd, const char *name, void *block, size_t cap,
                              size_t *n_bytes)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *n_bytes = 0;
        return SL_OK;
    }
    if (fd < 0)
        return SL_ESTORE;
    enum sl_err err = read_all(fd, block, cap, n_bytes);
    if (err == SL_ESTORE)
        return close_failed(fd);
    close(fd);
    return err;
}
