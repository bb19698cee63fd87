/*
 * policy_model.h - the decision once more, naively, over the document instead of the blob
 *
 * Follows docs/formats/policy.md sentence by sentence, with names instead of codes, and shares no
 * code with the real one. The local clock is the caller's, so that another oracle can give it.
 */
#ifndef SLUIS_TESTS_POLICY_MODEL_H
#define SLUIS_TESTS_POLICY_MODEL_H

#include "policy/decide.h"
#include "policy/policy.h"

/* What the subject's clock and calendar show. */
struct model_clock {
    struct civil_date date;
    unsigned weekday; /* 0 is Monday */
    unsigned minute;  /* of the day */
};

/* Facts in names. */
struct model_facts {
    struct model_clock clock;
    struct slice app, partner, purpose;
    size_t n_classes;
    const struct vocabulary_class *const *classes;
    size_t n_situations;
    const struct vocabulary_term *const *situations;
    uint64_t consents_spent; /* bit i: of consent i */
};

/* `decision->benefit` points into the policy's texts. */
void model_decide(const struct policy_document *policy, const struct model_facts *facts,
                  struct decision *decision);
bool model_is_refused(const struct policy_document *policy, const struct model_facts *facts,
                      const struct vocabulary_class *class);

#endif
