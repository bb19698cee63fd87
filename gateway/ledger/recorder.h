/*
 * recorder.h - the one thread that writes the ledger: orders, re-checks, numbers, hashes, signs
 *
 * Shape   data threads hand in records; the recorder takes all that wait, appends them as one
 *         batch [receipts | signed checkpoint | CRC] with one synchronous write, and hands each
 *         back to its sender's mailbox. No timer: the next batch begins when the write returned.
 * Threads recorder_submit() from any thread; everything else from the owner's
 * Errors  a write or sync that fails is never retried: every waiting record gets RECORD_FAILED,
 *         and so does everything submitted later; recorder_failure() says why
 *
 * Epochs  every epoch_ms the ledger gets "heads": how many receipts each subject had, as the root
 *         of a list in the ledger's folder. A thread of its own makes them, and nothing waits for
 *         it.
 *
 * Index   commits of its own, a few a second, that no record waits for; while they fail the ledger
 *         goes on and the index stays behind
 *
 *   RECORD_RELEASE  re-checked: the policy version must still be the subject's current one, else
 *                   RECORD_STALE and nothing is written
 *   RECORD_REFUSAL  written as it is
 *   either          with a `demand`: what the store has to keep of it is durable there before the
 *                   batch is written, in one transaction for all of the batch. A crash between
 *                   the two leaves something in the store of a flow that never was
 *   RECORD_GROUP    the releases of one answer about several people: all of them are written, next
 *                   to each other and in their order, or none is. A demand is the group's
 *   RECORD_OUTCOME  likewise, and never turned away for the length of the queue: what it tells of
 *                   has happened
 *   RECORD_CONSENT  ops.commit_change() first, then its receipt at that place in the sequence
 *   RECORD_ERASURE  the same, but the receipt is complete when it is committed: afterwards nobody
 *                   has the subject's key. Everything before it is durable by then: it is the
 *                   first of its batch
 *   RECORD_NODE     nobody's, or an erasure's that a crash left out: a complete leaf, written as
 *                   it is. A key receipt ends its batch, and from the next one on `next_signer`
 *                   signs, which the recorder then owns
 */
#ifndef SLUIS_LEDGER_RECORDER_H
#define SLUIS_LEDGER_RECORDER_H

#include "base/mailbox.h"
#include "ledger/heads_file.h"
#include "ledger/leaf.h"

enum { SUBJECT_ID_BYTES = 16, SUBJECT_KEY_BYTES = 32 };

enum record_kind {
    RECORD_RELEASE,
    RECORD_REFUSAL,
    RECORD_GROUP,
    RECORD_OUTCOME,
    RECORD_CONSENT,
    RECORD_ERASURE,
    RECORD_NODE,
};

enum record_outcome {
    RECORD_DURABLE,  /* on stable storage under a signed checkpoint; `index` holds */
    RECORD_STALE,    /* release: the policy has changed since; of a group, that of the members of
                        this outcome. Nothing was written */
    RECORD_REJECTED, /* a change: commit_change() said no (a version conflict), or there is nobody
                        to erase; key receipt: it does not go over from the key in use; heads that
                        are not due. Nothing was written */
    RECORD_DENIED,   /* a flow: ops.admit_flow() said no; nothing was written */
    RECORD_FULL,     /* no room left but the reserve for withdrawals */
    RECORD_FAILED,   /* the ledger can't be written any more */
};

/* What a subject has in the list of heads of an epoch. */
struct recorder_head {
    uint64_t epoch;
    struct heads_entry entry;
};
enum { RECORDER_HEADS_MAX = 2 }; /* of the epoch that runs, and of one that is closing */

/* One receipt on its way. The submitter owns it and leaves it alone until it comes back. */
struct record {
    struct mail mail; /* first */
    struct mailbox *reply_to;
    enum record_kind kind;
    bool subject_known;                /* false: tagged under a random key that nobody keeps */
    uint8_t subject[SUBJECT_ID_BYTES]; /* unknown: always the same for who asks about the same */
    uint64_t policy_version;           /* decided on; consent: the version that it makes */
    uint8_t basis[SHA256_BYTES];       /* digest of what the decision rests on, see basis.h */
    uint8_t body[SHA256_BYTES];        /* SHA-256 of the body to be released */
    struct leaf_draft leaf;
    void *demand;                    /* a flow: for ops.admit_flow(); NULL: it needs nothing */
    void *change;                    /* a change: for ops.commit_change() */
    struct record *const *members;   /* a group: releases of known subjects, at least one and at */
    size_t n_members;                /* most batch_receipts; the submitter's, left alone as it is */
    struct note_signer *next_signer; /* node: of a key receipt, which must name it; else NULL */
    bool may_use_reserve; /* a change: it only takes away, so a full disk must not stop it */
    /* An erasure: what the subject has in the lists that are still to be made, for
     * ops.commit_change() to keep; valid until that returns. */
    const struct recorder_head *heads;
    size_t n_heads;

    enum record_outcome outcome;
    uint64_t index; /* in the ledger, from 0 */
    /* With a demand, for ops.admit_flow(): receipts that are on stable storage before this batch. */
    uint64_t n_durable;
};

/*
 * What the recorder needs to know from the store above it; called on the recorder's thread, but
 * each_subject() by recorder_open(). Any failure that is not named here stops the recorder.
 */
struct recorder_ops {
    /*
     * K_s and the current policy version of a known subject. SL_EMALFORMED: there is none of this
     * id (any more); a release is then stale, and a refusal is recorded as of an unknown subject.
     */
    enum sl_err (*load_subject)(void *context, const uint8_t subject[SUBJECT_ID_BYTES],
                                uint8_t key[SUBJECT_KEY_BYTES], uint64_t *policy_version);
    /*
     * A flow with a demand, at its place in the sequence: record->index is what it will have. Keeps
     * in the store what has to be there before the receipt. SL_EMALFORMED: no, and nothing was
     * kept; SL_ELIMIT: no room. May be NULL where nobody has a demand.
     */
    enum sl_err (*admit_flow)(void *context, struct record *record);
    /*
     * Makes durable what admit_flow() kept since the last time: before the batch is written, and
     * before commit_change(). Comes after each admit_flow(), also when that failed.
     */
    enum sl_err (*commit_flows)(void *context);
    /*
     * Makes the change durable together with a note of its receipt, so that a start after a crash
     * can write the receipt if it is missing. SL_EMALFORMED: rejected (the policy is not at the
     * expected version). SL_ELIMIT: no room, and nothing was written; the record gets RECORD_FULL.
     * SL_ESTORE stops the recorder. May create the subject: its key is loaded after.
     */
    enum sl_err (*commit_change)(void *context, struct record *record);
    /*
     * Every subject with its key, until visit says false. Called when the index has to catch up
     * with the ledger, to find out which receipts are whose.
     */
    enum sl_err (*each_subject)(void *context,
                                bool (*visit)(void *visit_context,
                                              const uint8_t id[SUBJECT_ID_BYTES],
                                              const uint8_t key[SUBJECT_KEY_BYTES]),
                                void *visit_context);
    /*
     * What was kept of erased subjects for the heads of an epoch, until visit says false; and
     * forgetting it, up to and with that epoch, some time after. Called on the heads thread. NULL
     * where subjects are never erased.
     */
    enum sl_err (*each_kept)(void *context, uint64_t epoch,
                             bool (*visit)(void *visit_context, const struct heads_entry *entry),
                             void *visit_context);
    void (*forget_kept)(void *context, uint64_t epoch);
    void *context;
};

/* The first `size` receipts, and the root of their tree. */
struct ledger_held {
    uint64_t size;
    uint8_t root[SHA256_BYTES];
};

struct recorder_config {
    const char *folder;       /* <state>/ledger */
    const char *index_folder; /* <state>/index */
    struct ledger_held held;  /* what the ledger must hold, of size 0 when nothing is known, */
    const char *held_file;    /* and where that is from */
    struct slice origin;      /* the checkpoint's first line and the key's name */
    const char *key_file;     /* Ed25519 private key, PEM */
    const char *vkey_file;    /* every public key that the ledger has had, see keyring.h */
    const struct limits *limits;
    struct recorder_ops ops;
    /* For reading a long ledger: threads beside this one, and a look at how far it is, or NULL. */
    unsigned n_helpers;
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

/* A checkpoint, and a key with NUL, under the longest origin; and a text. */
enum {
    RECORDER_CHECKPOINT_BYTES_MAX = 1024,
    RECORDER_VKEY_BYTES_MAX = 384,
    RECORDER_HEADS_PROBLEM_BYTES = 512,
};

struct recorder;

/* Text for the operator on failure: what was found, what was expected, what to do. */
struct recorder_problem {
    char text[512];
};

/*
 * Opens and recovers: drops an unfinished tail that nobody has seen, brings the index up to date,
 * refuses a ledger that is damaged, of another key, or behind what the index has seen.
 */
SL_NODISCARD enum sl_err recorder_open(const struct recorder_config *config,
                                       struct recorder_problem *problem, struct recorder **out);
/* The threads. recorder_stop() finishes what was submitted before it, then joins. */
SL_NODISCARD enum sl_err recorder_start(struct recorder *recorder);
/* Epochs may end from now on: what a crash left out has been recorded. */
void recorder_start_epochs(struct recorder *recorder);
void recorder_stop(struct recorder *recorder);
void recorder_free(struct recorder *recorder);
SL_DEFINE_AUTO(recorder, recorder_free)

/* False when queue_receipts wait already; the record was then not taken. Changes and outcomes
 * always fit. */
SL_NODISCARD bool recorder_submit(struct recorder *recorder, struct record *record);
/* Wakes the recorder if it sleeps; call after submitting, once at the end of a loop's turn. */
void recorder_kick(struct recorder *recorder);

/* Of the key in use, NUL-terminated; for any thread. */
void recorder_vkey(struct recorder *recorder, char vkey[RECORDER_VKEY_BYTES_MAX]);
/* How many keys the ledger has had, with the one in use; for any thread. */
uint64_t recorder_n_keys(const struct recorder *recorder);
/*
 * The newest durable checkpoint, a signed note; for any thread. Returns its length, 0 when nothing
 * was ever recorded.
 */
size_t recorder_checkpoint(struct recorder *recorder, uint8_t note[RECORDER_CHECKPOINT_BYTES_MAX]);
/*
 * A reader of this ledger (ledger_reader.h), for one thread; any thread may ask for one. It sees
 * what is durable, up to the newest checkpoint, and must be freed before the recorder is.
 */
struct ledger_reader;
SL_NODISCARD enum sl_err recorder_reader_new(struct recorder *recorder,
                                             struct recorder_problem *problem,
                                             struct ledger_reader **out);
/*
 * How many policy changes the ledger holds, as recovered. For the owner, before start only: the
 * store must have seen as many.
 */
uint64_t recorder_n_changes(const struct recorder *recorder);
/*
 * For the owner, before start only, when the store turned out to be another: numbers that were
 * counted with its keys must not stay. The next opening counts all of them anew, from the segments.
 */
SL_NODISCARD enum sl_err recorder_forget_numbers(struct recorder *recorder);
/*
 * For any thread: the list of an epoch whose heads are in the ledger; for others HEADS_MISSING, and
 * no problem is named. Close it in any case.
 */
SL_NODISCARD enum heads_check recorder_open_list(const struct recorder *recorder, uint64_t epoch,
                                                 struct heads_file *file);
/* Atomic facts, for any thread. The newest time is INT64_MIN when nothing was ever recorded. */
uint64_t recorder_tree_size(const struct recorder *recorder);
int64_t recorder_newest_time_ms(const struct recorder *recorder);
bool recorder_has_failed(const struct recorder *recorder);
bool recorder_is_full(const struct recorder *recorder); /* flows are refused */
/* Why the heads of an epoch could not be made at the last attempt; false when nothing is wrong. */
bool recorder_heads_problem(struct recorder *recorder, char text[RECORDER_HEADS_PROBLEM_BYTES]);
/* Why, after recorder_has_failed(); static storage inside the recorder. */
const char *recorder_failure(const struct recorder *recorder);

#endif
