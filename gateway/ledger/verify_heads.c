/*
 * verify_heads.c - the public half of "nothing of mine is missing"
 *
 *     receipts  | s s s k s | s s H s | s s s H
 *               0           5         9           ^ heads of 1: [5, 9), list 1
 *                           ^ heads of 0: [0, 5), list 0, four receipts of subjects
 *
 * What the deltas of a list must add up to is the length of the epoch less the receipts that are
 * nobody's. Of those there is one of heads for each epoch, and a change of key now and then; so
 * their places are kept, and the epoch's end, which is told only later, needs no second reading.
 */
#include "ledger/verify_heads.h"

#include "base/log.h"
#include "ledger/heads_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* About the heads in the batch. */
static SL_PRINTF(4, 5) enum sluis_verify_result
    stop(const struct walk *walk, struct sluis_verify_report *report,
         enum sluis_verify_result result, const char *format, ...)
{
    char text[sizeof report->problem];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_make_printable(slice_of_str(text), report->problem, sizeof report->problem);
    segment_name(walk->segment_first, report->segment);
    report->segment_offset = walk->heads.offset;
    report->batch = walk->n_batches - 1;
    report->receipt = walk->heads.index;
    report->is_about_heads = true;
    return result;
}

/* Does the epoch follow the one before? The list is another matter. */
static enum sluis_verify_result check_place(const struct verify_heads *heads,
                                            const struct walk *walk,
                                            struct sluis_verify_report *report)
{
    const struct leaf_heads *leaf = &walk->heads.leaf;
    unsigned long long at = walk->heads.index, epoch = leaf->epoch, first = leaf->first,
                       end = leaf->end, next = heads->n_epochs;
    if (walk->heads.n > 1)
        return stop(walk, report, SLUIS_VERIFY_INVALID,
                    "there are two heads in the batch of receipt %llu", at);
    if (epoch != next)
        return stop(walk, report, SLUIS_VERIFY_INVALID,
                    "receipt %llu has the heads of epoch %llu, but those of epoch %llu are next",
                    at, epoch, next);
    if (first != heads->end)
        return stop(
            walk, report, SLUIS_VERIFY_INVALID,
            "the heads of epoch %llu begin with receipt %llu, but the epoch before ended at "
            "%llu",
            epoch, first, (unsigned long long)heads->end);
    if (end <= first || end > at)
        return stop(walk, report, SLUIS_VERIFY_INVALID,
                    "the heads of epoch %llu, receipt %llu, are about the receipts from %llu up to "
                    "%llu",
                    epoch, at, first, end);
    if (heads->n_epochs > 0 && end <= heads->heads_at)
        return stop(walk, report, SLUIS_VERIFY_INVALID,
                    "epoch %llu ended before the heads of the epoch before were recorded", epoch);
    return SLUIS_VERIFY_VALID;
}

/* Receipts of subjects from heads->end up to `end`. */
static uint64_t n_subjects_up_to(const struct verify_heads *heads, uint64_t end)
{
    uint64_t n = end - heads->end;
    for (size_t i = 0; i < heads->n_nodes; i++)
        n -= heads->nodes[i] < end;
    return n;
}

static enum sluis_verify_result check_list(const struct verify_heads *heads,
                                           const struct walk *walk,
                                           struct sluis_verify_report *report)
{
    const struct leaf_heads *leaf = &walk->heads.leaf;
    struct heads_file file;
    enum heads_check check =
        heads_file_open(&file, walk->folder_fd, leaf->epoch, note_verifier_name(walk->verifier));
    if (check == HEADS_SOUND)
        check = heads_file_check(&file, leaf, n_subjects_up_to(heads, leaf->end));
    heads_file_close(&file);
    if (check == HEADS_SOUND)
        return SLUIS_VERIFY_VALID;
    char name[HEADS_NAME_BYTES + 1];
    heads_name(leaf->epoch, name);
    enum sluis_verify_result result = stop(
        walk, report, check == HEADS_UNREADABLE ? SLUIS_VERIFY_UNCHECKED : SLUIS_VERIFY_INVALID,
        "%s", file.problem);
    snprintf(report->segment, sizeof report->segment, HEADS_FOLDER "/%s", name);
    report->segment_offset = 0;
    return result;
}

/* False: there are more than a ledger can have. */
static bool note_node(struct verify_heads *heads, uint64_t index)
{
    if (heads->n_nodes == VERIFY_HEADS_NODES_MAX)
        return false;
    heads->nodes[heads->n_nodes++] = index;
    return true;
}

/* The epoch's heads hold: what was before its end is over. */
static void go_on(struct verify_heads *heads, const struct batch_heads *taken)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < heads->n_nodes; i++)
        if (heads->nodes[i] >= taken->leaf.end)
            heads->nodes[n_kept++] = heads->nodes[i];
    heads->n_nodes = n_kept;
    heads->n_epochs++;
    heads->end = taken->leaf.end;
    heads->heads_at = taken->index;
}

enum sluis_verify_result verify_heads_take(struct verify_heads *heads, const struct walk *walk,
                                           struct sluis_verify_report *report)
{
    bool fits = true;
    if (walk->heads.n > 0) {
        enum sluis_verify_result result = check_place(heads, walk, report);
        if (result == SLUIS_VERIFY_VALID)
            result = check_list(heads, walk, report);
        if (result != SLUIS_VERIFY_VALID)
            return result;
        go_on(heads, &walk->heads);
        fits = note_node(heads, walk->heads.index);
    }
    if (walk->n_key_changes > heads->n_key_changes) { /* the last receipt of a batch */
        heads->n_key_changes = walk->n_key_changes;
        fits = note_node(heads, walk->key_receipt) && fits;
    }
    report->n_epochs = heads->n_epochs;
    report->headed_end = heads->end;
    if (fits)
        return SLUIS_VERIFY_VALID;
    return stop(walk, report, SLUIS_VERIFY_INVALID,
                "there are more changes of key up to receipt %llu than a ledger can have",
                (unsigned long long)walk->key_receipt);
}
