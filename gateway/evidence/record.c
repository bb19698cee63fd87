/*
 * record.c - what the records of both formats share: the evidence, and which of it a record needs
 *
 *     versions    1     2     3     4     5     6
 *     consent           given       chgd        withdrawn
 *
 *     Kantara, of "given"     1 . . . . . 4         from the last one before it that is opened, so
 *              of "changed"          3 . . . . . 6  that it shows what is new; up to what came next
 *     DPV                     1 . . . . . . . . . . all of its life
 *
 * No version between is left out: each shows that nothing became of the consent there. What no
 * receipt pins, the controller and the labels, is in the statement.
 */
#include "evidence/record.h"

#include "evidence/json.h"

struct span {
    size_t first, end;
};

/* ----------------------------------------------------------------------------------- facts -- */

struct slice record_text(const struct record *record, enum controller_text text)
{
    return record->statement.controller.texts[text];
}

static struct slice label_of(const struct evidence_party *parties, size_t n, struct slice id)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_equals(parties[i].id, id) && parties[i].label.n > 0)
            return parties[i].label;
    }
    return id;
}

struct slice record_app(const struct record *record, struct slice id)
{
    return label_of(record->statement.apps, record->statement.n_apps, id);
}

struct slice record_partner(const struct record *record, struct slice id)
{
    return label_of(record->statement.partners, record->statement.n_partners, id);
}

uint64_t record_receipt(const struct record *record, const struct consent_event *event)
{
    return record->versions[event->version].receipt;
}

struct slice record_subject(const struct record *record, const struct consent_event *event)
{
    return record->versions[event->version].policy->subject;
}

/* ----------------------------------------------------------------------------------- words -- */

json_t *record_event(const struct record *record, const struct consent_event *event)
{
    json_t *json = json_pack("{s:s, s:o}", "event", consent_event_name(event->kind), "time",
                             json_time_ms(event->time_ms));
    if (event->kind != CONSENT_EXPIRED)
        json_object_set_new(json, "receipt",
                            json_integer((json_int_t)record_receipt(record, event)));
    return json;
}

static void set_label(json_t *labels, struct slice id, struct slice label)
{
    json_object_setn_new(labels, (const char *)id.p, id.n, json_text(label));
}

/* The labels that the record has words of: no other app or partner is anybody's business. */
json_t *record_stated(const struct record *record, size_t first, size_t last)
{
    json_t *apps = json_object(), *partners = json_object();
    for (size_t i = first; i <= last; i++) {
        const struct policy_consent *consent = record->life->events[i].consent;
        if (!consent)
            continue;
        set_label(apps, consent->app, record_app(record, consent->app));
        set_label(partners, consent->partner, record_partner(record, consent->partner));
    }
    return json_pack("{s:o, s:o, s:o}", "controller",
                     statement_controller_json(&record->statement.controller), "apps", apps,
                     "partners", partners);
}

/* -------------------------------------------------------------------------------- evidence -- */

/* From the last opened version before the event on; with none, from the last one. */
static size_t first_shown(const struct record *record, size_t version)
{
    size_t before = version;
    while (before > 0 && !record->versions[before - 1].policy)
        before--;
    if (before > 0)
        return before - 1;
    return version > 0 ? version - 1 : 0;
}

/* Each that a version of the span was written under, once, in the order of the versions. */
static json_t *vocabularies_json(const struct record *record, struct span span)
{
    json_t *list = json_array();
    const struct vocabulary *last = NULL;
    for (size_t i = span.first; i < span.end; i++) {
        const struct policy_document *policy = record->versions[i].policy;
        if (!policy || policy->vocabulary == last)
            continue;
        last = policy->vocabulary;
        json_t *text = json_text(vocabulary_text(last));
        bool is_new = true;
        for (size_t k = 0; k < json_array_size(list) && is_new; k++)
            is_new = !json_equal(json_array_get(list, k), text);
        if (is_new)
            json_array_append(list, text);
        json_decref(text);
    }
    return list;
}

json_t *record_block(const struct record *record, size_t first, size_t end)
{
    struct span span = {first_shown(record, record->life->events[first].version), end};
    json_t *receipts = json_array();
    for (size_t i = span.first; i < span.end; i++)
        json_array_append(receipts, record->evidence[i]);
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "sluis_export", RECORD_FORMAT, "origin",
                     json_text(record->statement.origin), "consent", json_text(record->life->id),
                     "as_of", json_time_ms(record->as_of_ms), "statement", json_text(record->note),
                     "vocabularies", vocabularies_json(record, span), "receipts", receipts);
}
