/*
 * peer.c - from answers to knowledge
 *
 * A 409 is an answer like any other when the witness and the gateway have lost sight of each other
 * (a restart, another gateway's turn): the size it names is where to go on. A witness that always
 * answers so is one that fails. One that names more receipts than there are has seen another
 * history of this ledger, and that is worth an alarm of its own.
 *
 *     409 with  ─┬─ up to the round's size     asked again at once, from there
 *     a size     ├─ up to what is there now    the next round begins at once, and asks from there
 *                └─ more than there is         another history
 *
 * A witness that disagrees is believed until it says otherwise itself, by a cosignature: only that
 * shows that what it has seen is a part of this ledger. That it does not answer, or fails in some
 * other way, takes nothing back of what it has said.
 */
#include "submit/peer.h"

#include "base/limits.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

void peer_init(struct peer *peer, struct slice name, bool can_be_asked)
{
    memset(peer, 0, sizeof *peer);
    peer->can_be_asked = can_be_asked;
    peer->fact.name = name;
    if (!can_be_asked)
        snprintf(peer->fact.text, sizeof peer->fact.text, "it has no url in the trust file");
}

uint64_t peer_old_size(const struct peer *peer, uint64_t size)
{
    return peer->is_known && peer->size <= size ? peer->size : 0;
}

void peer_asked(struct peer *peer, const struct round *round, uint64_t old_size)
{
    peer->asked_round = round->number;
    peer->asked_old_size = old_size;
    peer->asked_size = round->head.tree.size;
    peer->asked_note_n = round->head.note_n;
    memcpy(peer->asked_note, round->head.note, round->head.note_n);
}

/* Asked for a checkpoint before its newest, it could only answer 409 once more. */
static bool is_ahead(const struct peer *peer, const struct round *round)
{
    return peer->is_known && peer->size > round->head.tree.size;
}

bool peer_is_due(const struct peer *peer, const struct round *round, int64_t now_ms)
{
    return peer->can_be_asked && round->number > 0 && peer->cosigned_round != round->number &&
           !is_ahead(peer, round) && now_ms >= peer->next_ms;
}

bool peer_wants_round(const struct peer *peer, const struct round *round)
{
    return peer->has_just_moved && is_ahead(peer, round);
}

void peer_failed(struct peer *peer, enum witness_state state, const char *why,
                 struct peer_pause pause)
{
    uint64_t ms = pause.first_ms;
    for (unsigned i = 0; i < peer->n_failures && ms < LIMIT_MAX_witness_pause_ms; i++)
        ms *= 2;
    if (ms > LIMIT_MAX_witness_pause_ms)
        ms = LIMIT_MAX_witness_pause_ms;
    ms -= pause.jitter % (ms / 4 + 1); /* so that many gateways don't come at once */
    peer->n_failures++;
    peer->next_ms = pause.now_ms + (int64_t)ms;
    peer->has_just_moved = false;
    if (peer->fact.state == WITNESS_DISAGREES && state != WITNESS_DISAGREES)
        return;
    peer->fact.state = state;
    text_make_printable(slice_of_str(why), peer->fact.text, sizeof peer->fact.text);
}

static void cosigned(struct peer *peer)
{
    peer->is_known = true;
    peer->size = peer->asked_size;
    peer->cosigned_round = peer->asked_round;
    peer->has_just_moved = false;
    peer->n_failures = 0;
    peer->next_ms = 0;
    peer->fact.state = WITNESS_AGREES;
    peer->fact.size = peer->size;
    peer->fact.text[0] = 0;
}

/* True when it can be asked again at once. */
static bool moved(struct peer *peer, uint64_t size, uint64_t ledger_size, char why[200])
{
    if (size > ledger_size) {
        peer->is_known = false; /* asked from 0 next time, it will name its size again */
        snprintf(why, 200,
                 "it has cosigned %llu receipts of this ledger, which has %llu: this ledger was "
                 "cut, is an older copy, or another gateway writes under its key",
                 (unsigned long long)size, (unsigned long long)ledger_size);
        return false;
    }
    snprintf(why, 200, "it answers 409 each time, now with the size %llu%s",
             (unsigned long long)size,
             size > peer->size ? ": somebody else has it cosign this ledger" : "");
    peer->is_known = true;
    peer->size = peer->fact.size = size;
    return !peer->has_just_moved;
}

void peer_replied(struct peer *peer, const struct reply *reply, uint64_t ledger_size,
                  struct peer_pause pause)
{
    char why[200];
    switch (reply->kind) {
    case REPLY_COSIGNED:
        cosigned(peer);
        return;
    case REPLY_SIZE:
        if (moved(peer, reply->size, ledger_size, why)) {
            peer->has_just_moved = true;
            peer->next_ms = pause.now_ms;
            return;
        }
        peer_failed(peer, reply->size > ledger_size ? WITNESS_DISAGREES : WITNESS_FAILS, why,
                    pause);
        return;
    case REPLY_DISAGREES:
        peer_failed(peer, WITNESS_DISAGREES, reply->why, pause);
        return;
    case REPLY_FAILED:
        peer_failed(peer, WITNESS_FAILS, reply->why, pause);
        return;
    }
}
