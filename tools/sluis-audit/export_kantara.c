/*
 * export_kantara.c - Kantara Consent Receipt 1.1: one for each time a consent was given or changed
 *
 * The keys are those of the specification. What it has no key for stands under one key of our own,
 * `sluis`: the consent's id, what became of it, and the evidence. A list of them is a JSON array.
 */
#include "base/timestamp.h"
#include "commands.h"
#include "consents.h"

#include <string.h>

static json_t *text_json(const struct export *export, enum controller_text text)
{
    return json_of_slice(export->archive->head.controller.texts[text]);
}

static void set_if_given(json_t *object, const char *key, const struct export *export,
                         enum controller_text text)
{
    if (export->archive->head.controller.texts[text].n > 0)
        json_object_set_new(object, key, text_json(export, text));
}

static json_t *controllers_json(const struct export *export)
{
    json_t *address = json_object();
    set_if_given(address, "streetAddress", export, CONTROLLER_STREET);
    set_if_given(address, "postalCode", export, CONTROLLER_POSTAL_CODE);
    set_if_given(address, "addressLocality", export, CONTROLLER_CITY);
    set_if_given(address, "addressRegion", export, CONTROLLER_REGION);
    set_if_given(address, "addressCountry", export, CONTROLLER_COUNTRY);
    json_t *controller = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "piiController", text_json(export, CONTROLLER_NAME), "contact",
        text_json(export, CONTROLLER_CONTACT), "address", address, "email",
        text_json(export, CONTROLLER_EMAIL), "phone", text_json(export, CONTROLLER_PHONE));
    set_if_given(controller, "piiControllerUrl", export, CONTROLLER_URL);
    return json_pack("[o]", controller);
}

/* How it ends: by its last day, by withdrawing, and whether it has ended. */
static json_t *termination_json(const struct export *export, const struct consent_event *event,
                                const struct consent_event *next)
{
    char block[1024];
    struct writer writer = writer_over(block, sizeof block);
    if (event->until_ms != INT64_MAX) {
        write_str(&writer, "Ends by itself at ");
        write_timestamp_s(&writer, event->until_ms);
        write_str(&writer, ", or when withdrawn");
    } else {
        write_str(&writer, "When withdrawn");
    }
    struct slice where = export->archive->head.controller.texts[CONTROLLER_WITHDRAW_AT];
    write_str(&writer, where.n > 0 ? " at " : "");
    write_bytes(&writer, where);
    if (next) {
        write_str(&writer, ". It was ");
        write_str(&writer, next->kind == CONSENT_EXPIRED ? "over" : consent_event_name(next->kind));
        write_str(&writer, " at ");
        write_timestamp_s(&writer, next->time_ms);
    }
    return json_of_slice(writer_slice(&writer));
}

static json_t *services_json(const struct export *export, const struct consent_event *event,
                             const struct consent_event *next, json_t *special)
{
    const struct policy_consent *consent = event->consent;
    json_t *categories = json_array();
    for (size_t i = 0; i < consent->n_grants; i++) {
        char block[512];
        struct writer writer = writer_over(block, sizeof block);
        write_grant_words(&writer, &consent->grants[i]);
        json_array_append_new(categories, json_of_slice(writer_slice(&writer)));
        if (consent_class_is_special(consent->grants[i].class))
            json_array_append_new(special, json_of_slice(consent->grants[i].class->term.label_en));
    }
    char block[512];
    struct writer writer = writer_over(block, sizeof block);
    write_bytes(&writer, consent->purpose->label_en);
    write_str(&writer, consent->in_return.n > 0 ? "; in return: " : "");
    write_bytes(&writer, consent->in_return);
    json_t *purpose = json_pack(
        "{s:o, s:[o], s:s, s:o, s:b, s:o, s:b, s:o}", "purpose",
        json_of_slice(writer_slice(&writer)), "purposeCategory",
        json_of_slice(consent->purpose->dpv), "consentType", "EXPLICIT", "piiCategory", categories,
        "primaryPurpose", 1, "termination", termination_json(export, event, next),
        "thirdPartyDisclosure", 1, "thirdPartyName",
        json_of_slice(archive_partner_label(export->archive, consent->partner)));
    return json_pack("[{s:o, s:[o]}]", "service",
                     json_of_slice(archive_app_label(export->archive, consent->app)), "purposes",
                     purpose);
}

/* Of the event that gave or changed it; `next` is what came after, or NULL. */
static json_t *receipt_json(const struct export *export, const struct consent_life *life,
                            const struct consent_event *event, const struct consent_event *next)
{
    char uuid[CONSENT_UUID_BYTES];
    consent_uuid(export, life, event, uuid);
    json_t *special = json_array(), *events = json_array();
    json_t *services = services_json(export, event, next, special);
    json_array_append_new(events, consent_event_json(life, event));
    if (next)
        json_array_append_new(events, consent_event_json(life, next));
    const bool is_sensitive = json_array_size(special) > 0;
    return json_pack(
        "{s:s, s:o, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:{s:o, s:o, s:o, s:o}}",
        "version", "KI-CR-v1.1.0", "jurisdiction", text_json(export, CONTROLLER_JURISDICTION),
        "consentTimestamp", (json_int_t)(event->time_ms / 1000), "collectionMethod",
        "A policy of the person's own, put in force through the gateway", "consentReceiptID", uuid,
        "language", "en", "piiPrincipalId",
        json_of_slice(export->archive->subjects[export->subject].name), "piiControllers",
        controllers_json(export), "policyUrl", text_json(export, CONTROLLER_PRIVACY_POLICY),
        "services", services, "sensitive", (int)is_sensitive, "spiCat", special, "sluis", "origin",
        json_of_slice(export->origin), "consent", json_of_slice(life->id), "terms",
        consent_terms_json(event), "events", events);
}

static bool is_of_partner(const struct export *export, const struct consent_event *event)
{
    return export->filter.partner.n == 0 ||
           slice_equals(export->filter.partner, event->consent->partner);
}

static int begin_kantara(struct export *export)
{
    static const enum controller_text needed[] = {
        CONTROLLER_NAME,    CONTROLLER_CONTACT,        CONTROLLER_EMAIL,
        CONTROLLER_PHONE,   CONTROLLER_STREET,         CONTROLLER_CITY,
        CONTROLLER_COUNTRY, CONTROLLER_PRIVACY_POLICY, CONTROLLER_JURISDICTION};
    int code = consents_need_controller(export, needed, SL_LENGTH(needed));
    return code == EX_OK ? consents_begin(export) : code;
}

static int end_kantara(struct export *export)
{
    struct consent_life *lives;
    size_t n;
    int code = consents_lives(export, &lives, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n && code == EX_OK; i++) {
        for (size_t k = 0; k < lives[i].n_events; k++) {
            const struct consent_event *event = &lives[i].events[k];
            const struct consent_event *next =
                k + 1 < lives[i].n_events ? &lives[i].events[k + 1] : NULL;
            if (event->consent && is_of_partner(export, event))
                json_array_append_new(list, receipt_json(export, &lives[i], event, next));
        }
    }
    if (code == EX_OK)
        return export_document(export, list);
    json_decref(list);
    return code;
}

const struct export_format export_kantara = {.name = "kantara",
                                             .wants_proofs = true,
                                             .is_of_consents = true,
                                             .begin = begin_kantara,
                                             .take = consents_take,
                                             .end = end_kantara};
