/*
 * folder_reader.h - a ledger_reader over a ledger's folder and its index
 *
 * Shape   receipts from the segments, hashes and places from the index. Neither is believed.
 * Errors  SL_ESTORE with a text for the operator
 * Owns    its descriptors, and a window of 2 MiB
 */
#ifndef SLUIS_LEDGER_FOLDER_READER_H
#define SLUIS_LEDGER_FOLDER_READER_H

#include "ledger/index_reader.h"
#include "ledger/ledger_reader.h"
#include "ledger/vkey_list.h"

/*
 * In the process that writes the ledger; see recorder_reader_new(). `head` fills in tree and note,
 * from any thread. The index must outlive the reader; folder and origin are copied.
 */
struct folder_reader_live {
    const char *folder;
    struct slice origin;
    struct ledger_index *index;
    void (*head)(void *context, struct ledger_head *out);
    void *context;
};
SL_NODISCARD enum sl_err folder_reader_new(const struct folder_reader_live *live,
                                           struct ledger_problem *problem,
                                           struct ledger_reader **out);
/*
 * In another process, or on a copy: one head, the newest now, under one of `keys` (or a key that
 * came after what the index has seen). What the index has not seen is read and proven first. See
 * index_reader_open() for what that means when the index can't be trusted.
 */
SL_NODISCARD enum sl_err folder_reader_open(const char *folder, const char *index_folder,
                                            const struct vkey_list *keys,
                                            struct ledger_problem *problem,
                                            struct ledger_reader **out);

#endif
