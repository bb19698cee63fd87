/*
 * upkeep.c - one turn after the other: retire what is old, then rewrite what owes
 *
 *     woken, or due ──▶ retire (once a day, or when asked) ──▶ rewrite ──▶ done: idle
 *          ▲                                                     │
 *          └── later: no room, or somebody still reads ◀─────────┘
 *
 * Nobody waits for it: an erasure holds as soon as its receipt is durable, and what is done here
 * is about bytes on the disk. But the one who asked wants to know, so it says how far it is.
 */
#include "flow/upkeep.h"

#include "base/thread.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TRY_AGAIN_SOON_MS = 1000, /* somebody still reads the old store: a tool, for a moment */
    TRY_AGAIN_MS = 60000,     /* no room: somebody has to make it */
    DAY_MS = 86400000,
    PAUSE_PER_WORK = 3,
};

static const int64_t never_ms = INT64_MAX;

struct upkeep {
    struct store *store;
    struct config_period keep; /* n 0: for ever */
    pthread_t thread;
    struct store_rewriting run; /* stop, and how far a rewrite is */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    bool retire_now;
    int64_t due_ms, retire_due_ms; /* by the monotonic clock */
    int64_t not_before_ms;         /* a rewrite */
    struct upkeep_status status;
};

/* --- one turn, without the lock -------------------------------------------------------------- */

static enum sl_err retire(struct upkeep *upkeep, uint64_t *n_retired)
{
    if (upkeep->keep.n == 0)
        return SL_OK;
    int64_t before_ms = config_period_before_ms(&upkeep->keep, clock_now_ms());
    return store_retire(upkeep->store, before_ms, false, &upkeep->run.stop, n_retired);
}

static void note_failure(struct upkeep *upkeep, enum sl_err err, const char *text)
{
    pthread_mutex_lock(&upkeep->lock);
    int64_t pause_ms = err == SL_ETIMEOUT ? TRY_AGAIN_SOON_MS : TRY_AGAIN_MS;
    int64_t again_ms = clock_monotonic_ms() + pause_ms;
    upkeep->due_ms = again_ms < upkeep->due_ms ? again_ms : upkeep->due_ms;
    upkeep->status.state = UPKEEP_WAITING;
    snprintf(upkeep->status.text, sizeof upkeep->status.text, "%s", text);
    pthread_mutex_unlock(&upkeep->lock);
}

static void note_success(struct upkeep *upkeep, int64_t took_ms)
{
    pthread_mutex_lock(&upkeep->lock);
    struct upkeep_status *status = &upkeep->status;
    bool is_woken = upkeep->due_ms != never_ms;
    status->state = is_woken ? UPKEEP_WORKING : UPKEEP_IDLE;
    status->text[0] = '\0';
    if (atomic_load(&upkeep->run.n_all_bytes) > 0) { /* it was more than a look */
        status->n_rewrites++;
        status->rewrite_ms = took_ms;
        upkeep->not_before_ms = clock_monotonic_ms() + PAUSE_PER_WORK * took_ms;
    }
    pthread_mutex_unlock(&upkeep->lock);
}

static void take_turn(struct upkeep *upkeep, bool retires)
{
    struct store_problem problem = {"superseded policies can't be taken out of the store"};
    uint64_t n_retired = 0;
    enum sl_err err = retires ? retire(upkeep, &n_retired) : SL_OK;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->status.n_retired += n_retired;
    if (retires && err != SL_OK)
        upkeep->retire_now = true;
    pthread_mutex_unlock(&upkeep->lock);
    int64_t start_ms = clock_monotonic_ms();
    if (err == SL_OK)
        err = store_rewrite(upkeep->store, &upkeep->run, &problem);
    if (err == SL_OK)
        note_success(upkeep, clock_monotonic_ms() - start_ms);
    else
        note_failure(upkeep, err, problem.text);
}

/* --- the thread ------------------------------------------------------------------------------ */

static void wait_until(struct upkeep *upkeep, int64_t until_ms)
{
    if (until_ms == never_ms) {
        pthread_cond_wait(&upkeep->changed, &upkeep->lock);
        return;
    }
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_timedwait(&upkeep->changed, &upkeep->lock, &until);
}

/* With the lock. */
static int64_t next_due_ms(const struct upkeep *upkeep)
{
    int64_t due_ms = upkeep->due_ms;
    if (due_ms < upkeep->not_before_ms)
        due_ms = upkeep->not_before_ms;
    return due_ms < upkeep->retire_due_ms ? due_ms : upkeep->retire_due_ms;
}

static void *run(void *context)
{
    struct upkeep *upkeep = context;
    pthread_mutex_lock(&upkeep->lock);
    while (!atomic_load(&upkeep->run.stop)) {
        int64_t now_ms = clock_monotonic_ms(), due_ms = next_due_ms(upkeep);
        if (now_ms < due_ms) {
            wait_until(upkeep, due_ms);
            continue;
        }
        bool retires = upkeep->retire_now || now_ms >= upkeep->retire_due_ms;
        if (now_ms >= upkeep->retire_due_ms)
            upkeep->retire_due_ms = now_ms + DAY_MS;
        upkeep->retire_now = false;
        upkeep->due_ms = never_ms;
        upkeep->status.state = UPKEEP_WORKING;
        pthread_mutex_unlock(&upkeep->lock);
        take_turn(upkeep, retires);
        pthread_mutex_lock(&upkeep->lock);
    }
    pthread_mutex_unlock(&upkeep->lock);
    return NULL;
}

enum sl_err upkeep_start(struct store *store, const struct config *config, bool daily,
                         struct upkeep **out)
{
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (!upkeep)
        return SL_EINTERNAL;
    upkeep->store = store;
    upkeep->keep = config->retention_policies;
    upkeep->due_ms = upkeep->retire_due_ms = daily ? 0 : never_ms;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&upkeep->lock, NULL);
    enum sl_err err = thread_start(&upkeep->thread, "upkeep", run, upkeep);
    if (err != SL_OK) {
        pthread_cond_destroy(&upkeep->changed);
        pthread_mutex_destroy(&upkeep->lock);
        free(upkeep);
        return err;
    }
    *out = upkeep;
    return SL_OK;
}

void upkeep_stop(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    pthread_mutex_lock(&upkeep->lock);
    atomic_store(&upkeep->run.stop, true);
    pthread_cond_signal(&upkeep->changed);
    pthread_mutex_unlock(&upkeep->lock);
    pthread_join(upkeep->thread, NULL);
    pthread_cond_destroy(&upkeep->changed);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
}

/* --- for others ------------------------------------------------------------------------------ */

static void wake(struct upkeep *upkeep, bool retire_now)
{
    pthread_mutex_lock(&upkeep->lock);
    upkeep->due_ms = clock_monotonic_ms();
    upkeep->retire_now = upkeep->retire_now || retire_now;
    upkeep->status.state = UPKEEP_WORKING;
    pthread_cond_signal(&upkeep->changed);
    pthread_mutex_unlock(&upkeep->lock);
}

void upkeep_wake(struct upkeep *upkeep)
{
    wake(upkeep, false);
}

void upkeep_retire(struct upkeep *upkeep)
{
    wake(upkeep, true);
}

void upkeep_status(struct upkeep *upkeep, struct upkeep_status *out)
{
    bool is_clean = false;
    enum sl_err err = store_is_clean(upkeep->store, &is_clean);
    uint64_t n_all = atomic_load(&upkeep->run.n_all_bytes);
    uint64_t n_done = atomic_load(&upkeep->run.n_done_bytes);
    pthread_mutex_lock(&upkeep->lock);
    *out = upkeep->status;
    pthread_mutex_unlock(&upkeep->lock);
    out->is_clean = err == SL_OK && is_clean;
    out->percent = n_all == 0 ? 0 : n_done >= n_all ? 99 : (unsigned)(100 * n_done / n_all);
}
