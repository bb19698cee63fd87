/*
 * recorder_parts.h - the recorder's own state, shared by its two files and by nobody else
 */
#ifndef SLUIS_LEDGER_RECORDER_PARTS_H
#define SLUIS_LEDGER_RECORDER_PARTS_H

#include "ledger/ledger_reader.h"
#include "ledger/note.h"
#include "ledger/recorder.h"
#include "ledger/segment_writer.h"
#include "ledger/subject_table.h"
#include "ledger/tree.h"

#include <pthread.h>

struct recorder {
    /* Fixed from the start. */
    struct recorder_ops ops;
    uint64_t batch_receipts, queue_receipts, consent_reserve_bytes;
    size_t origin_n;
    uint8_t origin[NOTE_NAME_BYTES_MAX];
    char *folder;
    pthread_t thread;
    bool started;

    /* Between the senders and the thread. */
    struct mailbox submitted;
    atomic_uint_fast64_t n_queued;
    atomic_bool asleep, stopping;

    /* Facts for any thread. */
    atomic_uint_fast64_t tree_size;
    atomic_int_fast64_t newest_time_ms;
    atomic_bool failed, full;
    char failure[512]; /* written once, before `failed` */
    pthread_mutex_t head_lock;
    struct ledger_head head;            /* its root is not kept */
    char vkey[RECORDER_VKEY_BYTES_MAX]; /* of the signer in use; under the same lock */
    atomic_uint_fast64_t n_keys;        /* that the ledger has had */

    /* The thread's own. */
    struct note_signer *signer;
    uint8_t key[NOTE_KEY_BYTES];     /* its public key */
    struct note_signer *next_signer; /* the batch in the making goes over to it */
    struct segment_writer *segments;
    struct ledger_index *index;
    struct subject_table *subjects;
    struct subject_entry ghost; /* for subjects that nobody knows */
    struct tree tree;
    int64_t newest_ms;
    struct mail *waiting; /* taken from the mailbox, oldest first */
    bool spare_ready;     /* the segment in use can be filled to its end */
    uint8_t *block;       /* one batch, aligned */
    struct batch_builder batch;
    uint64_t n_batch_changes; /* in it: policy changes, erasures */
    bool batch_erases;
    struct batch_tiles batch_tiles;

    /* The index: what it has not seen yet. */
    struct index_state state;
    uint64_t n_unindexed;
    int64_t flush_due_ms, flush_not_before_ms;
};

enum { INDEX_FLUSH_MS = 250, INDEX_RETRY_MS = 1000, INDEX_FLUSH_RECEIPTS = 4096 };

/* One batch of what waits: admit, number, hash, sign, write, hand back. */
void recorder_batch(struct recorder *recorder);
/* Writes the index when it is due, or at once. */
void recorder_flush(struct recorder *recorder, bool now);
/* From now on it signs; the recorder owns it. */
void recorder_take_signer(struct recorder *recorder, struct note_signer *signer, uint64_t n_keys);
/* Stops recording for good; the first reason stays. */
void recorder_fail(struct recorder *recorder, const char *format, ...) SL_PRINTF(2, 3);

#endif
