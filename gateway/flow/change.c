/*
 * change.c - the recorder commits a change and gives its receipt its place, in that order; and
 *            before flows are written it commits what they use
 *
 *   caller's thread                     recorder's thread
 *   submit ---------------------------> commit to LMDB, with a note of the receipt
 *                                       number, hash, sign, write
 *   wait  <---------------------------- durable
 *
 * A crash between commit and write leaves the change in force and its receipt pending; the next
 * start records it before any flow. So the store may be ahead of the ledger for as long as no
 * flow can see it.
 *
 * The note of a policy change is its draft: which number the receipt has among those of its
 * subject is settled when it is recorded. The note of an erasure is the whole receipt, which
 * nobody could make again, and nothing else: no id.
 *
 *     | 1 | subject id [16] | u64 version | basis [32] | draft ..
 *     | 2 | receipt ..
 */
#include "flow/change.h"

#include "base/reader.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

enum { NOTE_DRAFT = 1, NOTE_RECEIPT = 2 };
enum { NOTE_BYTES_MAX = 1 + SUBJECT_ID_BYTES + 8 + SHA256_BYTES + LEAF_BYTES_MAX };

static void note_write(const struct record *record, struct writer *writer)
{
    bool complete = record->kind == RECORD_ERASURE;
    write_u8(writer, complete ? NOTE_RECEIPT : NOTE_DRAFT);
    if (!complete) {
        write_bytes(writer, slice_of(record->subject, sizeof record->subject));
        write_u64(writer, record->policy_version);
        write_bytes(writer, slice_of(record->basis, sizeof record->basis));
    }
    write_bytes(writer, slice_of(record->leaf.bytes, record->leaf.n));
}

static enum sl_err note_read(struct slice note, struct record *record)
{
    struct reader reader = reader_over(note);
    uint8_t form = read_u8(&reader);
    if (form == NOTE_DRAFT) {
        struct slice subject = read_bytes(&reader, SUBJECT_ID_BYTES);
        record->policy_version = read_u64(&reader);
        struct slice basis = read_bytes(&reader, SHA256_BYTES);
        if (subject.n != SUBJECT_ID_BYTES || basis.n != SHA256_BYTES)
            return SL_ESTORE;
        memcpy(record->subject, subject.p, subject.n);
        memcpy(record->basis, basis.p, basis.n);
    }
    struct slice leaf = read_bytes(&reader, reader_left(&reader));
    if (reader.bad || leaf.n > LEAF_BYTES_MAX || (form != NOTE_DRAFT && form != NOTE_RECEIPT))
        return SL_ESTORE;
    record->kind = form == NOTE_DRAFT ? RECORD_CONSENT : RECORD_NODE;
    record->leaf.n = (uint16_t)leaf.n;
    record->leaf.has_subject = true; /* the bytes begin with a tag, in an erasure's its last */
    record->leaf.has_body = false;
    memcpy(record->leaf.bytes, leaf.p, leaf.n);
    return SL_OK;
}

/* --- what the recorder asks of the store ------------------------------------------------- */

static enum sl_err load_subject(void *context, const uint8_t subject[SUBJECT_ID_BYTES],
                                uint8_t key[SUBJECT_KEY_BYTES], uint64_t *policy_version)
{
    struct change_memory *memory = context;
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

/* A push has one note for each key; with the index it will have, one of its own without. */
static enum sl_err begin_push(struct change_memory *memory, const struct record *record,
                              struct flow_demand *demand)
{
    struct store_push *push = demand->push;
    push->index = record->index;
    if (!push->has_key)
        store_push_name_by_index(push->index, push->name);
    enum sl_err err = store_push_begin(memory->store, push, record->n_durable);
    demand->is_double = err == SL_EMALFORMED;
    return err;
}

static enum sl_err admit_flow(void *context, struct record *record)
{
    struct change_memory *memory = context;
    struct flow_demand *demand = record->demand;
    if (record->kind == RECORD_OUTCOME) {
        demand->push->outcome_index = record->index;
        return store_push_end(memory->store, demand->push);
    }
    if (demand->push)
        SL_TRY(begin_push(memory, record, demand));
    if (demand->n_allowances == 0)
        return SL_OK;
    enum sl_err err =
        store_charge(memory->store, demand->time_s, demand->allowances, demand->n_allowances);
    if (demand->push && err == SL_EMALFORMED)
        SL_TRY(store_push_take_back(memory->store, demand->push));
    return err;
}

static enum sl_err commit_flows(void *context)
{
    struct change_memory *memory = context;
    return store_batch_commit(memory->store);
}

static size_t copy_heads(const struct record *record, struct store_head heads[RECORDER_HEADS_MAX])
{
    for (size_t i = 0; i < record->n_heads; i++) {
        const struct recorder_head *from = &record->heads[i];
        heads[i] = (struct store_head){.epoch = from->epoch, .delta = from->entry.delta};
        memcpy(heads[i].label, from->entry.label, sizeof heads[i].label);
    }
    return record->n_heads;
}

static enum sl_err commit_change(void *context, struct record *record)
{
    struct change_memory *memory = context;
    struct change *change = record->change;
    if (!change) /* committed before a crash */
        return SL_OK;
    uint8_t note[NOTE_BYTES_MAX];
    struct writer writer = writer_over(note, sizeof note);
    note_write(record, &writer);
    SL_ASSERT(!writer.overflow);
    if (record->kind == RECORD_ERASURE) {
        struct store_head heads[RECORDER_HEADS_MAX];
        change->erasure->pending = writer_slice(&writer);
        change->erasure->heads = heads;
        change->erasure->n_heads = copy_heads(record, heads);
        enum sl_err err = store_erase(memory->store, change->erasure, &change->number);
        change->erasure->heads = NULL;
        return err;
    }
    change->policy->pending = writer_slice(&writer);
    return store_put_policy(memory->store, change->policy, &change->number);
}

static enum sl_err each_subject(void *context,
                                bool (*visit)(void *visit_context,
                                              const uint8_t id[SUBJECT_ID_BYTES],
                                              const uint8_t key[SUBJECT_KEY_BYTES]),
                                void *visit_context)
{
    struct change_memory *memory = context;
    return store_each_key(memory->reader, visit, visit_context);
}

struct keeping {
    bool (*visit)(void *context, const struct heads_entry *entry);
    void *context;
};

static bool visit_kept(void *context, const struct store_head *head)
{
    const struct keeping *keeping = context;
    struct heads_entry entry = {.delta = head->delta};
    memcpy(entry.label, head->label, sizeof entry.label);
    return keeping->visit(keeping->context, &entry);
}

static enum sl_err each_kept(void *context, uint64_t epoch,
                             bool (*visit)(void *visit_context, const struct heads_entry *entry),
                             void *visit_context)
{
    struct change_memory *memory = context;
    struct keeping keeping = {visit, visit_context};
    return store_heads_each(memory->store, epoch, visit_kept, &keeping);
}

/* What can't be forgotten now goes with the next epoch's. */
static void forget_kept(void *context, uint64_t epoch)
{
    struct change_memory *memory = context;
    enum sl_err err = store_heads_forget(memory->store, epoch);
    (void)err;
}

struct recorder_ops change_recorder_ops(struct change_memory *memory)
{
    return (struct recorder_ops){
        .load_subject = load_subject,
        .admit_flow = admit_flow,
        .commit_flows = commit_flows,
        .commit_change = commit_change,
        .each_subject = each_subject,
        .each_kept = each_kept,
        .forget_kept = forget_kept,
        .context = memory,
    };
}

enum sl_err change_record(struct recorder *recorder, struct record *record)
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

/* --- after a crash --------------------------------------------------------------------------- */

struct missing {
    struct record record; /* first */
    uint64_t number;
    struct missing *next;
};

struct change_missing {
    struct store *store;
    struct missing *first, **last;
    enum sl_err err;
};

static bool find_missing(void *context, uint64_t number, struct slice note)
{
    struct change_missing *list = context;
    struct missing *missing = calloc(1, sizeof *missing);
    if (!missing) {
        list->err = SL_EINTERNAL;
        return false;
    }
    *list->last = missing;
    list->last = &missing->next;
    missing->number = number;
    missing->record.may_use_reserve = true; /* in force already */
    missing->record.subject_known = true;
    list->err = note_read(note, &missing->record);
    return list->err == SL_OK;
}

enum sl_err change_missing_find(struct store *store, uint64_t n_recorded,
                                struct change_missing **out)
{
    SL_AUTO(change_missing) list = calloc(1, sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    list->store = store;
    list->last = &list->first;
    SL_TRY(store_pending_done(store, n_recorded, false));
    SL_TRY(store_pending_each(store, find_missing, list));
    SL_TRY(list->err);
    *out = list;
    list = NULL;
    return SL_OK;
}

uint64_t change_missing_count(const struct change_missing *list)
{
    uint64_t n = 0;
    for (const struct missing *missing = list->first; missing; missing = missing->next)
        n++;
    return n;
}

enum sl_err change_missing_record(struct change_missing *list, struct recorder *recorder)
{
    for (struct missing *missing = list->first; missing; missing = missing->next) {
        SL_TRY(change_record(recorder, &missing->record));
        if (missing->record.outcome != RECORD_DURABLE)
            return SL_ESTORE;
        SL_TRY(store_pending_done(list->store, missing->number, true));
    }
    return SL_OK;
}

void change_missing_free(struct change_missing *list)
{
    while (list && list->first) {
        struct missing *missing = list->first;
        list->first = missing->next;
        free(missing);
    }
    free(list);
}
