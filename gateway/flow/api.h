/*
 * api.h - the gateway's own endpoints, below /sluis/v1/
 *
 * Shape   one table: method, path, who may call, whether a body is wanted, and the function that
 *         answers. What is no flow but concerns a partner or an app goes through here; a new
 *         endpoint is a row, and a file of its own beside this one.
 *
 *   A handler has flow->partner or flow->sender (one of its `callers`), flow->api_arguments, the
 *   query if the row takes one, and flow->body if it takes that. It sets flow->answer and calls
 *   engine->reply() once: at once, or later from the loop.
 */
#ifndef SLUIS_FLOW_API_H
#define SLUIS_FLOW_API_H

#include "flow/flow.h"

enum { API_PARTNER = 1, API_APP = 2 };

struct api_row {
    const char *method;
    const char *path; /* behind /sluis/v1/; each {} stands for one whole segment */
    unsigned callers; /* API_PARTNER, API_APP, or both */
    bool takes_body;
    bool takes_query;
    void (*handle)(struct flow *flow);
};

bool api_is_target(struct slice target);
/* The caller is known. Sets flow->api and its arguments; false: flow->answer says why not. */
bool api_find(struct flow *flow);

/* What handlers answer with. `body` must live until flow_reset(); 204 has none. */
void api_done(struct flow *flow, unsigned status, struct slice body);
/* A problem; `format`, when not NULL, is said in place of its usual detail. */
void api_refuse(struct flow *flow, enum answer_kind kind, const char *format, ...) SL_PRINTF(3, 4);

/*
 * The body as a JSON object: UTF-8, no member twice, and none but those in `known`, a list that
 * NULL ends. NULL: the problem was answered. For what is not hot; free it with json_decref().
 */
struct json_t *api_body_object(struct flow *flow, const char *const known[]);

#endif
