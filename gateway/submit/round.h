/*
 * round.h - one checkpoint on its way round the witnesses, and the lines it has collected
 *
 * Pure, but for the checkpoint that it was begun with. Cosignatures count together only when they
 * are over one text, so all witnesses of a round are asked for the same checkpoint.
 */
#ifndef SLUIS_SUBMIT_ROUND_H
#define SLUIS_SUBMIT_ROUND_H

#include "flow/witnessed.h"
#include "ledger/ledger_reader.h"

struct round_line {
    size_t n; /* 0: none */
    uint8_t bytes[COSIGNATURE_LINE_BYTES_MAX];
};

struct round {
    uint64_t number; /* 0: none was begun yet */
    struct ledger_head head;
    int64_t taken_ms; /* monotonic: nothing newer had been recorded when it was taken */
    bool has_quorum;
    size_t n_lines;
    struct round_line lines[TLOG_POLICY_WITNESSES_MAX]; /* by the witnesses' places in the policy */
};

/* `head` has a checkpoint. */
void round_begin(struct round *round, const struct ledger_head *head, int64_t now_ms);
/* Keeps a cosignature that holds; of each witness one. */
void round_add(struct round *round, size_t witness, struct slice line);
/* The checkpoint with the log's signature and all that was collected. */
void write_round(struct writer *writer, const struct round *round);

#endif
