/*
 * line.c - between the JSON of a line and its facts
 *
 * Reading is jansson's; what it gives is held against one table of members for each kind, so that
 * a line with a member too few, too many or of another type is refused with its name. Members may
 * come in any order, but for the head, whose `kind` and version say what the file is. Writing is
 * ours, always in the order of the tables: a line that was written, read and written again is the
 * same bytes.
 *
 * Lines hold keys, policies and names. What was decoded from one is wiped when it is freed;
 * jansson's own copies are freed as they are, and the process that reads evidence is short-lived.
 */
#include "evidence/line.h"

#include "base/base64.h"
#include "base/pool.h"
#include "base/timestamp.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVIDENCE_FORMAT = 1 };

struct line_storage {
    json_t *json;
    struct pool pool;
};

/* ------------------------------------------------------------------------------- reading -- */

/* A cursor over one object: the first thing wrong sticks, and every read after it gives nothing. */
struct members {
    const json_t *object;
    struct pool *pool;
    size_t n_read;
    bool bad;
    struct evidence_problem *problem;
};

static void fault(struct members *members, const char *name, const char *expected)
{
    if (!members->bad)
        snprintf(members->problem->text, sizeof members->problem->text, "\"%s\" is %s; expected %s",
                 name, json_object_get(members->object, name) ? "something else" : "missing",
                 expected);
    members->bad = true;
}

static const json_t *need(struct members *members, const char *name)
{
    members->n_read++;
    return members->bad ? NULL : json_object_get(members->object, name);
}

static struct slice text_of(const json_t *value)
{
    return slice_of(json_string_value(value), json_string_length(value));
}

static struct slice need_text(struct members *members, const char *name)
{
    const json_t *value = need(members, name);
    if (json_is_string(value))
        return text_of(value);
    fault(members, name, "a text");
    return slice_of(NULL, 0);
}

/* null is the empty text. */
static struct slice need_text_or_null(struct members *members, const char *name)
{
    const json_t *value = need(members, name);
    if (!json_is_null(value) && !(json_is_string(value) && json_string_length(value) > 0))
        fault(members, name, "a text that is not empty, or null");
    return members->bad || !json_is_string(value) ? slice_of(NULL, 0) : text_of(value);
}

static uint64_t need_number(struct members *members, const char *name, uint64_t min, uint64_t max)
{
    const json_t *value = need(members, name);
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) >= min && (uint64_t)json_integer_value(value) <= max)
        return (uint64_t)json_integer_value(value);
    fault(members, name, "a whole number in its range");
    return 0;
}

static int64_t need_time_ms(struct members *members, const char *name)
{
    int64_t time_ms = 0;
    if (!timestamp_parse(need_text(members, name), &time_ms))
        fault(members, name, "a time as 2026-11-23T01:20:00.000Z");
    return time_ms;
}

static void need_bytes(struct members *members, const char *name, uint8_t *out, size_t n_bytes)
{
    if (!base64url_decode(need_text(members, name), out, n_bytes))
        fault(members, name, "43 characters of base64url");
}

/* Of any length, decoded into the pool. */
static struct slice decode(struct members *members, const char *name, struct slice text)
{
    size_t n = text.n * 3 / 4;
    uint8_t *bytes = pool_alloc(members->pool, n > 0 ? n : 1);
    if (bytes && base64url_decode(text, bytes, n))
        return slice_of(bytes, n);
    fault(members, name, bytes ? "base64url" : "less, or more memory");
    return slice_of(NULL, 0);
}

/* Nothing but what was read may be there. */
static bool members_end(struct members *members)
{
    if (!members->bad && json_object_size(members->object) != members->n_read) {
        snprintf(members->problem->text, sizeof members->problem->text,
                 "it has %zu members; expected %zu", json_object_size(members->object),
                 members->n_read);
        members->bad = true;
    }
    return !members->bad;
}

static struct members members_of(const json_t *object, const struct members *parent)
{
    return (struct members){
        .object = object, .pool = parent->pool, .bad = parent->bad, .problem = parent->problem};
}

static void read_controller(struct members *head, struct evidence_head *out)
{
    const json_t *object = need(head, "controller");
    out->has_controller = !json_is_null(object);
    if (!out->has_controller)
        return;
    if (!json_is_object(object)) {
        fault(head, "controller", "an object, or null");
        return;
    }
    struct members members = members_of(object, head);
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++)
        out->controller.texts[i] = need_text_or_null(&members, controller_text_name(i));
    head->bad = !members_end(&members);
}

/* {"waze": "Waze", ..}: ids and labels. */
static const struct evidence_party *read_parties(struct members *head, const char *name, size_t *n)
{
    const json_t *object = need(head, name);
    size_t n_parties = json_object_size(object);
    struct evidence_party *parties = pool_array(head->pool, n_parties, sizeof *parties);
    if (!json_is_object(object) || n_parties > EVIDENCE_PARTIES_MAX || !parties) {
        fault(head, name, "an object with a label for each id");
        return NULL;
    }
    const char *id;
    json_t *label;
    json_object_foreach((json_t *)(uintptr_t)object, id, label)
    {
        if (!json_is_string(label)) {
            fault(head, name, "an object with a label for each id");
            return NULL;
        }
        parties[(*n)++] = (struct evidence_party){slice_of_str(id), text_of(label)};
    }
    return parties;
}

static void read_head(struct members *members, struct evidence_head *out)
{
    (void)need_number(members, "sluis_evidence", EVIDENCE_FORMAT, EVIDENCE_FORMAT);
    out->origin = need_text(members, "origin");
    out->vkey = need_text(members, "vkey");
    out->time_ms = need_time_ms(members, "time");
    out->n_receipts = need_number(members, "receipts", 0, INT64_MAX);
    struct slice subjects = need_text(members, "subjects");
    out->is_whole = slice_equals_str(subjects, "all");
    if (!out->is_whole && !slice_equals_str(subjects, "one"))
        fault(members, "subjects", "\"all\" or \"one\"");
    out->tzdata = need_text_or_null(members, "tzdata");
    read_controller(members, out);
    out->apps = read_parties(members, "apps", &out->n_apps);
    out->partners = read_parties(members, "partners", &out->n_partners);
    out->statement = need_text_or_null(members, "statement");
}

static void read_vocabulary(struct members *members, struct evidence_vocabulary *out)
{
    out->version = (uint32_t)need_number(members, "version", 1, UINT32_MAX);
    need_bytes(members, "sha256", out->sha256, sizeof out->sha256);
    out->text = need_text(members, "text");
}

static void read_subject(struct members *members, struct evidence_subject *out)
{
    out->name = need_text(members, "subject");
    if (out->name.n == 0 || out->name.n > LIMIT_MAX_subject_name_bytes)
        fault(members, "subject", "a name of 1 to 64 bytes");
    need_bytes(members, "key", out->key, sizeof out->key);
}

static void read_policy(struct members *members, struct evidence_policy *out)
{
    out->version = need_number(members, "version", 1, INT64_MAX);
    out->time_ms = need_time_ms(members, "time");
    need_bytes(members, "digest", out->digest, sizeof out->digest);
    struct slice vocabulary = need_text_or_null(members, "vocabulary");
    out->has_vocabulary = vocabulary.n > 0;
    if (out->has_vocabulary &&
        !base64url_decode(vocabulary, out->vocabulary, sizeof out->vocabulary))
        fault(members, "vocabulary", "43 characters of base64url, or null");
    out->yaml = need_text_or_null(members, "yaml");
    struct slice blob = need_text_or_null(members, "blob");
    out->is_kept = out->yaml.n > 0;
    if (out->is_kept != (blob.n > 0))
        fault(members, "blob", "null if and only if \"yaml\" is");
    else if (out->is_kept)
        out->blob = decode(members, "blob", blob);
}

static void read_end(struct members *members, struct evidence_end *out)
{
    out->n_subjects = need_number(members, "subjects", 0, INT64_MAX);
    out->n_policies = need_number(members, "policies", 0, INT64_MAX);
}

static const char *const kind_names[] = {
    [EVIDENCE_HEAD] = "evidence",   [EVIDENCE_VOCABULARY] = "vocabulary",
    [EVIDENCE_SUBJECT] = "subject", [EVIDENCE_POLICY] = "policy",
    [EVIDENCE_END] = "end",
};

static bool read_kind(struct members *members, enum evidence_kind *out)
{
    struct slice name = need_text(members, "kind");
    for (size_t i = 0; i < SL_LENGTH(kind_names); i++) {
        if (slice_equals_str(name, kind_names[i])) {
            *out = (enum evidence_kind)i;
            return true;
        }
    }
    fault(members, "kind", "evidence, vocabulary, subject, policy or end");
    return false;
}

static void read_kind_members(struct members *members, struct evidence_line *line)
{
    switch (line->kind) {
    case EVIDENCE_HEAD:
        read_head(members, &line->head);
        return;
    case EVIDENCE_VOCABULARY:
        read_vocabulary(members, &line->vocabulary);
        return;
    case EVIDENCE_SUBJECT:
        read_subject(members, &line->subject);
        return;
    case EVIDENCE_POLICY:
        read_policy(members, &line->policy);
        return;
    case EVIDENCE_END:
        read_end(members, &line->end);
        return;
    }
}

enum sl_err evidence_line_read(struct slice text, struct evidence_line *out,
                               struct evidence_problem *problem)
{
    *problem = (struct evidence_problem){""};
    if (text.n >= EVIDENCE_LINE_BYTES_MAX) {
        snprintf(problem->text, sizeof problem->text, "it has more than %d bytes",
                 EVIDENCE_LINE_BYTES_MAX);
        return SL_ELIMIT;
    }
    struct line_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return SL_EINTERNAL;
    struct evidence_line line = {.storage = storage};
    json_error_t error;
    storage->json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    struct members members = {.object = storage->json, .pool = &storage->pool, .problem = problem};
    if (!json_is_object(storage->json))
        snprintf(problem->text, sizeof problem->text, "it is no JSON object: %.120s",
                 storage->json ? "something else" : error.text);
    else if (read_kind(&members, &line.kind))
        read_kind_members(&members, &line);
    if (!json_is_object(storage->json) || !members_end(&members)) {
        bool no_memory = storage->pool.failed;
        evidence_line_free(&line);
        return no_memory ? SL_EINTERNAL : SL_EMALFORMED;
    }
    *out = line;
    return SL_OK;
}

void evidence_line_free(struct evidence_line *line)
{
    struct line_storage *storage = line->storage;
    if (storage) {
        json_decref(storage->json);
        pool_deinit(&storage->pool);
        free(storage);
    }
    OPENSSL_cleanse(line, sizeof *line);
}

/* ------------------------------------------------------------------------------- writing -- */

static void begin_member(struct writer *writer, const char *name)
{
    write_str(writer, ",\"");
    write_str(writer, name);
    write_str(writer, "\":");
}

static void put_text(struct writer *writer, const char *name, struct slice text)
{
    begin_member(writer, name);
    write_json_string(writer, text);
}

static void put_text_or_null(struct writer *writer, const char *name, struct slice text)
{
    begin_member(writer, name);
    if (text.n > 0)
        write_json_string(writer, text);
    else
        write_str(writer, "null");
}

static void put_number(struct writer *writer, const char *name, uint64_t value)
{
    begin_member(writer, name);
    write_decimal(writer, value);
}

static void put_time(struct writer *writer, const char *name, int64_t time_ms)
{
    begin_member(writer, name);
    write_str(writer, "\"");
    write_timestamp_ms(writer, time_ms);
    write_str(writer, "\"");
}

static void put_bytes_or_null(struct writer *writer, const char *name, struct slice bytes)
{
    begin_member(writer, name);
    if (bytes.n == 0) {
        write_str(writer, "null");
        return;
    }
    write_str(writer, "\"");
    write_base64url(writer, bytes);
    write_str(writer, "\"");
}

static void put_parties(struct writer *writer, const char *name,
                        const struct evidence_party *parties, size_t n)
{
    begin_member(writer, name);
    write_str(writer, "{");
    for (size_t i = 0; i < n; i++) {
        write_str(writer, i > 0 ? "," : "");
        write_json_string(writer, parties[i].id);
        write_str(writer, ":");
        write_json_string(writer, parties[i].label);
    }
    write_str(writer, "}");
}

static void put_controller(struct writer *writer, const struct evidence_head *head)
{
    begin_member(writer, "controller");
    if (!head->has_controller) {
        write_str(writer, "null");
        return;
    }
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        struct slice text = head->controller.texts[i];
        write_str(writer, i > 0 ? ",\"" : "{\"");
        write_str(writer, controller_text_name(i));
        write_str(writer, "\":");
        if (text.n > 0)
            write_json_string(writer, text);
        else
            write_str(writer, "null");
    }
    write_str(writer, "}");
}

static void put_head(struct writer *writer, const struct evidence_head *head)
{
    put_number(writer, "sluis_evidence", EVIDENCE_FORMAT);
    put_text(writer, "origin", head->origin);
    put_text(writer, "vkey", head->vkey);
    put_time(writer, "time", head->time_ms);
    put_number(writer, "receipts", head->n_receipts);
    put_text(writer, "subjects", slice_of_str(head->is_whole ? "all" : "one"));
    put_text_or_null(writer, "tzdata", head->tzdata);
    put_controller(writer, head);
    put_parties(writer, "apps", head->apps, head->n_apps);
    put_parties(writer, "partners", head->partners, head->n_partners);
    put_text_or_null(writer, "statement", head->statement);
}

static void put_policy(struct writer *writer, const struct evidence_policy *policy)
{
    static const struct slice none = {NULL, 0};
    put_number(writer, "version", policy->version);
    put_time(writer, "time", policy->time_ms);
    put_bytes_or_null(writer, "digest", slice_of(policy->digest, sizeof policy->digest));
    put_bytes_or_null(
        writer, "vocabulary",
        policy->has_vocabulary ? slice_of(policy->vocabulary, sizeof policy->vocabulary) : none);
    put_text_or_null(writer, "yaml", policy->is_kept ? policy->yaml : none);
    put_bytes_or_null(writer, "blob", policy->is_kept ? policy->blob : none);
}

void evidence_line_write(const struct evidence_line *line, struct writer *writer)
{
    write_str(writer, "{\"kind\":\"");
    write_str(writer, kind_names[line->kind]);
    write_str(writer, "\"");
    switch (line->kind) {
    case EVIDENCE_HEAD:
        put_head(writer, &line->head);
        break;
    case EVIDENCE_VOCABULARY:
        put_number(writer, "version", line->vocabulary.version);
        put_bytes_or_null(writer, "sha256",
                          slice_of(line->vocabulary.sha256, sizeof line->vocabulary.sha256));
        put_text(writer, "text", line->vocabulary.text);
        break;
    case EVIDENCE_SUBJECT:
        put_text(writer, "subject", line->subject.name);
        put_bytes_or_null(writer, "key", slice_of(line->subject.key, sizeof line->subject.key));
        break;
    case EVIDENCE_POLICY:
        put_policy(writer, &line->policy);
        break;
    case EVIDENCE_END:
        put_number(writer, "subjects", line->end.n_subjects);
        put_number(writer, "policies", line->end.n_policies);
        break;
    }
    write_str(writer, "}\n");
}
