/*
 * push_settle.c - rows of the store against a ledger that may lack the receipts they tell of
 *
 * A row is durable before the receipt that it is about, when it is made as when it ends. So at a
 * start it may be ahead by one:
 *
 *     its push is not in the ledger         nothing was ever sent: the row goes
 *     under way                             "unknown", of now
 *     ended, its outcome not in the ledger  that outcome, of then
 *     ended, and all is there               stays while its key counts, else goes
 */
#include "flow/push_settle.h"

#include "base/timestamp.h"

#include <stdlib.h>

struct push_settle {
    struct change_memory *memory;
    uint64_t n_recorded;
    int64_t now_ms;
    size_t n, cap;
    struct store_push *pushes; /* those that need something done */
    bool no_memory;
};

static bool is_lost(const struct push_settle *settle, const struct store_push *push)
{
    return push->index >= settle->n_recorded;
}

static bool lacks_outcome(const struct push_settle *settle, const struct store_push *push)
{
    return !push->has_ended || push->outcome_index >= settle->n_recorded;
}

static bool is_over(const struct push_settle *settle, const struct store_push *push)
{
    return !push->has_key || settle->now_ms - push->time_ms >= STORE_PUSH_KEPT_MS;
}

static bool take(void *context, const struct store_push *push)
{
    struct push_settle *settle = context;
    if (!is_lost(settle, push) && !lacks_outcome(settle, push) && !is_over(settle, push))
        return true;
    if (settle->n == settle->cap) {
        size_t cap = settle->cap ? 2 * settle->cap : 64;
        struct store_push *grown = realloc(settle->pushes, cap * sizeof *grown);
        settle->no_memory = !grown;
        if (!grown)
            return false;
        settle->pushes = grown;
        settle->cap = cap;
    }
    settle->pushes[settle->n++] = *push;
    return true;
}

enum sl_err push_settle_find(struct change_memory *memory, uint64_t n_recorded,
                             struct push_settle **out)
{
    SL_AUTO(push_settle) settle = calloc(1, sizeof *settle);
    if (!settle)
        return SL_EINTERNAL;
    settle->memory = memory;
    settle->n_recorded = n_recorded;
    settle->now_ms = clock_now_ms();
    SL_TRY(store_push_each(memory->reader, take, settle));
    if (settle->no_memory)
        return SL_EINTERNAL;
    *out = settle;
    settle = NULL;
    return SL_OK;
}

static enum sl_err record_outcome(struct push_settle *settle, struct store_push *push,
                                  struct recorder *recorder)
{
    if (!push->has_ended) {
        push->delivery = DELIVERY_UNKNOWN;
        push->status = 0;
        push->ended_ms = settle->now_ms;
    }
    const struct leaf_outcome outcome = {.time_ms = push->ended_ms,
                                         .of = push->index,
                                         .delivery = (enum delivery)push->delivery,
                                         .status = push->status};
    struct flow_demand demand = {.push = push};
    struct record record = {.kind = RECORD_OUTCOME, .subject_known = true, .demand = &demand};
    memcpy(record.subject, push->subject, sizeof record.subject);
    memcpy(record.basis, push->basis, sizeof record.basis);
    SL_TRY(leaf_draft_outcome(&outcome, &record.leaf));
    SL_TRY(change_record(recorder, &record));
    return record.outcome == RECORD_DURABLE || record.outcome == RECORD_FULL ? SL_OK : SL_ESTORE;
}

enum sl_err push_settle_record(struct push_settle *settle, struct recorder *recorder)
{
    for (size_t i = 0; i < settle->n; i++) {
        struct store_push *push = &settle->pushes[i];
        if (!is_lost(settle, push) && lacks_outcome(settle, push))
            SL_TRY(record_outcome(settle, push, recorder));
        else
            SL_TRY(store_push_drop(settle->memory->store, push));
    }
    return SL_OK;
}

void push_settle_free(struct push_settle *settle)
{
    if (!settle)
        return;
    free(settle->pushes);
    free(settle);
}
