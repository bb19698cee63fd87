/*
 * reply.h - what a witness answered, and whether it counts
 *
 * Pure: an HTTP answer in, one of four outcomes out. Nothing is believed but what the witness's key
 * has signed over the checkpoint that was asked for.
 *
 * Spec    C2SP tlog-witness, "add-checkpoint"
 */
#ifndef SLUIS_SUBMIT_REPLY_H
#define SLUIS_SUBMIT_REPLY_H

#include "ledger/cosignature.h"

enum reply_kind {
    REPLY_COSIGNED,  /* `line` holds */
    REPLY_SIZE,      /* it has cosigned up to `size` before: go on from there */
    REPLY_DISAGREES, /* it says that the ledger did not grow out of what it has cosigned */
    REPLY_FAILED,    /* anything else */
};

/* What was asked. */
struct reply_question {
    const struct vkey *witness;
    struct slice text; /* of the checkpoint, with its last LF */
    uint64_t old_size, size;
    uint64_t now_s; /* the wall clock */
};

struct reply_http {
    unsigned status;
    struct slice content_type; /* empty: none */
    struct slice body;
};

struct reply {
    enum reply_kind kind;
    uint64_t size; /* REPLY_SIZE */
    size_t line_n; /* REPLY_COSIGNED */
    uint8_t line[COSIGNATURE_LINE_BYTES_MAX];
    char why[200]; /* REPLY_DISAGREES and REPLY_FAILED: for the operator; may quote the answer */
};

void reply_read(const struct reply_question *question, const struct reply_http *http,
                struct reply *out);

#endif
