/*
 * epoch.c - the few moves between epochs, alike for the recorder and for a start that reads again
 */
#include "ledger/epoch.h"

uint64_t epochs_running(const struct epochs *epochs)
{
    return epochs->n_headed + (epochs->is_closing ? 1 : 0);
}

void epochs_count(struct epochs *epochs, uint64_t n, int64_t first_time_ms)
{
    if (n > 0 && epochs->running_n == 0)
        epochs->running_since_ms = first_time_ms;
    epochs->running_n += n;
}

void epochs_close(struct epochs *epochs, uint64_t end)
{
    SL_ASSERT(!epochs->is_closing && end > epochs->headed_end);
    epochs->is_closing = true;
    epochs->closing_end = end;
    epochs->closing_n = epochs->running_n;
    epochs->running_n = 0;
    epochs->running_since_ms = 0;
}

bool epochs_take_heads(struct epochs *epochs, const struct leaf_heads *heads)
{
    if (!epochs->is_closing || heads->epoch != epochs->n_headed ||
        heads->first != epochs->headed_end || heads->end != epochs->closing_end)
        return false;
    epochs->n_headed++;
    epochs->headed_end = epochs->closing_end;
    epochs->is_closing = false;
    epochs->closing_end = epochs->closing_n = 0;
    return true;
}
