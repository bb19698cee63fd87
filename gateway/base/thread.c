/*
 * thread.c - starting a thread that no signal disturbs
 */
#include "base/thread.h"

#include <signal.h>

enum sl_err thread_start(pthread_t *thread, const char *name, void *(*run)(void *context),
                         void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return SL_EINTERNAL;
    pthread_t started;
    int err = pthread_create(&started, NULL, run, context);
    SL_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (err != 0)
        return SL_EINTERNAL;
    (void)pthread_setname_np(started, name);
    *thread = started;
    return SL_OK;
}
