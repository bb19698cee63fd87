/*
 * segment_file.c - what makes an append durable in one call
 *
 * A segment is written whole as zeros, and synced, before its first batch. Its blocks are then
 * allocated and initialised, its length is final, and a batch changes nothing but data: one
 * pwritev2() with RWF_DSYNC on a descriptor with O_DIRECT, no journal, no second call. Measured
 * here: 6,700 batches of 100 receipts a second, against 5,200 with fdatasync() and 3,000 when the
 * file grows (fallocate() alone is no better than growing: converting its blocks is journalled).
 * Where O_DIRECT is not to be had (some file systems) the same call goes through the page cache.
 *
 * The alignment is the device's *physical* sector, not the smaller one that O_DIRECT may accept:
 * a device that emulates small sectors rewrites the large one around them, and what stood in it
 * before, promised and acknowledged, could go down with a power failure.
 */
#include "ledger/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* 0 when the kernel does not say. A partition's queue is its disk's. */
static uint32_t read_sector_bytes(dev_t device, bool is_partition)
{
    char path[96], text[16];
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u%s/queue/physical_block_size", major(device),
             minor(device), is_partition ? "/.." : "");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    uint64_t bytes = 0;
    if (n < 2 || !slice_to_u64(slice_of(text, (size_t)n - 1), SEGMENT_ALIGNMENT_MAX, &bytes))
        return 0;
    return (uint32_t)bytes;
}

static uint32_t device_alignment(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return SEGMENT_ALIGNMENT_MAX;
    uint32_t bytes = read_sector_bytes(stat.st_dev, false);
    if (bytes == 0)
        bytes = read_sector_bytes(stat.st_dev, true);
    bool is_power_of_two = bytes != 0 && (bytes & (bytes - 1)) == 0;
    return is_power_of_two && bytes >= SEGMENT_ALIGNMENT_MIN ? bytes : SEGMENT_ALIGNMENT_MAX;
}

/* openat() with O_DIRECT where the file system has it. */
static int open_direct(int folder_fd, const char *name, int flags, bool *direct)
{
    int fd = openat(folder_fd, name, flags | O_DIRECT | O_CLOEXEC | O_NOFOLLOW, 0600);
    *direct = fd >= 0;
    if (fd < 0 && errno == EINVAL) {
        /* With O_CREAT the file may have been made before O_DIRECT was refused. */
        if (flags & O_EXCL)
            (void)unlinkat(folder_fd, name, 0);
        fd = openat(folder_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    return fd;
}

static int clear_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_DIRECT) != 0 ? errno : 0;
}

static int write_zeros_at(int fd, uint8_t *zeros, size_t n, uint64_t offset, bool *direct)
{
    ssize_t put = pwrite(fd, zeros, n, (off_t)offset);
    if (put < 0 && errno == EINVAL && *direct) {
        int err = clear_direct(fd);
        if (err != 0)
            return err;
        *direct = false;
        put = pwrite(fd, zeros, n, (off_t)offset);
    }
    if (put < 0)
        return errno;
    return (size_t)put == n ? 0 : ENOSPC;
}

static int fill_with_zeros(int fd, uint64_t segment_bytes, uint8_t *zeros,
                           const atomic_bool *cancel, bool *direct)
{
    /* Says at once, and without writing, that there is no room. */
    if (fallocate(fd, 0, 0, (off_t)segment_bytes) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    for (uint64_t offset = 0; offset < segment_bytes;) {
        if (atomic_load(cancel))
            return ECANCELED;
        uint64_t left = segment_bytes - offset;
        size_t n = left < ZEROS_BYTES ? (size_t)left : ZEROS_BYTES;
        int err = write_zeros_at(fd, zeros, n, offset, direct);
        if (err != 0)
            return err;
        offset += n;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

int segment_file_prepare(int folder_fd, uint64_t segment_bytes, uint8_t *zeros,
                         const atomic_bool *cancel, struct segment_file *out)
{
    if (unlinkat(folder_fd, SEGMENT_NEXT_NAME, 0) != 0 && errno != ENOENT)
        return errno;
    bool direct;
    int fd = open_direct(folder_fd, SEGMENT_NEXT_NAME, O_RDWR | O_CREAT | O_EXCL, &direct);
    if (fd < 0)
        return errno;
    int err = fill_with_zeros(fd, segment_bytes, zeros, cancel, &direct);
    if (err != 0) {
        close(fd);
        (void)unlinkat(folder_fd, SEGMENT_NEXT_NAME, 0);
        return err;
    }
    *out = (struct segment_file){fd, direct ? device_alignment(fd) : SEGMENT_ALIGNMENT_MAX, false};
    return 0;
}

int segment_file_open(int folder_fd, const char *name, uint32_t alignment, struct segment_file *out)
{
    bool direct;
    int fd = open_direct(folder_fd, name, O_RDWR, &direct);
    if (fd < 0)
        return errno;
    bool shares_sectors = alignment < (direct ? device_alignment(fd) : SEGMENT_ALIGNMENT_MAX);
    int err = shares_sectors && direct ? clear_direct(fd) : 0;
    if (err != 0) {
        close(fd);
        return err;
    }
    *out = (struct segment_file){fd, alignment, shares_sectors};
    return 0;
}

int segment_file_write(const struct segment_file *file, uint8_t *block, size_t n, uint64_t offset)
{
    SL_ASSERT(n % file->alignment == 0 && offset % file->alignment == 0);
    struct iovec whole = {block, n};
    ssize_t put = pwritev2(file->fd, &whole, 1, (off_t)offset, RWF_DSYNC);
    if (put < 0)
        return errno;
    return (size_t)put == n ? 0 : EIO;
}
