/*
 * recompile.h - an archived policy version, compiled once more from what the person wrote
 *
 * Shape   under the vocabulary it names, and under the time zone rules that its blob carries; and,
 *         where this machine's tzdata has other rules for the zone, under those too
 * Owns    its blobs
 */
#ifndef SLUIS_EVIDENCE_RECOMPILE_H
#define SLUIS_EVIDENCE_RECOMPILE_H

#include "evidence/archive.h"
#include "policy/diff.h"

enum recompile_result {
    RECOMPILE_DONE,
    RECOMPILE_NO_VOCABULARY, /* not in the file, altered, or no vocabulary */
    RECOMPILE_INVALID,       /* the YAML is no policy under it; `text` says why */
};

enum recompile_zone {
    RECOMPILE_ZONE_SAME,    /* as this machine's tzdata has it; or UTC */
    RECOMPILE_ZONE_OTHER,   /* this machine has other rules: see `local_blob` */
    RECOMPILE_ZONE_UNKNOWN, /* this machine does not know the zone */
};

struct recompiled {
    enum recompile_result result;
    struct policy_document *policy;
    struct slice blob; /* compiled; not the archived one, though it may be the same bytes */
    enum recompile_zone zone;
    struct slice local_blob; /* RECOMPILE_ZONE_OTHER */
    char text[256];
};

/* The version's texts must be kept. SL_EINTERNAL only; there is nothing to free then. */
SL_NODISCARD enum sl_err recompile(const struct archive_version *version, struct recompiled *out);
void recompiled_free(struct recompiled *recompiled);

/*
 * What changed from `old` (NULL: none) to `version`, counted as the gateway did when the change was
 * put in force: an old policy that the newer vocabulary does not know counts as none.
 */
SL_NODISCARD enum sl_err recompile_compare(const struct archive_version *old,
                                           const struct recompiled *version,
                                           struct policy_change *change);

#endif
