/*
 * leaf.h - one receipt: a JSON object on one line, fixed field order, at most 1,024 bytes
 *
 * Shape   {"sluis":1,"tag":"<22>","basis":"<43>","body":"<43>","kind":"pull","time":"...",
 *          "partner":"..","app":"..","route":"..","purpose":"..","benefit":"..",
 *          "decision":"release","reason":"consented","data":{"location":"5000m 900s",..}}
 *         tag, basis and body have fixed places and widths, so that a data thread drafts the
 *         whole leaf and the recorder only fills in what depends on the subject's number.
 *         A release has a body, a refusal and a policy change have null.
 * Owns    nothing; a draft is a plain value
 * Spec    docs/formats/receipt.md
 */
#ifndef SLUIS_LEDGER_LEAF_H
#define SLUIS_LEDGER_LEAF_H

#include "base/err.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/slice.h"

enum {
    LEAF_BYTES_MAX = LIMIT_MAX_receipt_bytes,
    LEAF_TAG_BYTES = 16, /* 22 characters of base64url */
};

struct leaf_draft {
    uint16_t n;
    bool has_body;
    uint8_t bytes[LEAF_BYTES_MAX];
};

/* What was done to one data class: "kept", "dropped", or "5000m", "900s", "5000m 900s". */
struct leaf_class {
    struct slice name;
    bool kept; /* coarsened counts as kept */
    uint32_t precision_m;
    uint32_t time_s;
};

/* A flow's receipt. Empty slices are written as null; the reason is never empty. */
struct leaf_flow {
    struct slice kind; /* "pull" */
    int64_t time_ms;
    struct slice partner, app, route, purpose, benefit;
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
 * SL_ELIMIT when the leaf would exceed LEAF_BYTES_MAX, or there are too many classes. A draft is
 * not a receipt yet: leaf_parse() refuses it.
 */
SL_NODISCARD enum sl_err leaf_draft_flow(const struct leaf_flow *flow, struct leaf_draft *out);
SL_NODISCARD enum sl_err leaf_draft_policy(const struct leaf_policy *policy,
                                           struct leaf_draft *out);

/*
 * The subject-dependent parts: tag = HMAC(K_s, "tag" || 0 || u64be n)[0:16];
 * commitment = SHA-256(salt || digest) with salt = HMAC(K_s, "salt" || 0 || u64be n || field),
 * field "basis" or "body". `body` is ignored unless the draft has a body.
 */
void leaf_tag(const struct hmac_key *key, uint64_t n, uint8_t tag[LEAF_TAG_BYTES]);
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
    struct slice tag, basis, body; /* base64url text; body empty when null */
    struct slice kind;
    int64_t time_ms;
    /* JSON text without quotes, escaped; empty when null. */
    struct slice partner, app, route, purpose, benefit;
    bool released;
    struct slice decision, reason; /* "release" or "refuse"; all empty in kind "policy" */
    size_t n_classes;
    struct {
        struct slice name, done;
    } classes[LIMIT_MAX_route_classes];
    struct leaf_policy policy; /* kind "policy" */
};
SL_NODISCARD enum sl_err leaf_parse(struct slice bytes, struct leaf *out);

#endif
