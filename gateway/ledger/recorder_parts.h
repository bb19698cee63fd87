/*
 * recorder_parts.h - the recorder's own state, shared by its files and by nobody else
 */
#ifndef SLUIS_LEDGER_RECORDER_PARTS_H
#define SLUIS_LEDGER_RECORDER_PARTS_H

#include "ledger/folder_reader.h"
#include "ledger/index_epoch.h"
#include "ledger/note.h"
#include "ledger/recorder.h"
#include "ledger/segment_writer.h"
#include "ledger/subject_table.h"
#include "ledger/tree.h"

#include <pthread.h>

/* The heads thread; see recorder_heads.c. */
struct recorder_heads {
    pthread_t thread;
    bool started;
    struct mailbox returned;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool stopping;
    /* Below the lock. */
    bool has_work;
    struct epochs work; /* as they were when an epoch ended */
    char problem[RECORDER_HEADS_PROBLEM_BYTES];
};

struct recorder {
    /* Fixed from the start. */
    struct recorder_ops ops;
    uint64_t batch_receipts, queue_receipts, consent_reserve_bytes, epoch_ms;
    size_t origin_n;
    uint8_t origin[NOTE_NAME_BYTES_MAX];
    char *folder;
    pthread_t thread;
    int ledger_fd;
    bool started;

    /* Between the senders and the thread. */
    struct mailbox submitted;
    atomic_uint_fast64_t n_queued;
    atomic_bool asleep, stopping, epochs_may_end;

    /* Facts for any thread. */
    atomic_uint_fast64_t tree_size;
    atomic_uint_fast64_t n_headed; /* epochs */
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
    uint8_t *block;       /* one batch, aligned */
    struct batch_builder batch;
    uint64_t n_batch_changes;  /* in it: policy changes, erasures; */
    uint64_t n_batch_subjects; /* receipts of subjects, and the time of the first */
    int64_t batch_first_ms;
    struct leaf_heads batch_heads; /* if batch_has_heads */
    struct batch_tiles batch_tiles;
    bool batch_erases, batch_has_heads;
    size_t n_batch_demands; /* of its flows; */
    bool demands_open;      /* some are not committed yet */
    bool spare_ready;       /* the segment in use can be filled to its end */

    /* The index: what it has not seen yet. */
    struct index_state state;
    bool has_headed; /* what it keeps of an epoch is not needed any more */
    uint64_t n_unindexed;
    int64_t flush_due_ms, flush_not_before_ms;
    size_t n_asked; /* receipts for someone unknown: whom each was about */
    uint8_t (*asked)[INDEX_ASKED_BYTES];

    int64_t epoch_due_ms; /* once there are receipts of subjects in the epoch */
    struct recorder_heads heads;
};

enum {
    INDEX_FLUSH_MS = 250,
    INDEX_RETRY_MS = 1000,
    INDEX_FLUSH_RECEIPTS = 4096,
    BATCH_DEMANDS_MAX = 512, /* each may change a page of the store, which has a reserve of 1024 */
    RECORDER_ASKED_MAX = INDEX_FLUSH_RECEIPTS + LIMIT_MAX_batch_receipts,
};

/* One batch of what waits: admit, number, hash, sign, write, hand back. */
void recorder_batch(struct recorder *recorder);
/* Writes the index when it is due, or at once. */
void recorder_flush(struct recorder *recorder, bool now);
/* From now on it signs; the recorder owns it. */
void recorder_take_signer(struct recorder *recorder, struct note_signer *signer, uint64_t n_keys);
/* Writes what it has not seen, with this state. False: not now. */
bool recorder_write_index(struct recorder *recorder, const struct index_state *state);
/* Stops recording for good; the first reason stays. */
void recorder_fail(struct recorder *recorder, const char *format, ...) SL_PRINTF(2, 3);

/* Epochs, on the recorder's thread. */
void recorder_epoch_resume(struct recorder *recorder); /* before it starts */
bool recorder_epoch_admits(const struct recorder *recorder, const struct leaf_heads *heads);
void recorder_epoch_note(struct recorder *recorder, const struct record *record, int64_t time_ms);
void recorder_epoch_note_unknown(struct recorder *recorder, const uint8_t id[SUBJECT_ID_BYTES]);
/* What the subject has in the lists to come, with the receipt that is about to be its last. */
SL_NODISCARD enum sl_err recorder_epoch_leave(struct recorder *recorder,
                                              const struct subject_entry *entry,
                                              struct recorder_head out[RECORDER_HEADS_MAX],
                                              size_t *n_heads);
void recorder_epoch_take_batch(struct recorder *recorder); /* it is durable */
int64_t recorder_epoch_due_ms(const struct recorder *recorder);
void recorder_epoch_turn(struct recorder *recorder);

/* The heads thread. */
SL_NODISCARD enum sl_err recorder_heads_init(struct recorder_heads *heads);
void recorder_heads_deinit(struct recorder_heads *heads);
SL_NODISCARD enum sl_err recorder_heads_start(struct recorder *recorder);
void recorder_heads_stop(struct recorder *recorder);
/* From any thread: the heads of the epoch that is closing there are to be made. */
void recorder_heads_begin(struct recorder *recorder, const struct epochs *epochs);

#endif
