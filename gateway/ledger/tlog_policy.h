/*
 * tlog_policy.h - a trust file: which logs, which witnesses, and how many of them are enough
 *
 * Shape   lines of  log VKEY [URL]
 *                   witness NAME VKEY [URL]
 *                   group NAME all|any|K MEMBER...
 *                   quorum NAME|none
 *         blanks and tabs separate; lines that begin with # are comments. A name is a member of
 *         one group at most, and is defined before it is used, so groups are trees.
 * Limits  keys are Ed25519: of type 0x01 for a log, 0x04 for a witness
 * Owns    nothing: names, keys and URLs point into the text that was parsed
 * Spec    C2SP tlog-policy
 */
#ifndef SLUIS_LEDGER_TLOG_POLICY_H
#define SLUIS_LEDGER_TLOG_POLICY_H

#include "ledger/vkey.h"

enum {
    TLOG_POLICY_BYTES_MAX = 65536,
    TLOG_POLICY_LOGS_MAX = 64,
    TLOG_POLICY_WITNESSES_MAX = 64,
    TLOG_POLICY_GROUPS_MAX = 64,
    TLOG_POLICY_NODES_MAX = TLOG_POLICY_WITNESSES_MAX + TLOG_POLICY_GROUPS_MAX,
    TLOG_POLICY_NO_NODE = -1,
};

/* A witness or a group. */
struct tlog_policy_node {
    struct slice name;
    int16_t witness; /* its place among the witnesses; -1: a group */
    int16_t parent;  /* the group it is a member of, or TLOG_POLICY_NO_NODE */
    uint16_t n_members, threshold;
};

struct tlog_policy {
    size_t n_logs, n_witnesses, n_groups, n_nodes;
    struct vkey logs[TLOG_POLICY_LOGS_MAX];
    struct vkey witnesses[TLOG_POLICY_WITNESSES_MAX];
    struct slice witness_urls[TLOG_POLICY_WITNESSES_MAX]; /* as they stand there; empty: none */
    struct tlog_policy_node nodes[TLOG_POLICY_NODES_MAX]; /* members before their group */
    int16_t quorum;                                       /* TLOG_POLICY_NO_NODE: none */
};

/* What is wrong, as one clause, and in which line (from 1; 0: in none). */
struct tlog_policy_problem {
    const char *text;
    size_t line;
};

/* SL_ELIMIT when it is longer, or has more logs, witnesses or groups, than the limits above. */
SL_NODISCARD enum sl_err tlog_policy_parse(struct slice text, struct tlog_policy_problem *problem,
                                           struct tlog_policy *out);
/* The policy that trusts one log's word alone. */
void tlog_policy_of_log(const struct vkey *log, struct tlog_policy *out);

/* The name that the file gives a witness. */
struct slice tlog_policy_witness_name(const struct tlog_policy *policy, size_t witness);
/* Would these witnesses be enough, in the file's order? */
bool tlog_policy_has_quorum(const struct tlog_policy *policy,
                            const bool signed_by[TLOG_POLICY_WITNESSES_MAX]);

enum tlog_policy_check {
    TLOG_POLICY_HOLDS,
    TLOG_POLICY_MALFORMED,     /* not a signed note, or its first line is no origin */
    TLOG_POLICY_BAD_SIGNATURE, /* a line of a known log or witness does not hold */
    TLOG_POLICY_OTHER_LOG,     /* no log of the policy signed it under its own name */
    TLOG_POLICY_NO_QUORUM,     /* too few of the witnesses did */
};

/* Who stands for a note that holds. */
struct tlog_policy_found {
    struct slice text; /* what was signed, with its last LF */
    size_t n_witnesses;
    uint64_t oldest_time_s; /* of the witnesses' words; 0 without any */
};

/*
 * A policy without logs leaves it to the caller to know the log: then only the quorum counts.
 * *out is set when the outcome is TLOG_POLICY_HOLDS.
 */
SL_NODISCARD enum tlog_policy_check tlog_policy_check(const struct tlog_policy *policy,
                                                      struct slice note,
                                                      struct tlog_policy_found *out);

#endif
