/*
 * evidence_file.h - the evidence that a command was given with --evidence
 */
#ifndef SLUIS_AUDIT_EVIDENCE_FILE_H
#define SLUIS_AUDIT_EVIDENCE_FILE_H

#include "common/cli.h"
#include "evidence/archive.h"

/*
 * Evidence of another ledger than the key's proves nothing about this one. AUDIT_UNCHECKED when it
 * is that, can't be read, or is no evidence; what is wrong has been said.
 */
SL_NODISCARD int evidence_file_load(const struct cli *cli, const char *vkey, struct archive **out);

#endif
