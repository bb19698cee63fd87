/*
 * record.h - a consent as others record it: Kantara 1.1, ISO/IEC TS 27560 in DPV; words and
 * evidence
 *
 * Shape   a record is a pure function of struct record: the policies that receipts pin, and what
 *         the operator states beside them and has signed. Who exports makes it from the archive,
 * who checks makes it again from the evidence inside the record, and compares
 *
 *         block   {"sluis_export": 1, "origin":, "consent": id, "as_of":, "statement": note,
 *                  "vocabularies": [text], "receipts": [evidence]}
 *         event   {"event": "given", "time":, "receipt": index}         an expiry has no receipt
 * Owns    nothing; what is made is the caller's, NULL without memory
 * Spec    docs/formats/evidence.md, "Consents"
 */
#ifndef SLUIS_EVIDENCE_RECORD_H
#define SLUIS_EVIDENCE_RECORD_H

#include "evidence/consents.h"
#include "evidence/statement.h"

#include <jansson.h>

enum { RECORD_FORMAT = 1 };

struct record {
    int64_t as_of_ms;           /* what came later is not in the record */
    struct statement statement; /* what no receipt pins: names, addresses, labels */
    struct slice note;          /* it, signed */
    size_t n_versions;
    const struct consent_version *versions; /* of the one person, and */
    json_t *const *evidence;                /* exported_json() of each */
    const struct consent_life *life;        /* of the consent, through these versions */
};

/* Of the event that gave or changed the consent, and of what came next. */
json_t *record_kantara(const struct record *record, size_t event);
/* Of the whole life; it was given or changed once at least. */
json_t *record_dpv(const struct record *record);
/* All of them, in one JSON-LD document. Takes `graph`, an array. */
json_t *record_dpv_document(json_t *graph);
/*
 * {"controller": {}, "apps": {id: label}, "partners": {id: label}}: what its words have from the
 * statement. `first` and `last` are the events with its terms.
 */
json_t *record_stated(const struct record *record, size_t first, size_t last);

/* ------------------------------------------------------------------ for the two formats alone --
 */

/* The block of a record that begins with event `first`; the versions before `end` show it. */
json_t *record_block(const struct record *record, size_t first, size_t end);
json_t *record_event(const struct record *record, const struct consent_event *event);
/* The index of the receipt that shows it. */
uint64_t record_receipt(const struct record *record, const struct consent_event *event);
/* Whose it is, by the policy of that event. */
struct slice record_subject(const struct record *record, const struct consent_event *event);
struct slice record_text(const struct record *record, enum controller_text text);
struct slice record_app(const struct record *record, struct slice id);
struct slice record_partner(const struct record *record, struct slice id);

#endif
