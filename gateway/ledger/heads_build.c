/*
 * heads_build.c - sorting more entries than memory should hold
 *
 *     added     | k3 | k9 | k1 | k7 | k2 |            a file, in the order of arrival
 *     pass 1    labels from 0 to 3  ──▶ k1 k2 k3 ─┐
 *     pass 2    labels from 4 to 9  ──▶ k7 k9    ─┴──▶ list.tmp ──▶ <epoch>.heads
 *
 * Labels come out of HMAC, so they are spread evenly, and the range of a pass can be drawn ahead.
 * A range that holds too many all the same is halved. A million subjects take eight passes over 40
 * MB that are still in the page cache.
 *
 * An entry is sorted as its 40 bytes: label first, then delta.
 */
#include "ledger/heads_build.h"

#include "base/writer.h"
#include "ledger/crc32c.h"
#include "ledger/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HEADS_SORT_ENTRIES
#define HEADS_SORT_ENTRIES (1 << 18) /* a test makes it small */
#endif

enum { BLOCK_BYTES = 1024 * HEADS_ENTRY_BYTES };

static const char unsorted_name[] = "unsorted.tmp";
static const char list_name[] = "list.tmp";

/* A file that is written from its start on, a block at a time. */
struct output {
    int fd;
    size_t n;
    uint8_t block[BLOCK_BYTES];
};

struct heads_build {
    int folder_fd;
    struct output unsorted;
    uint64_t n_added; /* with those that are there twice */
    uint64_t n_entries, sum;
    uint8_t (*sorted)[HEADS_ENTRY_BYTES];
    size_t sorted_cap;
    struct output list;
    uint32_t crc;
    struct tree tree;
};

/* --------------------------------------------------------------------------------- output -- */

static enum sl_err output_flush(struct output *output)
{
    for (size_t done = 0; done < output->n;) {
        ssize_t put = write(output->fd, output->block + done, output->n - done);
        if (put < 0 && errno != EINTR)
            return SL_ESTORE;
        done += put > 0 ? (size_t)put : 0;
    }
    output->n = 0;
    return SL_OK;
}

static enum sl_err output_put(struct output *output, const uint8_t *bytes, size_t n)
{
    SL_ASSERT(n <= sizeof output->block);
    if (n > sizeof output->block - output->n)
        SL_TRY(output_flush(output));
    memcpy(output->block + output->n, bytes, n);
    output->n += n;
    return SL_OK;
}

/* A new file; one that a crash left behind is replaced. */
static enum sl_err output_open(struct output *output, int folder_fd, const char *name)
{
    if (unlinkat(folder_fd, name, 0) != 0 && errno != ENOENT)
        return SL_ESTORE;
    output->fd = openat(folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    output->n = 0;
    return output->fd >= 0 ? SL_OK : SL_ESTORE;
}

static void output_close(struct output *output)
{
    int saved = errno;
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
    errno = saved;
}

/* ------------------------------------------------------------------------------ collecting -- */

enum sl_err heads_build_new(int folder_fd, struct heads_build **out)
{
    SL_AUTO(heads_build) build = calloc(1, sizeof *build);
    if (!build)
        return SL_EINTERNAL;
    build->folder_fd = folder_fd;
    build->unsorted.fd = build->list.fd = -1;
    SL_TRY(output_open(&build->unsorted, folder_fd, unsorted_name));
    if (unlinkat(folder_fd, unsorted_name, 0) != 0)
        return SL_ESTORE;
    *out = build;
    build = NULL;
    return SL_OK;
}

void heads_build_free(struct heads_build *build)
{
    if (!build)
        return;
    output_close(&build->unsorted);
    output_close(&build->list);
    free(build->sorted);
    free(build);
}

enum sl_err heads_build_add(struct heads_build *build, const struct heads_entry *entry)
{
    uint8_t bytes[HEADS_ENTRY_BYTES];
    heads_entry_write(entry, bytes);
    SL_TRY(output_put(&build->unsorted, bytes, sizeof bytes));
    build->n_added++;
    build->n_entries++;
    build->sum += entry->delta;
    return SL_OK;
}

uint64_t heads_build_n_entries(const struct heads_build *build)
{
    return build->n_entries;
}

uint64_t heads_build_sum(const struct heads_build *build)
{
    return build->sum;
}

/* -------------------------------------------------------------------------------- sorting -- */

/* What a pass picks: the first eight bytes of the label, as a number. */
static uint64_t key_of(const uint8_t bytes[HEADS_ENTRY_BYTES])
{
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof key; i++)
        key = key << 8 | bytes[i];
    return key;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, HEADS_ENTRY_BYTES);
}

static enum sl_err read_block(int fd, uint8_t *block, size_t n, uint64_t offset)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, block + done, n - done, (off_t)(offset + done));
        if (got == 0)
            errno = EIO; /* nobody else can cut it off */
        if (got == 0 || (got < 0 && errno != EINTR))
            return SL_ESTORE;
        done += got > 0 ? (size_t)got : 0;
    }
    return SL_OK;
}

/* Gathers what is in [low, high]. SL_ELIMIT: there is too much. */
static enum sl_err gather(struct heads_build *build, uint64_t low, uint64_t high, size_t *n_out)
{
    uint8_t block[BLOCK_BYTES];
    size_t n_gathered = 0;
    uint64_t n_bytes = build->n_added * HEADS_ENTRY_BYTES;
    for (uint64_t offset = 0; offset < n_bytes;) {
        size_t n = n_bytes - offset < sizeof block ? (size_t)(n_bytes - offset) : sizeof block;
        SL_TRY(read_block(build->unsorted.fd, block, n, offset));
        for (size_t at = 0; at < n; at += HEADS_ENTRY_BYTES) {
            uint64_t key = key_of(block + at);
            if (key < low || key > high)
                continue;
            if (n_gathered == build->sorted_cap)
                return SL_ELIMIT;
            memcpy(build->sorted[n_gathered++], block + at, HEADS_ENTRY_BYTES);
        }
        offset += n;
    }
    *n_out = n_gathered;
    return SL_OK;
}

/* Calls visit for each distinct label of the range, in order. */
static enum sl_err visit_range(struct heads_build *build, size_t n,
                               enum sl_err (*visit)(struct heads_build *build,
                                                    const uint8_t bytes[HEADS_ENTRY_BYTES]))
{
    qsort(build->sorted, n, HEADS_ENTRY_BYTES, compare);
    for (size_t i = 0; i < n; i++) {
        bool repeated =
            i + 1 < n && memcmp(build->sorted[i], build->sorted[i + 1], HEADS_LABEL_BYTES) == 0;
        if (!repeated)
            SL_TRY(visit(build, build->sorted[i]));
    }
    return SL_OK;
}

static enum sl_err make_room(struct heads_build *build)
{
    size_t cap = build->n_added < HEADS_SORT_ENTRIES ? (size_t)build->n_added : HEADS_SORT_ENTRIES;
    if (cap <= build->sorted_cap)
        return SL_OK;
    void *larger = reallocarray(build->sorted, cap, HEADS_ENTRY_BYTES);
    if (!larger)
        return SL_EINTERNAL;
    build->sorted = larger;
    build->sorted_cap = cap;
    return SL_OK;
}

static enum sl_err visit_sorted(struct heads_build *build,
                                enum sl_err (*visit)(struct heads_build *build,
                                                     const uint8_t bytes[HEADS_ENTRY_BYTES]))
{
    SL_TRY(output_flush(&build->unsorted));
    SL_TRY(make_room(build));
    /* Half full on average, so that hardly a range has to be halved. */
    uint64_t n_ranges = 2 * build->n_added / HEADS_SORT_ENTRIES + 1;
    uint64_t width = UINT64_MAX / n_ranges;
    for (uint64_t low = 0;;) {
        uint64_t high = UINT64_MAX - low < width ? UINT64_MAX : low + width;
        size_t n = 0;
        enum sl_err err = gather(build, low, high, &n);
        while (err == SL_ELIMIT && low < high) {
            high = low + (high - low) / 2;
            err = gather(build, low, high, &n);
        }
        SL_TRY(err);
        SL_TRY(visit_range(build, n, visit));
        if (high == UINT64_MAX)
            return SL_OK;
        low = high + 1;
    }
}

static enum sl_err count_entry(struct heads_build *build, const uint8_t bytes[HEADS_ENTRY_BYTES])
{
    struct heads_entry entry;
    heads_entry_read(bytes, &entry);
    build->n_entries++;
    build->sum += entry.delta;
    return SL_OK;
}

enum sl_err heads_build_settle(struct heads_build *build)
{
    build->n_entries = build->sum = 0;
    return visit_sorted(build, count_entry);
}

/* -------------------------------------------------------------------------------- writing -- */

static enum sl_err put_entry(struct heads_build *build, const uint8_t bytes[HEADS_ENTRY_BYTES])
{
    struct slice entry = slice_of(bytes, HEADS_ENTRY_BYTES);
    uint8_t hash[SHA256_BYTES];
    build->crc = crc32c_extend(build->crc, entry);
    tree_leaf_hash(entry, hash);
    tree_append(&build->tree, hash);
    return output_put(&build->list, entry.p, entry.n);
}

static enum sl_err write_list(struct heads_build *build, const struct heads_head *head)
{
    uint8_t block[HEADS_HEAD_BYTES];
    heads_head_write(head, block);
    build->crc = crc32c_of(slice_of(block, sizeof block));
    tree_init(&build->tree);
    SL_TRY(output_put(&build->list, block, sizeof block));
    SL_TRY(visit_sorted(build, put_entry));
    SL_ASSERT(build->tree.size == head->n_entries);
    struct writer writer = writer_over(block, HEADS_CRC_BYTES);
    write_u32(&writer, build->crc);
    SL_TRY(output_put(&build->list, block, writer.n));
    SL_TRY(output_flush(&build->list));
    return fsync(build->list.fd) == 0 ? SL_OK : SL_ESTORE;
}

enum sl_err heads_build_finish(struct heads_build *build, struct heads_head *head,
                               uint8_t root[SHA256_BYTES])
{
    char name[HEADS_NAME_BYTES + 1];
    heads_name(head->epoch, name);
    head->n_entries = build->n_entries;
    SL_TRY(output_open(&build->list, build->folder_fd, list_name));
    enum sl_err err = write_list(build, head);
    output_close(&build->list);
    if (err != SL_OK) {
        int saved = errno;
        (void)unlinkat(build->folder_fd, list_name, 0); /* the disk may be full */
        errno = saved;
        return err;
    }
    if (renameat(build->folder_fd, list_name, build->folder_fd, name) != 0 ||
        fsync(build->folder_fd) != 0)
        return SL_ESTORE;
    tree_root(&build->tree, root);
    return SL_OK;
}
