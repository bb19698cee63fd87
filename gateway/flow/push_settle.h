/*
 * push_settle.h - pushes that a crash cut short
 *
 * What was released and may have reached a partner gets its second receipt at the next start:
 * "unknown", or how it ended, if that was known a moment before the end.
 */
#ifndef SLUIS_FLOW_PUSH_SETTLE_H
#define SLUIS_FLOW_PUSH_SETTLE_H

#include "flow/change.h"

struct push_settle;
/* Before anything is recorded: of a ledger of `n_recorded` receipts. */
SL_NODISCARD enum sl_err push_settle_find(struct change_memory *memory, uint64_t n_recorded,
                                          struct push_settle **out);
/* After recorder_start(), before any flow. What a full disk leaves out waits for the next start. */
SL_NODISCARD enum sl_err push_settle_record(struct push_settle *settle, struct recorder *recorder);
void push_settle_free(struct push_settle *settle);
SL_DEFINE_AUTO(push_settle, push_settle_free)

#endif
