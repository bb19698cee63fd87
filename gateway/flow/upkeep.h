/*
 * upkeep.h - a thread that sees to it that what must not be kept is not kept
 *
 * Shape   after erasures the store is written anew and the old one wiped (store_rewrite()); once a
 *         day the contents of superseded policies go that are older than the operator keeps them.
 *         What could not be done is tried again. Rewriting takes a quarter of the time at most, so
 *         that erasures in quick succession are wiped together
 * Threads all calls from any
 */
#ifndef SLUIS_FLOW_UPKEEP_H
#define SLUIS_FLOW_UPKEEP_H

#include "config/config.h"
#include "store/store.h"

struct upkeep;

enum upkeep_state {
    UPKEEP_IDLE,
    UPKEEP_WORKING, /* or about to */
    UPKEEP_WAITING, /* it could not be done; `text` says why, and it is tried again */
};

struct upkeep_status {
    enum upkeep_state state;
    bool is_clean;       /* as store_is_clean() says */
    unsigned percent;    /* of a rewrite that is under way */
    uint64_t n_rewrites; /* since the start */
    int64_t rewrite_ms;  /* how long the last one took */
    uint64_t n_retired;  /* versions that lost their contents, since the start */
    char text[sizeof(struct store_problem)];
};

/* `daily`: looks at once, and retires what is old enough; otherwise only when it is woken. */
SL_NODISCARD enum sl_err upkeep_start(struct store *store, const struct config *config, bool daily,
                                      struct upkeep **out);
/* Stops a rewrite that is under way; the next start begins it anew. NULL is fine. */
void upkeep_stop(struct upkeep *upkeep);
/* Somebody was erased. */
void upkeep_wake(struct upkeep *upkeep);
/* Retires what is old enough, now. */
void upkeep_retire(struct upkeep *upkeep);
void upkeep_status(struct upkeep *upkeep, struct upkeep_status *out);

#endif
