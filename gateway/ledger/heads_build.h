/*
 * heads_build.h - makes the list of heads of one epoch out of entries in any order
 *
 * Shape   entries go to a file without a name; to write the list it is read several times, each
 *         time for as many of the next labels as fit into memory
 * Memory  HEADS_SORT_ENTRIES entries (10 MiB), and as much again within qsort(), whatever the
 *         number of subjects
 * Owns    the file without a name
 * Threads one
 * Errors  SL_ESTORE with errno; SL_EINTERNAL: out of memory
 */
#ifndef SLUIS_LEDGER_HEADS_BUILD_H
#define SLUIS_LEDGER_HEADS_BUILD_H

#include "ledger/heads_list.h"

struct heads_build;

/* `folder_fd`: where the list will be; the caller's. */
SL_NODISCARD enum sl_err heads_build_new(int folder_fd, struct heads_build **out);
void heads_build_free(struct heads_build *build);
SL_DEFINE_AUTO(heads_build, heads_build_free)

SL_NODISCARD enum sl_err heads_build_add(struct heads_build *build,
                                         const struct heads_entry *entry);
/* Of entries under one label the one with the highest delta stays; then the counts are right. */
SL_NODISCARD enum sl_err heads_build_settle(struct heads_build *build);
/* How many entries there are, and how many receipts they account for. */
uint64_t heads_build_n_entries(const struct heads_build *build);
uint64_t heads_build_sum(const struct heads_build *build);

/*
 * Sorts, writes, syncs, and puts the list under its name, in the place of one that was there.
 * There is at least one entry. head->n_entries is set here.
 */
SL_NODISCARD enum sl_err heads_build_finish(struct heads_build *build, struct heads_head *head,
                                            uint8_t root[SHA256_BYTES]);

#endif
