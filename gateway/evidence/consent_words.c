/*
 * consent_words.c - the same words, whoever asks for them: who writes a record, and who checks one
 *
 * They are part of the format (docs/formats/evidence.md): a record that was written with other
 * words does not verify. To change one is to make a new version of it.
 */
#include "evidence/consent_words.h"

#include "base/sha256.h"
#include "evidence/json.h"
#include "policy/describe.h"

#include <stdio.h>

static json_t *writer_json(const struct writer *writer)
{
    return json_text(writer_slice(writer));
}

void write_grant_words(struct writer *writer, const struct policy_grant *grant)
{
    const struct vocabulary_class *class = grant->detail ? grant->detail : grant->class;
    write_bytes(writer, class->term.label_en);
    if (coarseness_is_none(grant->coarseness))
        return;
    write_str(writer, ", to ");
    write_coarseness_words(writer, grant->coarseness);
}

static json_t *grant_json(const struct policy_grant *grant)
{
    char block[512];
    struct writer writer = writer_over(block, sizeof block);
    const struct coarse_done done = {.kept = true, .coarseness = grant->coarseness};
    write_coarse_done(&writer, &done);
    json_t *json = json_pack("{s:o, s:o}", "class", json_text(grant->class->term.name), "done",
                             writer_json(&writer));
    if (grant->detail)
        json_object_set_new(json, "detail", json_text(grant->detail->term.name));
    return json;
}

static void add_limits(json_t *json, const struct policy_consent *consent)
{
    char block[128];
    struct writer writer = writer_over(block, sizeof block);
    if (consent->has_window) {
        write_window(&writer, consent->window);
        json_object_set_new(json, "when", writer_json(&writer));
    }
    writer = writer_over(block, sizeof block);
    if (consent->has_from) {
        write_date(&writer, consent->from);
        json_object_set_new(json, "from", writer_json(&writer));
    }
    writer = writer_over(block, sizeof block);
    if (consent->has_until) {
        write_date(&writer, consent->until);
        json_object_set_new(json, "until", writer_json(&writer));
    }
    writer = writer_over(block, sizeof block);
    if (consent->at_most > 0) {
        write_at_most(&writer, consent->at_most, consent->at_most_per_s);
        json_object_set_new(json, "at_most", writer_json(&writer));
    }
}

json_t *consent_terms_json(const struct consent_event *event)
{
    const struct policy_consent *consent = event->consent;
    json_t *data = json_array(), *situations = json_array();
    for (size_t i = 0; i < consent->n_grants; i++)
        json_array_append_new(data, grant_json(&consent->grants[i]));
    for (size_t i = 0; i < consent->n_situations; i++)
        json_array_append_new(situations, json_text(consent->situations[i]->name));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "app", json_text(consent->app),
                             "partner", json_text(consent->partner), "purpose",
                             json_text(consent->purpose->name), "in_return",
                             consent->in_return.n > 0 ? json_text(consent->in_return) : json_null(),
                             "data", data, "situation", situations);
    add_limits(json, consent);
    if (consent->has_window || consent->has_from || consent->has_until)
        json_object_set_new(json, "timezone", json_text(event->timezone));
    return json;
}

bool consent_terms_equal(const struct consent_event *a, const struct consent_event *b)
{
    json_t *left = consent_terms_json(a), *right = consent_terms_json(b);
    bool same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

bool consent_class_is_special(const struct vocabulary_class *class)
{
    /* What DPV's extension for personal data has under dpv:SpecialCategoryPersonalData. */
    static const char *const terms[] = {
        "pd:MedicalHealth",
        "pd:Health",
        "pd:PhysicalHealth",
        "pd:MentalHealth",
        "pd:Genetic",
        "pd:HealthRecord",
        "pd:HealthHistory",
        "pd:Prescription",
        "pd:Disability",
        "pd:BloodType",
        "pd:DNACode",
        "pd:DrugTestResult",
        "pd:FamilyHealthHistory",
        "pd:IndividualHealthHistory",
        "pd:Biometric",
        "pd:FacialPrint",
        "pd:FacialExpression",
        "pd:Fingerprint",
        "pd:Retina",
        "pd:Race",
        "pd:EthnicOrigin",
        "pd:Religion",
        "pd:ReligiousBelief",
        "pd:PhilosophicalBelief",
        "pd:PoliticalAffiliation",
        "pd:PoliticalOpinion",
        "pd:TradeUnionMembership",
        "pd:Sexual",
        "pd:SexualPreference",
        "pd:SexualHistory",
        "pd:Fetish",
        "pd:Proclivity",
    };
    for (size_t i = 0; i < SL_LENGTH(terms); i++) {
        if (slice_equals_str(class->term.dpv, terms[i]))
            return true;
    }
    return false;
}

void consent_uuid(struct slice origin, uint64_t receipt, struct slice id,
                  char out[CONSENT_UUID_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    char number[24];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, origin);
    snprintf(number, sizeof number, "\n%llu\n", (unsigned long long)receipt);
    sha256_add(&hash, slice_of_str(number));
    sha256_add(&hash, id);
    sha256_end(&hash, digest);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    struct writer writer = writer_over(out, CONSENT_UUID_BYTES - 1);
    for (size_t i = 0; i < 16; i++) {
        write_str(&writer, i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "");
        write_hex(&writer, slice_of(digest + i, 1));
    }
    SL_ASSERT(!writer.overflow && writer.n == CONSENT_UUID_BYTES - 1);
    out[writer.n] = 0;
}
