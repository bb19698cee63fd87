/*
 * statement.h - what the operator says of the gateway and no receipt pins, signed by the ledger's
 * key
 *
 * Shape   a C2SP signed note over
 *             sluis stated v1
 *             <origin>
 *             <time, RFC 3339 with milliseconds>
 *             {"controller":{..},"apps":{id:label},"partners":{id:label}}
 *         Its first line has blanks, as no ledger's name has: no such note is a checkpoint.
 * Owns    a statement that was read owns what it points to, but for the note itself
 * Spec    docs/formats/evidence.md, "The statement"
 */
#ifndef SLUIS_EVIDENCE_STATEMENT_H
#define SLUIS_EVIDENCE_STATEMENT_H

#include "evidence/line.h"
#include "sluis/verify.h"

#include <jansson.h>

struct statement {
    struct slice origin;
    int64_t time_ms; /* when it was signed */
    struct controller controller;
    size_t n_apps, n_partners;
    const struct evidence_party *apps, *partners;
    void *storage;
};

/* The text that is to be signed. Check writer->overflow. SL_EINTERNAL: out of memory */
SL_NODISCARD enum sl_err statement_write(const struct statement *statement, struct writer *writer);

/* The texts that are given. */
json_t *statement_controller_json(const struct controller *controller);

struct statement_problem {
    char text[160];
};

/*
 * Does a key of the log that `trust` knows stand for it? `out` must be freed whatever comes out.
 * SLUIS_VERIFY_UNCHECKED: out of memory, or the trust can't be used.
 */
enum sluis_verify_result statement_read(struct slice note, const struct sluis_trust *trust,
                                        struct statement_problem *problem, struct statement *out);
void statement_free(struct statement *statement);

#endif
