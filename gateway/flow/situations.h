/*
 * situations.h - what apps told of the moment: who is driving, running, at the stadium
 *
 * Shape   a table for each app, in memory and nowhere else: the app's own name of a person ->
 *         situations, and when they end. After a restart nothing is known
 * Bounds  `situations` people for each app, so that one app can't push out what another told
 * Fails   closed: not told, taken back, ended by either clock, lost in a restart: it does not hold
 * Names   are kept as hashes under a key of this process. A person the gateway does not know has an
 *         entry like any other, so what is answered can't tell the two apart
 * Threads all functions from any thread, but _new and _free
 */
#ifndef SLUIS_FLOW_SITUATIONS_H
#define SLUIS_FLOW_SITUATIONS_H

#include "config/config.h"

struct situations;

/* `config` must outlive them. */
SL_NODISCARD enum sl_err situations_new(const struct config *config, struct situations **out);
void situations_free(struct situations *situations);
SL_DEFINE_AUTO(situations, situations_free)

/* Both clocks: a lifetime ends when the first of them says so. */
struct situations_now {
    int64_t monotonic_ms, wall_ms;
};
struct situations_now situations_clock(void);

/* What holds for one person. */
struct situations_told {
    size_t n; /* 0: nothing is known to hold */
    const struct vocabulary_term
        *terms[LIMIT_MAX_told_situations]; /* in the order of their names */
    uint32_t left_s;                       /* how long from now */
};

enum situations_outcome {
    SITUATIONS_TOLD,
    SITUATIONS_FULL, /* of this app's people; *wait_s says when a place is free at the latest */
    SITUATIONS_NO_MEMORY,
};

/*
 * In place of what this app told of its user before. `app` is the app's place in the configuration;
 * told->terms are the configuration's, at least one and none twice.
 */
enum situations_outcome situations_tell(struct situations *situations, size_t app,
                                        struct slice user, const struct situations_told *told,
                                        struct situations_now now, uint32_t *wait_s);
void situations_forget(struct situations *situations, size_t app, struct slice user);
void situations_known(struct situations *situations, size_t app, struct slice user,
                      struct situations_now now, struct situations_told *out);
/* Entries that hold now; those that ended are removed. Takes a moment for each. */
size_t situations_count(struct situations *situations, struct situations_now now);

#endif
