/*
 * export_receipts.c - NDJSON: evidence, a receipt on each line; CSV: a table for people
 *
 * CSV is RFC 4180: CR LF, fields with a comma, a quote or a line end in quotes, quotes doubled. A
 * spreadsheet takes a field that begins with = + - @ or a control character for a formula, and
 * some take the full-width forms of these; such a field gets an apostrophe before it.
 */
#include "base/timestamp.h"
#include "commands.h"
#include "export.h"

#include <string.h>

/* ---------------------------------------------------------------------------------- NDJSON -- */

static int nothing(struct export *export)
{
    (void)export;
    return EX_OK;
}

static int take_ndjson(struct export *export, const struct export_receipt *receipt)
{
    json_t *line = json_pack("{s:i, s:o, s:I}", "sluis_export", 1, "origin",
                             json_of_slice(export->origin), "index", (json_int_t)receipt->index);
    json_t *evidence = exported_json(receipt->exported);
    if (line && evidence)
        json_object_update(line, evidence);
    json_decref(evidence);
    return export_line(export, line);
}

const struct export_format export_ndjson = {
    .name = "ndjson", .wants_proofs = true, .begin = nothing, .take = take_ndjson, .end = nothing};

/* ------------------------------------------------------------------------------------- CSV -- */

/* Would a spreadsheet calculate it? */
static bool is_formula(struct slice text)
{
    static const char *const starts[] = {"=",
                                         "+",
                                         "-",
                                         "@",
                                         "\t",
                                         "\r",
                                         "\n",
                                         "\xef\xbc\x9d",
                                         "\xef\xbc\x8b",
                                         "\xef\xbc\x8d",
                                         "\xef\xbc\xa0"};
    for (size_t i = 0; i < SL_LENGTH(starts); i++) {
        if (slice_starts_with_str(text, starts[i]))
            return true;
    }
    return false;
}

static bool needs_quotes(struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr(",\"\r\n", text.p[i]) && text.p[i])
            return true;
    }
    return text.n > 0 && (text.p[0] == ' ' || text.p[text.n - 1] == ' ');
}

/* Behind another one. */
static void put_field(FILE *out, struct slice text)
{
    const char *quote = needs_quotes(text) ? "\"" : "";
    fprintf(out, ",%s%s", quote, is_formula(text) ? "'" : "");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            fputc('"', out);
        fputc(text.p[i], out);
    }
    fprintf(out, "%s", quote);
}

/* A member of the receipt, without JSON's escapes. */
static void put_member(FILE *out, const json_t *receipt, const char *name)
{
    const json_t *member = json_object_get(receipt, name);
    put_field(out, slice_of(json_string_value(member), json_string_length(member)));
}

static void put_situations(FILE *out, const struct leaf *leaf)
{
    char block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    for (size_t i = 0; i < leaf->n_situations; i++) {
        write_str(&writer, i > 0 ? "; " : "");
        write_bytes(&writer, leaf->situations[i]);
    }
    put_field(out, writer_slice(&writer));
}

static void put_data(FILE *out, const struct leaf *leaf)
{
    char block[LEAF_BYTES_MAX + 2 * LIMIT_MAX_route_classes];
    struct writer writer = writer_over(block, sizeof block);
    for (size_t i = 0; i < leaf->n_classes; i++) {
        write_str(&writer, i > 0 ? "; " : "");
        write_bytes(&writer, leaf->classes[i].name);
        write_str(&writer, " ");
        write_bytes(&writer, leaf->classes[i].done);
    }
    put_field(out, writer_slice(&writer));
}

static void put_counts(FILE *out, const struct leaf *leaf)
{
    const struct leaf_policy *policy = &leaf->policy;
    if (leaf->kind == LEAF_POLICY)
        fprintf(out, ",%u,%u,%u,%u,%u", policy->granted, policy->changed, policy->withdrawn,
                policy->refusals_added, policy->refusals_removed);
    else
        fprintf(out, ",,,,,");
}

static void put_outcome(FILE *out, const struct leaf *leaf)
{
    const struct leaf_outcome *outcome = &leaf->outcome;
    if (leaf->kind != LEAF_OUTCOME) {
        fprintf(out, ",,,");
        return;
    }
    fprintf(out, ",%llu,%s,", (unsigned long long)outcome->of, delivery_name(outcome->delivery));
    if (outcome->status > 0)
        fprintf(out, "%u", outcome->status);
}

static void put_opening(FILE *out, const struct exported *exported)
{
    char block[LIMIT_MAX_policy_consents * (LIMIT_MAX_config_id_bytes + 1)];
    struct writer writer = writer_over(block, sizeof block);
    for (size_t i = 0; i < exported->n_consents; i++) {
        write_str(&writer, i > 0 ? " " : "");
        write_bytes(&writer, exported->consents[i]);
    }
    put_field(out, exported->subject);
    fputc(',', out);
    if (exported->opens_basis)
        fprintf(out, "%llu", (unsigned long long)exported->version);
    put_field(out, writer_slice(&writer));
}

static int begin_csv(struct export *export)
{
    fprintf(export->out,
            "index,time,kind,partner,app,route,purpose,benefit,situation,"
            "decision,reason,data,granted,changed,withdrawn,refusals_added,refusals_removed,"
            "of,outcome,status,subject,"
            "policy_version,consents,origin,tag,basis,body\r\n");
    return ferror(export->out) ? export_failed(export) : EX_OK;
}

static int take_csv(struct export *export, const struct export_receipt *receipt)
{
    static const char *const members[] = {"partner", "app",      "route", "purpose",
                                          "benefit", "decision", "reason"};
    enum { N_BEFORE_SITUATION = 5 };
    FILE *out = export->out;
    const struct exported *exported = receipt->exported;
    json_t *json = json_loadb((const char *)exported->receipt.p, exported->receipt.n, 0, NULL);
    if (!json)
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    char time[TIMESTAMP_BYTES];
    struct writer writer = writer_over(time, sizeof time);
    write_timestamp_ms(&writer, receipt->leaf->time_ms);
    fprintf(out, "%llu,%.*s", (unsigned long long)receipt->index, (int)writer.n, time);
    put_field(out, leaf_kind_name(receipt->leaf->kind));
    for (size_t i = 0; i < N_BEFORE_SITUATION; i++)
        put_member(out, json, members[i]);
    put_situations(out, receipt->leaf);
    for (size_t i = N_BEFORE_SITUATION; i < SL_LENGTH(members); i++)
        put_member(out, json, members[i]);
    put_data(out, receipt->leaf);
    put_counts(out, receipt->leaf);
    put_outcome(out, receipt->leaf);
    put_opening(out, exported);
    put_field(out, export->origin);
    put_field(out, receipt->leaf->tag);
    put_field(out, receipt->leaf->basis);
    put_field(out, receipt->leaf->body);
    json_decref(json);
    return fputs("\r\n", out) < 0 ? export_failed(export) : EX_OK;
}

const struct export_format export_csv = {
    .name = "csv", .begin = begin_csv, .take = take_csv, .end = nothing};
