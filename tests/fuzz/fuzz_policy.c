/*
 * fuzz_policy.c - a policy that loads compiles and decides as the model does; never wider
 *
 * Bytes that begin like a compiled policy are taken as one: what policy_blob_is_valid() lets pass
 * must be safe to decide on. All others are YAML: where a policy loads, its blob is valid, and
 * flows made from its own consents are decided as the naive model decides them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/vocabulary_default.h"
#include "policy/zone.h"
#include "policy_model.h"

static struct vocabulary *vocabulary;
static uint32_t all_codes[512];
static const struct vocabulary_class *all_classes[512];
static size_t n_all;

static void load_vocabulary(void)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    SL_ASSERT(vocabulary_load(vocabulary_default_text(), &problems, &vocabulary) == SL_OK);
    for (; n_all < vocabulary_n_classes(vocabulary); n_all++) {
        all_classes[n_all] = vocabulary_class_at(vocabulary, n_all);
        all_codes[n_all] = all_classes[n_all]->term.code;
    }
}

static void decide_on_bytes(struct slice blob)
{
    static const int64_t times[] = {INT64_MIN, 0, 1793700000000, 4102444800000, INT64_MAX};
    if (!policy_blob_is_valid(blob))
        return;
    for (size_t i = 0; i < policy_blob_n_consents(blob); i++) {
        (void)policy_blob_consent_id(blob, i);
        for (size_t k = 0; k < SL_LENGTH(times); k++) {
            struct facts facts = {.time_ms = times[k],
                                  .app = slice_of_str("waze"),
                                  .partner = slice_of_str("spotify"),
                                  .purpose = vocabulary_code(slice_of_str("recommendation")),
                                  .n_classes = LIMIT_MAX_route_classes,
                                  .classes = all_codes,
                                  .n_situations = DECIDE_SITUATIONS_MAX,
                                  .situations = all_codes,
                                  .consents_spent = k & 1 ? 0 : FACTS_ALL_SPENT};
            struct decision decision;
            decide(blob, &facts, &decision);
            SL_ASSERT((decision.effect == EFFECT_RELEASE) == (decision.consents != 0));
            SL_ASSERT((decision.effect == EFFECT_RELEASE) == (decision.reason == REASON_CONSENTED));
            (void)decide_consent(blob, &facts, i);
            (void)decide_is_refused(blob, &facts, all_codes[0]);
        }
    }
}

static struct model_clock clock_at(struct slice zone, int64_t time_s)
{
    const int64_t local_s = zone_local_s(zone, time_s);
    const int64_t days = local_s / 86400 - (local_s % 86400 < 0);
    return (struct model_clock){.date = civil_from_days(days),
                                .weekday = (unsigned)(((days + 3) % 7 + 7) % 7),
                                .minute = (unsigned)(local_s - days * 86400) / 60};
}

static void compare_decisions(const struct policy_document *policy, struct slice blob,
                              const struct facts *facts, const struct model_facts *model)
{
    struct decision decision, expected;
    decide(blob, facts, &decision);
    model_decide(policy, model, &expected);
    SL_ASSERT(decision.effect == expected.effect && decision.reason == expected.reason);
    SL_ASSERT(decision.consents == expected.consents && decision.time_s == expected.time_s);
    SL_ASSERT(slice_equals(decision.benefit, expected.benefit));
    SL_ASSERT(decision.situations == expected.situations);
    SL_ASSERT(decision.situations == 0 || decide_asks_situations(blob, facts));
    for (size_t i = 0; i < facts->n_classes; i++) {
        SL_ASSERT(decision.entries[i].action == expected.entries[i].action);
        SL_ASSERT(
            coarseness_equals(decision.entries[i].coarseness, expected.entries[i].coarseness));
    }
}

/* A flow that the consent is about, at some instants, for every class of the vocabulary. */
static void try_consent(const struct policy_document *policy, struct slice blob,
                        const struct policy_consent *consent)
{
    static const int64_t times_s[] = {1761440400, 1774745999, 1793700000, 1809129600, 2500000000};
    uint32_t situations[8];
    for (size_t i = 0; i < consent->n_situations; i++)
        situations[i] = consent->situations[i]->code;
    for (size_t k = 0; k < SL_LENGTH(times_s); k++) {
        struct facts facts = {.time_ms = times_s[k] * 1000,
                              .app = consent->app,
                              .partner = consent->partner,
                              .purpose = consent->purpose->code,
                              .situations = situations,
                              .n_situations = k > 0 ? consent->n_situations : 0,
                              .consents_spent = k != 1 ? 0 : UINT64_C(0x5555555555555555)};
        struct model_facts model = {.clock = clock_at(policy->zone, times_s[k]),
                                    .app = consent->app,
                                    .partner = consent->partner,
                                    .purpose = consent->purpose->name,
                                    .situations = consent->situations,
                                    .n_situations = facts.n_situations,
                                    .consents_spent = facts.consents_spent};
        for (size_t first = 0; first < n_all; first += LIMIT_MAX_route_classes) {
            size_t n = n_all - first;
            n = n < LIMIT_MAX_route_classes ? n : LIMIT_MAX_route_classes;
            facts.classes = all_codes + first;
            model.classes = all_classes + first;
            facts.n_classes = model.n_classes = n;
            compare_decisions(policy, blob, &facts, &model);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t block[POLICY_BLOB_BYTES_MAX];
    if (!vocabulary)
        load_vocabulary();
    if (slice_starts_with_str(slice_of(data, size), "sluispol")) {
        decide_on_bytes(slice_of(data, size));
        return 0;
    }
    struct yaml_problems problems;
    yaml_problems_init(&problems, "fuzz");
    struct policy_document *policy = NULL;
    enum sl_err err = policy_load(slice_of(data, size), vocabulary, &problems, &policy);
    SL_ASSERT((err == SL_OK) == (problems.n_errors == 0) && (err == SL_OK) == (policy != NULL));
    struct writer writer = writer_over(block, sizeof block);
    if (policy && policy_compile(policy, &problems, &writer) == SL_OK) {
        SL_ASSERT(policy_blob_is_valid(writer_slice(&writer)));
        for (size_t i = 0; i < policy->n_consents; i++)
            try_consent(policy, writer_slice(&writer), &policy->consents[i]);
    }
    policy_free(policy);
    yaml_problems_deinit(&problems);
    return 0;
}
