/*
 * export_checkpoint.h - the checkpoint that an export is proven under, when it is not the newest
 * one
 *
 * Shape   given with --checkpoint, or found beside the ledger (cosigned.checkpoint, which a gateway
 *         with witnesses keeps). Its own signatures are for whoever checks the export; what is
 *         checked here is that it is over this ledger
 * Owns    its note
 */
#ifndef SLUIS_AUDIT_EXPORT_CHECKPOINT_H
#define SLUIS_AUDIT_EXPORT_CHECKPOINT_H

#include "ledger.h"
#include "ledger/checkpoint.h"
#include "output.h"

struct export_checkpoint {
    bool is_given, is_met; /* the ledger has a checkpoint over the same tree */
    struct checkpoint over;
    struct kept_note note; /* `over` points into it */
};

/* --checkpoint, if it is given. An exit code; what is wrong has been said. */
SL_NODISCARD int export_checkpoint_read(const struct cli *cli, struct export_checkpoint *out);
/* Each checkpoint of the ledger, as it goes by. False: it need not be read any further. */
bool export_checkpoint_pass(struct export_checkpoint *checkpoint, uint64_t size, struct slice note);
/*
 * After the last one. `newest` becomes the one to prove under; `source` is where to look for one
 * that witnesses have cosigned. An exit code; what is wrong has been said.
 */
SL_NODISCARD int export_checkpoint_choose(struct export_checkpoint *checkpoint,
                                          const struct ledger_source *source,
                                          struct kept_note *newest);

#endif
