/*
 * remote_walk.c - every receipt of a ledger that is served, in order, and its lists of heads
 *
 * A list comes as a file of its own, under the epoch's number. The receipt of the heads says how
 * long it is and what its root is, so it is fetched when that receipt was proven, and put where
 * the code that reads lists in folders can read it: in a file in memory.
 */
#include "commands.h"
#include "common/terminal.h"
#include "ledger/heads_file.h"
#include "ledger/verify_heads.h"
#include "remote.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct walking {
    struct remote *remote;
    struct ledger_source *source;
    const struct ledger_visitor *visitor;
    struct sluis_verify_report *report;
    struct verify_heads heads;
    bool stopped;
    bool ends_with_key; /* the last receipt goes over to a key that signs from the next on */
};

/* ------------------------------------------------------------------------------------ heads -- */

static enum sluis_verify_result heads_wrong(struct walking *w, const struct leaf_heads *leaf,
                                            enum sluis_verify_result result, const char *problem)
{
    struct sluis_verify_report *report = w->report;
    snprintf(report->problem, sizeof report->problem, "%s", problem);
    snprintf(report->segment, sizeof report->segment, "/heads/%llu",
             (unsigned long long)leaf->epoch);
    report->is_about_heads = result == SLUIS_VERIFY_INVALID;
    return result;
}

/* The bytes as a file without a name; -1 with errno on failure. */
static int file_of(struct slice bytes)
{
    int fd = memfd_create("heads", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < bytes.n;) {
        ssize_t put = write(fd, bytes.p + done, bytes.n - done);
        if (put > 0)
            done += (size_t)put;
        else if (errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

/* Is the list that is served the one that the receipt commits to? Then *fd is a file of it. It may
 * be lacking, where the caller can do without. */
static enum sluis_verify_result fetch_list(struct walking *w, const struct leaf_heads *leaf,
                                           int *fd)
{
    struct ledger_problem problem;
    struct heads_file file;
    struct slice body;
    bool is_there;
    enum sluis_verify_result result = remote_fetch_heads(
        w->remote, leaf->epoch, heads_file_bytes(leaf->n_entries), &body, &is_there, &problem);
    if (!is_there && w->source->can_lack_heads) {
        w->source->n_heads_lacking++;
        return SLUIS_VERIFY_VALID;
    }
    if (result != SLUIS_VERIFY_VALID)
        return heads_wrong(w, leaf, result, problem.text);
    *fd = file_of(body);
    int own = *fd >= 0 ? dup(*fd) : -1;
    if (own < 0)
        return heads_wrong(w, leaf, SLUIS_VERIFY_UNCHECKED, strerror(errno));
    enum heads_check check =
        heads_file_open_fd(&file, own, leaf->epoch, slice_of_str(remote_origin(w->remote)));
    if (check == HEADS_SOUND)
        check = heads_file_check(&file, leaf, verify_heads_subjects(&w->heads, leaf->end));
    heads_file_close(&file);
    if (check == HEADS_SOUND)
        return SLUIS_VERIFY_VALID;
    return heads_wrong(w, leaf,
                       check == HEADS_UNREADABLE ? SLUIS_VERIFY_UNCHECKED : SLUIS_VERIFY_INVALID,
                       file.problem);
}

static enum sluis_verify_result too_many_keys(struct walking *w)
{
    snprintf(w->report->problem, sizeof w->report->problem,
             "there are more changes of key than a ledger can have");
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result take_heads(struct walking *w, uint64_t index,
                                           const struct leaf_heads *leaf)
{
    char problem[VERIFY_HEADS_PROBLEM_BYTES];
    if (!verify_heads_follow(&w->heads, index, leaf, problem))
        return heads_wrong(w, leaf, SLUIS_VERIFY_INVALID, problem);
    if (leaf->n_entries > leaf->end - leaf->first)
        return heads_wrong(w, leaf, SLUIS_VERIFY_INVALID,
                           "the heads have more entries than there are receipts");
    enum sluis_verify_result result = fetch_list(w, leaf, &w->source->heads_fd);
    if (result == SLUIS_VERIFY_VALID && !verify_heads_go_on(&w->heads, index, leaf))
        result = too_many_keys(w);
    w->report->n_epochs = w->heads.n_epochs;
    w->report->headed_end = w->heads.end;
    return result;
}

/* Heads, and what they have to know of: which receipts are nobody's. */
static enum sluis_verify_result take_account(struct walking *w, uint64_t index,
                                             const struct leaf *leaf)
{
    if (leaf->kind == LEAF_HEADS)
        return take_heads(w, index, &leaf->heads);
    if (leaf->kind == LEAF_KEY && !verify_heads_note_node(&w->heads, index))
        return too_many_keys(w);
    return SLUIS_VERIFY_VALID;
}

/* ---------------------------------------------------------------------------------- receipts -- */

/* Proven, and of its one form. VALID, or why not in report->problem. */
static enum sluis_verify_result fetch_receipt(struct walking *w, uint64_t index,
                                              struct slice *bytes, struct leaf *leaf)
{
    struct ledger_reader *reader = remote_reader(w->remote);
    w->report->receipt = index;
    if (ledger_reader_leaf(reader, remote_head(w->remote), index, bytes) != SL_OK) {
        snprintf(w->report->problem, sizeof w->report->problem, "%s",
                 ledger_reader_problem(reader));
        return remote_result(w->remote);
    }
    if (leaf_parse(*bytes, leaf) == SL_OK)
        return SLUIS_VERIFY_VALID;
    snprintf(w->report->problem, sizeof w->report->problem, "what stands at %llu is not a receipt",
             (unsigned long long)index);
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result take_receipt(struct walking *w, uint64_t index)
{
    struct slice bytes;
    struct leaf leaf = {0};
    enum sluis_verify_result result = fetch_receipt(w, index, &bytes, &leaf);
    w->source->heads_fd = -1;
    w->ends_with_key = result == SLUIS_VERIFY_VALID && leaf.kind == LEAF_KEY;
    if (result == SLUIS_VERIFY_VALID && w->source->check_heads)
        result = take_account(w, index, &leaf);
    if (result == SLUIS_VERIFY_VALID && w->visitor->leaf)
        w->stopped = !w->visitor->leaf(w->visitor->context, index, bytes);
    if (w->source->heads_fd >= 0)
        close(w->source->heads_fd);
    return result;
}

/* From the tile of source->first on. */
static enum sluis_verify_result walk_all(struct walking *w)
{
    struct progress progress = {.what = "checking"};
    enum sluis_verify_result result = SLUIS_VERIFY_VALID;
    const struct ledger_visitor *visitor = w->visitor;
    uint64_t size = remote_head(w->remote)->tree.size, *index = &w->report->n_receipts;
    *index = w->source->first / TILE_WIDTH * TILE_WIDTH;
    while (*index < size && !w->stopped) {
        result = take_receipt(w, *index);
        if (result != SLUIS_VERIFY_VALID)
            break;
        if (*index % TILE_WIDTH == 0)
            progress_show(&progress, *index, size);
        ++*index;
    }
    progress_clear(&progress);
    if (result == SLUIS_VERIFY_VALID && !w->stopped && visitor->checkpoint)
        (void)visitor->checkpoint(visitor->context, size, remote_note(w->remote));
    return result;
}

enum sluis_verify_result remote_walk(struct ledger_source *source,
                                     const struct ledger_visitor *visitor,
                                     struct sluis_verify_report *report)
{
    SL_AUTO(remote) remote = NULL;
    struct ledger_problem problem;
    enum sluis_verify_result result = remote_open(source, &problem, &remote);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(report->problem, sizeof report->problem, "%s", problem.text);
        return result;
    }
    remote_describe(remote, source);
    snprintf(report->origin, sizeof report->origin, "%s", source->origin);
    memcpy(report->root, remote_head(remote)->root, sizeof report->root);
    report->n_unmet = source->n_vkeys - 1 - remote_key(remote);
    struct walking walking = {
        .remote = remote, .source = source, .visitor = visitor, .report = report};
    result = walk_all(&walking);
    if (walking.ends_with_key && report->n_unmet > 0)
        report->n_unmet--;
    return result;
}
