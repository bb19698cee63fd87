/*
 * segment_writer.c - one segment in use, one in spare
 *
 *     helper:    PREPARING ──▶ READY ─────────────┐
 *                  │  ▲          │ roll           │ stop
 *                  ▼  │ 1 s      ▼                ▼
 *                FAILED          PREPARING      the spare is removed
 *
 * "next.tmp" is all zeros on stable storage before it is READY. Rolling writes its head, renames
 * it to the index that comes next, and syncs the folder: only then does a batch go into it. A
 * crash leaves either the old name, which the next start prepares anew, or a segment without
 * batches, which is valid.
 */
#include "ledger/segment_writer.h"

#include "base/thread.h"
#include "ledger/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PREPARE_RETRY_S = 1 };

enum next_state { NEXT_PREPARING, NEXT_READY, NEXT_FAILED };

struct segment_writer {
    int folder_fd, lock_fd;
    struct slice origin;
    uint64_t new_segment_bytes;
    /* In use. */
    struct segment_file file; /* fd -1: none */
    uint32_t alignment;       /* as its head says */
    uint64_t first_index, segment_bytes, offset;
    /* In spare; below the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum next_state next_state;
    struct segment_file next;
    bool started;
    pthread_t thread;
    atomic_bool stopping;
    uint8_t *zeros; /* of whoever prepares */
    uint8_t *head;  /* of the recorder: one alignment unit */
    struct segment_problem problem;
};

static SL_PRINTF(2, 3) enum sl_err fail(struct segment_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

/* -------------------------------------------------------------------- opening and closing -- */

static enum sl_err take_lock(struct segment_writer *writer, const char *folder,
                             struct segment_problem *problem)
{
    writer->lock_fd =
        openat(writer->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (writer->lock_fd < 0)
        return fail(problem, "%s/lock can't be opened for writing: %s", folder, strerror(errno));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(writer->lock_fd, F_OFD_SETLK, &whole) == 0)
        return SL_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fail(problem,
                    "%s is in use by another process; only one sluisd may run on a state folder",
                    folder);
    return fail(problem, "%s/lock can't be locked: %s", folder, strerror(errno));
}

static enum sl_err open_folder(struct segment_writer *writer, const char *folder,
                               struct segment_problem *problem)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(problem, "%s can't be made: %s; is the state folder there and writable?",
                    folder, strerror(errno));
    writer->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (writer->folder_fd < 0)
        return fail(problem, "%s can't be opened: %s", folder, strerror(errno));
    return take_lock(writer, folder, problem);
}

enum sl_err segment_writer_open(const char *folder, struct slice origin, uint64_t segment_bytes,
                                struct segment_problem *problem, struct segment_writer **out)
{
    SL_AUTO(segment_writer) writer = calloc(1, sizeof *writer);
    if (!writer) {
        (void)fail(problem, "out of memory");
        return SL_EINTERNAL;
    }
    writer->folder_fd = writer->lock_fd = writer->file.fd = writer->next.fd = -1;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    atomic_init(&writer->stopping, false);
    writer->origin = origin;
    writer->new_segment_bytes = segment_bytes / SEGMENT_ALIGNMENT_MAX * SEGMENT_ALIGNMENT_MAX;
    writer->zeros = aligned_alloc(SEGMENT_ALIGNMENT_MAX, ZEROS_BYTES);
    writer->head = aligned_alloc(SEGMENT_ALIGNMENT_MAX, SEGMENT_ALIGNMENT_MAX);
    if (!writer->zeros || !writer->head) {
        (void)fail(problem, "out of memory");
        return SL_EINTERNAL;
    }
    memset(writer->zeros, 0, ZEROS_BYTES);
    SL_TRY(open_folder(writer, folder, problem));
    *out = writer;
    writer = NULL;
    return SL_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void segment_writer_free(struct segment_writer *writer)
{
    if (!writer)
        return;
    segment_writer_stop(writer);
    close_fd(&writer->file.fd);
    close_fd(&writer->lock_fd);
    close_fd(&writer->folder_fd);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer->zeros);
    free(writer->head);
    free(writer);
}

/* ------------------------------------------------------------------------ the helper thread -- */

static void wait_before_retry(struct segment_writer *writer)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PREPARE_RETRY_S;
    int err = 0;
    while (!atomic_load(&writer->stopping) && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
}

static void *prepare_segments(void *context)
{
    struct segment_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    while (!atomic_load(&writer->stopping)) {
        if (writer->next_state == NEXT_READY) {
            pthread_cond_wait(&writer->changed, &writer->lock);
            continue;
        }
        pthread_mutex_unlock(&writer->lock);
        struct segment_file next;
        int err = segment_file_prepare(writer->folder_fd, writer->new_segment_bytes, writer->zeros,
                                       &writer->stopping, &next);
        pthread_mutex_lock(&writer->lock);
        if (err == 0)
            writer->next = next;
        /* A failure stays visible while it is tried again: nobody waits for a full disk. */
        writer->next_state = err == 0 ? NEXT_READY : NEXT_FAILED;
        pthread_cond_broadcast(&writer->changed);
        if (err != 0)
            wait_before_retry(writer);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

enum sl_err segment_writer_start(struct segment_writer *writer)
{
    SL_ASSERT(!writer->started);
    SL_TRY(thread_start(&writer->thread, "segments", prepare_segments, writer));
    writer->started = true;
    return SL_OK;
}

void segment_writer_stop(struct segment_writer *writer)
{
    if (!writer->started)
        return;
    pthread_mutex_lock(&writer->lock);
    atomic_store(&writer->stopping, true);
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    writer->started = false;
    if (writer->next_state == NEXT_READY)
        close_fd(&writer->next.fd);
    /* The spare, or one that a crash left and the helper had no time to replace. */
    (void)unlinkat(writer->folder_fd, SEGMENT_NEXT_NAME, 0);
}

bool segment_writer_next_is_ready(struct segment_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool ready = writer->next_state == NEXT_READY;
    pthread_mutex_unlock(&writer->lock);
    return ready;
}

bool segment_writer_await_next(struct segment_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->started && writer->next_state == NEXT_PREPARING)
        pthread_cond_wait(&writer->changed, &writer->lock);
    bool ready = writer->next_state == NEXT_READY;
    pthread_mutex_unlock(&writer->lock);
    return ready;
}

/* ------------------------------------------------------------------------------ rolling over -- */

static bool is_full_disk(int err)
{
    return err == ENOSPC || err == EDQUOT;
}

/* Gives "next.tmp" its head and its name. 0 or an error number. */
static int name_next(struct segment_writer *writer, const struct segment_file *next,
                     uint64_t first_index)
{
    struct segment_head head = {next->alignment, first_index, writer->new_segment_bytes,
                                writer->origin};
    segment_head_write(&head, writer->head);
    int err = segment_file_write(next, writer->head, next->alignment, 0);
    if (err != 0)
        return err;
    char name[SEGMENT_NAME_BYTES + 1];
    segment_name(first_index, name);
    if (renameat(writer->folder_fd, SEGMENT_NEXT_NAME, writer->folder_fd, name) != 0)
        return errno;
    return fsync(writer->folder_fd) == 0 ? 0 : errno;
}

static enum sl_err put_in_use(struct segment_writer *writer, const struct segment_file *next,
                              uint64_t first_index)
{
    int err = name_next(writer, next, first_index);
    if (is_full_disk(err))
        return SL_ELIMIT;
    if (err != 0)
        return fail(&writer->problem, "a new segment for receipt %llu can't be begun: %s",
                    (unsigned long long)first_index, strerror(err));
    close_fd(&writer->file.fd);
    writer->file = *next;
    writer->alignment = next->alignment;
    writer->first_index = first_index;
    writer->segment_bytes = writer->new_segment_bytes;
    writer->offset = next->alignment;
    return SL_OK;
}

enum sl_err segment_writer_roll(struct segment_writer *writer, uint64_t first_index)
{
    if (!segment_writer_next_is_ready(writer))
        return SL_ELIMIT;
    /* Only this thread takes READY away, so `next` is ours to read. */
    SL_TRY(put_in_use(writer, &writer->next, first_index));
    pthread_mutex_lock(&writer->lock);
    writer->next.fd = -1;
    writer->next_state = NEXT_PREPARING;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    return SL_OK;
}

enum sl_err segment_writer_begin(struct segment_writer *writer, uint64_t first_index)
{
    SL_ASSERT(!writer->started);
    struct segment_file next;
    int err = segment_file_prepare(writer->folder_fd, writer->new_segment_bytes, writer->zeros,
                                   &writer->stopping, &next);
    if (err != 0)
        return fail(&writer->problem, "a segment of %llu bytes can't be prepared: %s%s",
                    (unsigned long long)writer->new_segment_bytes, strerror(err),
                    is_full_disk(err) ? "; make room on the disk" : "");
    enum sl_err begun = put_in_use(writer, &next, first_index);
    if (begun == SL_ELIMIT)
        begun = fail(&writer->problem, "a segment can't be begun: the disk is full; make room");
    if (begun != SL_OK)
        close(next.fd);
    return begun;
}

/* ---------------------------------------------------------------------------- the segment in use
 * -- */

static enum sl_err overwrite_torn(struct segment_writer *writer, uint64_t n_bytes)
{
    for (uint64_t done = 0; done < n_bytes;) {
        uint64_t left = n_bytes - done;
        size_t n = left < ZEROS_BYTES ? (size_t)left : ZEROS_BYTES;
        int err = segment_file_write(&writer->file, writer->zeros, n, writer->offset + done);
        if (err != 0)
            return fail(&writer->problem, "an unfinished batch can't be overwritten: %s",
                        strerror(err));
        done += n;
    }
    return SL_OK;
}

enum sl_err segment_writer_resume(struct segment_writer *writer, uint64_t first_index,
                                  uint32_t alignment, uint64_t segment_bytes, uint64_t offset,
                                  uint64_t n_torn_bytes)
{
    char name[SEGMENT_NAME_BYTES + 1];
    segment_name(first_index, name);
    int err = segment_file_open(writer->folder_fd, name, alignment, &writer->file);
    if (err != 0)
        return fail(&writer->problem, "%s can't be opened for writing: %s", name, strerror(err));
    writer->alignment = alignment;
    writer->first_index = first_index;
    writer->segment_bytes = segment_bytes;
    writer->offset = offset;
    SL_TRY(overwrite_torn(writer, n_torn_bytes));
    /* It came from a disk with smaller sectors: it is complete as it is. */
    if (writer->file.shares_sectors)
        writer->offset = writer->segment_bytes;
    return SL_OK;
}

uint64_t segment_writer_room_bytes(const struct segment_writer *writer)
{
    return writer->segment_bytes - writer->offset;
}

uint64_t segment_writer_first_index(const struct segment_writer *writer)
{
    return writer->first_index;
}

uint64_t segment_writer_offset(const struct segment_writer *writer)
{
    return writer->offset;
}

uint32_t segment_writer_alignment(const struct segment_writer *writer)
{
    return writer->alignment;
}

enum sl_err segment_writer_append(struct segment_writer *writer, uint8_t *block, size_t n_bytes)
{
    SL_ASSERT(n_bytes <= segment_writer_room_bytes(writer));
    int err = segment_file_write(&writer->file, block, n_bytes, writer->offset);
    if (err != 0) {
        char name[SEGMENT_NAME_BYTES + 1];
        segment_name(writer->first_index, name);
        return fail(&writer->problem, "writing %zu bytes to %s at byte %llu failed: %s", n_bytes,
                    name, (unsigned long long)writer->offset, strerror(err));
    }
    writer->offset += n_bytes;
    return SL_OK;
}

const char *segment_writer_problem(const struct segment_writer *writer)
{
    return writer->problem.text;
}
