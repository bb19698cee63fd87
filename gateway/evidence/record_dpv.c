/*
 * record_dpv.c - ISO/IEC TS 27560 consent receipts in W3C DPV 2, as JSON-LD: one for each consent
 *
 * The terms are those of DPV's guide to 27560 (https://w3id.org/dpv/guides/consent-27560); the
 * context is written out, so that reading the file needs no network. What DPV has no term for, the
 * terms of the policy and the evidence, are members of the prefix `sluis`, typed as JSON.
 *
 *     given      dpv:ConsentGiven           changed    dpv:RenewedConsentGiven
 *     withdrawn  dpv:ConsentWithdrawn       expired    dpv:ConsentExpired
 *     erased     dpv:ConsentWithdrawn: the person asked for it
 */
#include "evidence/consent_words.h"
#include "evidence/json.h"
#include "evidence/record.h"

#include <stdio.h>

static json_t *id_json(const char *id)
{
    return json_pack("{s:s}", "@id", id);
}

static json_t *id_of_slice(struct slice id)
{
    return json_pack("{s:o}", "@id", json_text(id));
}

static json_t *time_json(int64_t time_ms)
{
    return json_pack("{s:s, s:o}", "@type", "xsd:dateTime", "@value", json_time_ms(time_ms));
}

/* Kept as it is by whoever reads JSON-LD. */
static json_t *opaque_json(json_t *value)
{
    return json_pack("{s:s, s:o}", "@type", "@json", "@value", value);
}

static json_t *context_json(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "dpv", "https://w3id.org/dpv#",
                     "pd", "https://w3id.org/dpv/pd#", "loc", "https://w3id.org/dpv/loc#", "dct",
                     "http://purl.org/dc/terms/", "skos", "http://www.w3.org/2004/02/skos/core#",
                     "rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "xsd",
                     "http://www.w3.org/2001/XMLSchema#", "sluis", "urn:sluis:export:1:");
}

/* ---------------------------------------------------------------------------------- parties -- */

/* One line: street, postal code and city, region, country. */
static json_t *address_json(const struct record *record)
{
    static const enum controller_text parts[] = {CONTROLLER_STREET, CONTROLLER_POSTAL_CODE,
                                                 CONTROLLER_CITY, CONTROLLER_REGION,
                                                 CONTROLLER_COUNTRY};
    char block[SL_LENGTH(parts) * (LIMIT_MAX_controller_bytes + 2)];
    struct writer writer = writer_over(block, sizeof block);
    for (size_t i = 0; i < SL_LENGTH(parts); i++) {
        struct slice part = record_text(record, parts[i]);
        if (part.n > 0 && writer.n > 0)
            write_str(&writer, ", ");
        write_bytes(&writer, part);
    }
    return json_text(writer_slice(&writer));
}

static json_t *controller_json(const struct record *record)
{
    static const enum controller_text contacts[] = {CONTROLLER_CONTACT, CONTROLLER_EMAIL,
                                                    CONTROLLER_PHONE, CONTROLLER_URL};
    json_t *list = json_array();
    for (size_t i = 0; i < SL_LENGTH(contacts); i++) {
        struct slice contact = record_text(record, contacts[i]);
        if (contact.n > 0)
            json_array_append_new(list, json_text(contact));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "@id", "_:controller", "@type",
                     "dpv:DataController", "dct:identifier", json_text(record->statement.origin),
                     "dpv:hasName", json_text(record_text(record, CONTROLLER_NAME)),
                     "dpv:hasAddress", address_json(record), "dpv:hasContact", list);
}

/* The two letters of a country are a term of DPV's; anything else is a text. */
static json_t *jurisdiction_json(const struct record *record)
{
    struct slice text = record_text(record, CONTROLLER_JURISDICTION);
    bool is_country = text.n == 2;
    for (size_t i = 0; i < text.n && is_country; i++)
        is_country = text.p[i] >= 'A' && text.p[i] <= 'Z';
    char id[8];
    snprintf(id, sizeof id, "loc:%.2s", text.n >= 2 ? (const char *)text.p : "");
    return is_country ? id_json(id) : json_text(text);
}

static json_t *notice_json(const struct record *record)
{
    return json_pack("{s:o, s:s, s:s}", "@id",
                     json_text(record_text(record, CONTROLLER_PRIVACY_POLICY)), "@type",
                     "dpv:PrivacyNotice", "dct:language", "en");
}

/* How to withdraw: as a control of the consent, and as a right. */
static json_t *withdrawing_json(const struct record *record, const char *type, const char *title)
{
    return json_pack("{s:s, s:s, s:o}", "@type", type, "dct:title", title, "dpv:isExercisedAt",
                     id_of_slice(record_text(record, CONTROLLER_WITHDRAW_AT)));
}

/* ---------------------------------------------------------------------------------- process -- */

static json_t *data_json(const struct policy_consent *consent)
{
    json_t *list = json_array();
    for (size_t i = 0; i < consent->n_grants; i++) {
        const struct policy_grant *grant = &consent->grants[i];
        const struct vocabulary_class *class = grant->detail ? grant->detail : grant->class;
        char block[512];
        struct writer writer = writer_over(block, sizeof block);
        write_grant_words(&writer, grant);
        json_t *one = json_pack("{s:s, s:o, s:o, s:o}", "@type",
                                consent_class_is_special(class) ? "dpv:SpecialCategoryPersonalData"
                                                                : "dpv:PersonalData",
                                "skos:broader", id_of_slice(class->term.dpv), "dct:identifier",
                                json_text(class->term.name), "dct:description",
                                json_text(writer_slice(&writer)));
        if (!coarseness_is_none(grant->coarseness) || grant->detail)
            json_object_set_new(one, "dpv:hasTechnicalMeasure", id_json("dpv:DataRedaction"));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *process_json(const struct record *record, const struct consent_event *event)
{
    const struct policy_consent *consent = event->consent;
    json_t *purpose = json_pack("{s:s, s:o, s:o, s:o}", "@type", "dpv:Purpose", "skos:broader",
                                id_of_slice(consent->purpose->dpv), "dct:identifier",
                                json_text(consent->purpose->name), "dct:description",
                                json_text(consent->purpose->label_en));
    json_t *recipient =
        json_pack("{s:[s, s], s:o, s:o}", "@type", "dpv:Recipient", "dpv:ThirdParty",
                  "dct:identifier", json_text(consent->partner), "dpv:hasName",
                  json_text(record_partner(record, consent->partner)));
    json_t *source = json_pack("{s:s, s:o, s:o}", "@type", "dpv:DataSource", "dct:identifier",
                               json_text(consent->app), "dct:title",
                               json_text(record_app(record, consent->app)));
    struct slice storage = record_text(record, CONTROLLER_STORAGE);
    if (storage.n == 0)
        storage = slice_of_str("The gateway keeps none of the data; the recipient does as its "
                               "contract says.");
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:o}, s:o}", "@type",
                     "dpv:Process", "dpv:hasLegalBasis", id_json("dpv:ExpressedConsent"),
                     "dpv:hasPurpose", purpose, "dpv:hasPersonalData", data_json(consent),
                     "dpv:hasDataController", id_json("_:controller"), "dpv:hasDataSource", source,
                     "dpv:hasRecipient", recipient, "dpv:hasStorageCondition", "@type",
                     "dpv:StorageCondition", "dct:description", json_text(storage), "sluis:terms",
                     opaque_json(consent_terms_json(event)));
}

/* ----------------------------------------------------------------------------------- events -- */

static const char *status_of(enum consent_event_kind kind)
{
    static const char *const terms[] = {
        [CONSENT_GIVEN] = "dpv:ConsentGiven",         [CONSENT_CHANGED] = "dpv:RenewedConsentGiven",
        [CONSENT_WITHDRAWN] = "dpv:ConsentWithdrawn", [CONSENT_EXPIRED] = "dpv:ConsentExpired",
        [CONSENT_ERASED] = "dpv:ConsentWithdrawn",
    };
    return terms[kind];
}

static json_t *duration_json(const struct consent_event *event)
{
    if (event->until_ms != INT64_MAX)
        return json_pack("{s:s, s:o}", "@type", "dpv:UntilTimeDuration", "rdf:value",
                         time_json(event->until_ms));
    return json_pack("{s:s, s:s}", "@type", "dpv:UntilEventDuration", "rdf:value", "withdrawal");
}

static json_t *event_json(const struct record *record, const struct consent_event *event)
{
    json_t *status =
        json_pack("{s:[s], s:o, s:o}", "@type", status_of(event->kind), "dpv:isIndicatedAtTime",
                  time_json(event->time_ms), "dpv:isIndicatedBy", id_json("_:subject"));
    if (event->consent) {
        json_array_append_new(json_object_get(status, "@type"),
                              json_string("dpv:ExpressedConsent"));
        json_object_set_new(status, "dpv:hasDuration", duration_json(event));
        json_object_set_new(status, "dpv:hasProcess", process_json(record, event));
    } else {
        json_object_set_new(status, "dpv:hasDuration",
                            json_pack("{s:s}", "@type", "dpv:EndlessDuration"));
    }
    json_object_set_new(status, "dpv:hasIndicationMethod",
                        json_string(event->kind == CONSENT_EXPIRED ? "its last day is past"
                                    : event->kind == CONSENT_ERASED
                                        ? "erasure of the person"
                                        : "a new version of the policy"));
    json_object_set_new(status, "sluis:event", opaque_json(record_event(record, event)));
    return status;
}

json_t *record_dpv(const struct record *record)
{
    const struct consent_life *life = record->life;
    const struct consent_event *terms = consent_last_terms(life);
    char uuid[CONSENT_UUID_BYTES], id[CONSENT_UUID_BYTES + 16];
    consent_uuid(record->statement.origin, record_receipt(record, &life->events[0]), life->id,
                 uuid);
    snprintf(id, sizeof id, "urn:uuid:%s", uuid);
    json_t *events = json_array();
    for (size_t i = 0; i < life->n_events; i++)
        json_array_append_new(events, event_json(record, &life->events[i]));
    json_t *subject = json_pack("{s:s, s:s, s:o}", "@id", "_:subject", "@type", "dpv:DataSubject",
                                "dct:identifier", json_text(record_subject(record, terms)));
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "@id", id, "@type", "dpv:ConsentReceipt", "dct:conformsTo",
                     id_json("https://w3id.org/dpv/schema/dpv-27560#receipt"), "dct:identifier",
                     uuid, "dpv:hasIdentifier", json_text(life->id), "dct:language", "en",
                     "dpv:hasDataSubject", subject, "dpv:hasNotice", notice_json(record),
                     "dpv:hasDataController", controller_json(record), "dpv:hasJurisdiction",
                     jurisdiction_json(record), "dpv:hasConsentControl",
                     withdrawing_json(record, "dpv:WithdrawConsent", "Withdraw the consent"),
                     "dpv:hasRight",
                     withdrawing_json(record, "dpv:DataSubjectRight", "Right to withdraw consent"),
                     "dpv:hasProcess", process_json(record, terms), "dpv:hasConsentStatus", events,
                     "sluis:evidence", opaque_json(record_block(record, 0, record->n_versions)));
}

json_t *record_dpv_document(json_t *graph)
{
    return json_pack("{s:o, s:o}", "@context", context_json(), "@graph", graph);
}
