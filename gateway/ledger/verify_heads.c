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

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* ---------------------------------------------------------------------------------- sequence -- */

static SL_PRINTF(2, 3) bool refuse(char problem[VERIFY_HEADS_PROBLEM_BYTES], const char *format,
                                   ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem, VERIFY_HEADS_PROBLEM_BYTES, format, args);
    va_end(args);
    return false;
}

/* The list is another matter. */
bool verify_heads_follow(const struct verify_heads *heads, uint64_t index,
                         const struct leaf_heads *leaf, char problem[VERIFY_HEADS_PROBLEM_BYTES])
{
    unsigned long long at = index, epoch = leaf->epoch, first = leaf->first, end = leaf->end,
                       next = heads->n_epochs;
    if (epoch != next)
        return refuse(problem,
                      "receipt %llu has the heads of epoch %llu, but those of epoch %llu are next",
                      at, epoch, next);
    if (first != heads->end)
        return refuse(
            problem,
            "the heads of epoch %llu begin with receipt %llu, but the epoch before ended at %llu",
            epoch, first, (unsigned long long)heads->end);
    if (end <= first || end > at)
        return refuse(problem,
                      "the heads of epoch %llu, receipt %llu, are about the receipts from %llu up "
                      "to %llu",
                      epoch, at, first, end);
    if (heads->n_epochs > 0 && end <= heads->heads_at)
        return refuse(problem,
                      "epoch %llu ended before the heads of the epoch before were recorded", epoch);
    return true;
}

uint64_t verify_heads_subjects(const struct verify_heads *heads, uint64_t end)
{
    uint64_t n = end - heads->end;
    for (size_t i = 0; i < heads->n_nodes; i++)
        n -= heads->nodes[i] < end;
    return n;
}

bool verify_heads_note_node(struct verify_heads *heads, uint64_t index)
{
    if (heads->n_nodes == VERIFY_HEADS_NODES_MAX)
        return false;
    heads->nodes[heads->n_nodes++] = index;
    return true;
}

/* What was before the epoch's end is over. */
bool verify_heads_go_on(struct verify_heads *heads, uint64_t index, const struct leaf_heads *leaf)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < heads->n_nodes; i++)
        if (heads->nodes[i] >= leaf->end)
            heads->nodes[n_kept++] = heads->nodes[i];
    heads->n_nodes = n_kept;
    heads->n_epochs++;
    heads->end = leaf->end;
    heads->heads_at = index;
    return verify_heads_note_node(heads, index);
}

/* ---------------------------------------------------------------------------------- a folder -- */

static enum sluis_verify_result check_place(const struct verify_heads *heads,
                                            const struct walk *walk,
                                            struct sluis_verify_report *report)
{
    char text[VERIFY_HEADS_PROBLEM_BYTES];
    if (walk->heads.n > 1)
        return stop(walk, report, SLUIS_VERIFY_INVALID,
                    "there are two heads in the batch of receipt %llu",
                    (unsigned long long)walk->heads.index);
    if (!verify_heads_follow(heads, walk->heads.index, &walk->heads.leaf, text))
        return stop(walk, report, SLUIS_VERIFY_INVALID, "%s", text);
    return SLUIS_VERIFY_VALID;
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
        check = heads_file_check(&file, leaf, verify_heads_subjects(heads, leaf->end));
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
        fits = verify_heads_go_on(heads, walk->heads.index, &walk->heads.leaf);
    }
    if (walk->n_key_changes > heads->n_key_changes) { /* the last receipt of a batch */
        heads->n_key_changes = walk->n_key_changes;
        fits = verify_heads_note_node(heads, walk->key_receipt) && fits;
    }
    report->n_epochs = heads->n_epochs;
    report->headed_end = heads->end;
    if (fits)
        return SLUIS_VERIFY_VALID;
    return stop(walk, report, SLUIS_VERIFY_INVALID,
                "there are more changes of key up to receipt %llu than a ledger can have",
                (unsigned long long)walk->key_receipt);
}

/* ------------------------------------------------------------------------------------- beyond --
 */

/*
 * Before the walk, so that a gateway that goes on meanwhile leaves nothing here that the walk has
 * not come to.
 */
void verify_heads_list(struct verify_heads *heads, int ledger_fd)
{
    int fd = openat(ledger_fd, HEADS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t epoch;
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (!heads_name_parse(slice_of_str(entry->d_name), &epoch))
            continue;
        if (!heads->has_list || epoch > heads->newest_list)
            heads->newest_list = epoch;
        heads->has_list = true;
    }
    if (listing)
        closedir(listing);
    else if (fd >= 0)
        close(fd);
}

/*
 * The list of an epoch is written before its heads are recorded, and after those of the epoch
 * before. So the one that is next may be there, if it is about receipts that are; none after it.
 */
void verify_heads_look_beyond(const struct verify_heads *heads, const struct walk *walk,
                              struct sluis_verify_report *report)
{
    struct heads_file file;
    if (!heads->has_list || heads->newest_list < heads->n_epochs)
        return;
    enum heads_check check = heads_file_open(&file, walk->folder_fd, heads->newest_list,
                                             note_verifier_name(walk->verifier));
    uint64_t end = check == HEADS_SOUND ? file.head.end : 0;
    heads_file_close(&file);
    if (heads->newest_list == heads->n_epochs && end <= walk->tree.size)
        return;
    report->has_list_beyond = true;
    report->list_beyond = heads->newest_list;
    report->list_beyond_end = end;
}
