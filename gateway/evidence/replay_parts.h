/*
 * replay_parts.h - what the files of the replay share; not for callers
 */
#ifndef SLUIS_EVIDENCE_REPLAY_PARTS_H
#define SLUIS_EVIDENCE_REPLAY_PARTS_H

#include "base/timestamp.h"
#include "evidence/replay.h"
#include "evidence/whose.h"
#include "policy/decide.h"
#include "policy/quota.h"

enum { REPLAY_TEXT_BYTES = 512, REPLAY_NOBODY_MAX = 64 };

/* What can be said of an archived version once its receipt was met. */
enum replay_state {
    REPLAY_UNSEEN,
    REPLAY_SOUND,   /* `blob` and `digest` are what was decided on */
    REPLAY_GONE,    /* its texts are not kept; `digest` is what it was pinned by */
    REPLAY_ALTERED, /* what was decided on is not in the archive */
};

struct replay_version {
    enum replay_state state;
    uint8_t digest[SHA256_BYTES];
    struct slice blob;
    struct slice local_blob; /* under this machine's time zone rules; empty: they are the same */
    bool owns_blob;          /* else it is the archive's, or another version's */
    bool is_outdated;        /* archived in another layout; `blob` is in this program's */
    uint64_t receipt;
};

struct replay_subject {
    uint64_t in_force; /* version; 0: none yet */
    bool is_erased;
    uint64_t erasure; /* its receipt */
    size_t n_uses;    /* consents with `at_most` that were used */
    struct replay_use *uses;
};

/* A push that was released, and waits for its outcome. */
struct replay_push {
    uint64_t index;
    size_t subject;
    bool is_known; /* what its basis pins was found: */
    uint8_t basis[SHA256_BYTES];
    bool has_outcome;
};

struct replay_text {
    char bytes[REPLAY_TEXT_BYTES];
    size_t n;
};

struct replay {
    const struct archive *archive;
    struct whose *whose;
    struct replay_subject *subjects; /* in the archive's order */
    struct replay_version *versions;
    struct replay_push *pushes; /* in the ledger's order */
    size_t n_pushes, cap_pushes;
    /* Releases and policy changes of nobody here, since the last erasure. */
    uint64_t nobody[REPLAY_NOBODY_MAX];
    uint64_t n_nobody_releases, n_nobody_policies;
    struct replay_counts counts;
    replay_visit *visit;
    void *context;
    struct replay_grounds last;
    struct replay_text expected, found; /* of the difference that is being told */
};

/* One receipt of a subject that the archive knows. */
struct replay_at {
    uint64_t index;
    size_t subject;
    uint64_t n; /* its number among the subject's */
    const struct leaf *leaf;
};

/* replay.c */
void replay_say(struct replay_text *text, const char *format, ...) SL_PRINTF(2, 3);
/* Tells the difference that `expected` and `found` hold, and empties them. */
void replay_tell(struct replay *replay, enum replay_fault fault, const struct replay_at *at,
                 uint64_t version);
/* Version 1 is the first. */
const struct archive_version *replay_archived(const struct replay *replay, size_t subject,
                                              uint64_t version);
struct replay_version *replay_version(const struct replay *replay, size_t subject,
                                      uint64_t version);
/* Does the receipt pin this basis? */
bool replay_pins(const struct replay *replay, const struct replay_at *at,
                 const uint8_t basis[SHA256_BYTES]);

/* replay_policy.c, replay_flow.c */
SL_NODISCARD enum sl_err replay_policy(struct replay *replay, const struct replay_at *at);
SL_NODISCARD enum sl_err replay_flow(struct replay *replay, const struct replay_at *at);
/* replay_outcome.c: of a release that replay_flow() has seen; and how its delivery ended. */
SL_NODISCARD enum sl_err replay_note_push(struct replay *replay, const struct replay_at *at);
void replay_outcome(struct replay *replay, const struct replay_at *at);

/* replay_uses.c: those of `limited` whose `at_most` is used up, as far as the receipts show. */
uint64_t replay_spent(const struct replay *replay, size_t subject, struct slice blob,
                      uint64_t limited, int64_t time_ms);
/* The receipt is a release under these consents of the version: counts it to each. */
SL_NODISCARD enum sl_err replay_use(struct replay *replay, const struct replay_at *at,
                                    struct slice blob, uint64_t version, uint64_t limited);

#endif
