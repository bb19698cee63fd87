/*
 * leaf.h - one receipt: a JSON object on one line, fixed field order, at most 1,024 bytes
 *
 * Shape   of a subject: {"sluis":1,"tag":"<22>","basis":"<43>","body":"<43>","kind":"pull",
 *          "time":"...","partner":"..","app":"..","route":"..","purpose":"..","benefit":"..",
 *          "situation":["driving"],"decision":"release","reason":"consented","data":{"location":"5000m
 * 900s",..}} tag, basis and body have fixed places and widths, so that a data thread drafts the
 *         whole leaf and the recorder only fills in what depends on the subject's number.
 *         A release has a body, everything else has null.
 *         Of the node: {"sluis":1,"kind":"key","time":"...",..}: nobody's, so without a tag.
 * Owns    nothing; a draft is a plain value
 * Spec    docs/formats/receipt.md
 */
#ifndef SLUIS_LEDGER_LEAF_H
#define SLUIS_LEDGER_LEAF_H

#include "base/coarseness.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/slice.h"

enum {
    LEAF_BYTES_MAX = LIMIT_MAX_receipt_bytes,
    LEAF_TAG_BYTES = 16, /* 22 characters of base64url */
    LEAF_SITUATIONS_MAX = LIMIT_MAX_told_situations + LIMIT_MAX_route_situations,
};

enum leaf_kind {
    LEAF_PULL,    /* a flow that a partner asked for */
    LEAF_POLICY,  /* a person changed what they allow */
    LEAF_ERASURE, /* a person is forgotten; no receipt of theirs follows */
    LEAF_HEADS,   /* how many receipts each subject had in a stretch of the ledger */
    LEAF_KEY,     /* the next checkpoint is signed with another key */
    LEAF_PUSH,    /* a flow that an app sent */
    LEAF_OUTCOME, /* how the delivery of a released push ended */
};
enum { N_LEAF_KINDS = LEAF_OUTCOME + 1 };

/* As it stands in the receipt: "pull". */
struct slice leaf_kind_name(enum leaf_kind kind);
bool leaf_kind_by_name(struct slice name, enum leaf_kind *out);
/* Kinds that are somebody's, and have a tag. */
bool leaf_kind_has_subject(enum leaf_kind kind);
/* Kinds that the store commits as well: store and ledger count them, and must agree. */
bool leaf_kind_is_change(enum leaf_kind kind);
/* Kinds that are a flow's, with a decision and what was done to each data class. */
bool leaf_kind_is_flow(enum leaf_kind kind);

/* How a delivery ended. */
enum delivery {
    DELIVERY_DELIVERED,   /* the partner took it: a status of 2xx */
    DELIVERY_REFUSED,     /* the partner answered with another status */
    DELIVERY_UNREACHABLE, /* not a byte of it left: the partner can't be reached */
    DELIVERY_UNKNOWN,     /* it left, and no answer came; or the gateway ended meanwhile */
};
enum { N_DELIVERIES = DELIVERY_UNKNOWN + 1 };
/* As it stands in the receipt: "delivered". */
const char *delivery_name(enum delivery delivery);

struct leaf_draft {
    uint16_t n;
    bool has_subject; /* tag, basis and body are to be filled in */
    bool has_body;
    uint8_t bytes[LEAF_BYTES_MAX];
};

/* What was done to one data class; base/coarseness.h has its text. */
struct leaf_class {
    struct slice name;
    struct coarse_done done;
};

/* A flow's receipt. Empty slices are written as null; the reason is never empty. */
struct leaf_flow {
    enum leaf_kind kind; /* LEAF_PULL or LEAF_PUSH */
    int64_t time_ms;
    struct slice partner, app, route, purpose, benefit;
    size_t
        n_situations; /* known to hold, and asked for; plain, in strictly rising order of bytes */
    const struct slice *situations;
    bool released;
    struct slice reason;
    size_t n_classes;
    const struct leaf_class *classes;
};

/* A policy change's receipt: {.., "kind":"policy","time":..,"granted":1,"changed":0,
 * "withdrawn":0,"refusals_added":0,"refusals_removed":0}. No body. */
struct leaf_policy {
    int64_t time_ms;
    uint32_t granted, changed, withdrawn, refusals_added, refusals_removed;
};

/*
 * The receipts [first, end), and the Merkle root over the list of their subjects: `n_entries` of
 * (label, number of receipts), sorted. See docs/formats/receipt.md.
 */
struct leaf_heads {
    int64_t time_ms;
    uint64_t epoch, first, end, n_entries; /* up to INT64_MAX, as JSON readers have them */
    uint8_t root[SHA256_BYTES];
};

/* {.., "kind":"outcome","time":..,"of":17,"outcome":"delivered","status":201}. No body. */
struct leaf_outcome {
    int64_t time_ms;
    uint64_t of; /* the index of the push's receipt, which comes before; up to INT64_MAX */
    enum delivery delivery;
    unsigned status; /* the partner's answer, 100 to 999; 0: there was none */
};

/* From the next batch on, checkpoints are signed with `new_vkey`. */
struct leaf_key {
    int64_t time_ms;
    struct slice old_vkey, new_vkey; /* plain: ASCII without blanks, quotes and backslashes */
};

/*
 * SL_ELIMIT when the leaf would exceed LEAF_BYTES_MAX, or there are too many classes or situations.
 * A subject's draft is not a receipt yet: leaf_parse() refuses it until leaf_complete(). The node's
 * is one.
 */
SL_NODISCARD enum sl_err leaf_draft_flow(const struct leaf_flow *flow, struct leaf_draft *out);
SL_NODISCARD enum sl_err leaf_draft_policy(const struct leaf_policy *policy,
                                           struct leaf_draft *out);
SL_NODISCARD enum sl_err leaf_draft_erasure(int64_t time_ms, struct leaf_draft *out);
SL_NODISCARD enum sl_err leaf_draft_outcome(const struct leaf_outcome *outcome,
                                            struct leaf_draft *out);
SL_NODISCARD enum sl_err leaf_draft_heads(const struct leaf_heads *heads, struct leaf_draft *out);
/* SL_EMALFORMED when a key is not plain. */
SL_NODISCARD enum sl_err leaf_draft_key(const struct leaf_key *key, struct leaf_draft *out);
bool leaf_text_is_plain(struct slice text);

/*
 * The subject-dependent parts: tag = HMAC(K_s, "tag" || 0 || u64be n)[0:16];
 * commitment = SHA-256(salt || digest) with salt = HMAC(K_s, "salt" || 0 || u64be n || field),
 * field "basis" or "body". `body` is ignored unless the draft has a body.
 */
void leaf_tag(const struct hmac_key *key, uint64_t n, uint8_t tag[LEAF_TAG_BYTES]);
void leaf_salt(const struct hmac_key *key, uint64_t n, struct slice field,
               uint8_t salt[SHA256_BYTES]);
void leaf_commit(const struct hmac_key *key, uint64_t n, struct slice field,
                 const uint8_t digest[SHA256_BYTES], uint8_t commitment[SHA256_BYTES]);
void leaf_complete(struct leaf_draft *draft, const struct hmac_key *key, uint64_t n,
                   const uint8_t basis[SHA256_BYTES], const uint8_t body[SHA256_BYTES]);
/* The time in a draft's text. SL_EMALFORMED when it is not one of ours. */
SL_NODISCARD enum sl_err leaf_draft_time_ms(const struct leaf_draft *draft, int64_t *time_ms);

/*
 * A parsed leaf; slices point into `bytes`. Strict: exact field order, no white space, one way to
 * escape, no name twice; so one receipt has one text.
 */
struct leaf {
    enum leaf_kind kind;
    struct slice tag, basis, body; /* base64url text; empty: null, or nobody's receipt */
    int64_t time_ms;
    /* JSON text without quotes, escaped; empty when null. */
    struct slice partner, app, route, purpose, benefit;
    bool released;
    struct slice decision, reason; /* "release" or "refuse"; empty unless it is a flow's */
    struct leaf_policy policy;     /* LEAF_POLICY */
    struct leaf_heads heads;       /* LEAF_HEADS */
    struct leaf_key key;           /* LEAF_KEY */
    struct leaf_outcome outcome;   /* LEAF_OUTCOME */
    size_t n_situations;
    struct slice situations[LEAF_SITUATIONS_MAX]; /* in strictly rising order */
    size_t n_classes;
    struct {
        struct slice name, done;        /* coarse_done_parse() takes `done` */
    } classes[LIMIT_MAX_route_classes]; /* [n_classes] hold */
};
SL_NODISCARD enum sl_err leaf_parse(struct slice bytes, struct leaf *out);

#endif
