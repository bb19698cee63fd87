/*
 * policy.h - a subject's policy: from YAML to a validated document to the blob that decides
 *
 * Shape   policy_load() reads and validates; policy_compile() writes a position-independent blob
 * Owns    the document owns its texts; the blob is the caller's block
 * Errors  everything wrong with a policy is a problem with line and column; SL_EMALFORMED then
 * Spec    docs/formats/policy.md
 */
#ifndef SLUIS_POLICY_POLICY_H
#define SLUIS_POLICY_POLICY_H

#include "base/limits.h"
#include "base/timestamp.h"
#include "base/writer.h"
#include "policy/vocabulary.h"

struct policy_window {
    uint8_t days;          /* bit 0 is Monday; the day on which the window begins */
    uint16_t start_minute; /* of the local day, 0 to 1439 */
    uint16_t end_minute;   /* exclusive, 1 to 1440; at or before start: ends the next day */
};

struct policy_grant {
    const struct vocabulary_class *class;
    struct coarseness coarseness;
    const struct vocabulary_class *detail; /* or NULL */
    uint32_t line, column;
};

struct policy_consent {
    struct slice id, app, partner;
    const struct vocabulary_term *purpose;
    size_t n_grants;
    const struct policy_grant *grants;
    struct slice in_return;
    size_t n_situations;
    const struct vocabulary_term *const *situations;
    bool has_window;
    struct policy_window window;
    bool has_from, has_until;
    struct civil_date from, until; /* local midnight at the start of the day; until is exclusive */
    uint32_t at_most;              /* 0: no limit */
    uint32_t at_most_per_s;        /* 3600, 86400, 604800 or 2592000: see quota_period_code() */
    uint32_t line, column;
};

struct policy_refusal {
    size_t n_classes; /* 0: every class */
    const struct vocabulary_class *const *classes;
    struct slice app, partner;             /* empty: any */
    const struct vocabulary_term *purpose; /* NULL: any */
    bool has_window;
    struct policy_window window;
    uint32_t line, column;
};

struct policy_document {
    const struct vocabulary *vocabulary; /* not owned; must outlive the document */
    struct slice subject;
    struct slice timezone; /* UTC when the policy names none */
    struct slice zone;     /* its rules, see zone.h */
    size_t n_consents;
    const struct policy_consent *consents;
    size_t n_refusals;
    const struct policy_refusal *refusals;
    void *storage; /* what owns all of the above */
};

/*
 * Reads and validates. Reads the time zone's rules from the system's tzdata. Warnings (overlaps,
 * consents that a refusal empties) are added to `problems` and leave the result SL_OK.
 */
SL_NODISCARD enum sl_err policy_load(struct slice yaml, const struct vocabulary *vocabulary,
                                     struct yaml_problems *problems, struct policy_document **out);
/*
 * As policy_load(), with `zone` (see zone.h) as the rules of the time zone that the policy names,
 * whatever tzdata says of it: for compiling once more what was compiled elsewhere.
 */
SL_NODISCARD enum sl_err policy_load_in_zone(struct slice yaml, const struct vocabulary *vocabulary,
                                             struct slice zone, struct yaml_problems *problems,
                                             struct policy_document **out);
void policy_free(struct policy_document *policy);
SL_DEFINE_AUTO(policy_document, policy_free)

enum { POLICY_BLOB_BYTES_MAX = 131072 };

/*
 * Appends the blob to `writer`. It carries the time zone's rules, so that deciding needs no file.
 * SL_ELIMIT, a problem, and nothing written, when it has no room or passes POLICY_BLOB_BYTES_MAX.
 */
SL_NODISCARD enum sl_err policy_compile(const struct policy_document *policy,
                                        struct yaml_problems *problems, struct writer *writer);
/*
 * The blob of the empty policy, for subjects that have none: no consent, no refusal, UTC. Static
 * storage.
 */
struct slice policy_blob_empty(void);
/* Checks magic, version, and that every offset lies inside; do this once when reading from disk. */
bool policy_blob_is_valid(struct slice blob);
/* False for a blob of another layout, which decide() must not read: compile the policy again. */
bool policy_blob_is_current(struct slice blob);
/* The version of its layout; 0 for bytes that are no compiled policy at all. */
uint32_t policy_blob_layout(struct slice blob);
/* The rules of the time zone that a valid blob carries (zone.h); points into the blob. */
struct slice policy_blob_zone(struct slice blob);

#endif
