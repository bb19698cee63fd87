/*
 * verify_tags.h - that no tag is under two receipts; a part of verify.c
 */
#ifndef SLUIS_LEDGER_VERIFY_TAGS_H
#define SLUIS_LEDGER_VERIFY_TAGS_H

#include "ledger/tag_check.h"
#include "ledger/walk.h"

#include <sluis/verify.h>

/* For the folder that `walk` has just been opened on. *out stays NULL when nobody asked. */
SL_NODISCARD enum sl_err verify_tags_new(const struct walk *walk,
                                         const struct sluis_verify_options *options,
                                         struct tag_check **out);
void verify_tags_add(struct tag_check *check, const struct batch *batch);
/*
 * After all batches were added, and `walk` has ended: the passes that remain, and the result, which
 * the report tells of if it is not valid.
 */
enum sluis_verify_result verify_tags_finish(struct tag_check *check, const char *folder,
                                            const struct walk *walk,
                                            const struct sluis_verify_options *options,
                                            struct sluis_verify_report *report);

#endif
