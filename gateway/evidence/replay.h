/*
 * replay.h - every decision once more, from archived policies and the facts in the receipts
 *
 * Shape   give replay_receipt() the receipts of a verified ledger, all of them and in order, then
 *         call replay_end(). What is not as it should be is told as it is found
 * Owns    its state; the archive must outlive it
 * Errors  SL_EMALFORMED: that is no receipt; SL_EINTERNAL. What a receipt says is never an error
 * Spec    docs/formats/evidence.md, "Repeating decisions"
 */
#ifndef SLUIS_EVIDENCE_REPLAY_H
#define SLUIS_EVIDENCE_REPLAY_H

#include "evidence/archive.h"

enum replay_fault {
    REPLAY_VOCABULARY, /* the archived text is not the one that it is named as */
    REPLAY_ARCHIVE,    /* a policy's archived texts are not those that its receipt pins */
    REPLAY_COMPILED,   /* what was decided on is not what the person wrote */
    REPLAY_TIME,       /* of a policy change */
    REPLAY_COUNTS,     /* of a policy change: granted, withdrawn .. */
    REPLAY_MISSING,    /* a policy version without a receipt, or a receipt without a version */
    REPLAY_VERSION,    /* a release that rests on a policy which was not in force any more */
    REPLAY_EFFECT,
    REPLAY_REASON,
    REPLAY_DATA,      /* what was done to a data class */
    REPLAY_SITUATION, /* one that no consent asked for */
    REPLAY_BENEFIT,
    REPLAY_QUOTA, /* more releases in one window than the consent allows */
    REPLAY_BASIS, /* the receipt pins other grounds than the decision rests on */
    REPLAY_ZONE,  /* under this machine's time zone rules the decision is another */
    REPLAY_NOBODY,
    REPLAY_ERASED,  /* a receipt after its subject's erasure */
    REPLAY_OUTCOME, /* of no push that was released, of somebody else's, or of one that has one */
};
/* "archive", "version", ..: stable. */
const char *replay_fault_name(enum replay_fault fault);

struct replay_difference {
    enum replay_fault fault;
    bool has_receipt;
    uint64_t receipt;
    struct slice subject; /* empty: nobody's, or everybody's */
    uint64_t version;     /* 0: none */
    struct slice expected, found;
};

struct replay_counts {
    uint64_t n_receipts, n_differences;
    /* Flows. Each is in exactly one of these. */
    uint64_t n_repeated;    /* decided again; a difference may have come of it */
    uint64_t n_other_cause; /* refused for a cause outside the policy, which does not gainsay it */
    uint64_t n_bad_archive; /* the version's archive is not what was decided on: not repeated */
    uint64_t n_not_kept;    /* the version's texts are not kept, or not readable, any more */
    uint64_t n_newer;       /* of policies or people that came after the evidence */
    uint64_t n_nobody;      /* refusals of flows about nobody that the gateway knew */
    uint64_t n_others;      /* of other people than the evidence is about */
    uint64_t n_erased;      /* releases of nobody here, while people were erased later */
    /* Releases and policy changes of nobody, in a ledger that ends before the evidence was written:
     * of people who were erased in between, or whose keys are not in it. Also in none above. */
    uint64_t n_unplaced;
    /* Beside them, of those that were repeated: a refusal may be decided on the version before. */
    uint64_t n_earlier_version;
    /* Refused for a quota that the receipts do not show to be used up. */
    uint64_t n_quota_early;
    /* Policy changes, in the same way. */
    uint64_t n_policies, n_policies_not_kept, n_policies_newer, n_policies_others,
        n_policies_erased;
    uint64_t n_outcomes;             /* of pushes, and */
    uint64_t n_open_pushes;          /* how many that were released have none */
    uint64_t n_erasures, n_node;     /* node: receipts that are nobody's by their kind */
    uint64_t n_uncompiled;           /* policies whose vocabulary is not at hand */
    uint64_t n_outdated;             /* policies compiled in another layout than ours */
    uint64_t n_zone_other;           /* policies whose time zone has other rules on this machine */
    uint64_t n_zone_unknown;         /* or none */
    uint64_t n_subjects, n_versions; /* of the archive */
};

typedef void replay_visit(void *context, const struct replay_difference *difference);

struct replay;

SL_NODISCARD enum sl_err replay_new(const struct archive *archive, replay_visit *visit,
                                    void *context, struct replay **out);
void replay_free(struct replay *replay);
SL_DEFINE_AUTO(replay, replay_free)

/* `leaf` is a receipt that was proven. */
SL_NODISCARD enum sl_err replay_receipt(struct replay *replay, uint64_t index, struct slice leaf);
/* What the last receipt turned out to be. */
struct replay_grounds {
    bool is_somebodys;
    size_t subject;   /* place in the archive */
    uint64_t n;       /* its number among the subject's */
    bool is_known;    /* what its basis pins was found, and is the rest of this */
    uint64_t version; /* of the policy; 0: none */
    uint8_t digest[SHA256_BYTES];
    size_t n_consents;
    struct slice consents[LIMIT_MAX_policy_consents]; /* ids; until the replay is freed */
};
const struct replay_grounds *replay_last(const struct replay *replay);
const struct hmac_key *replay_key(const struct replay *replay, size_t subject);

/* After the last one. `*counts` is complete then. */
void replay_end(struct replay *replay, struct replay_counts *counts);

enum replay_verdict {
    REPLAY_SAME,
    REPLAY_DIFFERENT,
    REPLAY_PARTLY, /* no difference, but releases or policy changes that are nobody's here: of
                      erased people if the operator says so, and nothing here shows it */
};
enum replay_verdict replay_verdict(const struct replay_counts *counts);

#endif
