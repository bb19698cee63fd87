/*
 * raw.h - what the bytes on the disk hold, whatever the store says
 */
#ifndef SLUIS_TESTS_STORE_RAW_H
#define SLUIS_TESTS_STORE_RAW_H

#include "base/slice.h"

/* Whether any file below `folder` holds the bytes. */
bool raw_holds(const char *folder, struct slice bytes);
/* How many files and folders there are below `folder`. */
unsigned raw_n_entries(const char *folder);

#endif
