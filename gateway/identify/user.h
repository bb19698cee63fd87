/*
 * user.h - an app's own name of a person, from a segment of a path
 *
 * Spec    RFC 3986 section 2.1: percent-encoded, or plain where a segment may have the byte
 */
#ifndef SLUIS_IDENTIFY_USER_H
#define SLUIS_IDENTIFY_USER_H

#include "base/limits.h"
#include "base/writer.h"

/*
 * Appends the name's bytes. False, and nothing appended: it is no name (an escape without two
 * digits, a byte that has to be escaped), or has no byte, or more than account_user_bytes.
 */
bool user_read(struct slice segment, struct writer *out);

#endif
