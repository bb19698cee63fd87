/*
 * log_keys.h - the keys of the logs, as they were given on the command line
 *
 * Shape   each --log is a vkey, or a file of vkeys: one a line, "#" begins a comment
 */
#ifndef SLUIS_WITNESS_LOG_KEYS_H
#define SLUIS_WITNESS_LOG_KEYS_H

#include "base/pool.h"
#include "ledger/vkey.h"

struct log_keys {
    size_t n, cap;
    struct vkey *list;
    struct pool texts; /* what the names point into */
    char problem[512];
};

/* All zeros is an empty list. SL_EMALFORMED, SL_ELIMIT or SL_ESTORE with `problem`. */
SL_NODISCARD enum sl_err log_keys_add(struct log_keys *keys, const char *argument);
void log_keys_deinit(struct log_keys *keys);

#endif
