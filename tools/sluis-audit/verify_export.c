/*
 * verify_export.c - is what an export carries in the ledger, and what the ledger pins?
 *
 * The same for every format that is JSON: wherever an object has a receipt and a proof, both are
 * checked, with all that is opened; and wherever one says what became of a consent, the receipt
 * must be the one of that moment, and the policy that is opened must hold that consent, or no
 * longer hold it. The words around it (labels, terms of other vocabularies) are restatements, and
 * are not looked at; the policy's text is there to compare them with.
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "evidence/exported.h"
#include "file_kind.h"
#include "ledger.h"
#include "output.h"
#include "yaml/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct checking {
    const struct cli *cli;
    struct ledger_source source; /* for its key */
    struct sluis_trust trust;
    bool has_body;
    uint8_t body_sha256[SHA256_BYTES];
    uint64_t n_receipts, n_bases, n_bodies, n_matched, n_texts, n_events;
    char problem[512];
};

static enum sluis_verify_result wrong(struct checking *checking, const char *format, ...)
    SL_PRINTF(2, 3);

static enum sluis_verify_result wrong(struct checking *checking, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(checking->problem, sizeof checking->problem, format, args);
    va_end(args);
    return SLUIS_VERIFY_INVALID;
}

static enum sluis_verify_result check_evidence(struct checking *checking, const json_t *object,
                                               struct exported_report *report)
{
    enum sluis_verify_result result = exported_check(
        object, &checking->trust, checking->has_body ? checking->body_sha256 : NULL, report);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(checking->problem, sizeof checking->problem, "evidence %llu of the file: %s",
                 (unsigned long long)checking->n_receipts, report->problem);
        return result;
    }
    checking->n_receipts++;
    checking->n_bases += report->opens_basis;
    checking->n_bodies += report->opens_body;
    checking->n_matched += report->has_body_matched;
    checking->n_texts += report->text.n > 0;
    return result;
}

static struct slice text_of(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return slice_of(json_string_value(member), json_string_length(member));
}

/* Of a policy's YAML; no vocabulary is needed to see whether an id is there. */
static bool has_consent(struct slice yaml, struct slice id)
{
    struct yaml_problems problems;
    SL_AUTO(yaml_document) document = NULL;
    const struct yaml_limits limits = {LIMIT_MAX_policy_bytes, LIMIT_MAX_policy_depth};
    bool found = false;
    yaml_problems_init(&problems, "policy");
    if (yaml_parse_further(yaml, limits, &problems, &document) == SL_OK) {
        const struct yaml_node *list = yaml_get(yaml_root(document), "consents");
        for (const struct yaml_node *one = list ? list->first : NULL; one && !found;
             one = one->next) {
            const struct yaml_node *name = yaml_get(one, "id");
            found = name && slice_equals(name->text, id);
        }
    }
    yaml_problems_deinit(&problems);
    return found;
}

/* {"consent": id, "event": "given", "time": .., "evidence": {..}} */
static enum sluis_verify_result check_event(struct checking *checking, const json_t *object)
{
    struct exported_report report;
    struct slice id = text_of(object, "consent"), event = text_of(object, "event");
    enum sluis_verify_result result =
        check_evidence(checking, json_object_get(object, "evidence"), &report);
    if (result != SLUIS_VERIFY_VALID)
        return result;
    checking->n_events++;
    int64_t time_ms;
    if (!timestamp_parse(text_of(object, "time"), &time_ms) || time_ms != report.leaf.time_ms)
        return wrong(checking, "receipt %llu is of another time than what it shall prove",
                     (unsigned long long)report.index);
    if (slice_equals_str(event, "erased"))
        return report.leaf.kind == LEAF_ERASURE ? result
                                                : wrong(checking, "receipt %llu is no erasure",
                                                        (unsigned long long)report.index);
    bool is_there = slice_equals_str(event, "given") || slice_equals_str(event, "changed");
    if (!is_there && !slice_equals_str(event, "withdrawn"))
        return wrong(checking, "an event of no kind that is known: \"%.*s\"",
                     (int)(event.n < 64 ? event.n : 64), (const char *)event.p);
    if (report.leaf.kind != LEAF_POLICY || report.text.n == 0)
        return wrong(checking, "receipt %llu opens no policy", (unsigned long long)report.index);
    if (has_consent(report.text, id) != is_there)
        return wrong(checking, "the policy that receipt %llu pins %s the consent \"%.*s\"",
                     (unsigned long long)report.index, is_there ? "does not have" : "still has",
                     (int)(id.n < 64 ? id.n : 64), (const char *)id.p);
    return result;
}

/* A Kantara receipt's own time is that of the event that it is of, to the second. */
static enum sluis_verify_result check_timestamp(struct checking *checking, const json_t *object)
{
    const json_t *stamp = json_object_get(object, "consentTimestamp");
    const json_t *events = json_object_get(json_object_get(object, "sluis"), "events");
    int64_t time_ms;
    if (!stamp)
        return SLUIS_VERIFY_VALID;
    if (timestamp_parse(text_of(json_array_get(events, 0), "time"), &time_ms) &&
        json_is_integer(stamp) && json_integer_value(stamp) == time_ms / 1000)
        return SLUIS_VERIFY_VALID;
    return wrong(checking, "a consentTimestamp is not the time of the receipt that proves it");
}

static enum sluis_verify_result check_value(struct checking *checking, const json_t *value,
                                            unsigned depth)
{
    enum sluis_verify_result result = SLUIS_VERIFY_VALID;
    if (depth == DEPTH_MAX)
        return wrong(checking, "the file nests deeper than %d levels", DEPTH_MAX);
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && result == SLUIS_VERIFY_VALID; i++)
            result = check_value(checking, json_array_get(value, i), depth + 1);
        return result;
    }
    if (!json_is_object(value))
        return result;
    if (json_is_object(json_object_get(value, "evidence")))
        return check_event(checking, value);
    if (json_object_get(value, "receipt") && json_object_get(value, "proof")) {
        struct exported_report report;
        return check_evidence(checking, value, &report);
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (result == SLUIS_VERIFY_VALID)
            result = check_value(checking, member, depth + 1);
    }
    return result == SLUIS_VERIFY_VALID ? check_timestamp(checking, value) : result;
}

/* What was never JSON is no export; what begins as JSON and goes on wrong is a bad one. */
static enum sluis_verify_result check_kind(struct checking *checking, struct slice text)
{
    enum file_kind kind = file_kind_of(text);
    const char *hint = kind == FILE_CSV ? ": a table carries no evidence" : "";
    while (text.n > 0 && kind == FILE_OTHER && strchr(" \t\r\n", text.p[0]) && text.p[0]) {
        text = slice_of(text.p + 1, text.n - 1);
        kind = file_kind_of(text);
    }
    if (kind == FILE_JSON)
        return SLUIS_VERIFY_VALID;
    snprintf(checking->problem, sizeof checking->problem,
             "%.200s is %s%s; expected an export of format ndjson, kantara or dpv",
             checking->cli->arguments[0], file_kind_name(kind), hint);
    return SLUIS_VERIFY_UNCHECKED;
}

/* One JSON document, or one on each line. */
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
        result = check_value(checking, value, 0);
        json_decref(value);
        at += (size_t)error.position;
        while (at < text.n && strchr(" \t\r\n", text.p[at]) && text.p[at])
            at++;
    }
    if (result == SLUIS_VERIFY_VALID && checking->n_receipts == 0)
        return wrong(checking, "it carries no evidence: no receipt with a proof");
    return result;
}

static int print_valid(const struct checking *checking)
{
    if (checking->cli->json)
        return cli_print_json(
            checking->cli,
            json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "result", "valid", "receipts",
                      json_of_u64(checking->n_receipts), "bases", json_of_u64(checking->n_bases),
                      "bodies", json_of_u64(checking->n_bodies), "bodies_matched",
                      json_of_u64(checking->n_matched), "policies", json_of_u64(checking->n_texts),
                      "events", json_of_u64(checking->n_events)));
    print_styled(stdout, STYLE_GOOD, "valid");
    printf("\n  receipts  %llu, each proven to be in the ledger\n",
           (unsigned long long)checking->n_receipts);
    printf(
        "  opened    %llu %s: policy version and consents; of them %llu with the policy's text\n",
        (unsigned long long)checking->n_bases, plural(checking->n_bases, "basis", "bases"),
        (unsigned long long)checking->n_texts);
    if (checking->n_events > 0)
        printf("  consents  %llu %s, each shown by the policy that its receipt pins\n",
               (unsigned long long)checking->n_events,
               plural(checking->n_events, "event", "events"));
    if (checking->n_bodies > 0)
        printf("  bodies    %llu can be opened by who has the bytes%s\n",
               (unsigned long long)checking->n_bodies,
               checking->has_body ? "; these bytes are the one" : "");
    return EX_OK;
}

static int read_body(struct checking *checking)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (!checking->cli->given[KEY_BODY])
        return EX_OK;
    if (textfile_read(checking->cli, checking->cli->values[KEY_BODY], LIMIT_MAX_answer_bytes,
                      &bytes, &n) != EX_OK)
        return AUDIT_UNCHECKED;
    sha256_of(slice_of(bytes, n), checking->body_sha256);
    checking->has_body = true;
    free(bytes);
    return EX_OK;
}

/* A body is one receipt's. */
static enum sluis_verify_result check_body_count(struct checking *checking)
{
    if (!checking->has_body || (checking->n_receipts == 1 && checking->n_matched == 1))
        return SLUIS_VERIFY_VALID;
    return wrong(checking,
                 "a body is held against one receipt that opens it; the file has %llu %s, of which "
                 "%llu can be opened",
                 (unsigned long long)checking->n_receipts,
                 plural(checking->n_receipts, "receipt", "receipts"),
                 (unsigned long long)checking->n_bodies);
}

int verify_export_run(struct cli *cli)
{
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "whom to believe? add --key FILE, the ledger.vkey that the "
                                "operator published");
    static struct checking checking;
    uint8_t *bytes = NULL;
    size_t n = 0;
    checking.cli = cli;
    int code = ledger_source_key(&checking.source, cli);
    if (code == EX_OK)
        code = read_body(&checking);
    if (code == EX_OK &&
        textfile_read(cli, cli->arguments[0], LIMIT_MAX_export_bytes, &bytes, &n) != EX_OK)
        code = AUDIT_UNCHECKED;
    if (code != EX_OK)
        return code;
    checking.trust.vkey = checking.source.vkey;
    enum sluis_verify_result result = check_kind(&checking, slice_of(bytes, n));
    if (result == SLUIS_VERIFY_VALID)
        result = check_text(&checking, slice_of(bytes, n));
    if (result == SLUIS_VERIFY_VALID)
        result = check_body_count(&checking);
    free(bytes);
    if (result != SLUIS_VERIFY_VALID)
        return output_problem(cli, result, checking.problem);
    return print_valid(&checking);
}
