/*
 * consents.h - what became of each consent of one person: given, changed, withdrawn, expired,
 * erased
 *
 * Shape   consents_trace() goes through the receipts of one person's policy changes, in order, with
 *         the policy that each of them put in force
 * Owns    its lives; what they point to is the policies'
 * Errors  SL_EINTERNAL only
 */
#ifndef SLUIS_EVIDENCE_CONSENTS_H
#define SLUIS_EVIDENCE_CONSENTS_H

#include "base/err.h"
#include "policy/policy.h"

/* A change of the policy, or the erasure, as its receipt says. */
struct consent_version {
    uint64_t receipt; /* its index */
    int64_t time_ms;
    bool is_erasure;
    const struct policy_document *policy; /* NULL: an erasure, or not opened */
};

enum consent_event_kind {
    CONSENT_GIVEN,
    CONSENT_CHANGED,
    CONSENT_WITHDRAWN,
    CONSENT_EXPIRED, /* its last day is past; no receipt says so, the policy does */
    CONSENT_ERASED,
};
/* "given", "changed", .. */
const char *consent_event_name(enum consent_event_kind kind);

struct consent_event {
    enum consent_event_kind kind;
    int64_t time_ms;
    size_t version; /* place among the versions; of CONSENT_EXPIRED, that of the last one before */
    const struct policy_consent *consent; /* given and changed: what it says from now on */
    struct slice timezone;                /* that its dates and hours are in */
    int64_t until_ms;                     /* of it; INT64_MAX: no last day */
};

/* One consent, by its id, through all versions. */
struct consent_life {
    struct slice id;
    size_t n_events;
    struct consent_event *events;
};

struct consent_lives {
    size_t n, cap;
    struct consent_life *list; /* in the order in which they were first given */
};

/* What is past at `as_of_ms` has expired. With SL_EINTERNAL there is nothing to free. */
SL_NODISCARD enum sl_err consents_trace(const struct consent_version *versions, size_t n_versions,
                                        int64_t as_of_ms, struct consent_lives *out);
void consent_lives_free(struct consent_lives *lives);

/* NULL: no such consent. */
const struct consent_life *consent_lives_find(const struct consent_lives *lives, struct slice id);
/* The last time it was given or changed. */
const struct consent_event *consent_last_terms(const struct consent_life *life);

#endif
