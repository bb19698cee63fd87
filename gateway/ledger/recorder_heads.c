/*
 * recorder_heads.c - the thread that makes the heads of an epoch
 *
 *     recorder ──epoch ended──▶ heads thread: labels and deltas from the index, sort, write and
 *         ▲                         sync the list
 *         └────── a receipt of the node, "heads" ──────┘
 *
 * A list of a million takes seconds, so it is not made where flows wait. Whatever goes wrong
 * here (a full disk, above all) holds up nothing but the heads: it is tried again, less and less
 * often, and the owner can see why. A stop ends it in the middle; the index knows that the epoch
 * is closing, so the next start makes its heads from the beginning.
 *
 * No key is needed here: what each subject has in the list was written down with its first receipt
 * in the epoch. After a crash the index catches up by the keys that there are; for a subject that
 * was erased, its entry was kept when the key was destroyed, and of two entries under one label the
 * higher one is right. What then remains of the epoch's receipts are those for someone unknown
 * whom a crash made the index forget: one entry for each.
 */
#include "base/plural.h"
#include "base/thread.h"
#include "base/timestamp.h"
#include "ledger/heads_build.h"
#include "ledger/index_epoch.h"
#include "ledger/recorder_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_FIRST_MS = 125, RETRY_LAST_MS = 64000 };

/* One attempt. */
struct making {
    struct recorder *r;
    const struct epochs *epochs;
    struct heads_build *build;
    uint64_t n_kept;
    enum sl_err err;
    char problem[RECORDER_HEADS_PROBLEM_BYTES];
};

static SL_PRINTF(3, 4) enum sl_err
    stop(struct making *making, enum sl_err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(making->problem, sizeof making->problem, format, args);
    va_end(args);
    return err;
}

static enum sl_err cannot_write(struct making *making, enum sl_err err)
{
    return stop(making, err, "the list can't be written: %s",
                err == SL_EINTERNAL ? "out of memory" : strerror(errno));
}

/* -------------------------------------------------------------------------------- entries -- */

static bool add(struct making *making, const struct heads_entry *entry)
{
    making->err = heads_build_add(making->build, entry);
    if (making->err != SL_OK)
        (void)cannot_write(making, making->err);
    return making->err == SL_OK && !atomic_load(&making->r->heads.stopping);
}

static bool add_subject(void *context, const struct heads_entry *entry)
{
    return add(context, entry);
}

static bool add_unknown(void *context, uint64_t delta)
{
    struct making *making = context;
    struct heads_entry entry = {.delta = delta};
    if (RAND_bytes(entry.label, sizeof entry.label) != 1) {
        making->err = stop(making, SL_EINTERNAL, "no random bytes: OpenSSL failed");
        return false;
    }
    return add(making, &entry);
}

static bool add_kept(void *context, const struct heads_entry *entry)
{
    struct making *making = context;
    making->n_kept++;
    return add(making, entry);
}

/* Of those erased since. They are in the index, too, unless a crash made it forget. */
static enum sl_err add_all_kept(struct making *making)
{
    const struct recorder_ops *ops = &making->r->ops;
    if (!ops->each_kept)
        return SL_OK;
    if (ops->each_kept(ops->context, making->epochs->n_headed, add_kept, making) != SL_OK)
        return stop(making, SL_ESTORE, "what was kept of erased subjects can't be read");
    SL_TRY(making->err);
    enum sl_err err = making->n_kept > 0 ? heads_build_settle(making->build) : SL_OK;
    return err == SL_OK ? SL_OK : cannot_write(making, err);
}

static enum sl_err add_rest(struct making *making)
{
    uint64_t n = making->epochs->closing_n, n_known = heads_build_sum(making->build);
    if (n_known > n)
        return stop(making, SL_ESTORE,
                    "the index counts %llu %s of subjects in it, the ledger %llu: stop sluisd, run "
                    "`sluis ledger index`, which makes the index anew, and start again",
                    (unsigned long long)n_known, plural(n_known, "receipt", "receipts"),
                    (unsigned long long)n);
    for (uint64_t i = n_known; i < n; i++)
        if (!add_unknown(making, 1))
            return making->err;
    return SL_OK;
}

static enum sl_err add_entries(struct making *making)
{
    const struct index_delta_visitor visitor = {add_subject, add_unknown, making};
    struct index_problem problem = {""};
    enum sl_err err =
        index_each_delta(making->r->index, epochs_running(making->epochs), &visitor, &problem);
    if (err != SL_OK)
        return stop(making, err, "%s", problem.text);
    SL_TRY(making->err);
    if (atomic_load(&making->r->heads.stopping))
        return SL_OK;
    SL_TRY(add_all_kept(making));
    return add_rest(making);
}

/* ------------------------------------------------------------------------------- the list -- */

/* The folder of lists; made with the first one. -1 with errno. */
static int open_heads_folder(int ledger_fd)
{
    if (mkdirat(ledger_fd, HEADS_FOLDER, 0700) == 0) {
        if (fsync(ledger_fd) != 0)
            return -1;
    } else if (errno != EEXIST) {
        return -1;
    }
    return openat(ledger_fd, HEADS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static enum sl_err make_list_in(struct making *making, int folder_fd, struct leaf_heads *out)
{
    const struct epochs *epochs = making->epochs;
    struct heads_head head = {
        .epoch = epochs->n_headed,
        .first = epochs->headed_end,
        .end = epochs->closing_end,
        .origin = slice_of(making->r->origin, making->r->origin_n),
    };
    SL_AUTO(heads_build) build = NULL;
    enum sl_err err = heads_build_new(folder_fd, &build);
    if (err != SL_OK)
        return cannot_write(making, err);
    making->build = build;
    SL_TRY(add_entries(making));
    if (atomic_load(&making->r->heads.stopping))
        return SL_OK;
    err = heads_build_finish(build, &head, out->root);
    if (err != SL_OK)
        return cannot_write(making, err);
    out->epoch = head.epoch;
    out->first = head.first;
    out->end = head.end;
    out->n_entries = head.n_entries;
    return SL_OK;
}

static enum sl_err make_list(struct making *making, struct leaf_heads *out)
{
    int folder_fd = open_heads_folder(making->r->ledger_fd);
    if (folder_fd < 0)
        return stop(making, SL_ESTORE, "the folder of lists can't be opened: %s", strerror(errno));
    enum sl_err err = make_list_in(making, folder_fd, out);
    close(folder_fd);
    return err;
}

/* ---------------------------------------------------------------------------- the receipt -- */

/* SL_OK: it is in the ledger, or never will be. */
static enum sl_err record_heads(struct making *making, struct leaf_heads *leaf)
{
    struct recorder *r = making->r;
    struct record record = {.kind = RECORD_NODE, .reply_to = &r->heads.returned};
    leaf->time_ms = clock_now_ms();
    SL_TRY(leaf_draft_heads(leaf, &record.leaf));
    bool taken = recorder_submit(r, &record);
    SL_ASSERT(taken);
    recorder_kick(r);
    do
        mailbox_wait(&r->heads.returned);
    while (!mailbox_take(&r->heads.returned));
    if (record.outcome == RECORD_FULL)
        return stop(making, SL_ELIMIT, "there is no room for a receipt");
    if (record.outcome == RECORD_DURABLE && r->ops.forget_kept)
        r->ops.forget_kept(r->ops.context, leaf->epoch);
    return SL_OK;
}

static enum sl_err make_heads(struct making *making)
{
    struct leaf_heads leaf = {0};
    SL_TRY(make_list(making, &leaf));
    return atomic_load(&making->r->heads.stopping) ? SL_OK : record_heads(making, &leaf);
}

/* ----------------------------------------------------------------------------- the thread -- */

static void say(struct recorder *r, uint64_t epoch, const char *problem)
{
    struct recorder_heads *heads = &r->heads;
    heads->problem[0] = '\0';
    if (problem[0])
        snprintf(heads->problem, sizeof heads->problem, "heads of epoch %llu: %.400s",
                 (unsigned long long)epoch, problem);
}

static void wait_before_retry(struct recorder_heads *heads, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int err = 0;
    while (!atomic_load(&heads->stopping) && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&heads->changed, &heads->lock, &until);
}

static void *make_all(void *context)
{
    struct recorder *r = context;
    struct recorder_heads *heads = &r->heads;
    int64_t wait_ms = RETRY_FIRST_MS;
    pthread_mutex_lock(&heads->lock);
    while (!atomic_load(&heads->stopping)) {
        if (!heads->has_work) {
            pthread_cond_wait(&heads->changed, &heads->lock);
            continue;
        }
        struct epochs epochs = heads->work;
        struct making making = {.r = r, .epochs = &epochs};
        heads->has_work = false; /* the next may come as soon as these heads are recorded */
        pthread_mutex_unlock(&heads->lock);
        enum sl_err err = make_heads(&making);
        pthread_mutex_lock(&heads->lock);
        say(r, epochs.n_headed, making.problem);
        if (err == SL_OK) {
            wait_ms = RETRY_FIRST_MS;
        } else {
            heads->has_work = true;
            wait_before_retry(heads, wait_ms);
            wait_ms = wait_ms < RETRY_LAST_MS ? 2 * wait_ms : RETRY_LAST_MS;
        }
    }
    pthread_mutex_unlock(&heads->lock);
    return NULL;
}

enum sl_err recorder_heads_init(struct recorder_heads *heads)
{
    heads->returned.event_fd = -1;
    pthread_mutex_init(&heads->lock, NULL);
    pthread_cond_init(&heads->changed, NULL);
    atomic_init(&heads->stopping, false);
    return mailbox_init(&heads->returned);
}

void recorder_heads_deinit(struct recorder_heads *heads)
{
    if (heads->returned.event_fd >= 0)
        mailbox_deinit(&heads->returned);
    pthread_cond_destroy(&heads->changed);
    pthread_mutex_destroy(&heads->lock);
}

enum sl_err recorder_heads_start(struct recorder *r)
{
    SL_TRY(thread_start(&r->heads.thread, "heads", make_all, r));
    r->heads.started = true;
    return SL_OK;
}

void recorder_heads_stop(struct recorder *r)
{
    struct recorder_heads *heads = &r->heads;
    if (!heads->started)
        return;
    pthread_mutex_lock(&heads->lock);
    atomic_store(&heads->stopping, true);
    pthread_cond_broadcast(&heads->changed);
    pthread_mutex_unlock(&heads->lock);
    pthread_join(heads->thread, NULL);
    heads->started = false;
}

void recorder_heads_begin(struct recorder *r, const struct epochs *epochs)
{
    struct recorder_heads *heads = &r->heads;
    pthread_mutex_lock(&heads->lock);
    heads->work = *epochs;
    heads->has_work = true;
    pthread_cond_broadcast(&heads->changed);
    pthread_mutex_unlock(&heads->lock);
}

bool recorder_heads_problem(struct recorder *r, char text[RECORDER_HEADS_PROBLEM_BYTES])
{
    pthread_mutex_lock(&r->heads.lock);
    memcpy(text, r->heads.problem, sizeof r->heads.problem);
    pthread_mutex_unlock(&r->heads.lock);
    return text[0] != '\0';
}
