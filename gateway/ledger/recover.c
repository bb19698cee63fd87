/*
 * recover.c - from the index's last batch to the end of the ledger
 *
 *     segments   | b0 | b1 | b2 | b3 | b4 | b5 | torn | zeros
 *                             ^ index                          read b2 again: still the same?
 *                                  `--- prove b3 b4 b5 ---'    into the index
 *                                                  `----' nobody has seen it: overwrite
 *
 * Three endings are told apart. Zeros: a clean stop. One batch that is not whole, and nothing
 * after it: the process died while writing, before anyone was told; it is dropped. Everything
 * else is damage, and damage is never repaired here: somebody relies on those receipts.
 *
 * If the last batch that the index has seen is not there, or is another one, the ledger was cut
 * or replaced by an older copy. Going on would sign a second history, so the start is refused.
 *
 * Counting: a subject's next number is not in the segments, only its tags are. The tags of what is
 * read again go into a set; for each known subject the number goes up while its tag is in the set.
 * So a flow never waits for a counter to be written. To bound the set, this is done once for each
 * TAGS_AT_ONCE receipts, and where an epoch ended: there, each number is written down as the start
 * of the next epoch. A counter may run ahead of the index's place, never behind it.
 */
#include "ledger/recover.h"

#include "base/base64.h"
#include "base/plural.h"
#include "ledger/index_epoch.h"
#include "ledger/recover_epochs.h"
#include "ledger/tag_set.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef TAGS_AT_ONCE
#define TAGS_AT_ONCE (1 << 20) /* a test makes it small */
#endif

struct recovering {
    const struct recorder_config *config;
    struct ledger_index *index;
    struct recorder_problem *problem;
    struct walk walk;
    uint64_t n_keys;          /* that the ledger had when the walk began */
    struct index_state state; /* how far was walked */
    bool unsaved;             /* state is not in the index yet */
    struct tag_set tags;
    struct recover_epochs epochs;
    size_t checkpoint_n;
    uint8_t checkpoint[CHECKPOINT_BYTES_MAX];
};

static SL_PRINTF(2, 3) enum sl_err refuse(struct recorder_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

/* -------------------------------------------------------------------------------- refusing -- */

static enum sl_err refuse_walk(struct recovering *r, enum walk_step step)
{
    const struct walk_problem *found = &r->walk.problem;
    if (step == WALK_UNREADABLE)
        return refuse(r->problem, "ledger %s, segment %s: %s", r->config->folder, found->segment,
                      found->text);
    if (found->other_key)
        return refuse(r->problem,
                      "ledger %s, segment %s, byte %llu: %s; start with the origin and the keys "
                      "that this ledger was begun with",
                      r->config->folder, found->segment, (unsigned long long)found->offset,
                      found->text);
    return refuse(r->problem,
                  "ledger %s is damaged: segment %s, byte %llu, receipt %llu: %s; restore the "
                  "newest copy of the folder, and keep this one as evidence",
                  r->config->folder, found->segment, (unsigned long long)found->offset,
                  (unsigned long long)found->receipt, found->text);
}

static enum sl_err refuse_behind(struct recovering *r, uint64_t n_seen)
{
    return refuse(r->problem,
                  "ledger %s is behind what its index has seen (%llu %s): it was cut off, "
                  "changed, or restored from an old copy (segment %s, byte %llu: %.120s); restore "
                  "the newest copy of the folder, or begin a new ledger under a new origin",
                  r->config->folder, (unsigned long long)n_seen,
                  plural(n_seen, "receipt", "receipts"), r->walk.problem.segment,
                  (unsigned long long)r->walk.problem.offset, r->walk.problem.text);
}

static enum sl_err refuse_cut(struct recovering *r)
{
    return refuse(r->problem,
                  "ledger %s holds %llu %s, but the checkpoint kept in %.120s is over %llu: it "
                  "was cut off, or restored from an old copy. Going on would sign a second "
                  "history: restore the newest copy of the folder, or begin a new ledger under a "
                  "new origin",
                  r->config->folder, (unsigned long long)r->walk.tree.size,
                  plural(r->walk.tree.size, "receipt", "receipts"), r->config->held_file,
                  (unsigned long long)r->config->held.size);
}

enum sl_err recover_refuse_other_history(const struct recorder_config *config,
                                         struct recorder_problem *problem)
{
    return refuse(
        problem,
        "ledger %s is another one than the checkpoint kept in %.120s is of: its first %llu "
        "%s not what was signed. It was changed, or an old copy was "
        "gone on with: restore the newest copy of the folder, and keep this one as "
        "evidence",
        config->folder, config->held_file, (unsigned long long)config->held.size,
        plural(config->held.size, "receipt is", "receipts are"));
}

static enum sl_err refuse_index(struct recovering *r)
{
    return refuse(r->problem, "%s", index_problem(r->index));
}

/* -------------------------------------------------------------------------------- counting -- */

struct counting {
    struct recovering *r;
    enum sl_err err;
};

static bool count_subject(void *context, const uint8_t id[SUBJECT_ID_BYTES],
                          const uint8_t key[SUBJECT_KEY_BYTES])
{
    (void)id;
    struct counting *counting = context;
    struct hmac_key hmac;
    uint8_t label[INDEX_LABEL_BYTES], tag[LEAF_TAG_BYTES];
    uint64_t before = 0, n = 0;
    hmac_key_init(&hmac, slice_of(key, SUBJECT_KEY_BYTES));
    index_label(&hmac, label);
    counting->err = index_counter(counting->r->index, label, &before);
    if (counting->err == SL_OK) {
        n = before;
        for (leaf_tag(&hmac, n, tag); tag_set_has(&counting->r->tags, tag); leaf_tag(&hmac, n, tag))
            n++;
        if (n != before) {
            uint64_t running = epochs_running(&counting->r->state.epochs);
            index_put_counter(counting->r->index, label, n);
            index_put_start(counting->r->index, running, &hmac, label, before);
        }
    }
    OPENSSL_cleanse(&hmac, sizeof hmac);
    return counting->err == SL_OK;
}

/* What was read since the last time goes into the index. */
static enum sl_err save(struct recovering *r)
{
    if (!r->unsaved)
        return SL_OK;
    struct counting counting = {r, SL_OK};
    tree_root(&r->walk.tree, r->state.root);
    index_begin(r->index);
    for (unsigned parity = 0; parity < 2; parity++)
        if (r->epochs.stale >> parity & 1)
            index_drop_epoch(r->index, parity);
    r->epochs.stale = 0;
    enum sl_err err = r->config->ops.each_subject(r->config->ops.context, count_subject, &counting);
    enum sl_err committed = index_commit(r->index, &r->state);
    if (err != SL_OK)
        return refuse(r->problem, "the subjects' keys can't be read from the store");
    if (counting.err != SL_OK || committed != SL_OK)
        return refuse_index(r);
    tag_set_clear(&r->tags);
    r->unsaved = false;
    return SL_OK;
}

/* ----------------------------------------------------------- the checkpoint kept elsewhere -- */

/* A batch ended where that checkpoint was signed; `size_before` receipts came before it. */
static enum sl_err check_held(struct recovering *r, uint64_t size_before)
{
    const struct ledger_held *held = &r->config->held;
    uint8_t root[SHA256_BYTES];
    if (held->size <= size_before || held->size > r->walk.tree.size)
        return SL_OK;
    tree_root(&r->walk.tree, root);
    bool same = held->size == r->walk.tree.size && memcmp(root, held->root, sizeof root) == 0;
    return same ? SL_OK : recover_refuse_other_history(r->config, r->problem);
}

/* --------------------------------------------------------------------------------- walking -- */

static enum sl_err note_tags(struct recovering *r, const struct batch *batch)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice bytes;
    struct leaf leaf;
    uint8_t tag[LEAF_TAG_BYTES];
    while (batch_next_leaf(&cursor, &bytes)) {
        SL_ASSERT(leaf_parse(bytes, &leaf) == SL_OK);
        if (leaf.kind == LEAF_HEADS)
            recover_epochs_take_heads(&r->epochs, &r->state.epochs, &leaf.heads);
        if (!leaf_kind_has_subject(leaf.kind))
            continue;
        epochs_count(&r->state.epochs, 1, leaf.time_ms);
        SL_ASSERT(base64url_decode(leaf.tag, tag, sizeof tag));
        if (tag_set_is_full(&r->tags))
            return refuse(r->problem, "out of memory");
        tag_set_add(&r->tags, tag);
        r->state.n_changes += leaf_kind_is_change(leaf.kind);
    }
    return SL_OK;
}

/* Where the walk stood before a batch, to go back there. */
struct before {
    struct tree tree;
    int64_t newest_time_ms;
    struct vkey key;
    uint64_t n_keys;
};

static struct before note_before(const struct recovering *r)
{
    struct before before = {.tree = r->walk.tree,
                            .newest_time_ms = r->walk.newest_time_ms,
                            .n_keys = r->n_keys + r->walk.n_key_changes};
    note_verifier_vkey(r->walk.verifier, &before.key);
    return before;
}

/* One batch further. */
static enum sl_err take_batch(struct recovering *r, const struct batch *batch,
                              const struct before *before)
{
    bool epoch_ends = recover_epochs_end_at(&r->epochs, &r->state.epochs, batch->first_index);
    if (epoch_ends || r->tags.n_tags + batch->n_receipts > r->tags.n_tags_max)
        SL_TRY(save(r));
    if (epoch_ends)
        recover_epochs_end(&r->epochs, &r->state.epochs);
    SL_TRY(note_tags(r, batch));
    r->state.size = r->walk.tree.size;
    r->state.before = before->tree;
    r->state.newest_time_before_ms = before->newest_time_ms;
    memcpy(r->state.key, before->key.key, sizeof r->state.key);
    r->state.n_keys = before->n_keys;
    r->state.segment_first = r->walk.segment_first;
    r->state.batch_offset = r->walk.batch_offset;
    r->unsaved = true;
    const struct index_batch place = {batch->first_index, r->walk.segment_first,
                                      r->walk.batch_offset};
    index_note_batch(r->index, &place, batch->n_receipts, &r->walk.tiles);
    return SL_OK;
}

static enum walk_step step(struct recovering *r, struct batch *batch)
{
    enum walk_step found = walk_next(&r->walk, batch);
    if (found == WALK_BATCH) {
        r->checkpoint_n = batch->checkpoint.n;
        memcpy(r->checkpoint, batch->checkpoint.p, batch->checkpoint.n);
    }
    if (r->config->progress)
        r->config->progress(r->config->progress_context, r->walk.n_bytes_done,
                            r->walk.listed_bytes);
    return found;
}

/* What the walk itself finds nothing wrong with, where the index has seen its last batch. */
static void note_other_batch(struct recovering *r, const char *text)
{
    struct walk_problem *problem = &r->walk.problem;
    segment_name(r->state.segment_first, problem->segment);
    problem->offset = r->state.batch_offset;
    snprintf(problem->text, sizeof problem->text, "%s", text);
}

/* The last batch that the index has seen must still be the one that it has seen. */
static enum sl_err check_seen(struct recovering *r)
{
    struct batch batch;
    uint8_t root[SHA256_BYTES];
    enum walk_step found = step(r, &batch);
    if (found == WALK_UNREADABLE || (found == WALK_DAMAGED && r->walk.problem.other_key))
        return refuse_walk(r, found);
    if (found == WALK_END)
        note_other_batch(r, "nothing is there");
    if (found != WALK_BATCH)
        return refuse_behind(r, r->state.size);
    tree_root(&r->walk.tree, root);
    if (r->walk.tree.size != r->state.size || memcmp(root, r->state.root, sizeof root) != 0) {
        note_other_batch(r, "another batch is there");
        return refuse_behind(r, r->state.size);
    }
    return check_held(r, r->state.before.size);
}

static enum sl_err walk_to_the_end(struct recovering *r, uint64_t *n_torn_bytes)
{
    for (;;) {
        struct before before = note_before(r);
        struct batch batch;
        enum walk_step found = step(r, &batch);
        if (found == WALK_BATCH) {
            SL_TRY(check_held(r, before.tree.size));
            SL_TRY(take_batch(r, &batch, &before));
            continue;
        }
        if (found == WALK_TORN) {
            bool is_one_batch = false;
            if (walk_measure_torn(&r->walk, &is_one_batch, n_torn_bytes) != SL_OK)
                return refuse_walk(r, WALK_UNREADABLE);
            return is_one_batch ? SL_OK : refuse_walk(r, WALK_DAMAGED);
        }
        return found == WALK_END ? SL_OK : refuse_walk(r, found);
    }
}

/* At the batch that the index has seen last, or at the first one. */
static enum sl_err open_walk(struct recovering *r, const struct vkey *first_key, bool seen,
                             struct note_verifier **verifier)
{
    const struct walk_start start = {.tree = r->state.before,
                                     .newest_time_ms = r->state.newest_time_before_ms,
                                     .segment_first = r->state.segment_first,
                                     .offset = r->state.batch_offset};
    char vkey[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(vkey, sizeof vkey);
    write_vkey(&writer, first_key->name, seen ? r->state.key : first_key->key);
    r->n_keys = seen ? r->state.n_keys : 1;
    walk_close(&r->walk);
    note_verifier_free(*verifier);
    *verifier = NULL;
    if (note_verifier_new(writer_slice(&writer), verifier) != SL_OK)
        return SL_EINTERNAL;
    if (walk_open(&r->walk, r->config->folder, *verifier, seen ? &start : NULL) != SL_OK)
        return refuse(r->problem, "%s", r->walk.problem.text);
    return r->config->n_helpers > 0 ? walk_use_threads(&r->walk, r->config->n_helpers) : SL_OK;
}

static void take_in(const struct recovering *r, struct recovery *out)
{
    struct vkey in_force;
    note_verifier_vkey(r->walk.verifier, &in_force);
    memcpy(out->key, in_force.key, sizeof out->key);
    out->n_keys = r->n_keys + r->walk.n_key_changes;
    out->tree = r->walk.tree;
    out->state = r->state;
    out->newest_time_ms = r->walk.newest_time_ms;
    out->segment_first = r->walk.segment_first;
    out->segment_bytes = r->walk.segment_bytes;
    out->offset = r->walk.offset;
    out->alignment = r->walk.alignment;
    out->checkpoint_n = r->checkpoint_n;
    memcpy(out->checkpoint, r->checkpoint, r->checkpoint_n);
}

/* From where the index stands, or from the first receipt, to the end. */
static enum sl_err read_on(struct recovering *r, const struct vkey *first_key, bool seen,
                           struct note_verifier **verifier, struct recovery *out)
{
    SL_TRY(open_walk(r, first_key, seen, verifier));
    out->is_new = !seen && r->walk.n_listed == 0;
    if (!out->is_new) {
        if (seen)
            SL_TRY(check_seen(r));
        if (index_resume(r->index, &r->walk.tree) != SL_OK)
            return refuse_index(r);
        SL_TRY(walk_to_the_end(r, &out->n_torn_bytes));
    }
    if (r->walk.tree.size < r->config->held.size)
        return refuse_cut(r);
    return save(r);
}

/* Epochs turned out to have ended elsewhere than where numbers were written down. */
static enum sl_err read_all_again(struct recovering *r, const struct vkey *first_key,
                                  struct note_verifier **verifier, struct recovery *out)
{
    recover_epochs_again(&r->epochs);
    memset(&r->state, 0, sizeof r->state);
    if (index_clear(r->index) != SL_OK)
        return refuse_index(r);
    SL_TRY(read_on(r, first_key, false, verifier, out));
    if (recover_epochs_are_exact(&r->epochs, &r->state.epochs))
        return SL_OK;
    return refuse(r->problem,
                  "ledger %s: the heads of epoch %llu end it before receipt %llu, where no batch "
                  "begins; no sluisd writes that",
                  r->config->folder, (unsigned long long)r->epochs.last_heads.epoch,
                  (unsigned long long)r->epochs.last_heads.end);
}

static enum sl_err run(struct recovering *r, const struct vkey *first_key,
                       struct note_verifier **verifier, struct recovery *out)
{
    bool seen = false;
    if (index_state_get(r->index, &r->state, &seen) != SL_OK)
        return refuse_index(r);
    SL_TRY(tag_set_init(&r->tags, TAGS_AT_ONCE));
    recover_epochs_init(&r->epochs, r->config->folder, r->config->origin);
    SL_TRY(read_on(r, first_key, seen, verifier, out));
    if (!recover_epochs_are_exact(&r->epochs, &r->state.epochs))
        SL_TRY(read_all_again(r, first_key, verifier, out));
    take_in(r, out);
    return SL_OK;
}

enum sl_err recover(const struct recorder_config *config, const struct vkey *first_key,
                    struct ledger_index *index, struct recorder_problem *problem,
                    struct recovery *out)
{
    SL_AUTO(note_verifier) verifier = NULL; /* outlives the walk */
    struct recovering r = {.config = config, .index = index, .problem = problem};
    r.walk.folder_fd = r.walk.segment_fd = -1;
    snprintf(problem->text, sizeof problem->text, "out of memory");
    struct recovery found = {0};
    enum sl_err err = run(&r, first_key, &verifier, &found);
    walk_close(&r.walk);
    tag_set_deinit(&r.tags);
    if (err == SL_OK) {
        problem->text[0] = '\0';
        *out = found;
    }
    return err;
}
