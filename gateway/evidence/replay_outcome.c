/*
 * replay_outcome.c - each delivery that is told of was of a push, and each push was delivered once
 *
 * An outcome names its push by index, and pins what the push rests on. So it must stand behind a
 * push of the same person that was released and has no outcome yet, and open like it. A push
 * without one is no difference: its delivery may be under way.
 */
#include "evidence/replay_parts.h"
#include "ledger/basis.h"

#include <stdlib.h>
#include <string.h>

enum sl_err replay_note_push(struct replay *replay, const struct replay_at *at)
{
    if (replay->n_pushes == replay->cap_pushes) {
        size_t cap = replay->cap_pushes ? 2 * replay->cap_pushes : 64;
        struct replay_push *grown = realloc(replay->pushes, cap * sizeof *grown);
        if (!grown)
            return SL_EINTERNAL;
        replay->pushes = grown;
        replay->cap_pushes = cap;
    }
    const struct replay_grounds *grounds = &replay->last;
    struct replay_push *push = &replay->pushes[replay->n_pushes++];
    *push = (struct replay_push){
        .index = at->index, .subject = at->subject, .is_known = grounds->is_known};
    if (push->is_known)
        basis_digest(grounds->version, grounds->digest, grounds->consents, grounds->n_consents,
                     push->basis);
    return SL_OK;
}

static struct replay_push *find_push(const struct replay *replay, uint64_t index)
{
    size_t low = 0, high = replay->n_pushes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (replay->pushes[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low < replay->n_pushes && replay->pushes[low].index == index ? &replay->pushes[low]
                                                                        : NULL;
}

void replay_outcome(struct replay *replay, const struct replay_at *at)
{
    const unsigned long long of = at->leaf->outcome.of;
    struct replay_push *push = find_push(replay, of);
    if (!push || push->subject != at->subject) {
        replay_say(&replay->expected, "a push of this person, released before");
        replay_say(&replay->found, "receipt %llu", of);
    } else if (push->has_outcome) {
        replay_say(&replay->expected, "one outcome of the push that is receipt %llu", of);
        replay_say(&replay->found, "another one");
    } else if (push->is_known && !replay_pins(replay, at, push->basis)) {
        replay_say(&replay->expected, "a commitment to what the push, receipt %llu, rests on", of);
        replay_say(&replay->found, "a commitment to something else");
    } else {
        push->has_outcome = true;
        return;
    }
    replay_tell(replay, REPLAY_OUTCOME, at, 0);
}
