/*
 * peer.h - what is known of one witness: how far it has cosigned, and when to ask it again
 *
 * Pure: no network, no clock. Whatever it says, it is asked at most twice without a pause between,
 * and after a failure with pauses that grow up to witness_pause_ms.
 */
#ifndef SLUIS_SUBMIT_PEER_H
#define SLUIS_SUBMIT_PEER_H

#include "flow/witnessed.h"
#include "submit/reply.h"
#include "submit/round.h"

struct peer {
    bool can_be_asked; /* it has a URL */
    bool is_known;     /* `size` is what it said, or cosigned */
    uint64_t size;     /* of this ledger, that it has cosigned */
    uint64_t asked_old_size, asked_size;
    uint64_t asked_round, cosigned_round;
    size_t asked_note_n;
    uint8_t asked_note[CHECKPOINT_BYTES_MAX];
    bool has_just_moved; /* it told another size, and is asked from there at once */
    unsigned n_failures; /* in a row */
    int64_t next_ms;     /* not before */
    struct witness_fact fact;
};

void peer_init(struct peer *peer, struct slice name, bool can_be_asked);
/* The size to ask from, for a checkpoint of `size`. */
uint64_t peer_old_size(const struct peer *peer, uint64_t size);
void peer_asked(struct peer *peer, const struct round *round, uint64_t old_size);
/* Should it be asked for the round's checkpoint now? If it is not answering still. */
bool peer_is_due(const struct peer *peer, const struct round *round, int64_t now_ms);
/* Did it just name more receipts than the round has? Only a newer round can show whose they are. */
bool peer_wants_round(const struct peer *peer, const struct round *round);
struct peer_pause {
    int64_t now_ms;
    uint64_t first_ms; /* after the first failure; the next are longer */
    uint32_t jitter;   /* any number: pauses get up to a quarter shorter, each by another part */
};

/* Takes an answer in. `ledger_size`: how many receipts there are by now. */
void peer_replied(struct peer *peer, const struct reply *reply, uint64_t ledger_size,
                  struct peer_pause pause);
/* The same when there was none. A disagreement stands until the witness cosigns again. */
void peer_failed(struct peer *peer, enum witness_state state, const char *why,
                 struct peer_pause pause);

#endif
