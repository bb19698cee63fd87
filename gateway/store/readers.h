/*
 * readers.h - how a thread gets into a generation of the store, and is got out of it
 *
 * Threads a reader belongs to one thread; readers_leave() is for the one that replaces a generation
 */
#ifndef SLUIS_STORE_READERS_H
#define SLUIS_STORE_READERS_H

#include "store/env.h"

struct store_reader {
    struct store *store;
    struct store_reader *next;
    atomic_bool seized;
    bool active;
    struct generation *_Atomic generation; /* that `txn` is of; NULL: none for certain */
    MDB_txn *txn;                          /* NULL: none yet, or taken away */
};

/* Begins to read in the generation in force, unless the reader is reading already. */
SL_NODISCARD enum sl_err reader_begin(struct store_reader *reader);

/*
 * Takes the transactions of all idle readers out of what is not in force any more. True when all
 * are in the generation in force, or in none; false when some may still be reading: try again.
 */
bool readers_leave(struct store *store);

#endif
