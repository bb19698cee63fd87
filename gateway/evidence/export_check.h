/*
 * export_check.h - does an export hold: every receipt, every opening, and every word around them?
 *
 * Shape   one JSON document, or one on each line: NDJSON of receipts, Kantara receipts, DPV
 *         records, or evidence alone. Each object must be one of these: what is none of them, and
 *         each member that is not of the format, is refused, because nothing stands behind it
 * Owns    the report owns its lists, until export_report_free()
 * Spec    docs/formats/evidence.md, "Checking an export"
 */
#ifndef SLUIS_EVIDENCE_EXPORT_CHECK_H
#define SLUIS_EVIDENCE_EXPORT_CHECK_H

#include "evidence/exported.h"

struct export_report {
    char problem[768];
    /* Receipts, each counted once, however often it is there. */
    uint64_t n_receipts, n_bases, n_texts, n_bodies, n_matched;
    uint64_t n_records; /* of consents, whose words are those that their evidence gives */
    uint64_t n_events;  /* in them */
    uint64_t n_closed;  /* policy changes that a record counts, and does not open */
    bool is_under_policy;
    size_t n_witnesses_min; /* of each checkpoint; under a trust file */
    int64_t as_of_ms;       /* the earliest of the records'; INT64_MAX without one */
    int64_t shown_ms;       /* the earliest end of their receipts: nothing signed shows what came
                               between it and as_of_ms */
    json_t *ledgers;        /* their names */
    json_t *stated;         /* what records have from statements: a list, see record_stated() */
};

/*
 * `body_sha256` (or NULL): the hash of bytes that must be the body of the one receipt.
 * SLUIS_VERIFY_UNCHECKED: out of memory, the trust can't be used, the export is an empty list, or
 * there are more receipts than the one that a body could be held against.
 */
enum sluis_verify_result export_check(struct slice text, const struct sluis_trust *trust,
                                      const uint8_t *body_sha256, struct export_report *report);
void export_report_free(struct export_report *report);

#endif
