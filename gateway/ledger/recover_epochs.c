/*
 * recover_epochs.c - guessing where epochs ended, and seeing whether that was right
 *
 *     read again    ... | batch | batch | batch | heads of 7 | batch ... end
 *                               ^ end of 7, says list 7
 *
 * A list is written after its epoch has ended and before its heads are in the ledger, and there are
 * no lists of later epochs before that. So the newest two lists are of the last epoch with heads
 * and the one that is closing, or of the last two with heads.
 */
#include "ledger/recover_epochs.h"

#include "ledger/heads_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The highest numbers of lists in the folder, the higher one last. */
static size_t newest_lists(DIR *folder, uint64_t newest[RECOVER_ENDS_MAX])
{
    size_t n = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        uint64_t epoch;
        if (!heads_name_parse(slice_of_str(entry->d_name), &epoch))
            continue;
        if (n == RECOVER_ENDS_MAX && epoch < newest[0])
            continue;
        if (n == RECOVER_ENDS_MAX)
            newest[0] = epoch;
        else
            newest[n++] = epoch;
        if (n == 2 && newest[0] > newest[1]) {
            uint64_t higher = newest[0];
            newest[0] = newest[1];
            newest[1] = higher;
        }
    }
    return n;
}

void recover_epochs_init(struct recover_epochs *epochs, const char *folder, struct slice origin)
{
    memset(epochs, 0, sizeof *epochs);
    epochs->running_is_exact = epochs->closing_is_exact = true;
    int ledger_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd =
        ledger_fd >= 0 ? openat(ledger_fd, HEADS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    uint64_t newest[RECOVER_ENDS_MAX];
    size_t n = listing ? newest_lists(listing, newest) : 0;
    for (size_t i = 0; i < n; i++) {
        struct heads_file file;
        if (heads_file_open(&file, ledger_fd, newest[i], origin) == HEADS_SOUND)
            epochs->ends[epochs->n_ends++] =
                (struct recover_end){file.head.epoch, file.head.first, file.head.end};
        heads_file_close(&file);
    }
    if (listing)
        closedir(listing);
    else if (fd >= 0)
        close(fd);
    if (ledger_fd >= 0)
        close(ledger_fd);
}

void recover_epochs_again(struct recover_epochs *epochs)
{
    SL_ASSERT(epochs->has_heads);
    struct recover_end last = epochs->last_heads;
    *epochs = (struct recover_epochs){
        .n_ends = 1, .ends = {last}, .running_is_exact = true, .closing_is_exact = true};
}

/* Where the epoch that runs began. */
static uint64_t running_first(const struct epochs *state)
{
    return state->is_closing ? state->closing_end : state->headed_end;
}

bool recover_epochs_end_at(struct recover_epochs *epochs, const struct epochs *state,
                           uint64_t first)
{
    while (epochs->next_end < epochs->n_ends) {
        const struct recover_end *end = &epochs->ends[epochs->next_end];
        if (end->end > first)
            return false;
        if (end->end == first && end->end > running_first(state))
            return true;
        epochs->next_end++;
    }
    return false;
}

void recover_epochs_end(struct recover_epochs *epochs, struct epochs *state)
{
    const struct recover_end *end = &epochs->ends[epochs->next_end++];
    epochs->closing_is_exact = epochs->running_is_exact && !state->is_closing &&
                               state->n_headed == end->epoch && state->headed_end == end->first;
    epochs->running_is_exact = true;
    state->is_closing = false;
    state->n_headed = end->epoch;
    state->headed_end = end->first;
    epochs_close(state, end->end);
    epochs->stale |= 1U << (epochs_running(state) & 1);
}

void recover_epochs_take_heads(struct recover_epochs *epochs, struct epochs *state,
                               const struct leaf_heads *heads)
{
    epochs->has_heads = true;
    epochs->last_heads = (struct recover_end){heads->epoch, heads->first, heads->end};
    if (epochs_take_heads(state, heads)) {
        epochs->stale |= 1U << (heads->epoch & 1);
        return;
    }
    state->n_headed = heads->epoch + 1;
    state->headed_end = heads->end;
    state->is_closing = false;
    state->closing_end = state->closing_n = 0;
    epochs->running_is_exact = false;
    epochs->stale = 3;
}

bool recover_epochs_are_exact(const struct recover_epochs *epochs, const struct epochs *state)
{
    return epochs->running_is_exact && (!state->is_closing || epochs->closing_is_exact);
}
