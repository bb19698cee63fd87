/*
 * consents.c - from the policies of one person to the life of each consent
 *
 *     version      1            2              3
 *     c1           given        (the same)     withdrawn
 *     c2                        given          changed
 *
 * Each version's receipt is the evidence of what it changed. A consent is the same one as long as
 * it has the same id; it was changed when anything that it allows is another. A version whose
 * texts are gone, or are not what its receipt pins, says nothing of its consents: what the next
 * one has is then given there.
 */
#include "consents.h"

#include "base/plural.h"
#include "base/timestamp.h"
#include "evidence/recompile.h"
#include "policy/describe.h"
#include "policy/zone.h"

#include <stdlib.h>
#include <string.h>

/* A change of the policy, or the erasure. */
struct kept_receipt {
    uint64_t index, version;
    int64_t time_ms;
    bool is_erasure, is_opened;
    json_t *evidence;
    struct recompiled compiled;
};

struct consent_list {
    size_t n_receipts, cap_receipts;
    struct kept_receipt *receipts;
    size_t n_lives, cap_lives;
    struct consent_life *lives;
};

const char *consent_event_name(enum consent_event_kind kind)
{
    static const char *const names[] = {
        [CONSENT_GIVEN] = "given",         [CONSENT_CHANGED] = "changed",
        [CONSENT_WITHDRAWN] = "withdrawn", [CONSENT_EXPIRED] = "expired",
        [CONSENT_ERASED] = "erased",
    };
    return names[kind];
}

/* ------------------------------------------------------------------------------- collecting -- */

int consents_begin(struct export *export)
{
    export->consents = calloc(1, sizeof *export->consents);
    return export->consents ? EX_OK : cli_fail(export->cli, EX_SOFTWARE, "out of memory");
}

static void *grow(void *list, size_t n, size_t *cap, size_t item_bytes)
{
    if (n < *cap)
        return list;
    size_t new_cap = *cap ? 2 * *cap : 8;
    void *longer = reallocarray(list, new_cap, item_bytes);
    if (longer)
        *cap = new_cap;
    return longer;
}

int consents_take(struct export *export, const struct export_receipt *receipt)
{
    struct consent_list *list = export->consents;
    struct kept_receipt *receipts =
        grow(list->receipts, list->n_receipts, &list->cap_receipts, sizeof *receipts);
    json_t *evidence = exported_json(receipt->exported);
    if (receipts)
        list->receipts = receipts;
    if (!receipts || !evidence) {
        json_decref(evidence);
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    }
    const bool is_policy = receipt->leaf->kind == LEAF_POLICY;
    receipts[list->n_receipts++] = (struct kept_receipt){
        .index = receipt->index,
        .version = receipt->exported->version,
        .time_ms = receipt->leaf->time_ms,
        .is_erasure = !is_policy,
        .is_opened = is_policy && receipt->exported->text.n > 0,
        .evidence = evidence,
    };
    return EX_OK;
}

void consents_free(struct consent_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->n_receipts; i++) {
        json_decref(list->receipts[i].evidence);
        recompiled_free(&list->receipts[i].compiled);
    }
    for (size_t i = 0; i < list->n_lives; i++)
        free(list->lives[i].events);
    free(list->receipts);
    free(list->lives);
    free(list);
}

/* ------------------------------------------------------------------------------------ lives -- */

static struct consent_life *find_life(struct consent_list *list, struct slice id)
{
    for (size_t i = 0; i < list->n_lives; i++) {
        if (slice_equals(list->lives[i].id, id))
            return &list->lives[i];
    }
    struct consent_life *lives = grow(list->lives, list->n_lives, &list->cap_lives, sizeof *lives);
    if (!lives)
        return NULL;
    list->lives = lives;
    lives[list->n_lives] = (struct consent_life){.id = id};
    return &lives[list->n_lives++];
}

static int64_t until_of(const struct policy_document *policy, const struct policy_consent *consent)
{
    return consent->has_until ? zone_day_start_s(policy->zone, consent->until) * 1000 : INT64_MAX;
}

static bool add_event(struct consent_life *life, struct consent_event event)
{
    struct consent_event *events = reallocarray(life->events, life->n_events + 1, sizeof *events);
    if (!events)
        return false;
    life->events = events;
    events[life->n_events++] = event;
    return true;
}

static const struct consent_event *last_event(const struct consent_life *life)
{
    return life->n_events > 0 ? &life->events[life->n_events - 1] : NULL;
}

/* In the policy, whether its last day is past or not. */
static bool is_there(const struct consent_life *life)
{
    const struct consent_event *last = last_event(life);
    return last && last->kind != CONSENT_WITHDRAWN && last->kind != CONSENT_ERASED;
}

const struct consent_event *consent_last_terms(const struct consent_life *life)
{
    size_t k = life->n_events;
    while (k > 0 && !life->events[k - 1].consent)
        k--;
    return k > 0 ? &life->events[k - 1] : NULL;
}

/* If its last day was over before `time_ms`, it ended by itself; at once, if it was over before. */
static bool expire(struct consent_life *life, int64_t time_ms)
{
    const struct consent_event *last = last_event(life);
    if (!last || !last->consent || last->until_ms > time_ms)
        return true;
    int64_t end_ms = last->until_ms > last->time_ms ? last->until_ms : last->time_ms;
    return add_event(life, (struct consent_event){.kind = CONSENT_EXPIRED,
                                                  .time_ms = end_ms,
                                                  .version = last->version});
}

static bool is_same(const struct consent_event *a, const struct consent_event *b)
{
    json_t *left = consent_terms_json(a), *right = consent_terms_json(b);
    bool same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

static const struct policy_consent *find_consent(const struct policy_document *policy,
                                                 struct slice id)
{
    for (size_t i = 0; i < policy->n_consents; i++) {
        if (slice_equals(policy->consents[i].id, id))
            return &policy->consents[i];
    }
    return NULL;
}

static bool add_version(struct consent_list *list, const struct kept_receipt *receipt)
{
    const struct policy_document *policy = receipt->compiled.policy;
    struct consent_event event = {.time_ms = receipt->time_ms,
                                  .version = receipt->version,
                                  .evidence = receipt->evidence,
                                  .receipt = receipt->index};
    for (size_t i = 0; i < list->n_lives; i++) {
        struct consent_life *life = &list->lives[i];
        if (!expire(life, receipt->time_ms))
            return false;
        event.kind = CONSENT_WITHDRAWN;
        if (is_there(life) && !find_consent(policy, life->id) && !add_event(life, event))
            return false;
    }
    for (size_t i = 0; i < policy->n_consents; i++) {
        const struct policy_consent *consent = &policy->consents[i];
        struct consent_life *life = find_life(list, consent->id);
        if (!life)
            return false;
        event.kind = is_there(life) ? CONSENT_CHANGED : CONSENT_GIVEN;
        event.consent = consent;
        event.timezone = policy->timezone;
        event.until_ms = until_of(policy, consent);
        if (event.kind == CONSENT_CHANGED && is_same(consent_last_terms(life), &event))
            continue;
        if (!add_event(life, event))
            return false;
    }
    return true;
}

static bool add_erasure(struct consent_list *list, const struct kept_receipt *receipt)
{
    for (size_t i = 0; i < list->n_lives; i++) {
        struct consent_life *life = &list->lives[i];
        const struct consent_event event = {.kind = CONSENT_ERASED,
                                            .time_ms = receipt->time_ms,
                                            .evidence = receipt->evidence,
                                            .receipt = receipt->index};
        if (!expire(life, receipt->time_ms) || (is_there(life) && !add_event(life, event)))
            return false;
    }
    return true;
}

/* The policy of a version that is what its receipt pins. False without memory. */
static bool load_version(struct export *export, struct kept_receipt *receipt)
{
    const struct archive_subject *subject = &export->archive->subjects[export->subject];
    if (!receipt->is_opened)
        return true;
    const struct archive_version *version =
        &export->archive->versions[subject->first_version + receipt->version - 1];
    return recompile(version, &receipt->compiled) == SL_OK;
}

int consents_lives(struct export *export, struct consent_life **lives, size_t *n)
{
    struct consent_list *list = export->consents;
    size_t n_unread = 0;
    bool has_memory = true;
    for (size_t i = 0; i < list->n_receipts && has_memory; i++) {
        struct kept_receipt *receipt = &list->receipts[i];
        has_memory = load_version(export, receipt);
        if (has_memory && receipt->is_erasure)
            has_memory = add_erasure(list, receipt);
        else if (has_memory && receipt->compiled.policy)
            has_memory = add_version(list, receipt);
        else
            n_unread++;
    }
    for (size_t i = 0; i < list->n_lives && has_memory; i++)
        has_memory = expire(&list->lives[i], export->archive->head.time_ms);
    if (!has_memory)
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    if (n_unread > 0)
        fprintf(stderr,
                "sluis-audit: %zu %s of the policy can't be read: the text is not kept, or is not "
                "what the receipt pins; consents that began there begin later here\n",
                n_unread, plural(n_unread, "version", "versions"));
    *lives = list->lives;
    *n = list->n_lives;
    return EX_OK;
}

/* ------------------------------------------------------------------------------------ words -- */

static json_t *writer_json(const struct writer *writer)
{
    return json_of_slice(writer_slice(writer));
}

json_t *consent_event_json(const struct consent_life *life, const struct consent_event *event)
{
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, event->time_ms);
    json_t *json = json_pack("{s:o, s:s, s:o}", "consent", json_of_slice(life->id), "event",
                             consent_event_name(event->kind), "time", writer_json(&writer));
    if (event->evidence)
        json_object_set(json, "evidence", (json_t *)(uintptr_t)event->evidence);
    return json;
}

void consent_uuid(const struct export *export, const struct consent_life *life,
                  const struct consent_event *event, char out[CONSENT_UUID_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    char number[24];
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, export->origin);
    snprintf(number, sizeof number, "\n%llu\n", (unsigned long long)event->receipt);
    sha256_add(&hash, slice_of_str(number));
    sha256_add(&hash, life->id);
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
    json_t *json = json_pack("{s:o, s:o}", "class", json_of_slice(grant->class->term.name), "done",
                             writer_json(&writer));
    if (grant->detail)
        json_object_set_new(json, "detail", json_of_slice(grant->detail->term.name));
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
        json_array_append_new(situations, json_of_slice(consent->situations[i]->name));
    json_t *json =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "app", json_of_slice(consent->app), "partner",
                  json_of_slice(consent->partner), "purpose", json_of_slice(consent->purpose->name),
                  "in_return", json_of_slice_or_null(consent->in_return), "data", data, "situation",
                  situations);
    add_limits(json, consent);
    if (consent->has_window || consent->has_from || consent->has_until)
        json_object_set_new(json, "timezone", json_of_slice(event->timezone));
    return json;
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

int consents_need_controller(const struct export *export, const enum controller_text *needed,
                             size_t n)
{
    const struct evidence_head *head = &export->archive->head;
    char missing[256];
    struct writer writer = writer_over(missing, sizeof missing - 1);
    for (size_t i = 0; i < n; i++) {
        if (head->has_controller && head->controller.texts[needed[i]].n > 0)
            continue;
        write_str(&writer, writer.n > 0 ? ", " : "");
        write_str(&writer, controller_text_name(needed[i]));
    }
    missing[writer.n] = 0;
    if (writer.n == 0)
        return EX_OK;
    return cli_fail(export->cli, EX_CONFIG,
                    "a consent receipt says who asked for the consent; the evidence does not have: "
                    "%s. Set `controller` in sluis.yaml, and export the evidence again",
                    missing);
}
