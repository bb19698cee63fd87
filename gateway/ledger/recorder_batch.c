/*
 * recorder_batch.c - from records that wait to one durable batch
 *
 *     waiting ──▶ fits? ──▶ admit ──▶ number, complete, hash ──▶ block
 *                   │         │                                    │ sign once, write once
 *                  FULL     STALE, REJECTED                      DURABLE
 *                   └─────────┴────────────▶ done ◀────────────────┘ ──▶ reply_to
 *
 * A consent is committed to the store only when its receipt is sure to have a place. From then on
 * the table knows the new version, and a release that was decided on the old one is stale: also
 * when both are in this batch.
 *
 * What flows demand of the store (a quota to be charged) is kept there in one transaction, begun at
 * the first that has a demand and committed before the batch is written, or before a change. So
 * the store may know of a flow that has no receipt, and there is no receipt that it does not know.
 *
 * Nothing is allocated here. A known subject costs one look into a table; an unknown one is given
 * a number under a ghost's key: the same work, and a tag that nobody can tell from another.
 */
#include "base/timestamp.h"
#include "ledger/recorder_parts.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { REPLY_GROUPS = 32 };

/* ----------------------------------------------------------------------------------- room -- */

static uint64_t n_receipts_of(const struct record *record)
{
    return record->kind == RECORD_GROUP ? record->n_members : 1;
}

static size_t bytes_of(const struct record *record)
{
    if (record->kind != RECORD_GROUP)
        return record->leaf.n;
    size_t n = (record->n_members - 1) * BATCH_RECEIPT_EXTRA_BYTES;
    for (size_t i = 0; i < record->n_members; i++)
        n += record->members[i]->leaf.n;
    return n;
}

static bool fits(const struct recorder *r, const struct record *record)
{
    SL_ASSERT(n_receipts_of(record) > 0 && n_receipts_of(record) <= r->batch_receipts);
    uint64_t room = segment_writer_room_bytes(r->segments);
    if (!record->may_use_reserve && !r->spare_ready)
        room = room > r->consent_reserve_bytes ? room - r->consent_reserve_bytes : 0;
    return r->batch.n_receipts + n_receipts_of(record) <= r->batch_receipts &&
           batch_padded_bytes_with(&r->batch, bytes_of(record),
                                   segment_writer_alignment(r->segments)) <= room;
}

static bool commit_flows(struct recorder *r)
{
    if (!r->demands_open)
        return true;
    r->demands_open = false;
    if (r->ops.commit_flows(r->ops.context) == SL_OK)
        return true;
    recorder_fail(r, "what flows use can't be written to the store; see the disk of the state "
                     "folder, then start again");
    return false;
}

/* For an empty batch: waits for the next segment, or begins it. False: there is no room. */
static bool make_room(struct recorder *r, const struct record *record)
{
    if (!commit_flows(r)) /* nobody who needs the store waits with us */
        return false;
    for (bool rolled = false; !fits(r, record); rolled = true) {
        r->spare_ready = segment_writer_await_next(r->segments);
        if (fits(r, record))
            return true;
        if (!r->spare_ready || rolled) /* a group may be larger than a segment */
            return false;
        enum sl_err err = segment_writer_roll(r->segments, r->tree.size);
        r->spare_ready = false;
        if (err == SL_ESTORE)
            recorder_fail(r, "%s", segment_writer_problem(r->segments));
        if (err != SL_OK)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------ admission -- */

/* From the table, or from the store and the index. SL_ELIMIT: the table is full. */
static enum sl_err subject_get(struct recorder *r, const uint8_t id[SUBJECT_ID_BYTES],
                               struct subject_entry **out)
{
    struct subject_entry *entry = subject_table_find(r->subjects, id);
    if (entry) {
        *out = entry;
        return SL_OK;
    }
    if (!subject_table_make_room(r->subjects))
        return SL_ELIMIT;
    struct hmac_key hmac;
    uint8_t key[SUBJECT_KEY_BYTES], label[INDEX_LABEL_BYTES];
    uint64_t n = 0, policy_version = 0;
    SL_TRY(r->ops.load_subject(r->ops.context, id, key, &policy_version));
    hmac_key_init(&hmac, slice_of(key, sizeof key));
    OPENSSL_cleanse(key, sizeof key);
    index_label(&hmac, label);
    enum sl_err err = index_counter(r->index, label, &n);
    if (err == SL_OK) {
        entry = subject_table_add(r->subjects, id);
        entry->key = hmac;
        memcpy(entry->label, label, sizeof label);
        entry->n = n;
        entry->policy_version = policy_version;
        *out = entry;
    }
    OPENSSL_cleanse(&hmac, sizeof hmac);
    return err;
}

static enum record_outcome store_failed(struct recorder *r, const char *what)
{
    recorder_fail(r, "%s; see the disk of the state folder, then start again", what);
    return RECORD_FAILED;
}

/* Outcome DURABLE means: may be written, as a receipt of *subject. */
static enum record_outcome find_subject(struct recorder *r, const struct record *record,
                                        struct subject_entry **subject)
{
    *subject = &r->ghost;
    if (!record->subject_known)
        return RECORD_DURABLE;
    switch (subject_get(r, record->subject, subject)) {
    case SL_OK:
        break;
    case SL_EMALFORMED: /* nobody of this id */
        return record->kind == RECORD_RELEASE ? RECORD_STALE : RECORD_DURABLE;
    case SL_ELIMIT:
        return RECORD_FULL;
    default:
        return store_failed(r, "a subject can't be loaded");
    }
    bool is_stale = (*subject)->policy_version != record->policy_version;
    return record->kind == RECORD_RELEASE && is_stale ? RECORD_STALE : RECORD_DURABLE;
}

/* Keeps in the store what a flow, or a group of them, needs there. */
static enum record_outcome meet_demand(struct recorder *r, struct record *record)
{
    if (!record->demand)
        return RECORD_DURABLE;
    record->index = r->tree.size;
    record->n_durable = atomic_load(&r->tree_size);
    r->demands_open = true;
    r->n_batch_demands += n_receipts_of(record);
    switch (r->ops.admit_flow(r->ops.context, record)) {
    case SL_OK:
        return RECORD_DURABLE;
    case SL_EMALFORMED:
        return RECORD_DENIED;
    case SL_ELIMIT:
        return RECORD_FULL;
    default:
        return store_failed(r, "what a flow uses can't be written to the store");
    }
}

static enum record_outcome admit_flow(struct recorder *r, struct record *record,
                                      struct subject_entry **subject)
{
    enum record_outcome outcome = find_subject(r, record, subject);
    return outcome == RECORD_DURABLE ? meet_demand(r, record) : outcome;
}

static enum record_outcome commit(struct recorder *r, struct record *record)
{
    if (!commit_flows(r))
        return RECORD_FAILED;
    switch (r->ops.commit_change(r->ops.context, record)) {
    case SL_OK:
        return RECORD_DURABLE;
    case SL_EMALFORMED:
        return RECORD_REJECTED;
    case SL_ELIMIT: /* the store's disk is full, and nothing was written */
        return RECORD_FULL;
    default:
        return store_failed(r, "a change can't be written to the store");
    }
}

static enum record_outcome admit_consent(struct recorder *r, struct record *record,
                                         struct subject_entry **subject)
{
    struct subject_entry *entry = subject_table_find(r->subjects, record->subject);
    if (!entry && !subject_table_make_room(r->subjects))
        return RECORD_FULL;
    enum record_outcome outcome = commit(r, record);
    if (outcome != RECORD_DURABLE)
        return outcome;
    /* A new subject has its key only now. */
    if (!entry && subject_get(r, record->subject, &entry) != SL_OK)
        return store_failed(r, "a subject can't be loaded after its policy was written");
    entry->policy_version = record->policy_version;
    *subject = entry;
    return RECORD_DURABLE;
}

/* The subject's last receipt is completed here, so it is not numbered again. */
static enum record_outcome admit_erasure(struct recorder *r, struct record *record)
{
    struct subject_entry *entry = NULL;
    switch (subject_get(r, record->subject, &entry)) {
    case SL_OK:
        break;
    case SL_EMALFORMED: /* nobody of this id */
        return RECORD_REJECTED;
    case SL_ELIMIT:
        return RECORD_FULL;
    default:
        return store_failed(r, "a subject can't be loaded");
    }
    leaf_complete(&record->leaf, &entry->key, entry->n, record->basis, record->body);
    /* Whatever is made from the subject's key has to be made before it is committed. */
    struct recorder_head heads[RECORDER_HEADS_MAX];
    if (recorder_epoch_leave(r, entry, heads, &record->n_heads) != SL_OK)
        return store_failed(r, index_problem(r->index));
    record->heads = heads;
    enum record_outcome outcome = commit(r, record);
    record->heads = NULL;
    record->n_heads = 0;
    if (outcome != RECORD_DURABLE)
        return outcome;
    subject_table_erase(r->subjects, entry);
    r->batch_erases = true;
    return RECORD_DURABLE;
}

/*
 * Heads must be those of the epoch that is closing; a key receipt must go over from the key in use
 * to the one that comes with it.
 */
static enum record_outcome admit_node(struct recorder *r, const struct record *record)
{
    struct leaf leaf;
    if (leaf_parse(slice_of(record->leaf.bytes, record->leaf.n), &leaf) != SL_OK)
        return RECORD_DURABLE; /* not sound, which is seen when it is taken in */
    if (leaf.kind == LEAF_HEADS)
        return recorder_epoch_admits(r, &leaf.heads) ? RECORD_DURABLE : RECORD_REJECTED;
    if (leaf.kind != LEAF_KEY)
        return RECORD_DURABLE;
    if (!record->next_signer || atomic_load(&r->n_keys) >= LIMIT_MAX_ledger_keys ||
        !slice_equals_str(leaf.key.old_vkey, note_signer_vkey(r->signer)) ||
        !slice_equals_str(leaf.key.new_vkey, note_signer_vkey(record->next_signer)) ||
        slice_equals(leaf.key.old_vkey, leaf.key.new_vkey))
        return RECORD_REJECTED;
    r->next_signer = record->next_signer;
    return RECORD_DURABLE;
}

/* A flow was drafted a moment ago, by our own code; a change may have been kept over a crash. */
static bool is_sound(const struct record *record, int64_t *time_ms, bool *is_change)
{
    struct leaf leaf;
    *is_change = false;
    if (leaf_draft_time_ms(&record->leaf, time_ms) != SL_OK)
        return false;
    if (record->kind <= RECORD_OUTCOME)
        return true;
    if (leaf_parse(slice_of(record->leaf.bytes, record->leaf.n), &leaf) != SL_OK)
        return false;
    *is_change = leaf_kind_is_change(leaf.kind);
    return true;
}

/* The next number of its subject. */
static void number(struct recorder *r, struct record *record, struct subject_entry *subject)
{
    leaf_complete(&record->leaf, &subject->key, subject->n, record->basis, record->body);
    if (subject == &r->ghost) {
        subject->n++;
        recorder_epoch_note_unknown(r, record->subject);
    } else {
        subject_table_advance(r->subjects, subject, epochs_running(&r->state.epochs));
    }
}

/* Gives the receipt its place, and its number unless it is complete. */
static void take_in(struct recorder *r, struct record *record, struct subject_entry *subject)
{
    if (subject)
        number(r, record, subject);
    int64_t time_ms;
    bool is_change;
    if (!is_sound(record, &time_ms, &is_change)) {
        recorder_fail(r, "what was to be recorded is not a receipt: %.*s",
                      record->leaf.n < 200 ? (int)record->leaf.n : 200,
                      (const char *)record->leaf.bytes);
        return;
    }
    r->n_batch_changes += is_change;
    if (time_ms > r->newest_ms)
        r->newest_ms = time_ms;
    struct slice bytes = slice_of(record->leaf.bytes, record->leaf.n);
    uint8_t hash[SHA256_BYTES];
    tree_leaf_hash(bytes, hash);
    record->index = r->tree.size;
    r->batch_tiles.n += tree_append_tile(&r->tree, hash, r->batch_tiles.roots[r->batch_tiles.n]);
    batch_add(&r->batch, bytes);
    recorder_epoch_note(r, record, time_ms);
}

/* Nothing is changed before all members are found fit, and what they need is kept. */
static enum record_outcome admit_group(struct recorder *r, struct record *group)
{
    struct subject_entry *subject;
    enum record_outcome outcome = RECORD_DURABLE;
    for (size_t i = 0; i < group->n_members; i++) {
        struct record *member = group->members[i];
        SL_ASSERT(member->kind == RECORD_RELEASE && member->subject_known && !member->demand);
        member->outcome = find_subject(r, member, &subject);
        if (member->outcome != RECORD_DURABLE && outcome != RECORD_FAILED)
            outcome = member->outcome;
    }
    if (outcome == RECORD_DURABLE)
        outcome = meet_demand(r, group);
    if (outcome != RECORD_DURABLE)
        return outcome;
    group->index = r->tree.size;
    for (size_t i = 0; i < group->n_members; i++) {
        if (find_subject(r, group->members[i], &subject) != RECORD_DURABLE)
            return store_failed(r, "a subject that was there a moment ago can't be loaded");
        take_in(r, group->members[i], subject);
    }
    return RECORD_DURABLE;
}

static enum record_outcome admit(struct recorder *r, struct record *record)
{
    if (record->kind == RECORD_GROUP)
        return admit_group(r, record);

    struct subject_entry *subject = NULL;
    enum record_outcome outcome;
    if (record->kind == RECORD_CONSENT)
        outcome = admit_consent(r, record, &subject);
    else if (record->kind == RECORD_ERASURE)
        outcome = admit_erasure(r, record);
    else if (record->kind == RECORD_NODE)
        outcome = admit_node(r, record);
    else
        outcome = admit_flow(r, record, &subject);
    if (outcome == RECORD_DURABLE)
        take_in(r, record, subject);
    return outcome;
}

/* -------------------------------------------------------------------------------- writing -- */

static enum sl_err sign(struct recorder *r, uint8_t root[SHA256_BYTES], struct writer *note)
{
    uint8_t text[CHECKPOINT_TEXT_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    struct checkpoint checkpoint = {.origin = slice_of(r->origin, r->origin_n),
                                    .size = r->tree.size};
    tree_root(&r->tree, checkpoint.root);
    memcpy(root, checkpoint.root, sizeof checkpoint.root);
    write_checkpoint(&writer, &checkpoint);
    SL_ASSERT(!writer.overflow);
    return note_sign(r->signer, writer_slice(&writer), note);
}

/* What others may know of, now that it is durable. */
static void publish(struct recorder *r, struct slice checkpoint)
{
    atomic_store(&r->newest_time_ms, r->newest_ms);
    atomic_store(&r->tree_size, r->tree.size);
    atomic_store(&r->n_headed, r->state.epochs.n_headed);
    pthread_mutex_lock(&r->head_lock);
    r->head.tree = r->tree;
    memcpy(r->head.note, checkpoint.p, checkpoint.n);
    r->head.note_n = checkpoint.n;
    pthread_mutex_unlock(&r->head_lock);
}

static void write_batch(struct recorder *r, const struct tree *before, int64_t newest_before_ms)
{
    uint8_t note[CHECKPOINT_BYTES_MAX];
    struct writer writer = writer_over(note, sizeof note);
    uint8_t root[SHA256_BYTES];
    if (sign(r, root, &writer) != SL_OK) {
        recorder_fail(r, "the checkpoint can't be signed: OpenSSL failed");
        return;
    }
    const struct index_batch place = {r->batch.first_index, segment_writer_first_index(r->segments),
                                      segment_writer_offset(r->segments)};
    size_t n_bytes = batch_finish(&r->batch, r->newest_ms, writer_slice(&writer),
                                  segment_writer_alignment(r->segments));
    if (segment_writer_append(r->segments, r->block, n_bytes) != SL_OK) {
        recorder_fail(r, "%s; nothing is released any more: see the disk, then start again",
                      segment_writer_problem(r->segments));
        return;
    }
    if (r->n_unindexed == 0)
        r->flush_due_ms = clock_monotonic_ms() + INDEX_FLUSH_MS;
    r->n_unindexed += r->batch.n_receipts;
    r->state.size = r->tree.size;
    r->state.n_changes += r->n_batch_changes;
    memcpy(r->state.root, root, sizeof root);
    r->state.before = *before;
    r->state.newest_time_before_ms = newest_before_ms;
    r->state.segment_first = place.segment_first;
    r->state.batch_offset = place.offset;
    memcpy(r->state.key, r->key, sizeof r->state.key);
    r->state.n_keys = atomic_load(&r->n_keys);
    recorder_epoch_take_batch(r);
    /* Readers look up what belongs to a head that they have seen: so first the one, then that. */
    index_note_batch(r->index, &place, r->batch.n_receipts, &r->batch_tiles);
    publish(r, writer_slice(&writer));
    if (r->next_signer)
        recorder_take_signer(r, r->next_signer, r->state.n_keys + 1);
}

/* ------------------------------------------------------------------------- handing back -- */

struct reply_group {
    struct mailbox *to;
    struct mail *newest, *oldest;
};

static void send(struct reply_group *group)
{
    if (mailbox_put_chain(group->to, group->newest, group->oldest))
        mailbox_wake(group->to);
}

static void add_to_group(struct reply_group *group, struct record *record)
{
    record->mail.next = group->newest;
    group->newest = &record->mail;
    if (!group->oldest)
        group->oldest = &record->mail;
}

/* One put and one wake for each mailbox, in the order of the records. */
static void reply(struct mail *done)
{
    struct reply_group groups[REPLY_GROUPS];
    size_t n_groups = 0;
    while (done) {
        struct record *record = (struct record *)(void *)done;
        done = done->next;
        size_t i = 0;
        while (i < n_groups && groups[i].to != record->reply_to)
            i++;
        if (i == REPLY_GROUPS) {
            for (size_t j = 0; j < n_groups; j++)
                send(&groups[j]);
            n_groups = i = 0;
        }
        if (i == n_groups)
            groups[n_groups++] = (struct reply_group){.to = record->reply_to};
        add_to_group(&groups[i], record);
    }
    for (size_t i = 0; i < n_groups; i++)
        send(&groups[i]);
}

/* ---------------------------------------------------------------------------------- a turn -- */

struct done_list {
    struct mail *first, **end;
    uint64_t n;
};

static void finish_first(struct recorder *r, struct done_list *done, enum record_outcome outcome)
{
    struct record *record = (struct record *)(void *)r->waiting;
    r->waiting = record->mail.next;
    record->outcome = outcome;
    record->mail.next = NULL;
    *done->end = &record->mail;
    done->end = &record->mail.next;
    done->n++;
}

static void gather(struct recorder *r, struct done_list *done)
{
    batch_begin(&r->batch, r->block, r->tree.size);
    r->n_batch_changes = 0;
    r->batch_erases = false;
    r->batch_tiles.n = 0;
    r->next_signer = NULL;
    r->n_batch_subjects = 0;
    r->batch_has_heads = false;
    r->n_batch_demands = 0;
    r->spare_ready = segment_writer_next_is_ready(r->segments);
    while (r->waiting && !r->next_signer && r->batch.n_receipts < r->batch_receipts &&
           done->n < LIMIT_MAX_batch_receipts && r->n_batch_demands < BATCH_DEMANDS_MAX &&
           !atomic_load(&r->failed)) {
        struct record *record = (struct record *)(void *)r->waiting;
        bool has_room = fits(r, record);
        if (r->batch.n_receipts > 0 && (!has_room || record->kind == RECORD_ERASURE))
            return;
        has_room = has_room || make_room(r, record);
        if (!has_room || !record->may_use_reserve) /* a withdrawal in the reserve tells nothing */
            atomic_store(&r->full, !has_room);
        finish_first(r, done, has_room ? admit(r, record) : RECORD_FULL);
    }
}

void recorder_batch(struct recorder *r)
{
    struct done_list done = {.end = &done.first};
    if (!atomic_load(&r->failed)) {
        struct tree before = r->tree;
        int64_t newest_before_ms = r->newest_ms;
        gather(r, &done);
        bool is_kept = commit_flows(r); /* also when something failed */
        if (is_kept && r->batch.n_receipts > 0 && !atomic_load(&r->failed))
            write_batch(r, &before, newest_before_ms);
        if (r->batch_erases)
            recorder_flush(r, true);
    }
    if (atomic_load(&r->failed)) {
        while (r->waiting)
            finish_first(r, &done, RECORD_FAILED);
        for (struct mail *mail = done.first; mail; mail = mail->next)
            ((struct record *)(void *)mail)->outcome = RECORD_FAILED;
    }
    atomic_fetch_sub_explicit(&r->n_queued, done.n, memory_order_relaxed);
    reply(done.first);
}
