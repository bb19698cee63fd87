/*
 * exchange.h - one request at a time to one witness, by libcurl
 *
 * Shape   an exchange is driven by a curl multi handle that all witnesses share, so that none waits
 *         for another one; its connection is kept from request to request
 * Limits  witness_answer_ms for all of it, witness_answer_bytes for head and body each; no
 * redirect, no proxy (also none from the environment), HTTP/1.1, certificates checked Owns    its
 * easy handle and buffers
 */
#ifndef SLUIS_SUBMIT_EXCHANGE_H
#define SLUIS_SUBMIT_EXCHANGE_H

#include "base/limits.h"
#include "submit/reply.h"

#include <curl/curl.h>

struct exchange;

struct exchange_config {
    CURLM *multi;        /* outlives the exchange */
    struct slice url;    /* of the witness; "/add-checkpoint" is added */
    const char *ca_file; /* or NULL */
    uint64_t answer_ms;
};

SL_NODISCARD enum sl_err exchange_new(const struct exchange_config *config, struct exchange **out);
void exchange_free(struct exchange *exchange);

bool exchange_is_running(const struct exchange *exchange);
/* Sends a copy of `body`. It must not be running. */
SL_NODISCARD enum sl_err exchange_start(struct exchange *exchange, struct slice body);
/* Does the easy handle of a message belong to this exchange? */
bool exchange_owns(const struct exchange *exchange, const CURL *easy);
/*
 * After curl said how it ended. True when there is an answer; it is there until the next start.
 * Otherwise *failure says why there is none.
 */
bool exchange_finish(struct exchange *exchange, CURLcode code, struct reply_http *http,
                     const char **failure);

#endif
