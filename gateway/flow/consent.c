/*
 * consent.c - from the text of a policy to the record of its change
 *
 *   load, check, compile, compare with the policy in force, draft the receipt, record (change.c)
 */
#include "flow/consent.h"

#include "base/timestamp.h"
#include "flow/change.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A change that no full disk and no change of the configuration may hold up. */
static bool takes_only_away(const struct policy_change *change)
{
    return change->granted == 0 && change->changed == 0 && change->refusals_removed == 0;
}

/* The policy in force: its version and what it was made of. `old` stays NULL when none is. */
static enum sl_err load_old(struct node *node, struct store_reader *reader, struct slice name,
                            struct store_change *stored, uint64_t *version, struct slice yaml,
                            bool *unchanged, struct policy_document **old)
{
    bool found = false;
    SL_TRY(store_find(reader, name, stored->id, &found));
    *version = 0;
    *unchanged = false;
    if (!found) {
        store_new_id(stored->id);
        return SL_OK;
    }
    struct store_subject subject;
    SL_TRY(store_read(reader, stored->id, &subject));
    *version = subject.version;
    store_read_end(reader);
    if (*version == 0)
        return SL_OK;

    struct store_version current;
    SL_TRY(store_version_get(reader, stored->id, *version, &current, &found));
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy in force");
    /* The same text is another policy where words or layout have changed since. */
    *unchanged = found && slice_equals(current.yaml, yaml) &&
                 current.vocabulary_version == vocabulary_version(node->config->vocabulary) &&
                 policy_blob_is_current(current.blob);
    /* A policy that today's vocabulary no longer knows counts as none: all of the new is granted.
     */
    if (found && policy_load(current.yaml, node->config->vocabulary, &problems, old) != SL_OK)
        *old = NULL;
    yaml_problems_deinit(&problems);
    store_read_end(reader);
    return SL_OK;
}

static enum consent_outcome fail(struct consent_receipt *receipt, const char *what)
{
    snprintf(receipt->text, sizeof receipt->text, "%s", what);
    return CONSENT_FAILED;
}

static enum consent_outcome conflict(struct consent_receipt *receipt, uint64_t found,
                                     int64_t expected)
{
    receipt->version = found;
    snprintf(receipt->text, sizeof receipt->text,
             "the policy is at version %llu, but the change was made from version %lld; "
             "get the newest version and make the change there",
             (unsigned long long)found, (long long)expected);
    return CONSENT_CONFLICT;
}

static enum consent_outcome rejected(const struct record *record, enum store_refusal why,
                                     struct consent_receipt *receipt)
{
    if (why == STORE_CONFLICT)
        return conflict(receipt, record->policy_version, (int64_t)record->policy_version - 1);
    snprintf(receipt->text, sizeof receipt->text,
             "the subject's name is another subject's user name at an app, and one consent must "
             "never open another person's data; name this subject otherwise, and set its user "
             "names with `sluis subject account`");
    return CONSENT_TAKEN;
}

static enum consent_outcome outcome_of(struct node *node, const struct record *record,
                                       enum store_refusal why, struct consent_receipt *receipt)
{
    switch (record->outcome) {
    case RECORD_DURABLE:
        receipt->version = record->policy_version;
        receipt->index = record->index;
        return CONSENT_RECORDED;
    case RECORD_REJECTED:
        return rejected(record, why, receipt);
    case RECORD_FULL:
        return fail(receipt, "the disk is full, and so is the reserve of the ledger; make room on "
                             "the state folder's disk");
    case RECORD_STALE:
    case RECORD_DENIED:
    case RECORD_FAILED:
        break;
    }
    return fail(receipt, recorder_failure(node->recorder));
}

static enum sl_err compile_blob(const struct policy_document *policy,
                                struct yaml_problems *problems, uint8_t **block, struct slice *blob)
{
    uint8_t *room = malloc(POLICY_BLOB_BYTES_MAX);
    if (!room)
        return SL_EINTERNAL;
    struct writer writer = writer_over(room, POLICY_BLOB_BYTES_MAX);
    enum sl_err err = policy_compile(policy, problems, &writer);
    if (err != SL_OK) {
        free(room);
        return err;
    }
    *block = room;
    *blob = writer_slice(&writer);
    return SL_OK;
}

/* The receipt's draft and what it is pinned to. */
static enum sl_err draft(struct node *node, const struct policy_change *counts,
                         struct store_change *stored, struct record *record)
{
    const struct vocabulary *vocabulary = node->config->vocabulary;
    stored->vocabulary_version = vocabulary_version(vocabulary);
    memcpy(stored->vocabulary_sha256, vocabulary_sha256(vocabulary), SHA256_BYTES);
    stored->vocabulary = vocabulary_text(vocabulary);
    uint8_t policy_digest[SHA256_BYTES];
    basis_policy_digest(stored->yaml, stored->blob, stored->vocabulary_sha256, policy_digest);
    basis_digest(stored->expected_version + 1, policy_digest, NULL, 0, record->basis);

    record->kind = RECORD_CONSENT;
    record->may_use_reserve = takes_only_away(counts);
    record->subject_known = true;
    memcpy(record->subject, stored->id, sizeof record->subject);
    record->policy_version = stored->expected_version + 1;
    struct leaf_policy leaf = {
        .time_ms = stored->time_ms,
        .granted = counts->granted,
        .changed = counts->changed,
        .withdrawn = counts->withdrawn,
        .refusals_added = counts->refusals_added,
        .refusals_removed = counts->refusals_removed,
    };
    return leaf_draft_policy(&leaf, &record->leaf);
}

/* `policy` is loaded; what remains needs the store and the recorder. */
static enum consent_outcome put_loaded(struct node *node, const struct policy_document *policy,
                                       struct slice yaml, int64_t expected_version,
                                       struct yaml_problems *problems,
                                       struct consent_receipt *receipt)
{
    SL_AUTO(store_reader) reader = NULL;
    SL_AUTO(policy_document) old = NULL;
    struct store_change stored = {.name = policy->subject, .time_ms = clock_now_ms(), .yaml = yaml};
    bool unchanged = false;
    if (store_reader_new(node->store, &reader) != SL_OK ||
        load_old(node, reader, policy->subject, &stored, &stored.expected_version, yaml, &unchanged,
                 &old) != SL_OK)
        return fail(receipt, "the policy in force can't be read from the store");
    receipt->version = stored.expected_version;
    if (expected_version != CONSENT_ANY_VERSION &&
        (uint64_t)expected_version != stored.expected_version)
        return conflict(receipt, stored.expected_version, expected_version);
    if (unchanged)
        return CONSENT_UNCHANGED;

    policy_compare(old, policy, &receipt->change, NULL);
    bool only_withdraws = takes_only_away(&receipt->change) && receipt->change.refusals_added == 0;
    if (!only_withdraws)
        config_check_policy(node->config, policy, problems);
    if (problems->n_errors > 0)
        return CONSENT_INVALID;
    if (store_is_low(node->store) && !takes_only_away(&receipt->change))
        return fail(receipt, "the disk is full; what room is left is kept for withdrawals. Make "
                             "room on the state folder's disk, then try again");

    uint8_t *block = NULL;
    enum consent_outcome outcome = CONSENT_FAILED;
    struct change change = {.policy = &stored};
    struct record record = {.change = &change};
    enum store_refusal why = STORE_CONFLICT;
    stored.why = &why;
    enum sl_err err = compile_blob(policy, problems, &block, &stored.blob);
    if (err == SL_EMALFORMED || err == SL_ELIMIT)
        outcome = CONSENT_INVALID;
    else if (err != SL_OK || draft(node, &receipt->change, &stored, &record) != SL_OK)
        outcome = fail(receipt, "out of memory");
    else if (change_record(node->recorder, &record) != SL_OK)
        outcome = fail(receipt, "the recorder can't take the change now; try again");
    else
        outcome = outcome_of(node, &record, why, receipt);
    /* If the note of it can't be taken out (a full disk), the next start sees that it is done. */
    if (outcome == CONSENT_RECORDED) {
        err = store_pending_done(node->store, change.number, true);
        (void)err;
    }
    free(block);
    return outcome;
}

enum consent_outcome consent_put(struct node *node, struct slice yaml, int64_t expected_version,
                                 struct yaml_problems *problems, struct consent_receipt *receipt)
{
    memset(receipt, 0, sizeof *receipt);
    SL_AUTO(policy_document) policy = NULL;
    if (policy_load(yaml, node->config->vocabulary, problems, &policy) != SL_OK)
        return CONSENT_INVALID;
    return put_loaded(node, policy, yaml, expected_version, problems, receipt);
}
