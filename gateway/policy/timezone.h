/*
 * timezone.h - a time zone by name, read from the system's tzdata
 *
 * Shape   Europe/Amsterdam -> the bytes of zone.h, with the transitions from 2025 on
 * Errors  SL_EMALFORMED: no such zone, or not a file as RFC 9636 has it; SL_EINTERNAL
 */
#ifndef SLUIS_POLICY_TIMEZONE_H
#define SLUIS_POLICY_TIMEZONE_H

#include "base/err.h"
#include "policy/zone.h"

enum { TIMEZONE_NAME_BYTES = 64 };

/*
 * Words of [A-Za-z0-9_+-] that begin with a letter, the first with a capital, joined by slashes;
 * not "Factory". So posix/..., right/... and localtime name no zone.
 */
bool timezone_name_is_valid(struct slice name);
/* Writes the zone into `writer`, which must have ZONE_BYTES_MAX left. UTC needs no file. */
SL_NODISCARD enum sl_err timezone_read(struct slice name, struct writer *writer);
/* As timezone_read(), from the bytes of a TZif file. */
SL_NODISCARD enum sl_err timezone_parse(struct slice tzif, struct writer *writer);
/* The zone of tzdata nearest to `name`, for "did you mean"; false when none is near. */
bool timezone_nearest(struct slice name, char out[TIMEZONE_NAME_BYTES + 1]);
/* The release of tzdata ("2025b"); false when the files do not say. */
enum { TIMEZONE_RELEASE_BYTES = 16 };
bool timezone_release(char out[TIMEZONE_RELEASE_BYTES + 1]);

/* For tests: another folder than /usr/share/zoneinfo; NULL sets that again. */
void timezone_set_folder(const char *folder);

#endif
