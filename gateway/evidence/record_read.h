/*
 * record_read.h - from the evidence inside a record to what it shows
 *
 * Shape   each receipt is proven and opened, each policy is compiled again from the text that its
 *         receipt pins, under the vocabulary that it pins, and the consent's life is traced
 * Owns    a reading owns what it points to, but for the record's JSON, which must outlive it
 * Spec    docs/formats/evidence.md, "Checking a record"
 */
#ifndef SLUIS_EVIDENCE_RECORD_READ_H
#define SLUIS_EVIDENCE_RECORD_READ_H

#include "evidence/exported.h"
#include "evidence/record.h"

/* What was found in each evidence, as soon as it holds. */
typedef void record_visit(void *context, const struct exported_report *evidence);

struct record_reading {
    struct record record;
    uint64_t first_version; /* the number of the policy that the first receipt made; 0: not shown */
    size_t n_closed;        /* policy changes whose texts are not opened */
    void *storage;
};

struct record_problem {
    char text[512];
};

/*
 * `block` is the part of a record that holds its evidence (record.h). SLUIS_VERIFY_UNCHECKED: out
 * of memory, or the trust can't be used. `out` must be freed whatever comes out.
 */
enum sluis_verify_result record_read(const json_t *block, const struct sluis_trust *trust,
                                     record_visit *visit, void *context,
                                     struct record_problem *problem, struct record_reading *out);
void record_reading_free(struct record_reading *reading);

#endif
