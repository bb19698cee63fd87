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
    CONSENT_UNCHANGED, /* byte for byte what is in force already; nothing was written */
    CONSENT_FAILED,    /* store or ledger can't be written; see `text` */
};

struct consent_receipt {
    uint64_t version;
    uint64_t index;
    struct policy_change change;
    char text[256]; /* CONSENT_FAILED and CONFLICT: why, and what to do */
};

enum { CONSENT_ANY_VERSION = -1 };

/*
 * Puts `yaml` in force for the subject that it names. expected_version: the version that the
 * change was made from (0: none yet), or CONSENT_ANY_VERSION. Blocks until durable.
 */
enum consent_outcome consent_put(struct node *node, struct slice yaml, int64_t expected_version,
                                 struct yaml_problems *problems, struct consent_receipt *receipt);

/*
 * Takes consent `id` out of the YAML of a subject's policy, leaving every other byte as it was.
 * SL_EMALFORMED when there is no such consent.
 */
SL_NODISCARD enum sl_err consent_yaml_without(struct slice yaml, struct slice id,
                                              struct writer *out);

/* What the recorder asks of the store; `context` is the struct store. */
struct recorder_ops consent_recorder_ops(struct store *store);
/* After recorder_open(), before recorder_start(): submits receipts that a crash left out. */
SL_NODISCARD enum sl_err consent_submit_missing(struct store *store, struct recorder *recorder);

#endif
