/*
 * store.c - opens the store, and says in words what went wrong with it
 *
 * A rewrite may be exchanging folder and key at this moment (rewrite.c), or have been cut short
 * between the two: so the key is one of two files, and who only reads tries again.
 */
#include "store/aside.h"
#include "store/env.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void store_say(struct store_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
}

enum sl_err store_err(int code)
{
    switch (code) {
    case 0:
        return SL_OK;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return SL_ELIMIT;
    case ENOMEM:
        return SL_EINTERNAL;
    default:
        return SL_ESTORE;
    }
}

enum sl_err store_fail(struct store *store, int code, const char *doing)
{
    /* LMDB calls a write that came out short EIO; most often the disk is full. */
    if (code == EIO && reserve_disk_is_full(store))
        code = ENOSPC;
    enum sl_err err = store_err(code);
    snprintf(store->failure, sizeof store->failure, "could not %s: %s%s", doing, mdb_strerror(code),
             err == SL_ELIMIT ? "; nothing was changed; make room on the state folder's disk" : "");
    return err;
}

enum sl_err store_refuse(struct store *store, int code, const char *doing, enum store_refusal *why)
{
    enum store_refusal refusal;
    switch (code) {
    case STORE_CODE_CONFLICT:
        refusal = STORE_CONFLICT;
        break;
    case STORE_CODE_TAKEN:
        refusal = STORE_TAKEN;
        break;
    case STORE_CODE_UNSAFE:
        refusal = STORE_UNSAFE;
        break;
    case STORE_CODE_UNKNOWN:
        refusal = STORE_UNKNOWN;
        break;
    default:
        return store_fail(store, code, doing);
    }
    if (why)
        *why = refusal;
    return SL_EMALFORMED;
}

void store_failure(struct store *store, struct store_problem *out)
{
    STORE_LOCK(store);
    memcpy(out->text, store->failure, sizeof out->text);
}

bool store_is_low(const struct store *store)
{
    return atomic_load(&store->low);
}

static enum sl_err open_generation(const char *folder, const char *key_file, bool read_only,
                                   struct store_problem *problem, struct generation **out)
{
    enum { TRIES = 200 };
    static const struct timespec pause = {.tv_nsec = 10000000};
    char key_aside[PATH_MAX];
    snprintf(key_aside, sizeof key_aside, "%s" ASIDE_SUFFIX, key_file);
    const char *const key_files[] = {key_file, key_aside, NULL};
    size_t key_used = 0;
    enum sl_err err = SL_ETIMEOUT;
    for (int i = 0; i < TRIES && err == SL_ETIMEOUT; i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        err = generation_open(folder, key_files, read_only, problem, &key_used, out);
    }
    return err == SL_ETIMEOUT ? SL_ESTORE : err;
}

enum sl_err store_open(const char *folder, const char *key_file, bool read_only,
                       struct store_problem *problem, struct store **out)
{
    SL_AUTO(store) store = calloc(1, sizeof *store);
    if (!store) {
        store_say(problem, "out of memory");
        return SL_EINTERNAL;
    }
    store->read_only = read_only;
    pthread_mutex_init(&store->lock, NULL); /* can't fail with default attributes */
    pthread_mutex_init(&store->readers_lock, NULL);
    store->folder = strdup(folder);
    store->key_file = strdup(key_file);
    if (!store->folder || !store->key_file) {
        store_say(problem, "out of memory");
        return SL_EINTERNAL;
    }
    struct generation *generation = NULL;
    SL_TRY(open_generation(folder, key_file, read_only, problem, &generation));
    store->now = generation;
    if (!read_only) {
        int n_dead; /* slots of processes that were killed; they would pin old pages */
        mdb_reader_check(generation->env, &n_dead);
        reserve_keep(store);
    }
    *out = store;
    store = NULL;
    return SL_OK;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    SL_ASSERT(!store->readers && !store->batch);
    generation_free(store->leaving);
    generation_free(store->now);
    free((char *)(uintptr_t)store->folder);
    free((char *)(uintptr_t)store->key_file);
    pthread_mutex_destroy(&store->readers_lock);
    pthread_mutex_destroy(&store->lock);
    free(store);
}
