/*
 * verify.c - the whole ledger, from its first byte to its last
 *
 * All the checking is in walk.c and walk_prove.c; this is the auditor's side of it: which key, what
 * to report, and when to look twice.
 *
 * Looking twice: a ledger may be verified while a gateway writes it, and then its last batch may
 * be half there. Only if some process holds the ledger's lock, an odd end is read again, a few
 * times; what stands still is reported. A ledger at rest is judged at first sight.
 */
#include <sluis/verify.h>

#include "base/log.h"
#include "ledger/first_key.h"
#include "ledger/note.h"
#include "ledger/verify_heads.h"
#include "ledger/verify_tags.h"
#include "ledger/vkey_list.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_LOOKS = 5, SECOND_LOOK_MS = 20 };

struct verifying {
    const struct sluis_verify_options *options;
    struct sluis_verify_report *report;
    const struct vkey_list *keys; /* that were given */
    size_t n_met;                 /* of them, so far */
    bool is_before_keys;          /* in force is none of them yet */
    uint64_t n_key_changes;       /* that were followed */
    struct walk walk;
    struct verify_heads heads;
    struct tag_check *tags; /* NULL: nobody asked */
    bool stopped;           /* by the visitor */
};

static enum sluis_verify_result problem(struct sluis_verify_report *report,
                                        enum sluis_verify_result result, const char *text)
{
    text_make_printable(slice_of_str(text), report->problem, sizeof report->problem);
    return result;
}

/* Is there a process that may be writing this moment? */
static bool is_in_use(const struct walk *walk)
{
    int fd = openat(walk->folder_fd, "lock", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

/* walk_next(), with second looks. */
static enum walk_step next(struct walk *walk, struct batch *batch)
{
    enum walk_step step = walk_next(walk, batch);
    for (int look = 0; look < SECOND_LOOKS; look++) {
        bool may_be_in_flight = step == WALK_TORN && is_in_use(walk);
        if (!may_be_in_flight)
            break;
        nanosleep(&(struct timespec){.tv_nsec = SECOND_LOOK_MS * 1000000}, NULL);
        walk_reread(walk);
        step = walk_next(walk, batch);
    }
    return step;
}

static void visit_leaves(struct verifying *v, const struct batch *batch)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice leaf;
    for (uint32_t i = 0; i < batch->n_receipts && !v->stopped; i++) {
        SL_ASSERT(batch_next_proven_leaf(&cursor, &leaf));
        v->stopped =
            !v->options->visit(v->options->visit_context, batch->first_index + i, leaf.p, leaf.n);
    }
}

static void visit_checkpoint(struct verifying *v, const struct batch *batch)
{
    const struct sluis_verify_options *options = v->options;
    struct slice note = batch->checkpoint;
    if (!v->stopped && options->visit_checkpoint)
        v->stopped =
            !options->visit_checkpoint(options->visit_context, v->walk.tree.size, note.p, note.n);
}

static void count(struct verifying *v)
{
    struct sluis_verify_report *report = v->report;
    report->n_receipts = v->walk.tree.size;
    report->n_batches = v->walk.n_batches;
    report->n_segments = v->walk.n_segments;
    uint64_t total = v->walk.listed_bytes * (v->tags ? tag_check_n_passes(v->tags) : 1);
    if (total < v->walk.n_bytes_done)
        total = v->walk.n_bytes_done;
    if (v->options->progress)
        v->options->progress(v->options->progress_context, v->walk.n_bytes_done, total);
}

static enum sluis_verify_result report_problem(struct verifying *v, enum walk_step step)
{
    struct sluis_verify_report *report = v->report;
    const struct walk_problem *found = &v->walk.problem;
    snprintf(report->segment, sizeof report->segment, "%s", found->segment);
    report->segment_offset = found->offset;
    report->batch = v->walk.n_batches;
    report->receipt = found->receipt;
    return problem(report, step == WALK_UNREADABLE ? SLUIS_VERIFY_UNCHECKED : SLUIS_VERIFY_INVALID,
                   found->text);
}

static enum sluis_verify_result finish(struct verifying *v, const char *folder)
{
    tree_root(&v->walk.tree, v->report->root);
    if (!v->stopped && v->walk.n_segments < v->walk.n_listed) {
        v->report->batch = v->walk.n_batches;
        v->report->receipt = v->walk.tree.size;
        return problem(v->report, SLUIS_VERIFY_INVALID,
                       "the folder holds segments that do not belong to the sequence");
    }
    if (v->stopped || !v->tags)
        return SLUIS_VERIFY_VALID;
    return verify_tags_finish(v->tags, folder, &v->walk, v->options, v->report);
}

/* ------------------------------------------------------------------------------------ keys -- */

/* What the receipt says that has just ended a batch and gone over to another key. */
static struct leaf_key key_leaf(const struct batch *batch)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice bytes = {0};
    struct leaf leaf;
    while (batch_next_leaf(&cursor, &bytes))
        continue;
    SL_ASSERT(leaf_parse(bytes, &leaf) == SL_OK && leaf.kind == LEAF_KEY);
    return leaf.key;
}

static void copy_vkey(struct slice vkey, char out[SLUIS_VERIFY_VKEY_BYTES])
{
    SL_ASSERT(vkey.n < SLUIS_VERIFY_VKEY_BYTES);
    memcpy(out, vkey.p, vkey.n);
    out[vkey.n] = '\0';
}

/* The key that the ledger has gone over to, against those that were given. */
static bool follow_key(struct verifying *v, const struct batch *batch)
{
    struct walk *walk = &v->walk;
    if (walk->n_key_changes == v->n_key_changes)
        return true;
    v->n_key_changes = walk->n_key_changes;
    if (v->is_before_keys && walk->is_before_key)
        return true;
    if (v->is_before_keys) {
        v->is_before_keys = false;
        v->report->n_older = walk->tree.size;
        copy_vkey(key_leaf(batch).old_vkey, v->report->older_vkey);
        return true;
    }
    struct vkey key;
    note_verifier_vkey(walk->verifier, &key);
    size_t place;
    if (v->n_met == v->keys->n)
        return true;
    v->n_met++;
    return vkey_list_find(v->keys, &key, &place);
}

static void report_keys(struct verifying *v)
{
    struct sluis_verify_report *report = v->report;
    struct vkey key;
    struct writer writer = writer_over(report->vkey, sizeof report->vkey - 1);
    note_verifier_vkey(v->walk.verifier, &key);
    write_vkey(&writer, key.name, key.key);
    report->vkey[writer.n] = '\0';
    report->n_keys = v->walk.n_key_changes + 1;
    report->key_receipt = v->walk.key_receipt;
    report->n_unmet = v->keys->n - v->n_met;
}

static enum sluis_verify_result report_other_key(struct verifying *v)
{
    struct sluis_verify_report *report = v->report;
    char text[sizeof report->problem];
    report_keys(v);
    segment_name(v->walk.segment_first, report->segment);
    report->segment_offset = v->walk.batch_offset;
    report->batch = v->walk.n_batches - 1;
    report->receipt = v->walk.tree.size - 1;
    snprintf(text, sizeof text,
             "receipt %llu goes over to another key than those that were given: %s",
             (unsigned long long)report->receipt, report->vkey);
    return problem(report, SLUIS_VERIFY_INVALID, text);
}

/* ---------------------------------------------------------------------------------- walking -- */

static enum sluis_verify_result walk_all(struct verifying *v, const char *folder)
{
    struct batch batch;
    enum walk_step step = WALK_BATCH;
    if (v->options->check_heads)
        verify_heads_list(&v->heads, v->walk.folder_fd);
    while (!v->stopped && (step = next(&v->walk, &batch)) == WALK_BATCH) {
        if (!follow_key(v, &batch))
            return report_other_key(v);
        count(v);
        if (v->options->check_heads) {
            enum sluis_verify_result result = verify_heads_take(&v->heads, &v->walk, v->report);
            if (result != SLUIS_VERIFY_VALID)
                return result;
        }
        if (v->tags)
            verify_tags_add(v->tags, &batch);
        if (v->options->visit)
            visit_leaves(v, &batch);
        visit_checkpoint(v, &batch);
    }
    count(v);
    report_keys(v);
    if (step == WALK_END && v->options->check_heads)
        verify_heads_look_beyond(&v->heads, &v->walk, v->report);
    if (v->stopped || step == WALK_END)
        return finish(v, folder);
    return report_problem(v, step);
}

/* One pass under the first of `keys`; *is_other_key: the very first batch is not under it. */
static enum sluis_verify_result verify_once(const char *folder, const struct vkey_list *keys,
                                            const struct sluis_verify_options *options,
                                            bool is_before_keys, bool *is_other_key,
                                            struct sluis_verify_report *report)
{
    struct verifying v = {.options = options,
                          .report = report,
                          .keys = keys,
                          .n_met = 1,
                          .is_before_keys = is_before_keys};
    SL_AUTO(note_verifier) verifier = NULL;
    char vkey[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(vkey, sizeof vkey);
    write_vkey(&writer, keys->keys[0].name, keys->keys[0].key);
    if (note_verifier_new(writer_slice(&writer), &verifier) != SL_OK)
        return problem(report, SLUIS_VERIFY_UNCHECKED, "out of memory");
    memcpy(report->origin, keys->keys[0].name.p, keys->keys[0].name.n);
    enum sluis_verify_result result;
    if (walk_open(&v.walk, folder, verifier, NULL) != SL_OK)
        result = problem(report, SLUIS_VERIFY_UNCHECKED, v.walk.problem.text);
    else if (options->n_threads > 1 && walk_use_threads(&v.walk, options->n_threads - 1) != SL_OK)
        result = problem(report, SLUIS_VERIFY_UNCHECKED,
                         "there is no memory, or there can't be so many threads");
    else if (verify_tags_new(&v.walk, options, &v.tags) != SL_OK)
        result = problem(report, SLUIS_VERIFY_UNCHECKED, "out of memory");
    else if (v.walk.n_listed == 0)
        result = problem(report, SLUIS_VERIFY_UNCHECKED, "there is no segment in this folder");
    else {
        v.walk.is_before_key = is_before_keys;
        v.walk.awaited = keys;
        result = walk_all(&v, folder);
    }
    *is_other_key = v.walk.n_batches == 0 && v.walk.problem.other_key;
    walk_close(&v.walk);
    tag_check_free(v.tags);
    return result;
}

static enum sluis_verify_result older_key_is_missing(struct sluis_verify_report *report,
                                                     const char *why)
{
    char text[sizeof report->problem];
    snprintf(text, sizeof text,
             "%s: receipts before %llu are under an older key than those given, at last "
             "%.300s; if somebody you trust knows it as the ledger's, add it to the key file",
             why, (unsigned long long)report->n_older, report->older_vkey);
    return problem(report, SLUIS_VERIFY_UNCHECKED, text);
}

/*
 * The first batch is under none of the keys given. Perhaps the ledger goes over to one later: then
 * its checkpoints stand for the receipts before as well.
 */
static enum sluis_verify_result verify_before_keys(const char *folder, const struct vkey_list *keys,
                                                   const struct sluis_verify_options *options,
                                                   struct sluis_verify_report *report)
{
    struct sluis_verify_options quiet = *options;
    struct sluis_verify_report found = {0};
    bool is_other_key;
    quiet.visit = NULL;
    quiet.visit_checkpoint = NULL;
    enum sluis_verify_result result =
        verify_once(folder, keys, &quiet, true, &is_other_key, &found);
    if (found.n_older == 0)
        return SLUIS_VERIFY_INVALID; /* as was reported */
    *report = found;
    if (result != SLUIS_VERIFY_VALID)
        return result;
    if (report->n_older == report->n_receipts)
        return older_key_is_missing(report, "nothing is signed with this key yet");
    if (options->visit || options->visit_checkpoint)
        return older_key_is_missing(report, "the receipts can't be read one by one");
    return SLUIS_VERIFY_VALID;
}

enum sluis_verify_result sluis_verify_folder(const char *folder,
                                             const struct sluis_verify_options *options,
                                             struct sluis_verify_report *report)
{
    struct vkey_list keys;
    size_t line = 0;
    memset(report, 0, sizeof *report);
    if (vkey_list_parse(slice_of_str(options->vkey), &keys, &line) != SL_OK) {
        char text[256];
        snprintf(text, sizeof text,
                 "line %zu of the key is not an Ed25519 verifier key of one ledger (\"name+8 "
                 "hexadecimal digits+base64\", oldest first, at most %d)",
                 line, VKEY_LIST_KEYS_MAX);
        return problem(report, SLUIS_VERIFY_UNCHECKED, text);
    }
    uint8_t untold[NOTE_KEY_ID_BYTES];
    if (keys.n > 1)
        (void)first_key_put_first(folder, &keys, untold);
    bool is_other_key = false;
    enum sluis_verify_result result =
        verify_once(folder, &keys, options, false, &is_other_key, report);
    if (result == SLUIS_VERIFY_INVALID && is_other_key)
        return verify_before_keys(folder, &keys, options, report);
    return result;
}
