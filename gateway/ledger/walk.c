/*
 * walk.c - segment after segment, batch after batch
 *
 *     open ──▶ head ──▶ batch ──▶ batch ──▶ zeros ──▶ next segment, named by the next index
 *                         │                   │
 *                         ▼                   ▼
 *                  WALK_DAMAGED, WALK_TORN   WALK_END when there is none
 *
 * Files are read, not mapped: an unreadable sector is then an error to report, and not a signal.
 * A batch is proven against a copy of the tree, and the walk moves only when all of it holds.
 *
 * At the very end of the ledger a batch that is not whole may be one that a crash cut off, or one
 * that is being written this moment: WALK_TORN. Anywhere else it is damage. A batch whose CRC is
 * right was written whole: what is wrong in it is never a torn write.
 */
#include "ledger/walk.h"

#include "ledger/walk_ahead.h"
#include "ledger/walk_prove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_AHEAD_BYTES = 1 << 20 };

_Static_assert((int)BATCH_PADDED_BYTES_MAX <= (int)WALK_WINDOW_BYTES, "a batch fits the window");

static SL_PRINTF(3, 0) void set_problem(struct walk *walk, uint64_t offset, const char *format,
                                        va_list args)
{
    struct walk_problem *problem = &walk->problem;
    segment_name(walk->segment_first, problem->segment);
    problem->offset = offset;
    problem->receipt = walk->tree.size;
    problem->other_key = false;
    vsnprintf(problem->text, sizeof problem->text, format, args);
}

enum walk_step walk_stop(struct walk *walk, enum walk_step step, uint64_t offset,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_problem(walk, offset, format, args);
    va_end(args);
    return step;
}

enum walk_step walk_stop_other_key(struct walk *walk, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_problem(walk, offset, format, args);
    va_end(args);
    walk->problem.other_key = true;
    return WALK_DAMAGED;
}

/* ------------------------------------------------------------------------- reading bytes -- */

ssize_t walk_pread(int fd, uint8_t *block, size_t n, uint64_t offset)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, block + done, n - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            done += (size_t)got;
    }
    return (ssize_t)done;
}

/* `n` bytes at `offset` of the open segment, through the window. False on a read error. */
static bool view(struct walk *walk, uint64_t offset, size_t n, struct slice *out)
{
    SL_ASSERT(n <= WALK_WINDOW_BYTES);
    bool inside = offset >= walk->window_at && offset - walk->window_at <= walk->window_n &&
                  n <= walk->window_n - (offset - walk->window_at);
    if (!inside) {
        size_t n_wanted = n > READ_AHEAD_BYTES ? n : READ_AHEAD_BYTES;
        ssize_t got = walk_pread(walk->segment_fd, walk->window, n_wanted, offset);
        walk->window_at = offset;
        walk->window_n = got > 0 ? (size_t)got : 0;
        if (got >= 0 && walk->window_n < n)
            errno = ENODATA; /* the file has become shorter */
        if (walk->window_n < n)
            return false;
    }
    *out = slice_of(walk->window + (offset - walk->window_at), n);
    return true;
}

void walk_reread(struct walk *walk)
{
    walk->window_n = 0;
}

static enum walk_step unreadable(struct walk *walk, uint64_t offset)
{
    return walk_stop(walk, WALK_UNREADABLE, offset, "can't be read: %s", strerror(errno));
}

/* The first byte that is not zero in [offset, end), or `end`. False on a read error. */
static bool find_nonzero(struct walk *walk, uint64_t offset, uint64_t end, uint64_t *found)
{
    while (offset < end) {
        size_t n = end - offset < READ_AHEAD_BYTES ? (size_t)(end - offset) : READ_AHEAD_BYTES;
        struct slice bytes;
        if (!view(walk, offset, n, &bytes))
            return false;
        if (bytes.p[0] != 0 || memcmp(bytes.p, bytes.p + 1, bytes.n - 1) != 0) {
            size_t i = 0;
            while (bytes.p[i] == 0)
                i++;
            *found = offset + i;
            return true;
        }
        offset += n;
    }
    *found = end;
    return true;
}

/* --------------------------------------------------------------------- folder and segments -- */

/* Counts the segments from `first` on. */
static bool list_folder(struct walk *walk, uint64_t first)
{
    int fd = openat(walk->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    errno = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        uint64_t index;
        struct stat stat;
        if (!segment_name_parse(slice_of_str(entry->d_name), &index) || index < first)
            continue;
        walk->n_listed++;
        uint64_t n_bytes = 0;
        if (fstatat(walk->folder_fd, entry->d_name, &stat, 0) == 0)
            n_bytes = (uint64_t)stat.st_size;
        walk->listed_bytes += n_bytes;
        if (index < walk->newest_listed)
            continue;
        walk->newest_listed = index;
        walk->newest_listed_bytes = n_bytes;
    }
    int saved = errno;
    closedir(folder);
    errno = saved;
    return saved == 0;
}

enum sl_err walk_open(struct walk *walk, const char *folder, struct note_verifier *verifier,
                      const struct walk_start *start)
{
    memset(walk, 0, sizeof *walk);
    walk->segment_fd = -1;
    walk->verifier = verifier;
    tree_init(&walk->tree);
    walk->newest_time_ms = INT64_MIN;
    if (start) {
        walk->tree = start->tree;
        walk->newest_time_ms = start->newest_time_ms;
        walk->segment_first = start->segment_first;
        walk->offset = start->offset;
    }
    walk->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (walk->folder_fd < 0 || !list_folder(walk, walk->segment_first)) {
        (void)walk_stop(walk, WALK_UNREADABLE, 0, "%s can't be read: %s", folder, strerror(errno));
        walk->problem.segment[0] = '\0';
        return SL_ESTORE;
    }
    walk->window = malloc(WALK_WINDOW_BYTES);
    if (!walk->window) {
        (void)walk_stop(walk, WALK_UNREADABLE, 0, "out of memory");
        return SL_EINTERNAL;
    }
    return SL_OK;
}

enum sl_err walk_use_threads(struct walk *walk, size_t n_threads)
{
    SL_ASSERT(!walk->ahead);
    return walk_ahead_new(n_threads, &walk->ahead);
}

void walk_read_only_form(struct walk *walk)
{
    walk->only_form = true;
}

static void close_segment(struct walk *walk)
{
    if (walk->segment_fd >= 0)
        close(walk->segment_fd);
    walk->segment_fd = -1;
    walk->window_n = 0;
}

void walk_close(struct walk *walk)
{
    close_segment(walk);
    if (walk->folder_fd >= 0)
        close(walk->folder_fd);
    walk->folder_fd = -1;
    note_verifier_free(walk->own_verifier);
    walk->own_verifier = NULL;
    free(walk->window);
    walk->window = NULL;
    walk_ahead_free(walk->ahead);
    walk->ahead = NULL;
}

/* Length and head of the segment that was just opened. */
static enum walk_step check_head(struct walk *walk)
{
    struct stat stat;
    struct slice bytes;
    struct segment_head head;
    if (fstat(walk->segment_fd, &stat) != 0)
        return unreadable(walk, 0);
    if (stat.st_size < SEGMENT_ALIGNMENT_MAX)
        return walk_stop(walk, WALK_DAMAGED, 0,
                         "the segment is cut off: it has %lld bytes, and one has at least %d",
                         (long long)stat.st_size, SEGMENT_ALIGNMENT_MAX);
    if (!view(walk, 0, SEGMENT_ALIGNMENT_MAX, &bytes))
        return unreadable(walk, 0);
    if (segment_head_parse(bytes, &head) != SL_OK)
        return walk_stop(walk, WALK_DAMAGED, 0, "the head is not that of a segment");
    if (head.first_index != walk->segment_first)
        return walk_stop(walk, WALK_DAMAGED, 0,
                         "the head says that it begins with receipt %llu, its name says %llu",
                         (unsigned long long)head.first_index,
                         (unsigned long long)walk->segment_first);
    struct slice origin = note_verifier_name(walk->verifier);
    if (!slice_equals(head.origin, origin))
        return walk_stop_other_key(walk, 0,
                                   "the segment is of the origin \"%.*s\", the key of \"%.*s\"",
                                   SLICE_PRINTF(head.origin), SLICE_PRINTF(origin));
    if (head.segment_bytes != (uint64_t)stat.st_size)
        return walk_stop(
            walk, WALK_DAMAGED, (uint64_t)stat.st_size,
            "the segment has %llu bytes, its head says %llu: it was cut off or added to",
            (unsigned long long)stat.st_size, (unsigned long long)head.segment_bytes);
    walk->alignment = head.alignment_bytes;
    walk->segment_bytes = head.segment_bytes;
    if (walk->offset == 0)
        walk->offset = head.alignment_bytes;
    return WALK_BATCH;
}

static enum walk_step open_segment(struct walk *walk)
{
    char name[SEGMENT_NAME_BYTES + 1];
    segment_name(walk->segment_first, name);
    int fd = openat(walk->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return walk_stop(walk, WALK_DAMAGED, 0, "this segment is missing");
    if (fd < 0)
        return unreadable(walk, 0);
    walk->segment_fd = fd;
    enum walk_step step = check_head(walk);
    if (step == WALK_BATCH &&
        (walk->offset >= walk->segment_bytes || walk->offset % walk->alignment != 0))
        step = walk_stop(walk, WALK_DAMAGED, walk->offset, "no batch can begin here");
    if (step == WALK_BATCH)
        walk->n_segments++;
    else
        close_segment(walk);
    return step;
}

/* WALK_BATCH: there is a next one, and it is named by the next index. */
static enum walk_step find_next_segment(struct walk *walk)
{
    char name[SEGMENT_NAME_BYTES + 1];
    struct stat stat;
    segment_name(walk->tree.size, name);
    bool is_next = walk->tree.size > walk->segment_first;
    if (is_next && fstatat(walk->folder_fd, name, &stat, 0) == 0)
        return WALK_BATCH;
    if (is_next && errno != ENOENT)
        return unreadable(walk, walk->offset);
    if (walk->newest_listed <= walk->segment_first)
        return WALK_END;
    segment_name(walk->newest_listed, name);
    return walk_stop(walk, WALK_DAMAGED, walk->offset,
                     "the segment that begins with receipt %llu is missing, but %s is there",
                     (unsigned long long)walk->tree.size, name);
}

/* ------------------------------------------------------------------------------- walking -- */

/* What is wrong at the end of the last segment may be a write that was cut off. */
static enum walk_step torn_or_damaged(struct walk *walk)
{
    return walk->newest_listed > walk->segment_first ? WALK_DAMAGED : WALK_TORN;
}

/* After the last batch of a segment there is nothing. */
static enum walk_step check_tail(struct walk *walk)
{
    uint64_t nonzero;
    if (!find_nonzero(walk, walk->offset, walk->segment_bytes, &nonzero))
        return unreadable(walk, walk->offset);
    if (nonzero == walk->segment_bytes)
        return WALK_END;
    return walk_stop(walk, torn_or_damaged(walk), nonzero,
                     "there are bytes after the last batch, which ends at byte %llu",
                     (unsigned long long)walk->offset);
}

static void move_on(struct walk *walk, uint64_t batch_bytes)
{
    walk->batch_offset = walk->offset;
    walk->offset += batch_bytes;
    walk->n_bytes_done += batch_bytes;
    walk->n_batches++;
}

static enum walk_step take_form(struct walk *walk, struct slice bytes, uint64_t padded,
                                struct batch *batch)
{
    if (batch_parse_unchecked(bytes, batch) != SL_OK)
        return walk_stop(walk, WALK_DAMAGED, walk->offset, "no batch begins here");
    enum walk_step step = walk_prove_place(walk, batch);
    if (step != WALK_BATCH)
        return step;
    walk->tree.size += batch->n_receipts;
    move_on(walk, padded);
    return WALK_BATCH;
}

static enum walk_step next_batch(struct walk *walk, struct slice head, struct batch *batch)
{
    uint32_t total;
    struct slice bytes;
    if (batch_length(head, &total) != SL_OK)
        return walk_stop(walk, torn_or_damaged(walk), walk->offset, "no batch begins here");
    uint64_t padded = align_up(total, walk->alignment);
    if (padded > walk->segment_bytes - walk->offset)
        return walk_stop(walk, torn_or_damaged(walk), walk->offset,
                         "the batch is longer than the segment");
    if (!view(walk, walk->offset, (size_t)padded, &bytes))
        return unreadable(walk, walk->offset);
    if (walk->only_form)
        return take_form(walk, slice_of(bytes.p, total), padded, batch);
    if (batch_parse(slice_of(bytes.p, total), batch) != SL_OK)
        return walk_name_damage(walk, torn_or_damaged(walk), slice_of(bytes.p, total));
    for (size_t i = total; i < bytes.n; i++)
        if (bytes.p[i] != 0)
            return walk_stop(walk, WALK_DAMAGED, walk->offset + i,
                             "the padding after the batch is not zero");
    enum walk_step step = walk_prove(walk, batch);
    if (step == WALK_BATCH)
        move_on(walk, padded);
    return step;
}

/* The next batch, when other threads have proven it. */
static bool take_ahead(struct walk *walk, struct batch *batch)
{
    uint64_t padded;
    const struct batch_proof *proof =
        walk->ahead ? walk_ahead_next(walk->ahead, walk, batch, &padded) : NULL;
    if (!proof || walk_prove_place(walk, batch) != WALK_BATCH ||
        walk_accept(walk, batch, proof) != WALK_BATCH)
        return false;
    move_on(walk, padded);
    return true;
}

enum walk_step walk_next(struct walk *walk, struct batch *batch)
{
    for (;;) {
        if (walk->segment_fd < 0) {
            enum walk_step opened = open_segment(walk);
            if (opened != WALK_BATCH)
                return opened;
        }
        if (take_ahead(walk, batch))
            return WALK_BATCH;
        static const uint8_t nothing[BATCH_HEAD_BYTES];
        struct slice head = slice_of(nothing, sizeof nothing);
        if (walk->offset < walk->segment_bytes &&
            !view(walk, walk->offset, BATCH_HEAD_BYTES, &head))
            return unreadable(walk, walk->offset);
        if (memcmp(head.p, nothing, sizeof nothing) != 0)
            return next_batch(walk, head, batch);

        enum walk_step step = check_tail(walk);
        if (step == WALK_END)
            step = find_next_segment(walk);
        if (step != WALK_BATCH)
            return step;
        walk->n_bytes_done += walk->segment_bytes - walk->offset;
        close_segment(walk);
        walk->segment_first = walk->tree.size;
        walk->offset = 0;
    }
}

/* ------------------------------------------------------------------------------ torn tails -- */

/* Is there a whole batch at `offset`? Its place in the sequence does not matter. */
static bool whole_batch_at(struct walk *walk, uint64_t offset, bool *found)
{
    struct slice bytes;
    uint32_t total;
    struct batch batch;
    *found = false;
    if (!view(walk, offset, BATCH_HEAD_BYTES, &bytes))
        return false;
    if (batch_length(bytes, &total) != SL_OK || total > walk->segment_bytes - offset)
        return true;
    if (!view(walk, offset, total, &bytes))
        return false;
    *found = batch_parse(bytes, &batch) == SL_OK;
    return true;
}

enum sl_err walk_measure_torn(struct walk *walk, bool *is_one_batch, uint64_t *n_bytes)
{
    uint64_t end = walk->offset + align_up(BATCH_BYTES_MAX, walk->alignment);
    if (end > walk->segment_bytes)
        end = walk->segment_bytes;
    uint64_t nonzero;
    if (!find_nonzero(walk, end, walk->segment_bytes, &nonzero))
        return SL_ESTORE;
    bool found = nonzero < walk->segment_bytes;
    for (uint64_t at = walk->offset; at < end && !found; at += walk->alignment)
        if (!whole_batch_at(walk, at, &found))
            return SL_ESTORE;
    *is_one_batch = !found;
    *n_bytes = end - walk->offset;
    return SL_OK;
}
