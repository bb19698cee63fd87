/*
 * record_kantara.c - Kantara Consent Receipt 1.1: one for each time a consent was given or changed
 *
 * The keys are those of the specification. What it has no key for stands under one key of our own,
 * `sluis`: the terms, what became of the consent, and the evidence.
 */
#include "evidence/consent_words.h"
#include "evidence/json.h"
#include "evidence/record.h"

static void set_if_given(json_t *object, const char *key, struct slice text)
{
    if (text.n > 0)
        json_object_set_new(object, key, json_text(text));
}

static json_t *controllers_json(const struct record *record)
{
    json_t *address = json_object();
    set_if_given(address, "streetAddress", record_text(record, CONTROLLER_STREET));
    set_if_given(address, "postalCode", record_text(record, CONTROLLER_POSTAL_CODE));
    set_if_given(address, "addressLocality", record_text(record, CONTROLLER_CITY));
    set_if_given(address, "addressRegion", record_text(record, CONTROLLER_REGION));
    set_if_given(address, "addressCountry", record_text(record, CONTROLLER_COUNTRY));
    json_t *controller =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "piiController",
                  json_text(record_text(record, CONTROLLER_NAME)), "contact",
                  json_text(record_text(record, CONTROLLER_CONTACT)), "address", address, "email",
                  json_text(record_text(record, CONTROLLER_EMAIL)), "phone",
                  json_text(record_text(record, CONTROLLER_PHONE)));
    set_if_given(controller, "piiControllerUrl", record_text(record, CONTROLLER_URL));
    return json_pack("[o]", controller);
}

/* How it ends: by its last day, by withdrawing, and whether it has ended. */
static json_t *termination_json(const struct record *record, const struct consent_event *event,
                                const struct consent_event *next)
{
    char block[LIMIT_MAX_controller_bytes + 256];
    struct writer writer = writer_over(block, sizeof block);
    if (event->until_ms != INT64_MAX) {
        write_str(&writer, "Ends by itself at ");
        write_timestamp_s(&writer, event->until_ms);
        write_str(&writer, ", or when withdrawn");
    } else {
        write_str(&writer, "When withdrawn");
    }
    struct slice where = record_text(record, CONTROLLER_WITHDRAW_AT);
    write_str(&writer, where.n > 0 ? " at " : "");
    write_bytes(&writer, where);
    if (next) {
        write_str(&writer, ". It was ");
        write_str(&writer, next->kind == CONSENT_EXPIRED ? "over" : consent_event_name(next->kind));
        write_str(&writer, " at ");
        write_timestamp_s(&writer, next->time_ms);
    }
    return json_text(writer_slice(&writer));
}

static json_t *services_json(const struct record *record, const struct consent_event *event,
                             const struct consent_event *next, json_t *special)
{
    const struct policy_consent *consent = event->consent;
    json_t *categories = json_array();
    for (size_t i = 0; i < consent->n_grants; i++) {
        char block[512];
        struct writer writer = writer_over(block, sizeof block);
        write_grant_words(&writer, &consent->grants[i]);
        json_array_append_new(categories, json_text(writer_slice(&writer)));
        if (consent_class_is_special(consent->grants[i].class))
            json_array_append_new(special, json_text(consent->grants[i].class->term.label_en));
    }
    char block[512];
    struct writer writer = writer_over(block, sizeof block);
    write_bytes(&writer, consent->purpose->label_en);
    write_str(&writer, consent->in_return.n > 0 ? "; in return: " : "");
    write_bytes(&writer, consent->in_return);
    json_t *purpose = json_pack(
        "{s:o, s:[o], s:s, s:o, s:b, s:o, s:b, s:o}", "purpose", json_text(writer_slice(&writer)),
        "purposeCategory", json_text(consent->purpose->dpv), "consentType", "EXPLICIT",
        "piiCategory", categories, "primaryPurpose", 1, "termination",
        termination_json(record, event, next), "thirdPartyDisclosure", 1, "thirdPartyName",
        json_text(record_partner(record, consent->partner)));
    return json_pack("[{s:o, s:[o]}]", "service", json_text(record_app(record, consent->app)),
                     "purposes", purpose);
}

static json_t *block_json(const struct record *record, size_t event, size_t last)
{
    const struct consent_life *life = record->life;
    size_t end = last > event ? life->events[last].version + 1 : record->n_versions;
    json_t *block = record_block(record, event, end), *events = json_array();
    for (size_t i = event; i <= last; i++)
        json_array_append_new(events, record_event(record, &life->events[i]));
    json_object_set_new(block, "terms", consent_terms_json(&life->events[event]));
    json_object_set_new(block, "events", events);
    return block;
}

json_t *record_kantara(const struct record *record, size_t at)
{
    const struct consent_life *life = record->life;
    const struct consent_event *event = &life->events[at];
    const size_t last = at + 1 < life->n_events ? at + 1 : at;
    char uuid[CONSENT_UUID_BYTES];
    consent_uuid(record->statement.origin, record_receipt(record, event), life->id, uuid);
    json_t *special = json_array();
    json_t *services =
        services_json(record, event, last > at ? &life->events[last] : NULL, special);
    const bool is_sensitive = json_array_size(special) > 0;
    return json_pack(
        "{s:s, s:o, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "version",
        "KI-CR-v1.1.0", "jurisdiction", json_text(record_text(record, CONTROLLER_JURISDICTION)),
        "consentTimestamp", (json_int_t)(event->time_ms / 1000), "collectionMethod",
        "A policy of the person's own, put in force through the gateway", "consentReceiptID", uuid,
        "language", "en", "piiPrincipalId", json_text(record_subject(record, event)),
        "piiControllers", controllers_json(record), "policyUrl",
        json_text(record_text(record, CONTROLLER_PRIVACY_POLICY)), "services", services,
        "sensitive", (int)is_sensitive, "spiCat", special, "sluis", block_json(record, at, last));
}
