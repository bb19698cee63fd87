/*
 * memory.h - what a witness must never forget: the newest checkpoint of each log that it cosigned
 *
 * Shape   a folder, written by one process at a time:
 *             lock                            held while the witness runs
 *             vkey                            whose memory this is
 *             <SHA-256 of origin>.checkpoint  the note, with the log's signatures and the witness's
 *             <SHA-256 of origin>.refused     the newest signed request that did not fit, whole
 * Errors  the text in memory_problem says what to do
 */
#ifndef SLUIS_WITNESS_MEMORY_H
#define SLUIS_WITNESS_MEMORY_H

#include "witness/known_logs.h"

struct memory;

struct memory_problem {
    char text[512];
    bool is_locked; /* by another process */
};

/*
 * Opens the folder, which must exist, and loads the record of each log. A record that does not
 * hold under `vkey` is refused: a witness that goes on without it could cosign a fork.
 */
SL_NODISCARD enum sl_err memory_open(const char *folder, const char *vkey, struct known_logs *logs,
                                     struct memory_problem *problem, struct memory **out);
void memory_free(struct memory *memory);
SL_DEFINE_AUTO(memory, memory_free)

/* The newest time of any cosignature; 0 when there is none. */
uint64_t memory_newest_time_s(const struct memory *memory);
/*
 * Puts `record` in the place of the log's; its note is taken over when this returns SL_OK. On
 * SL_ESTORE nothing of it may be told: the disk has the old one or the new one.
 */
SL_NODISCARD enum sl_err memory_store(struct memory *memory, struct known_log *log,
                                      const struct record *record);
/* Keeps a request that did not fit what was cosigned before: it may be evidence. */
SL_NODISCARD enum sl_err memory_keep_refused(struct memory *memory, const struct known_log *log,
                                             struct slice body);

#endif
