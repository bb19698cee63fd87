/*
 * settle.c - what a rewrite begins with, ends with, and leaves to the next start when it dies
 *
 * Which of two keys is the store's is found by trying; so this needs no note of how far a rewrite
 * had come, and may itself be cut short anywhere. What is wiped never has the right name, and both
 * folders are synced before: a restart must not find the wiped one there.
 */
#include "store/settle.h"

#include "store/readers.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum sl_err rewrite_fail(struct store_problem *problem, int code, const char *doing)
{
    if (code == ECANCELED) {
        store_say(problem, "stopped; the next start begins anew");
        return SL_ETIMEOUT;
    }
    if (code == EWOULDBLOCK) {
        store_say(problem,
                  "a process still reads the old store; it is wiped when that one has ended");
        return SL_ETIMEOUT;
    }
    store_say(problem, "%s: %s", doing, mdb_strerror(code));
    return store_err(code);
}

/* The key that opens the store gets its name back. */
static enum sl_err settle_key(struct store *store, const struct names *names,
                              struct store_problem *problem)
{
    bool is_named = false, is_aside = false;
    SL_TRY(generation_key_is(store->now, store->key_file, &is_named));
    if (!is_named) {
        SL_TRY(generation_key_is(store->now, names->key_aside, &is_aside));
        if (!is_aside) {
            store_say(problem, "%s is not the key of the store, and there is no other",
                      store->key_file);
            return SL_ESTORE;
        }
        int code = place_exchange(&names->key);
        if (code != 0)
            return rewrite_fail(problem, code, "the key-encryption key can't be renamed");
    }
    return SL_OK;
}

/* Readers of this process move over by themselves; see that they do, and close what they left. */
static enum sl_err leave_old(struct store *store, const atomic_bool *stop,
                             struct store_problem *problem)
{
    enum { TRIES = 2000 };
    static const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; store->leaving; i++) {
        if (readers_leave(store)) {
            generation_free(store->leaving);
            store->leaving = NULL;
        } else if (i == TRIES || atomic_load(stop)) {
            return rewrite_fail(problem, EWOULDBLOCK, "");
        } else {
            nanosleep(&pause, NULL);
        }
    }
    return SL_OK;
}

enum sl_err settle(struct store *store, const struct names *names, const atomic_bool *stop,
                   struct store_problem *problem)
{
    SL_TRY(leave_old(store, stop, problem));
    SL_TRY(settle_key(store, names, problem));
    /* Names first: what is wiped must not be what a restart finds under the right name. */
    int code = place_sync(&names->key);
    if (code == 0)
        code = place_sync(&names->folder);
    if (code == 0)
        code = place_wipe_store(&names->folder);
    if (code != 0)
        return rewrite_fail(problem, code, "the old store can't be wiped");
    code = place_wipe_file(&names->key);
    return code == 0 ? SL_OK
                     : rewrite_fail(problem, code, "the old key-encryption key can't be wiped");
}

enum sl_err names_open(const struct store *store, struct names *names,
                       struct store_problem *problem)
{
    names->folder.parent_fd = names->key.parent_fd = -1;
    snprintf(names->folder_aside, sizeof names->folder_aside, "%s" ASIDE_SUFFIX, store->folder);
    snprintf(names->key_aside, sizeof names->key_aside, "%s" ASIDE_SUFFIX, store->key_file);
    int code = place_open(&names->folder, store->folder);
    if (code == 0)
        code = place_open(&names->key, store->key_file);
    return code == 0 ? SL_OK : rewrite_fail(problem, code, "the state folder can't be opened");
}

void names_close(struct names *names)
{
    place_close(&names->folder);
    place_close(&names->key);
}

enum sl_err store_is_clean(struct store *store, bool *clean)
{
    uint64_t n_owed = 0;
    bool has_folder = false, has_key = false;
    struct names names;
    struct store_problem problem;
    SL_TRY(store_n_owed(store, &n_owed));
    enum sl_err err = names_open(store, &names, &problem);
    int code = 0;
    if (err == SL_OK)
        code = place_has_aside(&names.folder, &has_folder);
    if (err == SL_OK && code == 0)
        code = place_has_aside(&names.key, &has_key);
    names_close(&names);
    if (err == SL_OK)
        err = store_err(code);
    if (err == SL_OK)
        *clean = n_owed == 0 && !has_folder && !has_key;
    return err;
}
