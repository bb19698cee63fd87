/*
 * erasure.c - from a subject's id to the receipt of its end
 *
 *   read the version in force, draft the receipt, record (change.c) ── another version by now? ──┐
 *        ▲                                                                                       │
 *        └───────────────────────────────────────────────────────────────────────────────────────┘
 *
 * The receipt pins the version that was in force last. When the policy changes between the look
 * and the receipt's place, the store refuses, and the whole is tried again.
 */
#include "flow/erasure.h"

#include "base/timestamp.h"
#include "flow/change.h"
#include "ledger/basis.h"

#include <stdio.h>
#include <string.h>

enum { TRIES = 16 };

static enum erasure_outcome fail(struct erasure_receipt *receipt, const char *text)
{
    snprintf(receipt->text, sizeof receipt->text, "%s", text);
    return ERASURE_FAILED;
}

static enum sl_err draft(const struct store_subject *subject, struct record *record)
{
    basis_digest(subject->version, subject->policy_digest, NULL, 0, record->basis);
    record->kind = RECORD_ERASURE;
    record->may_use_reserve = true;
    record->subject_known = true;
    record->policy_version = subject->version;
    return leaf_draft_erasure(clock_now_ms(), &record->leaf);
}

/* What apps told of them goes at once, whatever becomes of the rest: unknown means not so. */
static void forget_situations(const struct node *node, const struct store_subject *subject)
{
    for (size_t i = 0; i < node->config->n_apps; i++)
        situations_forget(node->situations, i, store_account(subject, node->config->apps[i].id));
}

/* One try. *again: the policy was at another version by then. */
static enum erasure_outcome attempt(struct node *node, struct store_reader *reader,
                                    const uint8_t id[STORE_SUBJECT_ID_BYTES], bool *again,
                                    struct erasure_receipt *receipt)
{
    struct store_subject subject;
    if (store_read(reader, id, &subject) != SL_OK)
        return fail(receipt, "the subject can't be read from the store");
    enum store_refusal why = STORE_UNKNOWN;
    struct store_erasure erasure = {.expected_version = subject.version, .why = &why};
    struct change change = {.erasure = &erasure};
    struct record record = {.change = &change};
    memcpy(erasure.id, id, sizeof erasure.id);
    memcpy(record.subject, id, sizeof record.subject);
    bool found = subject.found;
    enum sl_err err = draft(&subject, &record);
    if (found)
        forget_situations(node, &subject);
    store_read_end(reader);
    if (!found)
        return ERASURE_NO_SUBJECT;
    if (err != SL_OK || change_record(node->recorder, &record) != SL_OK)
        return fail(receipt, "the recorder can't take the erasure now; try again");
    switch (record.outcome) {
    case RECORD_DURABLE:
        receipt->index = record.index;
        /* If the note of it can't be taken out (a full disk), the next start sees that it is done.
         */
        err = store_pending_done(node->store, change.number, true);
        (void)err;
        return ERASURE_RECORDED;
    case RECORD_REJECTED:
        *again = why == STORE_CONFLICT;
        return ERASURE_NO_SUBJECT;
    case RECORD_FULL:
        return fail(receipt, "the disk is full, and so is the reserve of store or ledger; make "
                             "room on the state folder's disk");
    case RECORD_STALE:
    case RECORD_DENIED:
    case RECORD_FAILED:
        break;
    }
    return fail(receipt, recorder_failure(node->recorder));
}

enum erasure_outcome erasure_record(struct node *node, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                    struct erasure_receipt *receipt)
{
    memset(receipt, 0, sizeof *receipt);
    SL_AUTO(store_reader) reader = NULL;
    if (store_reader_new(node->store, &reader) != SL_OK)
        return fail(receipt, "the store can't be read: out of memory or reader slots");
    for (int i = 0; i < TRIES; i++) {
        bool again = false;
        enum erasure_outcome outcome = attempt(node, reader, id, &again, receipt);
        if (!again)
            return outcome;
    }
    return fail(receipt, "the policy changes faster than it can be erased; try again");
}
