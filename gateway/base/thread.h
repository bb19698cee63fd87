/*
 * thread.h - starting a thread that no signal disturbs
 */
#ifndef SLUIS_BASE_THREAD_H
#define SLUIS_BASE_THREAD_H

#include "base/err.h"

#include <pthread.h>

/*
 * As pthread_create(), with all signals blocked in the new thread, so that they reach the one
 * that waits for them. `name`: at most 15 characters, for ps and debuggers.
 */
SL_NODISCARD enum sl_err thread_start(pthread_t *thread, const char *name,
                                      void *(*run)(void *context), void *context);

#endif
