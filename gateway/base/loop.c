/*
 * loop.c - epoll for sockets, a hashed wheel for deadlines
 *
 * A turn: wait, serve what is ready, fire what is due, call `turn`. One clock read begins a turn
 * and all that happens in it shares that time.
 *
 * Callbacks may remove any source, also one whose event stands later in the same turn's array:
 * loop_remove() voids what is left of it there, so a source can be freed at once.
 *
 * The wheel: a deadline is rounded up to a tick and hangs in slot `tick % LOOP_SLOTS`; one that
 * lies more than a rotation away is met early and left hanging. Nearly all deadlines are cleared
 * before they fire, so clearing is a list operation and nothing else: `occupied` has a bit for
 * each slot that may hold something, and the search for the next deadline corrects it.
 *
 *     tick:      t+1   t+2   t+3         t+LOOP_SLOTS
 *              +-----+-----+-----+     +-----+
 *     slot:    |  o  |     |  o  | ... |     |      timer -> timer -> NULL
 *              +--|--+-----+--|--+     +-----+
 */
#include "base/loop.h"

#include "base/timestamp.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 256, SLOTS_PER_WORD = 64 };

static void stop_source_ready(struct loop_source *source, uint32_t epoll_events)
{
    (void)epoll_events;
    struct loop *loop =
        (struct loop *)(void *)((char *)source - offsetof(struct loop, stop_source));
    uint64_t n_stops;
    ssize_t n_read = read(loop->stop_fd, &n_stops, sizeof n_stops);
    SL_ASSERT(n_read == sizeof n_stops || errno == EAGAIN);
    loop->stopping = true;
}

enum sl_err loop_init(struct loop *loop)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        return SL_EINTERNAL;
    int stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0) {
        close(epoll_fd);
        return SL_EINTERNAL;
    }
    memset(loop, 0, sizeof *loop);
    loop->epoll_fd = epoll_fd;
    loop->stop_fd = stop_fd;
    loop->now_ms = clock_monotonic_ms();
    loop->tick = loop->now_ms / LOOP_TICK_MS;
    loop->stop_source = (struct loop_source){stop_source_ready, stop_fd};
    enum sl_err err = loop_add(loop, &loop->stop_source, EPOLLIN);
    if (err != SL_OK)
        loop_deinit(loop);
    return err;
}

void loop_deinit(struct loop *loop)
{
    close(loop->stop_fd);
    close(loop->epoll_fd);
    loop->stop_fd = loop->epoll_fd = -1;
}

/* -------------------------------------------------------------------------------- sources -- */

static enum sl_err control(struct loop *loop, int operation, struct loop_source *source,
                           uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = source}};
    return epoll_ctl(loop->epoll_fd, operation, source->fd, &event) == 0 ? SL_OK : SL_EINTERNAL;
}

enum sl_err loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, source, events);
}

enum sl_err loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
    return control(loop, EPOLL_CTL_MOD, source, events);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    enum sl_err err = control(loop, EPOLL_CTL_DEL, source, 0);
    SL_ASSERT(err == SL_OK);
    for (int i = 0; i < loop->n_turn_events; i++)
        if (loop->turn_events[i].data.ptr == source)
            loop->turn_events[i].data.ptr = NULL;
}

static void serve(struct loop *loop, struct epoll_event *events, int n_events)
{
    loop->turn_events = events;
    loop->n_turn_events = n_events;
    while (loop->n_turn_events > 0) {
        struct epoll_event event = *loop->turn_events;
        loop->turn_events++;
        loop->n_turn_events--;
        struct loop_source *source = event.data.ptr;
        if (source)
            source->ready(source, event.events);
    }
}

/* --------------------------------------------------------------------------------- timers -- */

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t deadline_ms)
{
    loop_timer_clear(loop, timer);
    int64_t tick = loop->tick + 1;
    if (deadline_ms > tick * LOOP_TICK_MS)
        tick = deadline_ms / LOOP_TICK_MS + (deadline_ms % LOOP_TICK_MS != 0);
    size_t slot = (size_t)(tick % LOOP_SLOTS);
    struct loop_timer **head = &loop->slots[slot];
    timer->deadline_ms = deadline_ms;
    timer->next = *head;
    timer->at = head;
    if (timer->next)
        timer->next->at = &timer->next;
    *head = timer;
    loop->occupied[slot / SLOTS_PER_WORD] |= UINT64_C(1) << slot % SLOTS_PER_WORD;
    loop->n_timers++;
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->at)
        return;
    *timer->at = timer->next;
    if (timer->next)
        timer->next->at = timer->at;
    timer->next = NULL;
    timer->at = NULL;
    SL_ASSERT(loop->n_timers > 0);
    loop->n_timers--;
}

/* Moves what is due in a slot to the list `due`, which callbacks may shorten while it is fired. */
static void take_due(struct loop *loop, struct loop_timer **head, struct loop_timer **due)
{
    struct loop_timer *next;
    for (struct loop_timer *timer = *head; timer; timer = next) {
        next = timer->next;
        if (timer->deadline_ms > loop->now_ms)
            continue;
        *timer->at = next;
        if (next)
            next->at = timer->at;
        timer->next = *due;
        timer->at = due;
        if (*due)
            (*due)->at = &timer->next;
        *due = timer;
    }
}

static void fire_due(struct loop *loop)
{
    int64_t last_tick = loop->now_ms / LOOP_TICK_MS;
    if (loop->n_timers == 0 && last_tick > loop->tick)
        loop->tick = last_tick;
    if (last_tick - loop->tick > LOOP_SLOTS)
        loop->tick = last_tick - LOOP_SLOTS;
    while (loop->tick < last_tick) {
        loop->tick++;
        struct loop_timer *due = NULL;
        take_due(loop, &loop->slots[loop->tick % LOOP_SLOTS], &due);
        while (due) {
            struct loop_timer *timer = due;
            loop_timer_clear(loop, timer);
            timer->fire(timer);
        }
    }
}

/* Ticks from now to the next slot that holds a timer, 1 to LOOP_SLOTS. */
static int64_t ticks_to_next_timer(struct loop *loop)
{
    for (int64_t ahead = 1; ahead <= LOOP_SLOTS;) {
        size_t slot = (size_t)((loop->tick + ahead) % LOOP_SLOTS);
        uint64_t *word = &loop->occupied[slot / SLOTS_PER_WORD];
        uint64_t here_on = *word >> slot % SLOTS_PER_WORD;
        if (here_on == 0) {
            ahead += (int64_t)(SLOTS_PER_WORD - slot % SLOTS_PER_WORD);
            continue;
        }
        int n_empty = __builtin_ctzll(here_on);
        ahead += n_empty;
        slot += (size_t)n_empty;
        if (loop->slots[slot])
            return ahead < LOOP_SLOTS ? ahead : LOOP_SLOTS;
        *word &= ~(UINT64_C(1) << slot % SLOTS_PER_WORD);
    }
    return LOOP_SLOTS;
}

/* For epoll_wait(): until the next deadline, or forever. */
static int timer_wait_ms(struct loop *loop)
{
    if (loop->n_timers == 0)
        return -1;
    int64_t wake_ms = (loop->tick + ticks_to_next_timer(loop)) * LOOP_TICK_MS;
    int64_t wait_ms = wake_ms - clock_monotonic_ms();
    return wait_ms > 0 ? (int)wait_ms : 0;
}

/* ------------------------------------------------------------------------------------ run -- */

enum sl_err loop_run(struct loop *loop)
{
    loop->stopping = false;
    int turn_wait_ms = loop->turn ? 0 : -1;
    while (!loop->stopping) {
        int wait_ms = turn_wait_ms == 0 ? 0 : timer_wait_ms(loop);
        if (turn_wait_ms > 0 && (wait_ms < 0 || turn_wait_ms < wait_ms))
            wait_ms = turn_wait_ms;

        struct epoll_event events[EVENTS_PER_TURN];
        int n_events = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, wait_ms);
        if (n_events < 0 && errno != EINTR)
            return SL_EINTERNAL;
        loop->now_ms = clock_monotonic_ms();
        loop->n_turns++;
        serve(loop, events, n_events > 0 ? n_events : 0);
        fire_due(loop);
        if (loop->turn)
            turn_wait_ms = loop->turn(loop, loop->turn_context);
    }
    return SL_OK;
}

void loop_stop(struct loop *loop)
{
    int errno_before = errno;
    uint64_t one = 1;
    ssize_t n_written = write(loop->stop_fd, &one, sizeof one);
    (void)n_written; /* fails only when the counter is full, and then it is readable already */
    errno = errno_before;
}
