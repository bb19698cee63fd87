/*
 * aside.c - exchanging names, and wiping what has lost its name
 *
 * A file is wiped by writing zeros over what it holds, in place, and waiting until they are on the
 * disk; then it is unlinked. Holes are left alone: writing there would need room. What a file
 * system that never writes in place makes of this, or a disk that moves blocks about, is said in
 * docs/erasure.md.
 */
#include "store/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20 };

/* --- places ---------------------------------------------------------------------------------- */

int place_open(struct place *place, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char parent[PATH_MAX] = ".";
    size_t n_parent = slash ? (size_t)(slash - path) : 0;
    if (strlen(name) + sizeof ASIDE_SUFFIX > sizeof place->aside || n_parent >= sizeof parent)
        return ENAMETOOLONG;
    if (slash)
        snprintf(parent, sizeof parent, "%.*s", n_parent > 0 ? (int)n_parent : 1, path);
    snprintf(place->name, sizeof place->name, "%s", name);
    snprintf(place->aside, sizeof place->aside, "%s" ASIDE_SUFFIX, name);
    place->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->parent_fd < 0 ? errno : 0;
}

void place_close(struct place *place)
{
    if (place->parent_fd >= 0)
        close(place->parent_fd);
    place->parent_fd = -1;
}

int place_exchange(const struct place *place)
{
    int failed =
        renameat2(place->parent_fd, place->name, place->parent_fd, place->aside, RENAME_EXCHANGE);
    return failed != 0 ? errno : 0;
}

int place_sync(const struct place *place)
{
    return fsync(place->parent_fd) != 0 ? errno : 0;
}

int place_check(const struct place *place)
{
    struct stat parent, named;
    if (fstat(place->parent_fd, &parent) != 0 ||
        fstatat(place->parent_fd, place->name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    return parent.st_dev == named.st_dev && !S_ISLNK(named.st_mode) ? 0 : EXDEV;
}

int place_has_aside(const struct place *place, bool *has)
{
    struct stat found;
    bool is_there = fstatat(place->parent_fd, place->aside, &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT)
        return errno;
    *has = is_there;
    return 0;
}

/* --- wiping ---------------------------------------------------------------------------------- */

static int write_zeros(int fd, off_t from, off_t end)
{
    static const uint8_t zeros[BLOCK_BYTES];
    while (from < end) {
        size_t n = end - from < BLOCK_BYTES ? (size_t)(end - from) : BLOCK_BYTES;
        ssize_t written = pwrite(fd, zeros, n, from);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0)
            from += written;
    }
    return 0;
}

static int overwrite(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return errno;
    int code = 0;
    for (off_t from = 0, end = 0; code == 0 && end < file.st_size;) {
        from = lseek(fd, end, SEEK_DATA);
        if (from < 0 && errno == ENXIO) /* nothing but a hole to the end */
            break;
        end = from < 0 ? from : lseek(fd, from, SEEK_HOLE);
        if (end < 0)
            return errno;
        code = write_zeros(fd, from, end);
    }
    if (code == 0 && fsync(fd) != 0)
        code = errno;
    return code;
}

static int wipe(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    int code = overwrite(fd);
    close(fd);
    if (code == 0 && unlinkat(folder_fd, name, 0) != 0)
        code = errno;
    return code;
}

int place_wipe_file(const struct place *place)
{
    bool has = false;
    int code = place_has_aside(place, &has);
    if (code != 0 || !has)
        return code;
    code = wipe(place->parent_fd, place->aside);
    return code == 0 ? place_sync(place) : code;
}

static int wipe_in(const struct place *place, int folder_fd)
{
    if (flock(folder_fd, LOCK_EX | LOCK_NB) != 0)
        return errno;
    int code = wipe(folder_fd, "data.mdb");
    if (code == 0)
        code = wipe(folder_fd, "lock.mdb");
    if (code == 0 && unlinkat(place->parent_fd, place->aside, AT_REMOVEDIR) != 0)
        code = errno;
    return code == 0 ? place_sync(place) : code;
}

int place_wipe_store(const struct place *place)
{
    int folder_fd =
        openat(place->parent_fd, place->aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder_fd < 0)
        return errno == ENOENT ? 0 : errno;
    int code = wipe_in(place, folder_fd);
    close(folder_fd);
    return code;
}
