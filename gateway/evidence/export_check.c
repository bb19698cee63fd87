/*
 * export_check.c - goes through an export, object by object
 *
 *     {"@graph": ..}      a DPV document: its context, then each record
 *     {"sluis:evidence"}  a DPV record       ┐ made again from the evidence in it,
 *     {"sluis": ..}       a Kantara receipt  ┘ and compared word by word
 *     {"receipt": ..}     a line of NDJSON, or evidence alone
 *
 * What can't be seen in one object is seen across them: two receipts that rest on one version of a
 * policy are of one person.
 */
#include "evidence/export_check.h"

#include "evidence/json.h"
#include "evidence/record_read.h"
#include "evidence/words.h"
#include "yaml/yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 320, HASH_BYTES = 64 };

struct checking {
    const struct sluis_trust *trust;
    const uint8_t *body_sha256;
    struct export_report *report;
    uint64_t n_objects;
    json_t *seen;   /* "origin/index" of the receipts that were counted */
    json_t *owners; /* digest of a policy version -> whose it is */
};

static enum sluis_verify_result wrong(struct checking *checking, const char *format, ...)
    SL_PRINTF(2, 3);

static enum sluis_verify_result wrong(struct checking *checking, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(checking->report->problem, sizeof checking->report->problem, format, args);
    va_end(args);
    return SLUIS_VERIFY_INVALID;
}

/* -------------------------------------------------------------------------------- receipts -- */

/* Each once. Takes `value`. */
static void add_once(json_t *list, json_t *value)
{
    size_t i = 0;
    while (i < json_array_size(list) && !json_equal(json_array_get(list, i), value))
        i++;
    if (i == json_array_size(list))
        json_array_append(list, value);
    json_decref(value);
}

static void count(struct checking *checking, const struct exported_report *evidence)
{
    struct export_report *report = checking->report;
    char key[KEY_BYTES];
    snprintf(key, sizeof key, "%s/%" PRIu64, evidence->origin, evidence->index);
    if (evidence->n_witnesses < report->n_witnesses_min)
        report->n_witnesses_min = evidence->n_witnesses;
    if (json_object_get(checking->seen, key))
        return;
    json_object_set_new(checking->seen, key, json_true());
    add_once(report->ledgers, json_string(evidence->origin));
    report->n_receipts++;
    report->n_bases += evidence->opens_basis;
    report->n_texts += evidence->text.n > 0;
    report->n_bodies += evidence->opens_body;
    report->n_matched += evidence->has_body_matched;
}

static void visit(void *context, const struct exported_report *evidence)
{
    count(context, evidence);
}

/* Of a policy's YAML; no vocabulary is needed to see whose it is. NULL: it does not say. */
static enum sl_err subject_of(struct slice yaml, json_t **out)
{
    struct yaml_problems problems;
    SL_AUTO(yaml_document) document = NULL;
    const struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    *out = NULL;
    yaml_problems_init(&problems, "policy");
    enum sl_err err = yaml_parse_further(yaml, limits, &problems, &document);
    if (err == SL_OK) {
        const struct yaml_node *node = yaml_get(yaml_root(document), "subject");
        *out = node ? json_text(node->text) : NULL;
    }
    yaml_problems_deinit(&problems);
    return err == SL_EINTERNAL ? err : SL_OK;
}

static enum sluis_verify_result other_owner(struct checking *checking,
                                            const struct exported_report *evidence,
                                            struct slice found, struct slice expected)
{
    return wrong(checking,
                 "receipt %" PRIu64
                 ", or one on the same policy: \"subject\" is \"%.*s\"; expected "
                 "\"%.*s\", whose policy it rests on",
                 evidence->index, (int)(found.n < 128 ? found.n : 128), (const char *)found.p,
                 (int)(expected.n < 128 ? expected.n : 128), (const char *)expected.p);
}

/* All that rests on one version is of one person: `owner`, whom its text names, if it is here. */
static enum sluis_verify_result hold_together(struct checking *checking,
                                              const struct exported_report *evidence, json_t *owner)
{
    char digest[HASH_BYTES + 1];
    struct writer writer = writer_over(digest, HASH_BYTES);
    write_base64url(&writer, slice_of(evidence->digest, sizeof evidence->digest));
    digest[writer.n] = 0;
    struct slice known = json_text_at(checking->owners, digest);
    struct slice named = owner ? json_text_of(owner) : known;
    if (known.n > 0 && !slice_equals(known, named))
        return other_owner(checking, evidence, known, named);
    if (named.n > 0 && evidence->subject.n > 0 && !slice_equals(evidence->subject, named))
        return other_owner(checking, evidence, evidence->subject, named);
    if (named.n == 0)
        named = evidence->subject;
    if (known.n == 0 && named.n > 0)
        json_object_set_new(checking->owners, digest, json_text(named));
    return SLUIS_VERIFY_VALID;
}

static enum sluis_verify_result check_owner(struct checking *checking,
                                            const struct exported_report *evidence)
{
    json_t *owner = NULL;
    if (!evidence->opens_basis || evidence->version == 0)
        return SLUIS_VERIFY_VALID;
    if (evidence->text.n > 0 && subject_of(evidence->text, &owner) != SL_OK) {
        (void)wrong(checking, "out of memory");
        return SLUIS_VERIFY_UNCHECKED;
    }
    enum sluis_verify_result result = hold_together(checking, evidence, owner);
    json_decref(owner);
    return result;
}

/* A line's own members, beside the evidence, say what the proof says. */
static enum sluis_verify_result check_line(struct checking *checking, const json_t *line,
                                           const struct exported_report *evidence)
{
    char difference[400];
    struct writer writer = writer_over(difference, sizeof difference);
    json_t *found = json_object(),
           *expected = json_pack("{s:i, s:s, s:I}", "sluis_export", RECORD_FORMAT, "origin",
                                 evidence->origin, "index", (json_int_t)evidence->index);
    const char *key;
    json_t *member;
    json_object_foreach(expected, key, member)
    {
        if (json_object_get(line, key))
            json_object_set(found, key, json_object_get(line, key));
    }
    bool differs = json_object_size(found) > 0 && words_differ(found, expected, &writer);
    json_decref(found);
    json_decref(expected);
    if (!differs)
        return SLUIS_VERIFY_VALID;
    return wrong(checking, "receipt %" PRIu64 ": %.*s", evidence->index, (int)writer.n, difference);
}

static enum sluis_verify_result check_receipt(struct checking *checking, const json_t *object)
{
    struct exported_report evidence;
    json_t *alone = json_copy((json_t *)(uintptr_t)object);
    json_object_del(alone, "sluis_export");
    json_object_del(alone, "origin");
    json_object_del(alone, "index");
    enum sluis_verify_result result =
        exported_check(alone, checking->trust, checking->body_sha256, &evidence);
    if (result == SLUIS_VERIFY_VALID) {
        count(checking, &evidence);
        result = check_line(checking, object, &evidence);
        if (result == SLUIS_VERIFY_VALID)
            result = check_owner(checking, &evidence);
    } else {
        (void)wrong(checking, "evidence %" PRIu64 " of the file: %s", checking->n_objects,
                    evidence.problem);
    }
    json_decref(alone);
    return result;
}

/* --------------------------------------------------------------------------------- records -- */

/* The place of the event that a Kantara receipt is of; n_events: there is none. */
static size_t event_of(const struct record *record, const json_t *block)
{
    const json_t *event = json_array_get(json_object_get(block, "events"), 0);
    const json_t *receipt = json_object_get(event, "receipt");
    size_t i = 0;
    for (; i < record->life->n_events; i++) {
        const struct consent_event *one = &record->life->events[i];
        if (one->consent && json_is_integer(receipt) &&
            record_receipt(record, one) == (uint64_t)json_integer_value(receipt))
            break;
    }
    return i;
}

static enum sluis_verify_result check_words(struct checking *checking, const json_t *found,
                                            json_t *expected)
{
    char difference[640];
    struct writer writer = writer_over(difference, sizeof difference);
    bool differs = !expected || words_differ(found, expected, &writer);
    json_decref(expected);
    if (!differs)
        return SLUIS_VERIFY_VALID;
    return wrong(checking, "record %" PRIu64 " of the file: %.*s", checking->n_objects,
                 (int)writer.n, difference);
}

static enum sluis_verify_result make_again(struct checking *checking, const json_t *found,
                                           const json_t *block,
                                           const struct record_reading *reading)
{
    const struct record *record = &reading->record;
    const bool is_kantara = !json_object_get(found, "sluis:evidence");
    const size_t event = is_kantara ? event_of(record, block) : 0;
    if (event == record->life->n_events)
        return wrong(checking,
                     "record %" PRIu64 " of the file: the first of its events is of no receipt "
                     "that gave or changed the consent",
                     checking->n_objects);
    if (record->life->events[event].version == 0 && reading->first_version != 1)
        return wrong(checking,
                     "record %" PRIu64 " of the file: what stood before policy version %" PRIu64
                     " is not in it, so nothing shows what was given or changed there",
                     checking->n_objects, reading->first_version);
    checking->report->n_records++;
    checking->report->n_events +=
        is_kantara ? json_array_size(json_object_get(block, "events")) : record->life->n_events;
    checking->report->n_closed += reading->n_closed;
    if (record->as_of_ms < checking->report->as_of_ms)
        checking->report->as_of_ms = record->as_of_ms;
    const int64_t end_ms = record->versions[record->n_versions - 1].time_ms;
    if (end_ms < checking->report->shown_ms)
        checking->report->shown_ms = end_ms;
    const size_t last = is_kantara ? event : record->life->n_events - 1;
    add_once(checking->report->stated, record_stated(record, event, last));
    return check_words(checking, found,
                       is_kantara ? record_kantara(record, event) : record_dpv(record));
}

static enum sluis_verify_result check_record(struct checking *checking, const json_t *found,
                                             const json_t *block)
{
    struct record_reading reading;
    struct record_problem problem;
    enum sluis_verify_result result =
        record_read(block, checking->trust, visit, checking, &problem, &reading);
    if (result != SLUIS_VERIFY_VALID)
        (void)wrong(checking, "record %" PRIu64 " of the file: %s", checking->n_objects,
                    problem.text);
    else
        result = make_again(checking, found, block, &reading);
    record_reading_free(&reading);
    return result;
}

/* ------------------------------------------------------------------------------------ file -- */

static enum sluis_verify_result check_object(struct checking *checking, const json_t *object)
{
    const json_t *opaque = json_object_get(object, "sluis:evidence");
    enum sluis_verify_result result = SLUIS_VERIFY_INVALID;
    if (json_is_object(opaque))
        result = check_record(checking, object, json_object_get(opaque, "@value"));
    else if (json_is_object(json_object_get(object, "sluis")))
        result = check_record(checking, object, json_object_get(object, "sluis"));
    else if (json_object_get(object, "receipt") && json_object_get(object, "proof"))
        result = check_receipt(checking, object);
    else
        return wrong(checking,
                     "object %" PRIu64 " of the file carries no evidence: it is no receipt with "
                     "its proof, no Kantara receipt and no DPV record of an export",
                     checking->n_objects);
    checking->n_objects++;
    return result;
}

static enum sluis_verify_result check_list(struct checking *checking, const json_t *list)
{
    enum sluis_verify_result result = SLUIS_VERIFY_VALID;
    for (size_t i = 0; i < json_array_size(list) && result == SLUIS_VERIFY_VALID; i++)
        result = check_object(checking, json_array_get(list, i));
    return result;
}

/* The context says what the words mean: it is part of them. */
static enum sluis_verify_result check_document(struct checking *checking, const json_t *document)
{
    char difference[400];
    struct writer writer = writer_over(difference, sizeof difference);
    json_t *graph = json_object_get(document, "@graph");
    json_t *expected = record_dpv_document(json_incref(graph));
    bool differs = words_differ(document, expected, &writer);
    json_decref(expected);
    if (differs)
        return wrong(checking, "%.*s", (int)writer.n, difference);
    return check_list(checking, graph);
}

static enum sluis_verify_result check_value(struct checking *checking, const json_t *value)
{
    if (json_is_array(value))
        return check_list(checking, value);
    if (json_is_array(json_object_get(value, "@graph")))
        return check_document(checking, value);
    return check_object(checking, value);
}

static enum sluis_verify_result check_text(struct checking *checking, struct slice text)
{
    enum sluis_verify_result result = SLUIS_VERIFY_VALID;
    size_t at = 0;
    while (at < text.n && result == SLUIS_VERIFY_VALID) {
        json_error_t error;
        json_t *value = json_loadb((const char *)text.p + at, text.n - at,
                                   JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
        if (!value)
            return wrong(checking, "it is no JSON, from byte %zu on: %.120s", at, error.text);
        result = check_value(checking, value);
        json_decref(value);
        at += (size_t)error.position;
        while (at < text.n && strchr(" \t\r\n", text.p[at]) && text.p[at])
            at++;
    }
    if (result == SLUIS_VERIFY_VALID && checking->report->n_receipts == 0) {
        (void)wrong(checking, "there is nothing to check: the export is empty");
        return SLUIS_VERIFY_UNCHECKED;
    }
    return result;
}

/* A body is one receipt's. */
static enum sluis_verify_result check_body_count(struct checking *checking)
{
    const struct export_report *report = checking->report;
    if (!checking->body_sha256 || (report->n_receipts == 1 && report->n_matched == 1))
        return SLUIS_VERIFY_VALID;
    (void)wrong(checking,
                "a body is held against one receipt that opens it; the receipts in the file are "
                "%" PRIu64 ", and %" PRIu64 " of them open their body",
                report->n_receipts, report->n_bodies);
    return report->n_receipts == 1 ? SLUIS_VERIFY_INVALID : SLUIS_VERIFY_UNCHECKED;
}

enum sluis_verify_result export_check(struct slice text, const struct sluis_trust *trust,
                                      const uint8_t *body_sha256, struct export_report *report)
{
    *report = (struct export_report){.is_under_policy = trust->policy != NULL,
                                     .n_witnesses_min = SIZE_MAX,
                                     .as_of_ms = INT64_MAX,
                                     .shown_ms = INT64_MAX,
                                     .ledgers = json_array(),
                                     .stated = json_array()};
    struct checking checking = {.trust = trust,
                                .body_sha256 = body_sha256,
                                .report = report,
                                .seen = json_object(),
                                .owners = json_object()};
    enum sluis_verify_result result = check_text(&checking, text);
    if (result == SLUIS_VERIFY_VALID)
        result = check_body_count(&checking);
    json_decref(checking.seen);
    json_decref(checking.owners);
    return result;
}

void export_report_free(struct export_report *report)
{
    json_decref(report->ledgers);
    json_decref(report->stated);
    report->ledgers = report->stated = NULL;
}
