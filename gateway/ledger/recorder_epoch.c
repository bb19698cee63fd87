/*
 * recorder_epoch.c - when an epoch ends
 *
 *     first receipt of a subject ── epoch_ms ──▶ due ──▶ index written ──▶ heads thread
 *
 * An epoch has no clock of its own: it begins with the first receipt of a subject, so that each is
 * covered within one epoch's length, and a gateway that is idle does nothing.
 *
 * The end of an epoch is a commit of the index: what the subjects' numbers were at that moment is
 * in it, and everything after belongs to the next epoch, also after a crash. If the index can't be
 * written, the epoch just goes on.
 *
 * Someone unknown gets an entry in the list as others do, so that the list does not tell who is
 * known: of as many receipts as whoever asked for them asked about the same one. Which one that
 * was is kept only under the ghost's key, until the epoch has its heads.
 */
#include "base/timestamp.h"
#include "ledger/index_epoch.h"
#include "ledger/recorder_parts.h"

#include <string.h>

void recorder_epoch_resume(struct recorder *r)
{
    const struct epochs *epochs = &r->state.epochs;
    int64_t left_ms = epochs->running_since_ms + (int64_t)r->epoch_ms - clock_now_ms();
    if (left_ms > (int64_t)r->epoch_ms)
        left_ms = (int64_t)r->epoch_ms;
    r->epoch_due_ms = clock_monotonic_ms() + (left_ms > 0 ? left_ms : 0);
}

void recorder_epoch_note_unknown(struct recorder *r, const uint8_t id[SUBJECT_ID_BYTES])
{
    static const struct slice label = SLICE_LITERAL("asked");
    struct sha256 hash;
    uint8_t full[SHA256_BYTES];
    if (r->n_asked == RECORDER_ASKED_MAX) /* the index can't be written: it stands alone */
        return;
    hmac_begin(&r->ghost.key, &hash);
    sha256_add(&hash, label);
    sha256_add(&hash, slice_of(id, SUBJECT_ID_BYTES));
    hmac_end(&r->ghost.key, &hash, full);
    memcpy(r->asked[r->n_asked++], full, INDEX_ASKED_BYTES);
}

/* Heads of any other epoch than the one that is closing would be a second story. */
bool recorder_epoch_admits(const struct recorder *r, const struct leaf_heads *heads)
{
    struct epochs after = r->state.epochs;
    return !r->batch_has_heads && epochs_take_heads(&after, heads);
}

void recorder_epoch_note(struct recorder *r, const struct record *record, int64_t time_ms)
{
    struct leaf leaf = {.kind = LEAF_PULL};
    /* An erasure that a crash left out comes as the node's do. */
    if (record->kind == RECORD_NODE)
        SL_ASSERT(leaf_parse(slice_of(record->leaf.bytes, record->leaf.n), &leaf) == SL_OK);
    if (leaf_kind_has_subject(leaf.kind) && r->n_batch_subjects++ == 0)
        r->batch_first_ms = time_ms;
    if (leaf.kind != LEAF_HEADS)
        return;
    r->batch_has_heads = true;
    r->batch_heads = leaf.heads;
}

void recorder_epoch_take_batch(struct recorder *r)
{
    struct epochs *epochs = &r->state.epochs;
    if (epochs->running_n == 0 && r->n_batch_subjects > 0)
        r->epoch_due_ms = clock_monotonic_ms() + (int64_t)r->epoch_ms;
    epochs_count(epochs, r->n_batch_subjects, r->batch_first_ms);
    if (r->batch_has_heads) {
        bool taken = epochs_take_heads(epochs, &r->batch_heads);
        SL_ASSERT(taken); /* admitted */
        r->has_headed = true;
    }
}

int64_t recorder_epoch_due_ms(const struct recorder *r)
{
    const struct epochs *epochs = &r->state.epochs;
    bool can_end = epochs->running_n > 0 && !epochs->is_closing && atomic_load(&r->epochs_may_end);
    return can_end ? r->epoch_due_ms : INT64_MAX;
}

void recorder_epoch_turn(struct recorder *r)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < recorder_epoch_due_ms(r) || atomic_load(&r->failed))
        return;
    struct index_state closed = r->state;
    epochs_close(&closed.epochs, closed.size);
    if (!recorder_write_index(r, &closed)) {
        r->epoch_due_ms = now_ms + INDEX_RETRY_MS;
        return;
    }
    r->state = closed;
    recorder_heads_begin(r, &closed.epochs);
}

/* ------------------------------------------------------------------ of one that goes away -- */

/* The number of its first receipt in the running epoch; its next number when there is none. */
static enum sl_err start_of(struct recorder *r, const struct subject_entry *entry, uint64_t *start)
{
    uint64_t running = epochs_running(&r->state.epochs);
    bool in_index = false;
    SL_TRY(index_start(r->index, running, entry->label, start, &in_index));
    if (!in_index)
        *start = entry->has_start && entry->start_epoch == running ? entry->start : entry->n;
    return SL_OK;
}

enum sl_err recorder_epoch_leave(struct recorder *r, const struct subject_entry *entry,
                                 struct recorder_head out[RECORDER_HEADS_MAX], size_t *n_heads)
{
    const struct epochs *epochs = &r->state.epochs;
    uint64_t start = 0, closing_start = 0;
    bool in_closing = false;
    size_t n = 0;
    SL_TRY(start_of(r, entry, &start));
    if (epochs->is_closing)
        SL_TRY(index_start(r->index, epochs->n_headed, entry->label, &closing_start, &in_closing));
    if (in_closing)
        out[n++] =
            (struct recorder_head){.epoch = epochs->n_headed, .entry.delta = start - closing_start};
    out[n++] = (struct recorder_head){.epoch = epochs_running(epochs),
                                      .entry.delta = entry->n + 1 - start};
    for (size_t i = 0; i < n; i++)
        heads_label(&entry->key, out[i].epoch, out[i].entry.label);
    *n_heads = n;
    return SL_OK;
}
