/*
 * ledger_read.c - receipts without a proof: for a quick look, and for who has no key at hand
 *
 * Segments are read in the order of their names, batch by batch; each batch's form and checksum
 * are checked, and that indices go on without a gap. The end of the last segment may be torn, or
 * being written this moment: what follows the last whole batch is left out, and said.
 */
#include "ledger.h"

#include "commands.h"
#include "ledger/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reading {
    struct ledger_source *source;
    ledger_visit *visit;
    void *context;
    uint64_t *firsts; /* of each segment, sorted */
    size_t n_firsts;
    uint8_t *block; /* one batch */
    uint64_t next;  /* the index expected */
    int error;      /* errno, when a segment could not be read */
    bool stopped;   /* by the visitor */
};

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

static int list_segments(struct reading *reading)
{
    DIR *listing = opendir(reading->source->folder);
    if (!listing)
        return cli_fail(reading->source->cli, AUDIT_UNCHECKED, "cannot open %s: %s",
                        reading->source->folder, strerror(errno));
    size_t cap = 0;
    int code = EX_OK;
    for (struct dirent *entry; code == EX_OK && (entry = readdir(listing));) {
        uint64_t first;
        if (!segment_name_parse(slice_of_str(entry->d_name), &first))
            continue;
        if (reading->n_firsts == cap) {
            cap = cap ? 2 * cap : 64;
            uint64_t *firsts = realloc(reading->firsts, cap * sizeof *firsts);
            if (!firsts) {
                code = cli_fail(reading->source->cli, AUDIT_UNCHECKED, "out of memory");
                break;
            }
            reading->firsts = firsts;
        }
        reading->firsts[reading->n_firsts++] = first;
    }
    closedir(listing);
    if (reading->n_firsts > 0)
        qsort(reading->firsts, reading->n_firsts, sizeof *reading->firsts, compare_u64);
    return code;
}

/* Up to `n` bytes at `offset`; what is missing at the end of the file is not an error. */
static size_t read_at(struct reading *reading, int fd, size_t n, uint64_t offset)
{
    size_t n_read = 0;
    while (n_read < n) {
        ssize_t got = pread(fd, reading->block + n_read, n - n_read, (off_t)(offset + n_read));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            reading->error = errno;
        if (got <= 0)
            break;
        n_read += (size_t)got;
    }
    return n_read;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static int damaged(struct reading *reading, uint64_t segment, uint64_t offset, const char *what)
{
    char name[SEGMENT_NAME_BYTES + 1];
    segment_name(segment, name);
    if (reading->error)
        return cli_fail(reading->source->cli, AUDIT_UNCHECKED, "cannot read %s, byte %llu: %s",
                        name, (unsigned long long)offset, strerror(reading->error));
    return cli_fail(reading->source->cli, AUDIT_INVALID,
                    "%s, byte %llu: %s; receipts from %llu on can't be read; `sluis-audit verify` "
                    "says more",
                    name, (unsigned long long)offset, what, (unsigned long long)reading->next);
}

enum batch_found { BATCH_WHOLE, BATCH_NONE, BATCH_BROKEN };

static enum batch_found read_batch(struct reading *reading, int fd, uint64_t offset,
                                   struct batch *batch)
{
    size_t n = read_at(reading, fd, BATCH_HEAD_BYTES, offset);
    if (reading->error)
        return BATCH_BROKEN;
    if (is_zero(reading->block, n))
        return BATCH_NONE;
    uint32_t total_bytes;
    if (n < BATCH_HEAD_BYTES || batch_length(slice_of(reading->block, n), &total_bytes) != SL_OK ||
        read_at(reading, fd, total_bytes, offset) < total_bytes ||
        batch_parse(slice_of(reading->block, total_bytes), batch) != SL_OK)
        return BATCH_BROKEN;
    return batch->first_index == reading->next ? BATCH_WHOLE : BATCH_BROKEN;
}

/*
 * A batch that a crash cut off, or that is being written, is the last one. Is there a whole one in
 * the place that the longest batch could take?
 */
static bool is_followed(struct reading *reading, int fd, uint64_t offset,
                        const struct segment_head *head)
{
    uint64_t end = offset + BATCH_PADDED_BYTES_MAX;
    struct batch batch;
    uint32_t total_bytes;
    for (uint64_t at = offset + head->alignment_bytes; at <= end && at < head->segment_bytes;
         at += head->alignment_bytes) {
        size_t n = read_at(reading, fd, BATCH_HEAD_BYTES, at);
        if (n == BATCH_HEAD_BYTES &&
            batch_length(slice_of(reading->block, n), &total_bytes) == SL_OK &&
            read_at(reading, fd, total_bytes, at) == total_bytes &&
            batch_parse(slice_of(reading->block, total_bytes), &batch) == SL_OK)
            return true;
    }
    return false;
}

static bool visit_batch(struct reading *reading, const struct batch *batch)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice leaf;
    for (uint32_t i = 0; i < batch->n_receipts; i++, reading->next++) {
        if (!batch_next_leaf(&cursor, &leaf))
            return false;
        if (!reading->visit(reading->context, reading->next, leaf)) {
            reading->stopped = true;
            return true;
        }
    }
    return true;
}

static int read_batches(struct reading *reading, int fd, size_t segment)
{
    uint64_t first = reading->firsts[segment];
    bool is_last = segment + 1 == reading->n_firsts;
    struct segment_head head;
    size_t n = read_at(reading, fd, SEGMENT_ALIGNMENT_MAX, 0);
    if (segment_head_parse(slice_of(reading->block, n), &head) != SL_OK ||
        head.first_index != first || head.origin.n >= sizeof reading->source->origin)
        return damaged(reading, first, 0, "this is not the head of a segment");
    memcpy(reading->source->origin, head.origin.p, head.origin.n);
    reading->source->origin[head.origin.n] = 0;

    uint64_t offset = head.alignment_bytes;
    while (!reading->stopped && offset < head.segment_bytes) {
        struct batch batch;
        enum batch_found found = read_batch(reading, fd, offset, &batch);
        if (found == BATCH_NONE)
            break;
        if (found == BATCH_BROKEN && is_last && !reading->error &&
            !is_followed(reading, fd, offset, &head)) {
            reading->source->warning = "the last segment ends with something that is no whole "
                                       "batch: one that is being written, or that a crash cut off";
            break;
        }
        if (found == BATCH_BROKEN || !visit_batch(reading, &batch))
            return damaged(reading, first, offset, "there should be a whole batch here");
        offset = align_up(offset + batch.total_bytes, head.alignment_bytes);
    }
    if (!is_last && !reading->stopped && reading->next != reading->firsts[segment + 1])
        return damaged(reading, first, offset, "the next segment does not follow on this one");
    return EX_OK;
}

static int read_segment(struct reading *reading, size_t segment)
{
    char name[SEGMENT_NAME_BYTES + 1];
    char path[LEDGER_PATH_BYTES + SEGMENT_NAME_BYTES + 2];
    segment_name(reading->firsts[segment], name);
    snprintf(path, sizeof path, "%s/%s", reading->source->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(reading->source->cli, AUDIT_UNCHECKED, "cannot open %s: %s", path,
                        strerror(errno));
    int code = read_batches(reading, fd, segment);
    close(fd);
    return code;
}

/* From the one that holds source->first on. */
static int read_segments(struct reading *reading)
{
    size_t segment = 0;
    while (segment + 1 < reading->n_firsts &&
           reading->firsts[segment + 1] <= reading->source->first)
        segment++;
    reading->next = reading->firsts[segment];
    int code = EX_OK;
    for (; code == EX_OK && !reading->stopped && segment < reading->n_firsts; segment++)
        code = read_segment(reading, segment);
    return code;
}

int ledger_read(struct ledger_source *source, ledger_visit *visit, void *context)
{
    struct reading reading = {.source = source, .visit = visit, .context = context};
    int code = list_segments(&reading);
    if (code == EX_OK && reading.n_firsts == 0)
        code = cli_fail(source->cli, AUDIT_UNCHECKED, "%s holds no segment of a ledger",
                        source->folder);
    if (code == EX_OK && !(reading.block = malloc(BATCH_PADDED_BYTES_MAX)))
        code = cli_fail(source->cli, AUDIT_UNCHECKED, "out of memory");
    if (reading.n_firsts > 0 && reading.block)
        code = read_segments(&reading);
    source->n_receipts = reading.next;
    free(reading.block);
    free(reading.firsts);
    return code;
}
