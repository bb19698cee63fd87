/*
 * answer.h - what a witness says to each request
 *
 *   POST /add-checkpoint               judge, cosign, store durably, and only then answer
 *   GET  /<SHA-256 of origin>/checkpoint   the newest that was cosigned, for whoever compares
 *
 * Threads one at a time, so that checking and storing are one step
 * Spec    C2SP tlog-witness
 */
#ifndef SLUIS_WITNESS_ANSWER_H
#define SLUIS_WITNESS_ANSWER_H

#include "edge/server.h"
#include "ledger/cosigner.h"
#include "witness/memory.h"

struct witness {
    struct known_logs *logs;
    struct memory *memory;
    struct cosigner *cosigner;
    char text[COSIGNATURE_LINE_BYTES_MAX]; /* of the answer */
};

/* `now_s`: the clock. `answer` points into the witness, until the next call. */
void witness_add_checkpoint(struct witness *witness, struct slice body, uint64_t now_s,
                            struct server_answer *answer);
/* For struct server_config. */
void witness_answer(void *witness, const struct server_request *request,
                    struct server_answer *answer);

#endif
