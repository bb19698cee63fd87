/*
 * consent.c - the recorder commits a policy change and gives it its place, in that order
 *
 *   caller's thread                     recorder's thread
 *   load, check, compile, diff
 *   submit ---------------------------> commit to LMDB, with the receipt as `pending`
 *                                       number, hash, sign, write
 *   wait  <---------------------------- durable
 *
 * A crash between commit and write leaves the change in force and its receipt pending; the next
 * start records it before any flow. So the store may be ahead of the ledger for as long as no
 * flow can see it.
 */
#include "flow/consent.h"

#include "base/reader.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_BYTES_MAX = 2 + LEAF_BYTES_MAX + 8 + SHA256_BYTES };

/* --- what the recorder asks of the store ------------------------------------------------- */

static enum sl_err load_subject(void *context, const uint8_t subject[SUBJECT_ID_BYTES],
                                uint8_t key[SUBJECT_KEY_BYTES], uint64_t *policy_version)
{
    struct consent_memory *memory = context;
    struct store_subject found;
    SL_TRY(store_read(memory->reader, subject, &found));
    uint64_t version = found.version;
    bool known = found.found;
    store_read_end(memory->reader);
    if (!known)
        return SL_EMALFORMED;
    SL_TRY(store_subject_key(memory->reader, subject, key));
    *policy_version = version;
    return SL_OK;
}

static void pending_write(const struct record *record, struct writer *writer)
{
    write_u16(writer, record->leaf.n);
    write_bytes(writer, slice_of(record->leaf.bytes, record->leaf.n));
    write_u64(writer, record->policy_version);
    write_bytes(writer, slice_of(record->basis, sizeof record->basis));
}

static enum sl_err pending_read(struct slice pending, struct record *record)
{
    struct reader reader = reader_over(pending);
    uint16_t n = read_u16(&reader);
    struct slice leaf = read_bytes(&reader, n);
    record->policy_version = read_u64(&reader);
    struct slice basis = read_bytes(&reader, SHA256_BYTES);
    if (reader.bad || reader_left(&reader) != 0 || n > LEAF_BYTES_MAX)
        return SL_ESTORE;
    record->leaf.n = n;
    record->leaf.has_subject = true;
    record->leaf.has_body = false;
    memcpy(record->leaf.bytes, leaf.p, leaf.n);
    memcpy(record->basis, basis.p, basis.n);
    return SL_OK;
}

static enum sl_err commit_change(void *context, struct record *record, uint64_t n)
{
    struct consent_memory *memory = context;
    struct store_change *stored = record->change;
    if (!stored) /* committed before a crash */
        return SL_OK;
    uint8_t pending[PENDING_BYTES_MAX];
    struct writer writer = writer_over(pending, sizeof pending);
    pending_write(record, &writer);
    stored->pending = writer_slice(&writer);
    stored->n = n;
    return store_put_policy(memory->store, stored);
}

static enum sl_err each_subject(void *context,
                                bool (*visit)(void *visit_context,
                                              const uint8_t id[SUBJECT_ID_BYTES],
                                              const uint8_t key[SUBJECT_KEY_BYTES]),
                                void *visit_context)
{
    struct consent_memory *memory = context;
    return store_each_key(memory->reader, visit, visit_context);
}

struct recorder_ops consent_recorder_ops(struct consent_memory *memory)
{
    return (struct recorder_ops){
        .load_subject = load_subject,
        .commit_change = commit_change,
        .each_subject = each_subject,
        .context = memory,
    };
}

/* --- one change ---------------------------------------------------------------------------- */

/* A change that no full disk and no change of the configuration may hold up. */
static bool takes_only_away(const struct policy_change *change)
{
    return change->granted == 0 && change->changed == 0 && change->refusals_removed == 0;
}

/* Submits, and waits until the recorder hands it back. */
static enum sl_err record_and_wait(struct recorder *recorder, struct record *record)
{
    struct mailbox box;
    SL_TRY(mailbox_init(&box));
    record->reply_to = &box;
    bool taken = recorder_submit(recorder, record);
    if (taken) {
        recorder_kick(recorder);
        do
            mailbox_wait(&box);
        while (!mailbox_take(&box));
    }
    mailbox_deinit(&box);
    return taken ? SL_OK : SL_ESTORE;
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
    *unchanged = found && slice_equals(current.yaml, yaml);
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
    record->change = stored;
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

static void forget_pending(struct store *store, const struct store_change *stored)
{
    enum sl_err err = store_pending_done(store, stored->id, stored->n, true);
    (void)err;
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
    struct record record = {0};
    enum store_refusal why = STORE_CONFLICT;
    stored.why = &why;
    enum sl_err err = compile_blob(policy, problems, &block, &stored.blob);
    if (err == SL_EMALFORMED || err == SL_ELIMIT)
        outcome = CONSENT_INVALID;
    else if (err != SL_OK || draft(node, &receipt->change, &stored, &record) != SL_OK)
        outcome = fail(receipt, "out of memory");
    else if (record_and_wait(node->recorder, &record) != SL_OK)
        outcome = fail(receipt, "the recorder can't take the change now; try again");
    else
        outcome = outcome_of(node, &record, why, receipt);
    /* If the note of it can't be taken out (a full disk), the next start sees that it is done. */
    if (outcome == CONSENT_RECORDED)
        forget_pending(node->store, &stored);
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

/* --- after a crash --------------------------------------------------------------------------- */

struct missing {
    struct record record; /* first */
    uint64_t n;
    struct missing *next;
};

struct consent_missing {
    struct store *store;
    struct recorder *recorder;
    struct missing *first, **last;
    enum sl_err err;
};

static bool find_missing(void *context, const uint8_t id[STORE_SUBJECT_ID_BYTES], uint64_t n,
                         struct slice pending)
{
    struct consent_missing *list = context;
    uint64_t n_recorded = 0;
    list->err = recorder_subject_count(list->recorder, id, &n_recorded);
    if (list->err != SL_OK)
        return false;
    struct missing *missing = calloc(1, sizeof *missing);
    if (!missing) {
        list->err = SL_EINTERNAL;
        return false;
    }
    missing->n = n;
    missing->record.kind = RECORD_CONSENT;
    missing->record.may_use_reserve = true; /* in force already */
    missing->record.subject_known = true;
    missing->record.outcome = n < n_recorded ? RECORD_DURABLE : RECORD_FAILED;
    memcpy(missing->record.subject, id, sizeof missing->record.subject);
    *list->last = missing;
    list->last = &missing->next;
    list->err = pending_read(pending, &missing->record);
    return list->err == SL_OK;
}

enum sl_err consent_missing_find(struct store *store, struct recorder *recorder,
                                 struct consent_missing **out)
{
    SL_AUTO(consent_missing) list = calloc(1, sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    list->store = store;
    list->recorder = recorder;
    list->last = &list->first;
    SL_TRY(store_pending_each(store, find_missing, list));
    SL_TRY(list->err);
    *out = list;
    list = NULL;
    return SL_OK;
}

uint64_t consent_missing_count(const struct consent_missing *list)
{
    uint64_t n = 0;
    for (const struct missing *missing = list->first; missing; missing = missing->next)
        n += missing->record.outcome != RECORD_DURABLE;
    return n;
}

enum sl_err consent_missing_record(struct consent_missing *list, struct recorder *recorder)
{
    for (struct missing *missing = list->first; missing; missing = missing->next) {
        if (missing->record.outcome != RECORD_DURABLE)
            SL_TRY(record_and_wait(recorder, &missing->record));
        if (missing->record.outcome != RECORD_DURABLE)
            return SL_ESTORE;
        SL_TRY(store_pending_done(list->store, missing->record.subject, missing->n, true));
    }
    return SL_OK;
}

void consent_missing_free(struct consent_missing *list)
{
    while (list && list->first) {
        struct missing *missing = list->first;
        list->first = missing->next;
        free(missing);
    }
    free(list);
}
