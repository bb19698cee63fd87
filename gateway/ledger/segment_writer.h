/*
 * segment_writer.h - the end of the ledger on disk: the segment in use, and the next one in spare
 *
 * Shape   a helper thread keeps one prepared segment ready; rolling over is a head and a rename.
 *         While none can be prepared (a full disk) it tries again every second.
 * Threads all calls from the recorder's thread, or from its owner before it starts
 * Owns    the folder's lock: a second process on the same folder is refused
 * Errors  SL_ESTORE with a text in segment_writer_problem(); SL_ELIMIT: no room
 */
#ifndef SLUIS_LEDGER_SEGMENT_WRITER_H
#define SLUIS_LEDGER_SEGMENT_WRITER_H

#include "ledger/segment.h"

struct segment_writer;

struct segment_problem {
    char text[512];
};

/* Makes the folder if its parent is there. `origin` must outlive the writer. */
SL_NODISCARD enum sl_err segment_writer_open(const char *folder, struct slice origin,
                                             uint64_t segment_bytes,
                                             struct segment_problem *problem,
                                             struct segment_writer **out);
void segment_writer_free(struct segment_writer *writer);
SL_DEFINE_AUTO(segment_writer, segment_writer_free)

/* Prepares a segment and puts it in use, at once. */
SL_NODISCARD enum sl_err segment_writer_begin(struct segment_writer *writer, uint64_t first_index);
/*
 * Goes on in a segment that is there, at `offset`; first overwrites `n_torn_bytes` from there on
 * with zeros.
 */
SL_NODISCARD enum sl_err segment_writer_resume(struct segment_writer *writer, uint64_t first_index,
                                               uint32_t alignment, uint64_t segment_bytes,
                                               uint64_t offset, uint64_t n_torn_bytes);
/* The helper thread. */
SL_NODISCARD enum sl_err segment_writer_start(struct segment_writer *writer);
void segment_writer_stop(struct segment_writer *writer);

/* Of the segment in use. */
uint64_t segment_writer_room_bytes(const struct segment_writer *writer);
uint64_t segment_writer_first_index(const struct segment_writer *writer);
uint64_t segment_writer_offset(const struct segment_writer *writer);
uint32_t segment_writer_alignment(const struct segment_writer *writer);

/* A prepared segment is there. */
bool segment_writer_next_is_ready(struct segment_writer *writer);
/* Waits while one is being prepared; false when that has failed. */
bool segment_writer_await_next(struct segment_writer *writer);
/* Puts the prepared segment in use. SL_ELIMIT: there is none, or its name finds no room. */
SL_NODISCARD enum sl_err segment_writer_roll(struct segment_writer *writer, uint64_t first_index);
/* One write, durable when it returns. After a failure nothing may be appended any more. */
SL_NODISCARD enum sl_err segment_writer_append(struct segment_writer *writer, uint8_t *block,
                                               size_t n_bytes);
/* What the last SL_ESTORE was. */
const char *segment_writer_problem(const struct segment_writer *writer);

#endif
