/*
 * witnessed.h - what the witnesses have said: for whoever judges flows, serves checkpoints, reports
 *
 * Shape   a board. The submitter (submit/) writes on it; flows ask whether they may pass, the
 *         listeners take the newest cosigned checkpoint, `sluis status` reads how it stands.
 * File    <state>/cosigned.checkpoint: the newest checkpoint with a quorum, replaced as a whole
 * Threads one writes, any read
 */
#ifndef SLUIS_FLOW_WITNESSED_H
#define SLUIS_FLOW_WITNESSED_H

#include "config/config.h"
#include "ledger/checkpoint.h"
#include "ledger/cosignature.h"
#include "ledger/recorder.h"

enum {
    /* The log's signature is one of the NOTE_SIGNATURES_MAX that a note may have. */
    WITNESSED_NOTE_BYTES_MAX =
        CHECKPOINT_BYTES_MAX + (NOTE_SIGNATURES_MAX - 1) * COSIGNATURE_LINE_BYTES_MAX,
};

enum witness_state {
    WITNESS_UNKNOWN,   /* not asked yet, or it can't be: it has no URL */
    WITNESS_AGREES,    /* it cosigned the newest checkpoint that it was asked for */
    WITNESS_FAILS,     /* no answer, or none that counts */
    WITNESS_DISAGREES, /* it says that this ledger is not the one it has seen before */
};

struct witness_fact {
    struct slice name; /* of the trust file, which lives as long as the configuration */
    enum witness_state state;
    uint64_t size;  /* the newest that it cosigned, as far as is known */
    char text[256]; /* why it fails or disagrees */
};

struct witnessed_facts {
    uint64_t size;          /* of the newest checkpoint with a quorum; 0: none */
    uint64_t unwitnessed_s; /* how long there has been something that no quorum has seen */
    bool is_missed;         /* longer than witness_alarm_ms */
    bool refuses;           /* longer than refuse_after */
    const char *text;       /* why cosignatures don't count that are there, or NULL */
    size_t n_witnesses;
    struct witness_fact witnesses[TLOG_POLICY_WITNESSES_MAX];
};

struct witnessed;

/*
 * Reads the file, if it holds under the trust file as it is now; another one is left alone and
 * counts for nothing.
 */
SL_NODISCARD enum sl_err witnessed_new(const struct config *config, struct witnessed **out);
void witnessed_free(struct witnessed *witnessed);
SL_DEFINE_AUTO(witnessed, witnessed_free)

/* May no flow pass, because no quorum has seen the newest receipts for too long? */
bool witnessed_refuses(const struct witnessed *witnessed);
/* The newest checkpoint with a quorum; returns its length, 0 when there is none. */
size_t witnessed_checkpoint(struct witnessed *witnessed, uint8_t note[WITNESSED_NOTE_BYTES_MAX]);
void witnessed_read(struct witnessed *witnessed, struct witnessed_facts *out);

/*
 * Is what the file held a part of this ledger? A quorum has seen it, so a ledger that ends before
 * it, or has another root there, was cut or exchanged: SL_EMALFORMED. SL_ESTORE: it can't be read.
 */
SL_NODISCARD enum sl_err witnessed_check_ledger(const struct witnessed *witnessed,
                                                struct recorder *recorder,
                                                struct recorder_problem *problem);
/* What the file held: the size, and the oldest of the times of its cosignatures. */
uint64_t witnessed_kept_size(const struct witnessed *witnessed);
uint64_t witnessed_kept_time_s(const struct witnessed *witnessed);

/* The submitter's. */

/* SL_ESTORE: it is served from now on, but the file could not be written. */
SL_NODISCARD enum sl_err witnessed_put_checkpoint(struct witnessed *witnessed, struct slice note,
                                                  uint64_t size);
void witnessed_put_witness(struct witnessed *witnessed, size_t witness,
                           const struct witness_fact *fact);
void witnessed_put_age(struct witnessed *witnessed, uint64_t unwitnessed_ms, bool is_missed,
                       bool refuses, const char *text);

#endif
