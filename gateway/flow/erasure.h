/*
 * erasure.h - a person is forgotten
 *
 * The erasure is committed to the store by the recorder, at its receipt's place in the sequence.
 * When erasure_record() returns ERASURE_RECORDED, no release that comes later in the ledger is of
 * this subject, partners can't tell it from one that never was, and its key is gone: nobody can
 * find its receipts among the others any more. The bytes that are left in free pages of the store
 * are wiped by the next rewrite.
 */
#ifndef SLUIS_FLOW_ERASURE_H
#define SLUIS_FLOW_ERASURE_H

#include "flow/node.h"

enum erasure_outcome {
    ERASURE_RECORDED,
    ERASURE_NO_SUBJECT, /* there is nobody of this id (any more) */
    ERASURE_FAILED,     /* store or ledger can't be written; see `text` */
};

struct erasure_receipt {
    uint64_t index; /* in the ledger */
    char text[640]; /* ERASURE_FAILED: why, and what to do */
};

/* Blocks until durable. Works on a full disk, from what is kept for withdrawals. */
enum erasure_outcome erasure_record(struct node *node, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                    struct erasure_receipt *receipt);

#endif
