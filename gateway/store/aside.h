/*
 * aside.h - what stands beside the store and its key for a moment: the next, or the last
 *
 * Shape   a place is a name in a folder, and "<name>.aside" next to it. To exchange the two is
 *         atomic; what is aside is never needed, and is wiped: overwritten, synced, unlinked
 * Errors  errno codes; 0 is success
 */
#ifndef SLUIS_STORE_ASIDE_H
#define SLUIS_STORE_ASIDE_H

#include <limits.h>
#include <stdbool.h>

#define ASIDE_SUFFIX ".aside"

struct place {
    int parent_fd; /* below 0: not opened */
    char name[NAME_MAX + 1], aside[NAME_MAX + 1];
};

/* Of the last part of `path`. */
int place_open(struct place *place, const char *path);
void place_close(struct place *place);
/* The names change places; durable when place_sync() has returned 0. */
int place_exchange(const struct place *place);
int place_sync(const struct place *place);
/* EXDEV: what has the name is a link, or a file system of its own: it can't be exchanged. */
int place_check(const struct place *place);
/* Whether there is anything aside. */
int place_has_aside(const struct place *place, bool *has);
/* Wipes a file that is aside; none is fine. */
int place_wipe_file(const struct place *place);
/*
 * Wipes a store that is aside, with its folder; none is fine. EWOULDBLOCK: a process still has it
 * open (generation.h), or this one has.
 */
int place_wipe_store(const struct place *place);

#endif
