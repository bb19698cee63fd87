/*
 * consent.h - a policy change, from its YAML to its place in the ledger
 *
 * The change is committed to the store by the recorder, at the receipt's place in the sequence;
 * when consent_put() returns CONSENT_RECORDED, no release that comes later in the ledger rests on
 * what was withdrawn.
 */
#ifndef SLUIS_FLOW_CONSENT_H
#define SLUIS_FLOW_CONSENT_H

#include "flow/node.h"
#include "policy/diff.h"

enum consent_outcome {
    CONSENT_RECORDED,
    CONSENT_INVALID,   /* see the problems */
    CONSENT_CONFLICT,  /* the policy is not at the expected version */
    CONSENT_TAKEN,     /* a new subject's name is another one's user name at an app; see `text` */
    CONSENT_UNCHANGED, /* byte for byte what is in force already; nothing was written */
    CONSENT_FAILED,    /* store or ledger can't be written; see `text` */
};

struct consent_receipt {
    uint64_t version; /* in force; on a conflict, what was found */
    uint64_t index;   /* of the receipt in the ledger */
    struct policy_change change;
    char text[640]; /* CONSENT_FAILED, _CONFLICT and _TAKEN: why, and what to do */
};

enum { CONSENT_ANY_VERSION = -1 };

/*
 * Puts `yaml` in force for the subject that it names. expected_version: the version that the
 * change was made from (0: none yet), or CONSENT_ANY_VERSION. Blocks until durable. A change that
 * only withdraws is not checked against the configuration, so it works when a partner is gone from
 * it; and one that only takes away works on a full disk, from what is kept for it.
 */
enum consent_outcome consent_put(struct node *node, struct slice yaml, int64_t expected_version,
                                 struct yaml_problems *problems, struct consent_receipt *receipt);

#endif
