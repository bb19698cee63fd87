/*
 * export.h - what the formats of `sluis-audit export` share
 *
 * Shape   receipts come in the order of the ledger, with proof and openings, to the format's
 *         `take`; `end` comes after the last. A format writes to `out`, or collects and writes at
 *         the end
 */
#ifndef SLUIS_AUDIT_EXPORT_H
#define SLUIS_AUDIT_EXPORT_H

#include "evidence/exported.h"
#include "evidence/replay.h"
#include "filter.h"
#include "ledger.h"

/* Who is going to read it: what may be opened. */
enum export_reader {
    EXPORT_PUBLIC,  /* what everyone may see */
    EXPORT_SUBJECT, /* everything of one person's */
    EXPORT_PARTNER, /* its own flows; the bodies that it got */
    EXPORT_AUDITOR, /* everything of everyone's */
};

struct export_receipt {
    uint64_t index;
    const struct leaf *leaf;
    const struct exported *exported; /* `proof` is empty unless the format wants proofs */
    bool is_somebodys;               /* of a subject in the evidence; the rest is set then */
    size_t subject;
};

struct export;

struct export_format {
    const char *name;
    bool wants_proofs;
    bool is_of_consents; /* of one person's, not of flows */
    int (*begin)(struct export *export);
    int (*take)(struct export *export, const struct export_receipt *receipt);
    int (*end)(struct export *export);
};

extern const struct export_format export_ndjson, export_csv, export_kantara, export_dpv;

struct export
{
    const struct cli *cli;
    const struct export_format *format;
    enum export_reader reader;
    struct filter filter;
    struct ledger_source source;
    struct slice origin;     /* of the key, and so of the ledger */
    struct archive *archive; /* NULL without --evidence */
    struct replay *replay;
    size_t subject; /* EXPORT_SUBJECT: the one, in the archive */
    FILE *out;
    struct consent_list *consents; /* formats of consents */
    uint64_t n_receipts;           /* of the ledger, that went by, and */
    int64_t last_ms;               /* the time of the last one */
};

/* Writes one JSON value as a line, and releases it. An exit code. */
SL_NODISCARD int export_line(struct export *export, json_t *value);
/* The same for a whole document, indented. */
SL_NODISCARD int export_document(struct export *export, json_t *value);
int export_failed(const struct export *export);

/* export_consents.c */
void consents_free(struct consent_list *list);

#endif
