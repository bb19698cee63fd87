/*
 * consent_words.h - one consent in the words of records: its terms, its grants, its id
 */
#ifndef SLUIS_EVIDENCE_CONSENT_WORDS_H
#define SLUIS_EVIDENCE_CONSENT_WORDS_H

#include "evidence/consents.h"

#include <jansson.h>

/* What is given or changed, as a JSON object of plain members: for comparing and for showing. */
json_t *consent_terms_json(const struct consent_event *event);
bool consent_terms_equal(const struct consent_event *a, const struct consent_event *b);
/* "Where you are, to a grid of 5km and times in steps of 15min" */
void write_grant_words(struct writer *writer, const struct policy_grant *grant);
/* Is the class of a special category (GDPR, article 9), by its DPV term? */
bool consent_class_is_special(const struct vocabulary_class *class);

/* Deterministic, of the form of a UUID (RFC 9562, version 8): of what `receipt` made of a consent.
 */
enum { CONSENT_UUID_BYTES = 36 + 1 };
void consent_uuid(struct slice origin, uint64_t receipt, struct slice id,
                  char out[CONSENT_UUID_BYTES]);

#endif
