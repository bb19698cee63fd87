/*
 * last_checkpoint.c - one small file, replaced whole
 *
 * The ledger's index knows how far the ledger went, but it lies on the same disk, and a copy of the
 * state folder that is put back brings an old index along. A few hundred bytes elsewhere, a second
 * old at most, are enough to tell that copy from the ledger it was taken of.
 *
 * The folder is opened anew for each write: the disk may have gone and come back. What can't be
 * written is tried again a second later with a new temporary file, never on the pages of one whose
 * sync has failed.
 */
#include "ledger/last_checkpoint.h"

#include "base/durable_file.h"
#include "base/thread.h"
#include "ledger/checkpoint.h"
#include "ledger/note_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_EVERY_S = 1 };

/* --------------------------------------------------------------------------------- reading -- */

static enum sl_err refuse(struct last_checkpoint_problem *problem, const char *path,
                          const char *text)
{
    snprintf(problem->text, sizeof problem->text, "the last checkpoint in %.200s %s", path, text);
    return SL_ESTORE;
}

static enum sl_err parse(const char *path, struct slice note, struct slice origin,
                         struct last_checkpoint_problem *problem, struct ledger_held *out)
{
    struct note_lines lines;
    struct checkpoint checkpoint;
    if (!note_lines_open(note, &lines) || checkpoint_parse(lines.text, &checkpoint) != SL_OK)
        return refuse(
            problem, path,
            "is not a checkpoint: the file was changed, or is another one. Put a copy of "
            "it back; only if you know that the ledger is the newest there is, remove it");
    if (!slice_equals(checkpoint.origin, origin)) {
        snprintf(problem->text, sizeof problem->text,
                 "the last checkpoint in %.120s is of the ledger \"%.*s\", and this node's is "
                 "\"%.*s\"; each node needs a file of its own",
                 path, SLICE_PRINTF(checkpoint.origin), SLICE_PRINTF(origin));
        return SL_ESTORE;
    }
    out->size = checkpoint.size;
    memcpy(out->root, checkpoint.root, sizeof out->root);
    return SL_OK;
}

enum sl_err last_checkpoint_read(const char *path, struct slice origin,
                                 struct last_checkpoint_problem *problem, struct ledger_held *out)
{
    const char *name = NULL;
    char text[128];
    int folder_fd = durable_folder_open(path, &name);
    if (folder_fd < 0) {
        snprintf(text, sizeof text, "can't be read: its folder: %s; is its disk mounted?",
                 strerror(errno));
        return refuse(problem, path, text);
    }
    uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX];
    size_t n = 0;
    enum sl_err err = durable_file_read(folder_fd, name, note, sizeof note, &n);
    int saved = errno;
    struct stat stat;
    bool is_there = n > 0 || fstatat(folder_fd, name, &stat, 0) == 0;
    close(folder_fd);
    if (err == SL_ESTORE) {
        snprintf(text, sizeof text, "can't be read: %s", strerror(saved));
        return refuse(problem, path, text);
    }
    if (err == SL_OK && !is_there) {
        *out = (struct ledger_held){0};
        return SL_OK;
    }
    if (err == SL_OK && n == 0)
        return refuse(problem, path,
                      "is empty, 0 bytes: it was cut off, and does not tell how far the ledger "
                      "went. Put a copy of it back; only if you know that the ledger is the newest "
                      "there is, remove it");
    return parse(path, slice_of(note, err == SL_OK ? n : 0), origin, problem, out);
}

/* --------------------------------------------------------------------------------- writing -- */

struct last_checkpoint {
    struct recorder *recorder;
    char *path;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    char failure[128];         /* of the newest write; empty: none */
    atomic_uint_fast64_t size; /* receipts under the checkpoint that is in the file */
};

static void note_failure(struct last_checkpoint *last, const char *text)
{
    pthread_mutex_lock(&last->lock);
    snprintf(last->failure, sizeof last->failure, "%s", text);
    pthread_mutex_unlock(&last->lock);
}

static void write_newest(struct last_checkpoint *last)
{
    uint64_t size = recorder_tree_size(last->recorder);
    if (size == atomic_load(&last->size))
        return;
    uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX];
    size_t n = recorder_checkpoint(last->recorder, note); /* of `size` receipts or of more */
    const char *name = NULL;
    int folder_fd = durable_folder_open(last->path, &name);
    enum sl_err err = SL_ESTORE;
    if (folder_fd >= 0)
        err = durable_file_replace(folder_fd, name, 0644, slice_of(note, n));
    const char *why = err == SL_OK ? "" : strerror(errno);
    note_failure(last, why);
    if (folder_fd >= 0)
        close(folder_fd);
    if (err == SL_OK)
        atomic_store(&last->size, size);
}

/* Until it is time to look again; true at the end. */
static bool wait_for_the_next(struct last_checkpoint *last)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WRITE_EVERY_S;
    int err = 0;
    pthread_mutex_lock(&last->lock);
    while (!last->stopping && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&last->changed, &last->lock, &until);
    bool stopping = last->stopping;
    pthread_mutex_unlock(&last->lock);
    return stopping;
}

static void *write_until_stopped(void *context)
{
    struct last_checkpoint *last = context;
    bool stopping = false;
    while (!stopping) {
        write_newest(last);
        stopping = wait_for_the_next(last);
    }
    write_newest(last);
    return NULL;
}

static void init_sync(struct last_checkpoint *last)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&last->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&last->lock, NULL);
}

static void last_checkpoint_free(struct last_checkpoint *last)
{
    pthread_cond_destroy(&last->changed);
    pthread_mutex_destroy(&last->lock);
    free(last->path);
    free(last);
}

enum sl_err last_checkpoint_start(const char *path, uint64_t size, struct recorder *recorder,
                                  struct last_checkpoint **out)
{
    struct last_checkpoint *last = calloc(1, sizeof *last);
    if (!last)
        return SL_EINTERNAL;
    last->recorder = recorder;
    atomic_init(&last->size, size);
    init_sync(last);
    last->path = strdup(path);
    enum sl_err err = SL_EINTERNAL;
    if (last->path)
        err = thread_start(&last->thread, "checkpoint", write_until_stopped, last);
    if (err != SL_OK) {
        last_checkpoint_free(last);
        return err;
    }
    *out = last;
    return SL_OK;
}

void last_checkpoint_stop(struct last_checkpoint *last)
{
    if (!last)
        return;
    pthread_mutex_lock(&last->lock);
    last->stopping = true;
    pthread_cond_signal(&last->changed);
    pthread_mutex_unlock(&last->lock);
    pthread_join(last->thread, NULL);
    last_checkpoint_free(last);
}

uint64_t last_checkpoint_size(const struct last_checkpoint *last)
{
    return atomic_load(&last->size);
}

bool last_checkpoint_failure(struct last_checkpoint *last, struct last_checkpoint_problem *problem)
{
    pthread_mutex_lock(&last->lock);
    bool failed = last->failure[0] != '\0';
    if (failed)
        snprintf(problem->text, sizeof problem->text,
                 "the last checkpoint can't be written to %.300s: %s", last->path, last->failure);
    pthread_mutex_unlock(&last->lock);
    return failed;
}
