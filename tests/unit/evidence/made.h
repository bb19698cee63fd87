/*
 * made.h - a history in a ledger with a signed checkpoint, and the records that come of it
 *
 * The log's key is made of one byte, so whatever is made here once can be checked for ever.
 */
#ifndef SLUIS_TEST_EVIDENCE_MADE_H
#define SLUIS_TEST_EVIDENCE_MADE_H

#include "../ledger/signing.h"
#include "history.h"

#include "evidence/export_check.h"
#include "evidence/recompile.h"
#include "evidence/record.h"
#include "ledger/checkpoint.h"
#include "ledger/proof_catch.h"
#include "ledger/tlog_proof.h"

#include <stdio.h>

enum { MADE_LOG_SEED = 42 };

struct made {
    struct history history;
    struct signing log;
    struct archive *archive;
    struct recompiled compiled[HISTORY_LEAVES_MAX];
    struct consent_version versions[HISTORY_LEAVES_MAX];
    json_t *evidence[HISTORY_LEAVES_MAX];
    struct consent_lives lives;
    char note[2048];
    struct record record; /* its life is for the test to choose */
};

static inline struct slice made_checkpoint(const struct made *made, char *block, size_t cap)
{
    struct tree tree;
    struct checkpoint checkpoint = {.origin = slice_of_str(made->log.name),
                                    .size = made->history.n_leaves};
    struct writer writer = writer_over(block, cap);
    tree_init(&tree);
    for (size_t i = 0; i < made->history.n_leaves; i++) {
        uint8_t hash[32];
        tree_leaf_hash(history_leaf(&made->history, i), hash);
        tree_append(&tree, hash);
    }
    tree_root(&tree, checkpoint.root);
    write_checkpoint(&writer, &checkpoint);
    struct slice text = writer_slice(&writer);
    write_str(&writer, "\n");
    signing_write_line(&made->log, text, 0, &writer);
    assert_false(writer.overflow);
    return writer_slice(&writer);
}

static inline struct slice made_proof(const struct made *made, size_t index, char *block,
                                      size_t cap)
{
    char note[1024];
    struct tlog_proof proof = {.index = index,
                               .checkpoint = made_checkpoint(made, note, sizeof note)};
    struct writer writer = writer_over(block, cap);
    struct proof_catch caught = {0};
    proof_catch_leaf(&caught, index);
    for (size_t i = 0; i < made->history.n_leaves; i++) {
        uint8_t hash[32];
        tree_leaf_hash(history_leaf(&made->history, i), hash);
        proof_catch_add(&caught, hash);
    }
    assert_int_equal(proof_inclusion_make(proof_catch_source(&caught), index,
                                          made->history.n_leaves, &proof.proof),
                     SL_OK);
    assert_int_equal(tlog_proof_write(&proof, &writer), SL_OK);
    return writer_slice(&writer);
}

/* Everything of receipt `index`, which rests on `version`; its texts, when it made that. */
static inline json_t *made_evidence(struct made *made, size_t index, uint64_t version, bool is_made)
{
    char block[4096];
    const struct archive_version *archived = &made->archive->versions[version - 1];
    struct exported exported = {.receipt = history_leaf(&made->history, index),
                                .proof = made_proof(made, index, block, sizeof block),
                                .opens_basis = true,
                                .version = version,
                                .has_parts = archived->is_kept};
    leaf_salt(&made->history.key, index, slice_of_str("basis"), exported.basis_salt);
    memcpy(exported.digest, made->history.digests[version], sizeof exported.digest);
    if (archived->is_kept) {
        sha256_of(archived->yaml, exported.parts[0]);
        sha256_of(archived->blob, exported.parts[1]);
        memcpy(exported.parts[2], archived->vocabulary_sha256, sizeof exported.parts[2]);
    }
    if (archived->is_kept && is_made) {
        exported.text = archived->yaml;
        exported.blob = archived->blob;
    }
    return exported_json(&exported);
}

/* What the head of the evidence says, signed. */
static inline void made_state(struct made *made, int64_t time_ms)
{
    const struct evidence_head *head = &made->archive->head;
    struct writer writer = writer_over(made->note, sizeof made->note);
    made->record.statement = (struct statement){.origin = head->origin,
                                                .time_ms = time_ms,
                                                .controller = head->controller,
                                                .n_apps = head->n_apps,
                                                .n_partners = head->n_partners,
                                                .apps = head->apps,
                                                .partners = head->partners};
    assert_int_equal(statement_write(&made->record.statement, &writer), SL_OK);
    struct slice text = writer_slice(&writer);
    write_str(&writer, "\n");
    signing_write_line(&made->log, text, 0, &writer);
    assert_false(writer.overflow);
    made->record.note = writer_slice(&writer);
}

/* After the last receipt. Receipts are policy changes, and at the end perhaps an erasure. */
static inline void made_end(struct made *made, int64_t as_of_ms)
{
    struct archive_problem problem;
    struct history *history = &made->history;
    history_end(history);
    signing_init(&made->log, "gateway.example/1", VKEY_ED25519, MADE_LOG_SEED);
    assert_int_equal(archive_load(text_slice(&history->file), &problem, &made->archive), SL_OK);
    for (size_t i = 0; i < history->n_leaves; i++) {
        struct leaf leaf;
        assert_int_equal(leaf_parse(history_leaf(history, i), &leaf), SL_OK);
        bool is_policy = leaf.kind == LEAF_POLICY;
        uint64_t version = is_policy ? i + 1 : history->version;
        made->evidence[i] = made_evidence(made, i, version, is_policy);
        made->versions[i] = (struct consent_version){
            .receipt = i, .time_ms = leaf.time_ms, .is_erasure = !is_policy};
        if (!is_policy || !made->archive->versions[i].is_kept)
            continue;
        assert_int_equal(recompile(&made->archive->versions[i], &made->compiled[i]), SL_OK);
        made->versions[i].policy = made->compiled[i].policy;
    }
    assert_int_equal(consents_trace(made->versions, history->n_leaves, as_of_ms, &made->lives),
                     SL_OK);
    made->record.as_of_ms = as_of_ms;
    made->record.n_versions = history->n_leaves;
    made->record.versions = made->versions;
    made->record.evidence = made->evidence;
    made_state(made, as_of_ms);
}

static inline void made_free(struct made *made)
{
    consent_lives_free(&made->lives);
    for (size_t i = 0; i < made->history.n_leaves; i++) {
        json_decref(made->evidence[i]);
        recompiled_free(&made->compiled[i]);
    }
    archive_free(made->archive);
    history_free(&made->history);
}

static inline enum sluis_verify_result made_check(const struct made *made, const json_t *value,
                                                  struct export_report *report)
{
    const struct sluis_trust trust = {.vkey = made->log.vkey_text};
    char *text = json_dumps(value, JSON_COMPACT);
    assert_non_null(text);
    enum sluis_verify_result result = export_check(slice_of_str(text), &trust, NULL, report);
    free(text);
    return result;
}

static inline json_t *made_other(const json_t *word)
{
    if (json_is_string(word))
        return json_string("something else");
    if (json_is_integer(word))
        return json_integer(json_integer_value(word) + 1);
    return json_boolean(!json_is_true(word));
}

/*
 * Puts another one in the place of the `*n`-th text, number or truth value, counted from 0. `as_of`
 * is no such word: it says up to when the record knows. False, and `*n` is smaller by their number,
 * when there are not so many.
 */
static inline bool made_alter(json_t *value, size_t *n)
{
    const char *key;
    json_t *member;
    size_t i;
    bool is_word;
    json_object_foreach(value, key, member)
    {
        is_word = !json_is_object(member) && !json_is_array(member);
        if (strcmp(key, "as_of") == 0)
            continue;
        if (is_word && (*n)-- == 0)
            return json_object_set_new(value, key, made_other(member)) == 0;
        if (!is_word && made_alter(member, n))
            return true;
    }
    json_array_foreach(value, i, member)
    {
        is_word = !json_is_object(member) && !json_is_array(member);
        if (is_word && (*n)-- == 0)
            return json_array_set_new(value, i, made_other(member)) == 0;
        if (!is_word && made_alter(member, n))
            return true;
    }
    return false;
}

#endif
