/*
 * settle.h - one store and one key, each under its own name, and nothing beside them
 */
#ifndef SLUIS_STORE_SETTLE_H
#define SLUIS_STORE_SETTLE_H

#include "store/aside.h"
#include "store/env.h"

/* Where a rewrite works. */
struct names {
    struct place folder, key;
    char folder_aside[PATH_MAX], key_aside[PATH_MAX];
};

SL_NODISCARD enum sl_err names_open(const struct store *store, struct names *names,
                                    struct store_problem *problem);
void names_close(struct names *names);

/*
 * Waits until no reader of this process is in the generation that was replaced, and closes it;
 * gives the store's key its name; wipes what is aside. SL_ETIMEOUT: somebody still reads.
 */
SL_NODISCARD enum sl_err settle(struct store *store, const struct names *names,
                                const atomic_bool *stop, struct store_problem *problem);

/* The text for a code of LMDB or errno that was met in `doing`; and its kind. */
enum sl_err rewrite_fail(struct store_problem *problem, int code, const char *doing);

#endif
