/*
 * verify_export.c - is an export what the ledger pins, to its last word?
 *
 * evidence/export_check.h says so; this reads the file and prints what was found. What no receipt
 * pins, the controller and the labels in a record of a consent, is printed as what it is: the
 * operator's word, signed.
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "common/textfile.h"
#include "evidence/export_check.h"
#include "evidence/json.h"
#include "file_kind.h"
#include "ledger.h"
#include "ledger/leaf.h"
#include "ledger/tlog_policy.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Everything that is read; freed at the end. */
struct reading {
    struct ledger_source source; /* for its key */
    uint8_t *export, *policy, *body;
    size_t export_n, policy_n, body_n;
};

/* ---------------------------------------------------------------------------------- printing -- */

static int print_json(const struct cli *cli, const struct export_report *report)
{
    json_t *answer = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "result", "valid", "receipts",
        json_of_u64(report->n_receipts), "bases", json_of_u64(report->n_bases), "bodies",
        json_of_u64(report->n_bodies), "bodies_matched", json_of_u64(report->n_matched), "policies",
        json_of_u64(report->n_texts), "records", json_of_u64(report->n_records), "events",
        json_of_u64(report->n_events), "policies_not_opened", json_of_u64(report->n_closed));
    json_object_set(answer, "ledgers", report->ledgers);
    if (report->is_under_policy)
        json_object_set_new(answer, "witnesses", json_of_u64(report->n_witnesses_min));
    if (report->n_records > 0) {
        json_object_set(answer, "stated", report->stated);
        json_object_set_new(answer, "as_of", json_time_ms(report->as_of_ms));
        json_object_set_new(answer, "shown_to", json_time_ms(report->shown_ms));
    }
    return cli_print_json(cli, answer);
}

/* wayfinder "Wayfinder", .. */
static void print_members(const json_t *object)
{
    const char *name, *between = "";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        printf("%s", between);
        print_text(stdout, slice_of_str(name));
        printf(" \"");
        print_text(stdout, json_text_of(value));
        printf("\"");
        between = ", ";
    }
    printf("\n");
}

static void print_time(int64_t time_ms)
{
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, time_ms);
    printf("%.*s", (int)writer.n, time);
}

/* The receipts in a record show all there was up to the last of them, and nothing beyond. */
static void print_not_shown(const struct export_report *report)
{
    printf("  not shown that no policy change or erasure came after the receipts in the file, of "
           "which\n            a record's last is of ");
    print_time(report->shown_ms);
    printf(". \"As of ");
    print_time(report->as_of_ms);
    printf("\" is the word of\n            who gave the file: a consent may be withdrawn since; "
           "the ledger shows it\n");
}

static void print_records(const struct export_report *report)
{
    printf("  records   %" PRIu64 " of consents, with %" PRIu64 " %s; each word is what the "
           "policies say\n            that the receipts pin\n",
           report->n_records, report->n_events, plural(report->n_events, "event", "events"));
    print_not_shown(report);
    if (report->n_closed > 0)
        printf("            but for %" PRIu64 " policy %s not opened: what changed there is not "
               "shown\n",
               report->n_closed, plural(report->n_closed, "change that is", "changes that are"));
    const json_t *stated;
    size_t i;
    printf("  stated    by the operator, signed with the ledger's key, and in no receipt:\n");
    json_array_foreach(report->stated, i, stated)
    {
        printf("            controller: ");
        print_members(json_object_get(stated, "controller"));
        printf("            apps: ");
        print_members(json_object_get(stated, "apps"));
        printf("            partners: ");
        print_members(json_object_get(stated, "partners"));
    }
}

static void print_ledgers(const struct export_report *report)
{
    const json_t *name;
    size_t i;
    printf("\n  ledger    ");
    json_array_foreach(report->ledgers, i, name)
    {
        printf("%s", i > 0 ? ", " : "");
        print_text(stdout, json_text_of(name));
    }
    printf("\n");
}

static int print_valid(const struct cli *cli, const struct export_report *report)
{
    if (cli->json)
        return print_json(cli, report);
    print_styled(stdout, STYLE_GOOD, "valid");
    print_ledgers(report);
    printf("  receipts  %" PRIu64 ", each proven to be in the ledger\n", report->n_receipts);
    printf("  opened    %" PRIu64 " %s: policy version and consents; of them %" PRIu64
           " with the policy's text\n",
           report->n_bases, plural(report->n_bases, "basis", "bases"), report->n_texts);
    if (report->n_bodies > 0)
        printf("  bodies    %" PRIu64 " can be opened by who has the bytes%s\n", report->n_bodies,
               report->n_matched > 0 ? "; these bytes are the one" : "");
    if (report->is_under_policy)
        printf("  witnesses the checkpoints are what the trust file asks for; %zu or more have "
               "cosigned each\n",
               report->n_witnesses_min);
    if (report->n_records > 0)
        print_records(report);
    return EX_OK;
}

/* ----------------------------------------------------------------------------------- reading -- */

/* A file that can't be read is "could not check", whatever the reason. */
static int read_file(const struct cli *cli, const char *path, size_t bytes_max, uint8_t **bytes,
                     size_t *n)
{
    int code = textfile_read(cli, path, bytes_max, bytes, n);
    return code == EX_OK ? EX_OK : AUDIT_UNCHECKED;
}

static int read_files(const struct cli *cli, struct reading *reading)
{
    int code = ledger_source_key(&reading->source, cli);
    if (code == EX_OK && cli->given[KEY_BODY])
        code = read_file(cli, cli->values[KEY_BODY], LIMIT_MAX_answer_bytes, &reading->body,
                         &reading->body_n);
    if (code == EX_OK && cli->given[KEY_POLICY])
        code = read_file(cli, cli->values[KEY_POLICY], TLOG_POLICY_BYTES_MAX, &reading->policy,
                         &reading->policy_n);
    if (code == EX_OK)
        code = read_file(cli, cli->arguments[0], LIMIT_MAX_export_bytes, &reading->export,
                         &reading->export_n);
    return code;
}

/* Evidence, and a receipt without its proof, are JSON as well. */
static const char *other_json(struct slice text)
{
    struct leaf leaf;
    struct slice line = text;
    while (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (file_is_evidence(text))
        return "evidence, for `replay' and `export'";
    return line.n <= LEAF_BYTES_MAX && leaf_parse(line, &leaf) == SL_OK
               ? "a receipt without its proof, for `verify-proof'"
               : NULL;
}

/* What was never JSON is no export; what begins as JSON and goes on wrong is a bad one. */
static int check_kind(const struct cli *cli, struct slice text)
{
    enum file_kind kind = file_kind_of(text);
    char problem[512];
    const char *hint = kind == FILE_CSV ? ": a table carries no evidence, no proof and no opening "
                                          "(to check it, make it again from the ledger with "
                                          "`sluis-audit export' and compare the bytes)"
                                        : "";
    while (text.n > 0 && kind == FILE_OTHER && strchr(" \t\r\n", text.p[0]) && text.p[0]) {
        text = slice_of(text.p + 1, text.n - 1);
        kind = file_kind_of(text);
    }
    const char *other = kind == FILE_JSON ? other_json(text) : file_kind_name(kind);
    if (!other)
        return EX_OK;
    snprintf(problem, sizeof problem,
             "%.200s is %s%s; expected an export of format ndjson, kantara or dpv",
             cli->arguments[0], other, hint);
    return output_problem(cli, SLUIS_VERIFY_UNCHECKED, problem);
}

static int check(const struct cli *cli, const struct reading *reading)
{
    const struct sluis_trust trust = {
        .vkey = reading->source.has_key ? reading->source.vkey : NULL,
        .policy = (const char *)reading->policy,
        .policy_bytes = reading->policy_n,
    };
    uint8_t body[SHA256_BYTES];
    struct export_report report;
    sha256_of(slice_of(reading->body, reading->body_n), body);
    enum sluis_verify_result result =
        export_check(slice_of(reading->export, reading->export_n), &trust,
                     cli->given[KEY_BODY] ? body : NULL, &report);
    int code = result == SLUIS_VERIFY_VALID ? print_valid(cli, &report)
                                            : output_problem(cli, result, report.problem);
    export_report_free(&report);
    return code;
}

int verify_export_run(struct cli *cli)
{
    if (!cli->given[KEY_KEY] && !cli->given[KEY_POLICY])
        return cli_misused(cli, "whom to believe? add --key FILE, the ledger.vkey that the "
                                "operator published, or --policy FILE, a trust file");
    static struct reading reading;
    int code = read_files(cli, &reading);
    if (code == EX_OK)
        code = check_kind(cli, slice_of(reading.export, reading.export_n));
    if (code == EX_OK)
        code = check(cli, &reading);
    free(reading.export);
    free(reading.policy);
    free(reading.body);
    return code;
}
