/*
 * mailbox.c - a Treiber stack whose only consumer takes everything at once
 *
 * Putting is one compare-and-swap on the newest item; taking is one exchange with NULL. Since no
 * item is ever popped singly, the ABA problem of such stacks does not arise. What was taken is
 * newest first, and is turned around by the receiver.
 *
 *     newest -> c -> b -> a -> NULL        take: exchange(NULL), then a -> b -> c
 *
 * Putting releases, taking acquires: what the sender wrote into an item before is seen by the
 * receiver. Only the item that finds the box empty needs a wake-up: whoever comes later is taken
 * together with it.
 *
 * When a box may go away: a receiver that takes only after a wake-up, and has one sender, takes an
 * item after its sender's last touch of the box. For an item that was not the first is taken with
 * the first, which is taken after its own wake-up: there is no earlier one left over, as the sender
 * wakes before it puts again. And mailbox_wake() looks at the box before it writes, not after. With
 * two senders it is not so: one's wake-up brings the other's item before that one has woken.
 */
#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum sl_err mailbox_init(struct mailbox *box)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return SL_EINTERNAL;
    atomic_init(&box->newest, NULL);
    box->event_fd = fd;
    return SL_OK;
}

void mailbox_deinit(struct mailbox *box)
{
    close(box->event_fd);
    box->event_fd = -1;
}

bool mailbox_put_chain(struct mailbox *box, struct mail *newest, struct mail *oldest)
{
    struct mail *before = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do {
        oldest->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&box->newest, &before, newest,
                                                    memory_order_release, memory_order_relaxed));
    return before == NULL;
}

bool mailbox_put(struct mailbox *box, struct mail *mail)
{
    return mailbox_put_chain(box, mail, mail);
}

void mailbox_wake(struct mailbox *box)
{
    const uint64_t one = 1;
    const int event_fd = box->event_fd; /* the box may be gone as soon as this is written */
    ssize_t n;
    do
        n = write(event_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    /* EAGAIN: the counter is at its end, so the box is awake already. */
    SL_ASSERT(n == sizeof one || errno == EAGAIN);
}

struct mail *mailbox_take(struct mailbox *box)
{
    struct mail *newest = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest) {
        struct mail *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

bool mailbox_is_empty(struct mailbox *box)
{
    return atomic_load_explicit(&box->newest, memory_order_acquire) == NULL;
}

void mailbox_quiet(struct mailbox *box)
{
    uint64_t n_wakes;
    ssize_t n = read(box->event_fd, &n_wakes, sizeof n_wakes);
    SL_ASSERT(n == sizeof n_wakes || errno == EAGAIN || errno == EINTR);
}

void mailbox_wait(struct mailbox *box)
{
    struct pollfd readable = {.fd = box->event_fd, .events = POLLIN};
    while (poll(&readable, 1, -1) != 1)
        SL_ASSERT(errno == EINTR);
    mailbox_quiet(box);
}
