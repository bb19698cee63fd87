/*
 * consents.h - what became of each consent of one person: given, changed, withdrawn, expired,
 * erased
 */
#ifndef SLUIS_AUDIT_CONSENTS_H
#define SLUIS_AUDIT_CONSENTS_H

#include "export.h"
#include "policy/policy.h"

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
    uint64_t version;                     /* of the policy */
    const struct policy_consent *consent; /* given and changed: what it says from now on */
    struct slice timezone;                /* that its dates and hours are in */
    int64_t until_ms;                     /* of it; INT64_MAX: no last day */
    const json_t *evidence;               /* exported_json(); NULL for CONSENT_EXPIRED */
    uint64_t receipt;                     /* with evidence: its index */
};

/* One consent, by its id, through all versions. */
struct consent_life {
    struct slice id;
    size_t n_events;
    struct consent_event *events;
};

/* EX_CONFIG when the evidence does not have these texts of the controller's, which is said. */
SL_NODISCARD int consents_need_controller(const struct export *export,
                                          const enum controller_text *needed, size_t n);
/*
 * Of the person whose receipts were taken, and as of when the evidence was written. *lives is the
 * export's, and holds until it is freed.
 */
SL_NODISCARD int consents_lives(struct export *export, struct consent_life **lives, size_t *n);

/* The last time it was given or changed. */
const struct consent_event *consent_last_terms(const struct consent_life *life);

/* {"consent": id, "event": "given", "time": .., "evidence": {..}}, as verify-export reads it. */
json_t *consent_event_json(const struct consent_life *life, const struct consent_event *event);
/* Deterministic, of the form of a UUID (RFC 9562, version 8). */
enum { CONSENT_UUID_BYTES = 36 + 1 };
void consent_uuid(const struct export *export, const struct consent_life *life,
                  const struct consent_event *event, char out[CONSENT_UUID_BYTES]);
/* What is given or changed, as a JSON object of plain members: for comparing and for showing. */
json_t *consent_terms_json(const struct consent_event *event);
/* "Where you are, to a grid of 5km and times in steps of 15min" */
void write_grant_words(struct writer *writer, const struct policy_grant *grant);
/* Is the class of a special category (GDPR, article 9), by its DPV term? */
bool consent_class_is_special(const struct vocabulary_class *class);

#endif
