/*
 * reserve.c - room for withdrawals on a full disk
 *
 *     data.mdb   | pages in use ........ | allocated, unused: the reserve |
 *                0                  last page                        end of file
 *
 * LMDB takes new pages at the end of those in use and writes them in place. Where the file system
 * has allocated the blocks already, such a write needs no free space. So the file is kept longer
 * than LMDB needs: twice the reserve when it is extended, and extended when less than the reserve
 * is left, so that most writes cost one fstat().
 *
 * A length can lie: the copy of a store may be sparse. At opening the whole range is allocated
 * again, which costs nothing where it is already.
 *
 * lock.mdb is written through a memory map: touching a page of it that has no block would end the
 * process with SIGBUS. So it is allocated whole before LMDB maps it.
 *
 * File systems that can't allocate ahead (fallocate: EOPNOTSUPP), or that write elsewhere each
 * time (btrfs), give no such promise; there the store works as well as LMDB does.
 */
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    RESERVE_BYTES = LIMIT_MAX_store_reserve_bytes,
    /* LMDB's table of readers: one cache line each, and its head. */
    LOCK_FILE_BYTES = 64 * (STORE_READERS_MAX + 8),
    DISK_FULL_BYTES = 65536,
};

/* 0, or the errno. */
static int allocate(int fd, off_t n_bytes)
{
    int failed;
    do
        failed = fallocate(fd, 0, 0, n_bytes);
    while (failed != 0 && errno == EINTR);
    return failed != 0 ? errno : 0;
}

int reserve_lock_file(int folder_fd)
{
    int fd = openat(folder_fd, "lock.mdb", O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) /* LMDB will say why, or, on a read-only disk, do without */
        return 0;
    int error = allocate(fd, LOCK_FILE_BYTES);
    close(fd);
    return error == EOPNOTSUPP ? 0 : error;
}

bool reserve_disk_is_full(struct store *store)
{
    int fd;
    struct statvfs disk;
    return mdb_env_get_fd(store->now->env, &fd) == 0 && fstatvfs(fd, &disk) == 0 &&
           disk.f_bavail * disk.f_frsize < DISK_FULL_BYTES;
}

/* Without blocks behind it, but a file shorter than its pages must mean one that was cut off. */
static int lengthen(int fd, off_t now_bytes, off_t n_bytes)
{
    return now_bytes < n_bytes && ftruncate(fd, n_bytes) != 0 ? errno : 0;
}

bool reserve_fill(struct generation *generation)
{
    int fd;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    if (mdb_env_get_fd(generation->env, &fd) != 0 || mdb_env_info(generation->env, &info) != 0 ||
        mdb_env_stat(generation->env, &stat) != 0 || fstat(fd, &file) != 0)
        return false;
    off_t used = (off_t)(info.me_last_pgno + 1) * (off_t)stat.ms_psize;
    if (generation->range_allocated && file.st_size >= used + RESERVE_BYTES)
        return true;
    int error = allocate(fd, used + 2 * (off_t)RESERVE_BYTES);
    if (error != 0 && error != EOPNOTSUPP)
        error = allocate(fd, used + RESERVE_BYTES);
    if (error == EOPNOTSUPP)
        error = lengthen(fd, file.st_size, used + RESERVE_BYTES);
    generation->range_allocated = error == 0;
    return error == 0;
}

void reserve_keep(struct store *store)
{
    store->low = !reserve_fill(store->now);
}
