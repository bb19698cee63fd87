/*
 * mailbox.h - hands work from many threads to one, without a lock
 *
 * Shape   an intrusive stack that the receiver takes whole and turns around, so that items come
 *         out in the order in which they went in; an eventfd wakes the receiver, once, when it
 *         was empty
 * Owns    the eventfd; items belong to whoever holds them
 * Beware  a sender touches the box once more after its put, to wake it. A box that goes away with
 *         its last mail (on a stack, say) must mailbox_wait() before it takes, never only take
 */
#ifndef SLUIS_BASE_MAILBOX_H
#define SLUIS_BASE_MAILBOX_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

struct mail {
    struct mail *next;
};

struct mailbox {
    _Atomic(struct mail *) newest;
    int event_fd; /* readable while there may be mail */
};

SL_NODISCARD enum sl_err mailbox_init(struct mailbox *box);
void mailbox_deinit(struct mailbox *box);
/* From any thread. True when the box was empty: the sender should then mailbox_wake() it. */
SL_NODISCARD bool mailbox_put(struct mailbox *box, struct mail *mail);
/* The same for several at once, linked from `newest` to `oldest` by `next`. */
SL_NODISCARD bool mailbox_put_chain(struct mailbox *box, struct mail *newest, struct mail *oldest);
void mailbox_wake(struct mailbox *box);
/* The receiver only: everything so far, oldest first, linked by `next`; NULL when empty. */
struct mail *mailbox_take(struct mailbox *box);
/* The receiver only: forgets the wake-ups so far; call it before mailbox_take(). */
void mailbox_quiet(struct mailbox *box);
/* The receiver only: blocks until a wake-up, and forgets it. */
void mailbox_wait(struct mailbox *box);
/* A glance, for any thread. */
bool mailbox_is_empty(struct mailbox *box);

#endif
