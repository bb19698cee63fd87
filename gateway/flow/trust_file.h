/*
 * trust_file.h - does the trust file of the witnesses know the keys that this ledger signs with?
 *
 * A checkpoint counts as cosigned when a log that the file names has signed it. So the file needs a
 * line for each key that the ledger goes over to: without it no quorum is ever reached, and in the
 * end flows are refused. That is said while it can be mended: at a check of the configuration, at
 * the start, and when a key is prepared or gone over to.
 *
 * A file that names no log leaves it to others to know the ledger, and lacks nothing.
 */
#ifndef SLUIS_FLOW_TRUST_FILE_H
#define SLUIS_FLOW_TRUST_FILE_H

#include "config/config.h"

enum { TRUST_FILE_TEXT_BYTES = 2048, TRUST_FILE_TEXTS_MAX = 2 };

struct trust_file_text {
    char text[TRUST_FILE_TEXT_BYTES]; /* names the file, the key, and what to do */
};

/* What a key is for. */
enum trust_file_key { TRUST_FILE_IN_USE, TRUST_FILE_NEXT };

/* True when the file should have a line for this key, and has none; *out says so then. */
bool trust_file_lacks(const struct config *config, enum trust_file_key key, struct slice vkey,
                      struct trust_file_text *out);
/*
 * The same for the key in use and for one that is prepared, as far as the files of the state folder
 * tell: those that can't be read are for whoever opens the node to speak about. Returns how many.
 */
size_t trust_file_check(const struct config *config,
                        struct trust_file_text out[TRUST_FILE_TEXTS_MAX]);

#endif
