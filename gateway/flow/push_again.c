/*
 * push_again.c - what is kept of an earlier push, against what comes now
 *
 * Looked up before the decision, for what has been released needs no second one; and once more by
 * the recorder, which is where two that come at the same time meet (flow_demand in change.h).
 */
#include "flow/push_again.h"

#include "flow/push.h"

#include <string.h>

/* The header's value: a string of RFC 8941 in its quotes, or the same without them. */
static bool read_key(struct slice value, struct slice *key)
{
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = slice_of(value.p + 1, value.n - 2);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= 0x20 || value.p[i] >= 0x7f || value.p[i] == '"' || value.p[i] == '\\')
            return false;
    *key = value;
    return value.n > 0 && value.n <= LIMIT_MAX_idempotency_key_bytes;
}

/* Of what was sent: to which route, and every byte of it. */
static void fingerprint(const struct flow *flow, uint8_t out[SHA256_BYTES])
{
    static const struct slice end = SLICE_LITERAL("\n");
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, flow->request.route->id);
    sha256_add(&hash, end);
    sha256_add(&hash, flow->body);
    sha256_end(&hash, out);
}

static void turn_away(struct flow *flow, enum answer_kind kind)
{
    flow_move(flow, FLOW_REFUSED);
    flow->answer.kind = kind;
    flow->engine->reply(flow);
}

static void answer_again(struct flow *flow, const struct store_push *row)
{
    if (memcmp(row->fingerprint, flow->push.note.fingerprint, SHA256_BYTES) != 0) {
        turn_away(flow, ANSWER_KEY_REUSED);
        return;
    }
    if (!row->has_ended) {
        turn_away(flow, ANSWER_UNDER_WAY);
        return;
    }
    flow->push.is_again = true;
    flow->push.index = row->index;
    flow->push.outcome = (struct leaf_outcome){
        .of = row->index, .delivery = (enum delivery)row->delivery, .status = row->status};
    flow_move(flow, FLOW_REFUSED); /* this one: the first has its receipts */
    push_answer(flow, true, row->outcome_index);
}

static enum sl_err look_up(struct flow *flow, struct store_push *row, bool *found)
{
    *row = flow->push.note;
    return store_push_find(flow->engine->reader, flow->time_ms, row, found);
}

bool push_is_new(struct flow *flow)
{
    struct store_push *note = &flow->push.note;
    struct store_push row;
    struct slice key;
    bool found = false;
    memcpy(note->subject, flow->record.subject, sizeof note->subject);
    note->time_ms = flow->time_ms;
    if (flow->idempotency_key.n == 0)
        return true;
    if (!read_key(flow->idempotency_key, &key)) {
        turn_away(flow, ANSWER_BAD_KEY);
        return false;
    }
    note->has_key = true;
    store_push_name_by_key(flow->sender->id, key, note->name);
    fingerprint(flow, note->fingerprint);
    if (look_up(flow, &row, &found) != SL_OK) {
        turn_away(flow, ANSWER_UNRECORDED);
        return false;
    }
    if (found)
        answer_again(flow, &row);
    return !found;
}

void push_was_double(struct flow *flow)
{
    struct store_push row;
    bool found = false;
    if (look_up(flow, &row, &found) == SL_OK && found)
        answer_again(flow, &row);
    else
        turn_away(flow, ANSWER_UNDER_WAY);
}
