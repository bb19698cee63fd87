/*
 * loop.h - one thread's event loop: epoll, deadlines, and mail from other threads
 *
 * Shape   sources are embedded in what they serve; the loop calls back and owns nothing of them.
 *         Timers stand in a wheel of slots: setting and clearing one costs a list operation.
 * Units   deadlines are clock_monotonic_ms(); they fire up to LOOP_TICK_MS late, never early
 * Threads all calls from the loop's own thread, but loop_stop()
 */
#ifndef SLUIS_BASE_LOOP_H
#define SLUIS_BASE_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOOP_TICK_MS = 8, LOOP_SLOTS = 1024 };

struct epoll_event;

struct loop_source {
    void (*ready)(struct loop_source *source, uint32_t epoll_events);
    int fd;
};

struct loop_timer {
    void (*fire)(struct loop_timer *timer);
    struct loop_timer *next, **at; /* in its slot; at == NULL: not set */
    int64_t deadline_ms;
};

struct loop {
    int epoll_fd, stop_fd;
    bool stopping;
    int64_t now_ms; /* monotonic, as of the start of this turn */
    int64_t tick;   /* the last one that was fired */
    /* A ready event of this turn was there before the turn began, hence before anything that was
     * sent in it. */
    uint64_t n_turns;
    uint64_t n_timers;
    struct loop_timer *slots[LOOP_SLOTS];
    uint64_t occupied[LOOP_SLOTS / 64]; /* a bit for each slot that may hold a timer */
    struct epoll_event *turn_events;    /* of this turn, still to be served */
    int n_turn_events;
    struct loop_source stop_source;
    /* Called at the end of each turn, when all ready sources were served; may be NULL. Returns
     * the milliseconds it can wait until it must be called again, or -1. */
    int (*turn)(struct loop *loop, void *context);
    void *turn_context;
};

SL_NODISCARD enum sl_err loop_init(struct loop *loop);
void loop_deinit(struct loop *loop);
SL_NODISCARD enum sl_err loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
SL_NODISCARD enum sl_err loop_change(struct loop *loop, struct loop_source *source,
                                     uint32_t events);
/* Must be called before the source's fd is closed. Safe inside any callback of this turn. */
void loop_remove(struct loop *loop, struct loop_source *source);

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t deadline_ms);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Serves until loop_stop(). */
SL_NODISCARD enum sl_err loop_run(struct loop *loop);
/* From any thread, or from a signal handler. */
void loop_stop(struct loop *loop);

#endif
