/*
 * recorder.c - opening the ledger, and the thread that writes it
 *
 *     data threads ──submit──▶ mailbox ──take all──▶ recorder ──one write──▶ segment
 *          ▲                                            │
 *          └──────────────── reply_to mailboxes ◀───────┘
 *
 * There is no timer and no minimum: the recorder takes what waits, and while it writes, the next
 * batch gathers. Under light load a batch is one receipt and is written at once; under heavy load
 * batches grow by themselves.
 *
 * Sleeping: the recorder announces that it is going to sleep, looks once more, and sleeps. Who
 * submits looks at the announcement after its put. Both are read-modify-writes of one variable, so
 * one of the two sees the other; an eventfd is written only when the recorder really sleeps.
 *
 * The batch itself is in recorder_batch.c.
 */
#include "base/thread.h"
#include "base/timestamp.h"
#include "ledger/keyring.h"
#include "ledger/recorder_parts.h"
#include "ledger/recover.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert((int)RECORDER_CHECKPOINT_BYTES_MAX >= (int)CHECKPOINT_BYTES_MAX,
               "holds any checkpoint");
_Static_assert((int)RECORDER_VKEY_BYTES_MAX >= (int)NOTE_VKEY_BYTES_MAX, "holds any key");

/* -------------------------------------------------------------------- opening and closing -- */

static enum sl_err refuse(struct recorder_problem *problem, enum sl_err err, const char *text)
{
    snprintf(problem->text, sizeof problem->text, "%.*s", (int)sizeof problem->text - 1, text);
    return err;
}

void recorder_take_signer(struct recorder *r, struct note_signer *signer, uint64_t n_keys)
{
    struct vkey vkey;
    const char *text = note_signer_vkey(signer);
    SL_ASSERT(vkey_parse(slice_of_str(text), &vkey) == SL_OK);
    memcpy(r->key, vkey.key, sizeof r->key);
    note_signer_free(r->signer);
    r->signer = signer;
    atomic_store(&r->n_keys, n_keys);
    pthread_mutex_lock(&r->head_lock);
    snprintf(r->vkey, sizeof r->vkey, "%s", text);
    pthread_mutex_unlock(&r->head_lock);
}

static enum sl_err allocate(struct recorder *r, const struct recorder_config *config)
{
    SL_TRY(subject_table_new(SUBJECT_TABLE_ENTRIES, &r->subjects));
    r->folder = strdup(config->folder);
    r->block = aligned_alloc(SEGMENT_ALIGNMENT_MAX, BATCH_PADDED_BYTES_MAX);
    uint8_t key[SUBJECT_KEY_BYTES];
    r->asked = calloc(RECORDER_ASKED_MAX, sizeof *r->asked);
    if (!r->folder || !r->block || !r->asked || RAND_bytes(key, sizeof key) != 1)
        return SL_EINTERNAL;
    hmac_key_init(&r->ghost.key, slice_of(key, sizeof key));
    OPENSSL_cleanse(key, sizeof key);
    return SL_OK;
}

static enum sl_err go_on_from(struct recorder *r, const struct recovery *found,
                              struct recorder_problem *problem)
{
    r->tree = found->tree;
    r->state = found->state;
    recorder_epoch_resume(r);
    r->newest_ms = found->newest_time_ms;
    atomic_init(&r->tree_size, found->tree.size);
    atomic_init(&r->n_headed, found->state.epochs.n_headed);
    atomic_init(&r->newest_time_ms, found->newest_time_ms);
    r->head.tree = found->tree;
    r->head.note_n = found->checkpoint_n;
    memcpy(r->head.note, found->checkpoint, found->checkpoint_n);
    enum sl_err err;
    if (found->is_new)
        err = segment_writer_begin(r->segments, 0);
    else
        err = segment_writer_resume(r->segments, found->segment_first, found->alignment,
                                    found->segment_bytes, found->offset, found->n_torn_bytes);
    if (err != SL_OK)
        return refuse(problem, err, segment_writer_problem(r->segments));
    return SL_OK;
}

static enum sl_err open_files(struct recorder *r, const struct recorder_config *config,
                              struct recorder_problem *problem)
{
    struct segment_problem segment_problem = {"out of memory"};
    enum sl_err err =
        segment_writer_open(config->folder, slice_of(r->origin, r->origin_n),
                            config->limits->segment_bytes, &segment_problem, &r->segments);
    if (err != SL_OK)
        return refuse(problem, err, segment_problem.text);
    r->ledger_fd = open(config->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->ledger_fd < 0)
        return refuse(problem, SL_ESTORE, "the ledger's folder can't be opened");
    struct index_problem index_problem = {"out of memory"};
    err = index_open(config->index_folder, &index_problem, &r->index);
    return err == SL_OK ? SL_OK : refuse(problem, err, index_problem.text);
}

/* The ledger says which key goes on; then it does. */
static enum sl_err open_ledger(struct recorder *r, const struct recorder_config *config,
                               const struct keyring *keyring, struct keyring_list *list,
                               struct recorder_problem *problem)
{
    struct note_problem note_problem = {"out of memory"};
    enum sl_err err = keyring_list_read(keyring, &note_problem, list);
    if (err != SL_OK)
        return refuse(problem, err, note_problem.text);
    memcpy(r->origin, config->origin.p, config->origin.n); /* a key's name, so it fits */
    r->origin_n = config->origin.n;
    SL_TRY(allocate(r, config));
    SL_TRY(open_files(r, config, problem));
    struct recovery found;
    SL_TRY(recover(config, &list->list.keys[0], r->index, problem, &found));

    struct vkey in_force = {.name = config->origin, .type = VKEY_ED25519};
    memcpy(in_force.key, found.key, sizeof in_force.key);
    struct note_signer *signer = NULL;
    err = keyring_settle(keyring, list, &in_force, found.n_keys, &note_problem, &signer);
    if (err != SL_OK)
        return refuse(problem, err, note_problem.text);
    recorder_take_signer(r, signer, found.n_keys);
    return go_on_from(r, &found, problem);
}

/* What recover() did not come by lies before what the index has seen. */
static enum sl_err check_held(struct recorder *r, const struct recorder_config *config,
                              struct recorder_problem *problem)
{
    SL_AUTO(ledger_reader) reader = NULL;
    struct ledger_head head;
    uint8_t root[SHA256_BYTES];
    SL_TRY(recorder_reader_new(r, problem, &reader));
    ledger_reader_head(reader, &head);
    if (ledger_reader_root(reader, &head, config->held.size, root) != SL_OK)
        return refuse(problem, SL_ESTORE, ledger_reader_problem(reader));
    if (memcmp(root, config->held.root, sizeof root) != 0)
        return recover_refuse_other_history(config, problem);
    return SL_OK;
}

static enum sl_err open_with_keys(struct recorder *r, const struct recorder_config *config,
                                  struct recorder_problem *problem)
{
    const struct keyring keyring = {config->key_file, config->vkey_file, config->origin};
    struct keyring_list *list = malloc(sizeof *list);
    if (!list)
        return SL_EINTERNAL;
    enum sl_err err = open_ledger(r, config, &keyring, list, problem);
    free(list);
    return err;
}

enum sl_err recorder_open(const struct recorder_config *config, struct recorder_problem *problem,
                          struct recorder **out)
{
    SL_ASSERT(config->ops.load_subject && config->ops.commit_change && config->ops.each_subject);
    SL_ASSERT(!config->ops.admit_flow == !config->ops.commit_flows);
    (void)refuse(problem, SL_OK, "out of memory");
    SL_AUTO(recorder) r = calloc(1, sizeof *r);
    if (!r)
        return SL_EINTERNAL;
    r->submitted.event_fd = r->ledger_fd = -1;
    pthread_mutex_init(&r->head_lock, NULL);
    r->ops = config->ops;
    r->batch_receipts = config->limits->batch_receipts;
    r->queue_receipts = config->limits->queue_receipts;
    r->consent_reserve_bytes = config->limits->consent_reserve_bytes;
    r->epoch_ms = config->limits->epoch_ms;
    enum sl_err err = recorder_heads_init(&r->heads); /* can be deinitialised in any case */
    SL_TRY(err);
    SL_TRY(mailbox_init(&r->submitted));
    SL_TRY(open_with_keys(r, config, problem));
    if (config->held.size > 0)
        SL_TRY(check_held(r, config, problem));
    problem->text[0] = '\0';
    *out = r;
    r = NULL;
    return SL_OK;
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    recorder_stop(r);
    segment_writer_free(r->segments);
    index_free(r->index);
    subject_table_free(r->subjects);
    note_signer_free(r->signer);
    if (r->submitted.event_fd >= 0)
        mailbox_deinit(&r->submitted);
    if (r->ledger_fd >= 0)
        close(r->ledger_fd);
    recorder_heads_deinit(&r->heads);
    pthread_mutex_destroy(&r->head_lock);
    free(r->asked);
    free(r->block);
    free(r->folder);
    OPENSSL_cleanse(&r->ghost, sizeof r->ghost);
    free(r);
}

/* ------------------------------------------------------------------------------ submitting -- */

bool recorder_submit(struct recorder *r, struct record *record)
{
    bool is_flow = record->kind == RECORD_RELEASE || record->kind == RECORD_REFUSAL ||
                   record->kind == RECORD_GROUP;
    uint64_t n_before = atomic_fetch_add_explicit(&r->n_queued, 1, memory_order_relaxed);
    if (n_before >= r->queue_receipts && is_flow) {
        atomic_fetch_sub_explicit(&r->n_queued, 1, memory_order_relaxed);
        return false;
    }
    bool was_empty = mailbox_put(&r->submitted, &record->mail);
    (void)was_empty; /* the wake-up follows from whether the recorder sleeps */
    return true;
}

void recorder_kick(struct recorder *r)
{
    if (atomic_exchange_explicit(&r->asleep, false, memory_order_acq_rel))
        mailbox_wake(&r->submitted);
}

/* ------------------------------------------------------------------------------ the thread -- */

void recorder_fail(struct recorder *r, const char *format, ...)
{
    if (atomic_load(&r->failed))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(r->failure, sizeof r->failure, format, args);
    va_end(args);
    atomic_store(&r->failed, true);
}

bool recorder_write_index(struct recorder *r, const struct index_state *state)
{
    uint64_t running = epochs_running(&r->state.epochs);
    uint32_t n_dirty = subject_table_n_dirty(r->subjects);
    index_begin(r->index);
    if (r->has_headed)
        index_drop_epoch(r->index, r->state.epochs.n_headed - 1);
    for (uint32_t i = 0; i < n_dirty; i++) {
        const struct subject_entry *entry = subject_table_dirty(r->subjects, i);
        if (entry->gone)
            index_forget(r->index, entry->label);
        else
            index_put_counter(r->index, entry->label, entry->n);
        if (entry->start_dirty)
            index_put_start(r->index, running, &entry->key, entry->label, entry->start);
    }
    for (size_t i = 0; i < r->n_asked; i++)
        index_count_asked(r->index, running, r->asked[i]);
    if (index_commit(r->index, state) != SL_OK)
        return false;
    subject_table_clear_dirty(r->subjects);
    r->n_unindexed = r->n_asked = 0;
    r->has_headed = false;
    return true;
}

void recorder_flush(struct recorder *r, bool now)
{
    /* After a failed write the table counts receipts that do not exist. */
    if (r->n_unindexed == 0 || atomic_load(&r->failed))
        return;
    int64_t time_ms = clock_monotonic_ms();
    bool due = time_ms >= r->flush_due_ms || r->n_unindexed >= INDEX_FLUSH_RECEIPTS;
    if (!now && (!due || time_ms < r->flush_not_before_ms))
        return;
    /* A failure leaves the index behind, and nothing else: it is tried again. */
    if (!recorder_write_index(r, &r->state))
        r->flush_not_before_ms = time_ms + INDEX_RETRY_MS;
}

/* -1: nothing is due. */
static int until_due_ms(const struct recorder *r)
{
    int64_t due_ms = recorder_epoch_due_ms(r);
    if (atomic_load(&r->failed))
        return -1;
    if (r->n_unindexed > 0) {
        int64_t flush_ms =
            r->flush_due_ms > r->flush_not_before_ms ? r->flush_due_ms : r->flush_not_before_ms;
        due_ms = flush_ms < due_ms ? flush_ms : due_ms;
    }
    if (due_ms == INT64_MAX)
        return -1;
    int64_t left_ms = due_ms - clock_monotonic_ms();
    return left_ms < 0 ? 0 : (int)left_ms;
}

/* Until there is mail, the index wants to be written, or an epoch ends. */
static void sleep_until_mail(struct recorder *r)
{
    int timeout_ms = until_due_ms(r);
    (void)atomic_exchange_explicit(&r->asleep, true, memory_order_acq_rel);
    if (mailbox_is_empty(&r->submitted) && !atomic_load(&r->stopping)) {
        struct pollfd readable = {.fd = r->submitted.event_fd, .events = POLLIN};
        (void)poll(&readable, 1, timeout_ms);
        mailbox_quiet(&r->submitted);
    }
    (void)atomic_exchange_explicit(&r->asleep, false, memory_order_acq_rel);
}

/*
 * On a busy core the recorder should not push a data thread aside the moment a write returns: what
 * that thread is about to hand in would miss the batch. SCHED_BATCH takes away just that; the
 * recorder still runs at once where the core is free. A system that refuses it loses some speed.
 */
static void yield_to_data_threads(void)
{
    const struct sched_param no_priority = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &no_priority);
}

static void *record_all(void *context)
{
    struct recorder *r = context;
    yield_to_data_threads();
    for (;;) {
        bool stopping = atomic_load(&r->stopping);
        if (!r->waiting)
            r->waiting = mailbox_take(&r->submitted);
        if (r->waiting) {
            recorder_batch(r);
            recorder_flush(r, false);
            recorder_epoch_turn(r);
        } else if (stopping) {
            recorder_flush(r, true);
            return NULL;
        } else {
            recorder_flush(r, false);
            recorder_epoch_turn(r);
            sleep_until_mail(r);
        }
    }
}

enum sl_err recorder_start(struct recorder *r)
{
    SL_ASSERT(!r->started);
    if (r->state.epochs.is_closing)
        recorder_heads_begin(r, &r->state.epochs);
    SL_TRY(segment_writer_start(r->segments));
    enum sl_err err = thread_start(&r->thread, "recorder", record_all, r);
    if (err != SL_OK) {
        segment_writer_stop(r->segments);
        return err;
    }
    r->started = true;
    err = recorder_heads_start(r);
    if (err != SL_OK)
        recorder_stop(r);
    return err;
}

void recorder_start_epochs(struct recorder *r)
{
    atomic_store(&r->epochs_may_end, true);
    mailbox_wake(&r->submitted);
}

void recorder_stop(struct recorder *r)
{
    if (!r->started)
        return;
    recorder_heads_stop(r); /* it may wait for its receipt */
    atomic_store(&r->stopping, true);
    mailbox_wake(&r->submitted);
    pthread_join(r->thread, NULL);
    r->started = false;
    segment_writer_stop(r->segments);
}

/* ----------------------------------------------------------------------------------- facts -- */

enum sl_err recorder_forget_numbers(struct recorder *r)
{
    SL_ASSERT(!r->started);
    return index_clear(r->index);
}

uint64_t recorder_n_changes(const struct recorder *r)
{
    SL_ASSERT(!r->started);
    return r->state.n_changes;
}

void recorder_vkey(struct recorder *r, char vkey[RECORDER_VKEY_BYTES_MAX])
{
    pthread_mutex_lock(&r->head_lock);
    memcpy(vkey, r->vkey, sizeof r->vkey);
    pthread_mutex_unlock(&r->head_lock);
}

uint64_t recorder_n_keys(const struct recorder *r)
{
    return atomic_load(&r->n_keys);
}

size_t recorder_checkpoint(struct recorder *r, uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX])
{
    pthread_mutex_lock(&r->head_lock);
    size_t n = r->head.note_n;
    memcpy(note, r->head.note, n);
    pthread_mutex_unlock(&r->head_lock);
    return n;
}

static void copy_head(void *context, struct ledger_head *out)
{
    struct recorder *r = context;
    pthread_mutex_lock(&r->head_lock);
    *out = r->head;
    pthread_mutex_unlock(&r->head_lock);
}

enum sl_err recorder_reader_new(struct recorder *r, struct recorder_problem *problem,
                                struct ledger_reader **out)
{
    const struct folder_reader_live live = {
        .folder = r->folder,
        .origin = slice_of(r->origin, r->origin_n),
        .index = r->index,
        .head = copy_head,
        .context = r,
    };
    struct ledger_problem reader_problem;
    enum sl_err err = folder_reader_new(&live, &reader_problem, out);
    return err == SL_OK ? SL_OK : refuse(problem, err, reader_problem.text);
}

enum heads_check recorder_open_list(const struct recorder *r, uint64_t epoch,
                                    struct heads_file *file)
{
    memset(file, 0, sizeof *file);
    file->fd = -1;
    if (epoch >= atomic_load(&r->n_headed))
        return HEADS_MISSING;
    return heads_file_open(file, r->ledger_fd, epoch, slice_of(r->origin, r->origin_n));
}

uint64_t recorder_tree_size(const struct recorder *r)
{
    return atomic_load(&r->tree_size);
}

int64_t recorder_newest_time_ms(const struct recorder *r)
{
    return atomic_load(&r->newest_time_ms);
}

bool recorder_has_failed(const struct recorder *r)
{
    return atomic_load(&r->failed);
}

bool recorder_is_full(const struct recorder *r)
{
    return atomic_load(&r->full) && !segment_writer_next_is_ready(r->segments);
}

const char *recorder_failure(const struct recorder *r)
{
    return atomic_load(&r->failed) ? r->failure : "";
}
