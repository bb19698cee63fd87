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
#include "ledger/note.h"
#include "ledger/verify_heads.h"
#include "ledger/verify_tags.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_LOOKS = 5, SECOND_LOOK_MS = 20 };

struct verifying {
    const struct sluis_verify_options *options;
    struct sluis_verify_report *report;
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

static enum sluis_verify_result walk_all(struct verifying *v, const char *folder)
{
    struct batch batch;
    enum walk_step step = WALK_BATCH;
    while (!v->stopped && (step = next(&v->walk, &batch)) == WALK_BATCH) {
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
    if (v->stopped || step == WALK_END)
        return finish(v, folder);
    return report_problem(v, step);
}

static enum sluis_verify_result verify_with(const char *folder, struct note_verifier *verifier,
                                            const struct sluis_verify_options *options,
                                            struct sluis_verify_report *report)
{
    struct slice origin = note_verifier_name(verifier);
    memcpy(report->origin, origin.p, origin.n);
    struct verifying v = {.options = options, .report = report};
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
    else
        result = walk_all(&v, folder);
    walk_close(&v.walk);
    tag_check_free(v.tags);
    return result;
}

enum sluis_verify_result sluis_verify_folder(const char *folder,
                                             const struct sluis_verify_options *options,
                                             struct sluis_verify_report *report)
{
    memset(report, 0, sizeof *report);
    struct slice vkey = slice_of_str(options->vkey);
    while (vkey.n > 0 && (vkey.p[vkey.n - 1] == '\n' || vkey.p[vkey.n - 1] == '\r'))
        vkey.n--;
    SL_AUTO(note_verifier) verifier = NULL;
    enum sl_err err = note_verifier_new(vkey, &verifier);
    if (err == SL_EMALFORMED)
        return problem(report, SLUIS_VERIFY_UNCHECKED,
                       "the key is not an Ed25519 verifier key "
                       "(\"name+8 hexadecimal digits+base64\", one line)");
    if (err != SL_OK)
        return problem(report, SLUIS_VERIFY_UNCHECKED, "out of memory");
    return verify_with(folder, verifier, options, report);
}
