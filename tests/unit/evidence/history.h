/*
 * history.h - Lotte's policies and receipts, pinned as a gateway pins them, and the evidence beside
 */
#ifndef SLUIS_TEST_EVIDENCE_HISTORY_H
#define SLUIS_TEST_EVIDENCE_HISTORY_H

#include "help.h"

#include "ledger/basis.h"
#include "ledger/leaf.h"
#include "policy/policy.h"
#include "policy/vocabulary_default.h"
#include "policy/zone.h"

enum { HISTORY_LEAVES_MAX = 16 };

struct history {
    struct text file;
    struct vocabulary *words;
    uint8_t words_sha256[32];
    struct hmac_key key;
    uint64_t version, n;                         /* so far */
    uint8_t digest[32];                          /* of the newest version */
    uint8_t digests[HISTORY_LEAVES_MAX + 1][32]; /* of each, from 1 */
    size_t n_leaves;
    struct leaf_draft leaves[HISTORY_LEAVES_MAX];
};

static inline void history_begin(struct history *history)
{
    struct yaml_problems problems;
    uint8_t key[32];
    memset(history, 0, sizeof *history);
    memset(key, 7, sizeof key);
    hmac_key_init(&history->key, slice_of(key, sizeof key));
    yaml_problems_init(&problems, "test");
    assert_int_equal(vocabulary_load(vocabulary_default_text(), &problems, &history->words), SL_OK);
    yaml_problems_deinit(&problems);
    add_head(&history->file, true);
    add_vocabulary(&history->file, vocabulary_default_text(), history->words_sha256);
    add_subject(&history->file, "lotte", 7);
}

static inline struct leaf_draft *history_complete(struct history *history, struct leaf_draft *leaf,
                                                  const uint8_t basis[32])
{
    static const uint8_t body[32];
    assert_true(history->n_leaves < HISTORY_LEAVES_MAX);
    leaf_complete(leaf, &history->key, history->n++, basis, body);
    history->leaves[history->n_leaves] = *leaf;
    return &history->leaves[history->n_leaves++];
}

static inline void history_pin(struct history *history, const char *yaml, struct slice blob,
                               struct leaf_policy counts)
{
    uint8_t basis[32];
    struct leaf_draft leaf;
    add_policy(&history->file, ++history->version, history->words_sha256, slice_of_str(yaml), blob);
    basis_policy_digest(slice_of_str(yaml), blob, history->words_sha256, history->digest);
    memcpy(history->digests[history->version], history->digest, 32);
    basis_digest(history->version, history->digest, NULL, 0, basis);
    counts.time_ms = 1000 * (int64_t)history->version;
    assert_int_equal(leaf_draft_policy(&counts, &leaf), SL_OK);
    (void)history_complete(history, &leaf, basis);
}

/* A version whose texts are not kept any more: its receipt pins what they were. */
static inline void history_gone(struct history *history)
{
    uint8_t basis[32];
    struct leaf_draft leaf;
    const struct leaf_policy counts = {.time_ms = 1000 * (int64_t)++history->version};
    add_policy(&history->file, history->version, NULL, slice_of(NULL, 0), slice_of(NULL, 0));
    memset(history->digest, 0x11, sizeof history->digest); /* as add_policy() has it */
    memcpy(history->digests[history->version], history->digest, 32);
    basis_digest(history->version, history->digest, NULL, 0, basis);
    assert_int_equal(leaf_draft_policy(&counts, &leaf), SL_OK);
    (void)history_complete(history, &leaf, basis);
}

/* `zone`: the rules that the gateway has for the policy's time zone; empty: this machine's. */
static inline void history_policy(struct history *history, const char *yaml, struct slice zone,
                                  struct leaf_policy counts)
{
    uint8_t block[8192];
    struct yaml_problems problems;
    struct writer writer = writer_over(block, sizeof block);
    SL_AUTO(policy_document) policy = NULL;
    yaml_problems_init(&problems, "test");
    assert_int_equal(
        policy_load_in_zone(slice_of_str(yaml), history->words, zone, &problems, &policy), SL_OK);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    yaml_problems_deinit(&problems);
    history_pin(history, yaml, writer_slice(&writer), counts);
}

static inline struct leaf_flow history_flow(int64_t time_ms, const struct leaf_class *classes,
                                            size_t n)
{
    return (struct leaf_flow){.kind = LEAF_PULL,
                              .time_ms = time_ms,
                              .partner = slice_of_str("spotify"),
                              .app = slice_of_str("waze"),
                              .route = slice_of_str("position"),
                              .purpose = slice_of_str("recommendation"),
                              .benefit = slice_of_str("x"),
                              .released = true,
                              .reason = slice_of_str("consented"),
                              .n_classes = n,
                              .classes = classes};
}

/* On the newest version, and on one consent or none. */
static inline void history_record(struct history *history, const struct leaf_flow *flow,
                                  const char *consent)
{
    uint8_t basis[32];
    struct leaf_draft leaf;
    const struct slice id = slice_of_str(consent);
    basis_digest(history->version, history->digest, &id, consent ? 1 : 0, basis);
    assert_int_equal(leaf_draft_flow(flow, &leaf), SL_OK);
    (void)history_complete(history, &leaf, basis);
}

/* Of the push that is receipt `of`; on the newest version and the same consent. */
static inline void history_outcome(struct history *history, uint64_t of, const char *consent)
{
    uint8_t basis[32];
    struct leaf_draft leaf;
    const struct slice id = slice_of_str(consent);
    const struct leaf_outcome outcome = {
        .time_ms = 5000, .of = of, .delivery = DELIVERY_DELIVERED, .status = 200};
    basis_digest(history->version, history->digest, &id, consent ? 1 : 0, basis);
    assert_int_equal(leaf_draft_outcome(&outcome, &leaf), SL_OK);
    (void)history_complete(history, &leaf, basis);
}

static inline void history_erase(struct history *history)
{
    uint8_t basis[32];
    struct leaf_draft leaf;
    basis_digest(history->version, history->digest, NULL, 0, basis);
    assert_int_equal(leaf_draft_erasure(9000, &leaf), SL_OK);
    (void)history_complete(history, &leaf, basis);
}

static inline void history_end(struct history *history)
{
    add_end(&history->file, 1, history->version);
}

static inline struct slice history_leaf(const struct history *history, uint64_t i)
{
    return slice_of(history->leaves[i].bytes, history->leaves[i].n);
}

static inline void history_free(struct history *history)
{
    vocabulary_free(history->words);
    free(history->file.bytes);
}

#endif
