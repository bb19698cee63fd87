/*
 * decide.h - the decision: a pure function of a compiled policy and the facts of one flow
 *
 * No clock, no I/O, no globals, no allocation. The same blob and the same facts give the same
 * decision on any machine at any time; `sluis-audit replay` rests on that.
 */
#ifndef SLUIS_POLICY_DECIDE_H
#define SLUIS_POLICY_DECIDE_H

#include "base/coarseness.h"
#include "base/limits.h"
#include "base/slice.h"

enum { DECIDE_SITUATIONS_MAX = LIMIT_MAX_told_situations + LIMIT_MAX_route_situations };

struct facts {
    int64_t time_ms; /* when the flow was received, UTC */
    struct slice partner;
    struct slice app;
    uint32_t purpose;        /* vocabulary code */
    size_t n_classes;        /* what the route can carry, at most LIMIT_MAX_route_classes */
    const uint32_t *classes; /* vocabulary codes, unique */
    size_t n_situations;     /* known to hold, at most DECIDE_SITUATIONS_MAX; else: not so */
    const uint32_t *situations;
    /* Bit i: what consent i allows `at_most` is used up, or can't be counted: it does not apply. */
    uint64_t consents_spent;
};
#define FACTS_ALL_SPENT UINT64_MAX

enum effect { EFFECT_REFUSE, EFFECT_RELEASE };

/*
 * Why. The first group comes from decide(); the others from the stages around it. The names (see
 * reason_name) are stable: they stand in receipts and in problem documents.
 */
enum reason {
    REASON_CONSENTED,       /* released under at least one consent */
    REASON_NO_CONSENT,      /* no consent names this app, partner and purpose; also: nobody */
    REASON_NOT_YET,         /* `from` lies ahead */
    REASON_EXPIRED,         /* `until` has passed */
    REASON_OUTSIDE_HOURS,   /* `when` does not cover now */
    REASON_SITUATION,       /* a needed situation is not known to hold */
    REASON_QUOTA,           /* `at_most` is used up, or can't be counted */
    REASON_REFUSED,         /* the subject refuses all that consents would grant */
    REASON_NOT_COVERED,     /* consents apply, but to none of the route's data classes */
    REASON_PURPOSE,         /* the partner's contract does not hold the purpose */
    REASON_CONSENT_CHANGED, /* what is allowed changed while the flow was under way */
    REASON_BUDGET,          /* the partner's contract allows no more flows for now */
    REASON_TOO_FEW,         /* a figure about a group, which is smaller than it must be */
    REASON_APP_UNREACHABLE,
    REASON_APP_TIMEOUT,
    REASON_APP_STATUS,       /* the app did not answer 200 */
    REASON_APP_MALFORMED,    /* not HTTP/1.1 as RFC 9112 has it, or cut off */
    REASON_ANSWER_TYPE,      /* content type or content coding not declared on the route */
    REASON_ANSWER_MALFORMED, /* not the JSON that RFC 8259 and the limits allow */
    REASON_ANSWER_SUBJECT,   /* the answer names somebody else */
    REASON_ANSWER_TOO_LARGE,
    REASON_BODY_TYPE,      /* a push: content type not declared on the route */
    REASON_BODY_MALFORMED, /* not the JSON that RFC 8259 and the limits allow */
    REASON_BODY_SUBJECT,   /* the body names somebody else */
    REASON_BODY_TOO_LARGE, /* it is more than a filter may hold */
    REASON_CLOCK,          /* the wall clock is behind the newest receipt */
    REASON_UNWITNESSED,    /* no quorum of witnesses has seen the newest receipts for too long */
    REASON_BUSY,
};
enum { N_REASONS = REASON_BUSY + 1 };
const char *reason_name(enum reason reason);

enum action { ACTION_DROP, ACTION_KEEP, ACTION_COARSEN };

/* What happens to one data class of the route. */
struct plan_entry {
    enum action action;
    struct coarseness coarseness; /* ACTION_COARSEN: not none */
};
/* The entry as the receipt of a release has it, and back; nothing is lost either way. */
struct coarse_done plan_entry_done(const struct plan_entry *entry);
struct plan_entry plan_entry_of_done(const struct coarse_done *done);

struct decision {
    enum effect effect;
    enum reason reason;
    size_t n_entries; /* == facts.n_classes, same order */
    struct plan_entry entries[LIMIT_MAX_route_classes];
    uint32_t time_s;   /* bucket for times in the answer: the coarsest of the kept classes */
    uint64_t consents; /* bit i: consent i of the policy contributes */
    uint64_t limited;  /* those of them that have an `at_most`, and are to be charged */
    uint32_t
        situations; /* bit i: facts.situations[i] was asked for, by a consent that got so far */
    struct slice benefit; /* in_return of the first contributing consent; points into the blob */
};

/*
 * True when a situation could change the decision: a consent for this app, partner and purpose asks
 * for one. All of the facts but the situations are set.
 */
bool decide_asks_situations(struct slice blob, const struct facts *facts);
/* Would decide() release if every situation that a consent asks for were known to hold? */
bool decide_could_release(struct slice blob, const struct facts *facts);
/* `blob` must be valid (policy_blob_is_valid). */
void decide(struct slice blob, const struct facts *facts, struct decision *decision);

/* Per consent, for `sluis policy explain`: how far it came. */
enum verdict {
    VERDICT_OTHER_FLOW, /* another app, partner or purpose */
    VERDICT_NOT_YET,
    VERDICT_EXPIRED,
    VERDICT_OUTSIDE_HOURS,
    VERDICT_SITUATION,
    VERDICT_QUOTA,
    VERDICT_NOT_COVERED, /* grants none of the route's classes, or all of them are refused */
    VERDICT_CONTRIBUTES,
};
/* The same walk as decide(), consent by consent. `index` counts from 0. */
size_t policy_blob_n_consents(struct slice blob);
enum verdict decide_consent(struct slice blob, const struct facts *facts, size_t index);
/* The id of consent `index`; points into the blob. */
struct slice policy_blob_consent_id(struct slice blob, size_t index);
/* True when a refusal of the policy in force at facts->time_ms covers class `class_code`. */
bool decide_is_refused(struct slice blob, const struct facts *facts, uint32_t class_code);

#endif
