/*
 * verify_tags.c - the passes over a folder that tag_check.c asks for
 *
 * The first pass is the verification itself. Later ones take apart what has been proven already, so
 * they only read, and nothing that they could find is damage: if it looks different now, somebody
 * has changed it meanwhile.
 */
#include "ledger/verify_tags.h"

#include <stdio.h>
#include <string.h>

/* No receipt with a tag takes less in a segment. */
enum { RECEIPT_BYTES_MIN = 200 };

enum sl_err verify_tags_new(const struct walk *walk, const struct sluis_verify_options *options,
                            struct tag_check **out)
{
    if (options->tag_memory_bytes == 0)
        return SL_OK;
    size_t memory_bytes = options->tag_memory_bytes < TAG_CHECK_BYTES_MIN
                              ? TAG_CHECK_BYTES_MIN
                              : options->tag_memory_bytes;
    /* The newest segment is named by the number of receipts before it. */
    uint64_t n_receipts = walk->newest_listed + walk->newest_listed_bytes / RECEIPT_BYTES_MIN;
    return tag_check_new(memory_bytes, n_receipts, out);
}

void verify_tags_add(struct tag_check *check, const struct batch *batch)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    struct slice leaf;
    for (uint32_t i = 0; i < batch->n_receipts && batch_next_proven_leaf(&cursor, &leaf); i++)
        (void)tag_check_add(check, batch->first_index + i, leaf);
}

static void report_twins(const struct tag_check *check, const struct walk *walk,
                         const struct batch *batch, struct slice leaf,
                         struct sluis_verify_report *report)
{
    uint64_t first, second;
    tag_check_twins(check, &first, &second);
    snprintf(report->problem, sizeof report->problem,
             "receipt %llu has the tag of receipt %llu: a tag is used once",
             (unsigned long long)second, (unsigned long long)first);
    segment_name(walk->segment_first, report->segment);
    report->segment_offset =
        walk->batch_offset + BATCH_HEAD_BYTES + (uint64_t)(leaf.p - batch->receipts.p) - 2;
    report->batch = walk->n_batches - 1;
    report->receipt = second;
    report->n_receipts = second;
    report->n_batches = report->batch;
    memset(report->root, 0, sizeof report->root);
    report->repeats_tag = true;
    report->tag_receipt = first;
}

/* False when the batch is not what it was. */
static bool add_again(struct tag_check *check, const struct walk *walk, const struct batch *batch,
                      uint64_t size, struct sluis_verify_report *report)
{
    struct batch_cursor cursor = batch_cursor_over(batch);
    for (uint64_t i = batch->first_index; i < walk->tree.size && i < size; i++) {
        struct slice leaf;
        if (!batch_next_proven_leaf(&cursor, &leaf))
            return false;
        if (!tag_check_add(check, i, leaf))
            continue;
        report_twins(check, walk, batch, leaf, report);
        return true;
    }
    return true;
}

/* One pass over the first `size` receipts, or up to a twin. False when they can't be read again. */
static bool read_again(struct tag_check *check, struct walk *walk, uint64_t size, uint64_t n_before,
                       const struct sluis_verify_options *options,
                       struct sluis_verify_report *report)
{
    struct batch batch;
    walk_read_only_form(walk);
    while (walk->tree.size < size && !report->repeats_tag) {
        if (walk_next(walk, &batch) != WALK_BATCH || !add_again(check, walk, &batch, size, report))
            return false;
        uint64_t n_passes = tag_check_n_passes(check);
        uint64_t total = walk->listed_bytes * (n_passes > n_before ? n_passes : n_before + 1);
        uint64_t done = walk->listed_bytes * n_before + walk->n_bytes_done;
        if (options->progress)
            options->progress(options->progress_context, done < total ? done : total, total);
    }
    return true;
}

enum sluis_verify_result verify_tags_finish(struct tag_check *check, const char *folder,
                                            const struct walk *walk,
                                            const struct sluis_verify_options *options,
                                            struct sluis_verify_report *report)
{
    for (uint64_t n_passes = 1; tag_check_end_pass(check); n_passes++) {
        struct walk again;
        bool is_read = walk_open(&again, folder, walk->verifier, NULL) == SL_OK &&
                       read_again(check, &again, walk->tree.size, n_passes, options, report);
        walk_close(&again);
        if (report->repeats_tag)
            return SLUIS_VERIFY_INVALID;
        if (is_read)
            continue;
        snprintf(report->problem, sizeof report->problem,
                 "the ledger changed while it was checked: %s", again.problem.text);
        return SLUIS_VERIFY_UNCHECKED;
    }
    return SLUIS_VERIFY_VALID;
}
