/*
 * export_consents.c - Kantara and DPV: from one person's policy changes to records of each consent
 *
 * The receipts are collected as they come, with their evidence; at the end each policy is compiled
 * again from the archive, the consents are traced through them, and evidence/record.h makes the
 * records: the same code that `verify-export' makes them with again. A list of Kantara receipts is
 * a JSON array.
 */
#include "base/plural.h"
#include "commands.h"
#include "evidence/recompile.h"
#include "evidence/record.h"
#include "export.h"

#include <stdlib.h>

struct kept_receipt {
    uint64_t version; /* of the policy; 0: not opened */
    struct recompiled compiled;
};

struct consent_list {
    size_t n, cap;
    struct kept_receipt *receipts;
    struct consent_version *versions;
    json_t **evidence;
    struct consent_lives lives;
    struct statement statement;
};

/* ------------------------------------------------------------------------------- collecting -- */

static bool grow(struct consent_list *list)
{
    if (list->n < list->cap)
        return true;
    size_t cap = list->cap ? 2 * list->cap : 8;
    struct kept_receipt *receipts = reallocarray(list->receipts, cap, sizeof *receipts);
    if (receipts)
        list->receipts = receipts;
    struct consent_version *versions = reallocarray(list->versions, cap, sizeof *versions);
    if (versions)
        list->versions = versions;
    json_t **evidence = reallocarray(list->evidence, cap, sizeof *evidence);
    if (evidence)
        list->evidence = evidence;
    if (!receipts || !versions || !evidence)
        return false;
    list->cap = cap;
    return true;
}

static int take(struct export *export, const struct export_receipt *receipt)
{
    struct consent_list *list = export->consents;
    const struct exported *exported = receipt->exported;
    const bool is_erasure = receipt->leaf->kind == LEAF_ERASURE;
    json_t *evidence = exported_json(exported);
    if (!evidence || !grow(list)) {
        json_decref(evidence);
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    }
    list->receipts[list->n] = (struct kept_receipt){
        .version = !is_erasure && exported->text.n > 0 ? exported->version : 0};
    list->versions[list->n] = (struct consent_version){
        .receipt = receipt->index, .time_ms = receipt->leaf->time_ms, .is_erasure = is_erasure};
    list->evidence[list->n++] = evidence;
    return EX_OK;
}

void consents_free(struct consent_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->n; i++) {
        json_decref(list->evidence[i]);
        recompiled_free(&list->receipts[i].compiled);
    }
    consent_lives_free(&list->lives);
    statement_free(&list->statement);
    free(list->receipts);
    free(list->versions);
    free(list->evidence);
    free(list);
}

/* ---------------------------------------------------------------------------------- tracing -- */

/* The policy of a version that is what its receipt pins. */
static enum sl_err load_version(const struct export *export, size_t i)
{
    struct consent_list *list = export->consents;
    const struct archive_subject *subject = &export->archive->subjects[export->subject];
    struct kept_receipt *receipt = &list->receipts[i];
    if (receipt->version == 0)
        return SL_OK;
    enum sl_err err =
        recompile(&export->archive->versions[subject->first_version + receipt->version - 1],
                  &receipt->compiled);
    list->versions[i].policy = receipt->compiled.policy;
    return err;
}

/* An erasure that the evidence is too old to open could be anybody's. */
static void leave_out_unshown(struct consent_list *list)
{
    if (list->n == 0 || !list->versions[list->n - 1].is_erasure ||
        json_object_get(list->evidence[list->n - 1], "basis"))
        return;
    list->n--;
    json_decref(list->evidence[list->n]);
    fprintf(stderr, "sluis-audit: the person was erased after the evidence was written, which is "
                    "too old to show it: the records are as of before\n");
}

/* When the evidence was written; or when the ledger ends, if that is before. */
static int64_t as_of_ms(const struct export *export)
{
    const struct evidence_head *head = &export->archive->head;
    bool ends_before = export->n_receipts < head->n_receipts && export->last_ms < head->time_ms;
    return ends_before ? export->last_ms : head->time_ms;
}

static int trace(struct export *export)
{
    struct consent_list *list = export->consents;
    size_t n_unread = 0;
    enum sl_err err = SL_OK;
    leave_out_unshown(list);
    for (size_t i = 0; i < list->n && err == SL_OK; i++) {
        err = load_version(export, i);
        n_unread += !list->versions[i].policy && !list->versions[i].is_erasure;
    }
    if (err == SL_OK)
        err = consents_trace(list->versions, list->n, as_of_ms(export), &list->lives);
    if (err != SL_OK)
        return cli_fail(export->cli, EX_SOFTWARE, "out of memory");
    if (n_unread > 0)
        fprintf(stderr,
                "sluis-audit: %zu %s of the policy can't be read: the text is not kept, or is not "
                "what the receipt pins; consents that began there begin later here\n",
                n_unread, plural(n_unread, "version", "versions"));
    return EX_OK;
}

/* ---------------------------------------------------------------------------------- writing -- */

static struct record record_of(const struct export *export, const struct consent_life *life)
{
    return (struct record){.as_of_ms = as_of_ms(export),
                           .statement = export->consents->statement,
                           .note = export->archive->head.statement,
                           .n_versions = export->consents->n,
                           .versions = export->consents->versions,
                           .evidence = export->consents->evidence,
                           .life = life};
}

static bool is_of_partner(const struct export *export, const struct consent_event *event)
{
    return event && event->consent &&
           (export->filter.partner.n == 0 ||
            slice_equals(export->filter.partner, event->consent->partner));
}

static void add_kantara(const struct export *export, const struct consent_life *life, json_t *list)
{
    const struct record record = record_of(export, life);
    for (size_t i = 0; i < life->n_events; i++) {
        if (is_of_partner(export, &life->events[i]))
            json_array_append_new(list, record_kantara(&record, i));
    }
}

static void add_dpv(const struct export *export, const struct consent_life *life, json_t *list)
{
    const struct record record = record_of(export, life);
    if (is_of_partner(export, consent_last_terms(life)))
        json_array_append_new(list, record_dpv(&record));
}

static void say_when_empty(const json_t *list)
{
    if (json_array_size(list) == 0)
        fprintf(stderr, "sluis-audit: no consent is in the export: the ledger has none that was "
                        "asked for\n");
}

static int end_kantara(struct export *export)
{
    int code = trace(export);
    json_t *list = json_array();
    for (size_t i = 0; i < export->consents->lives.n && code == EX_OK; i++)
        add_kantara(export, &export->consents->lives.list[i], list);
    if (code == EX_OK) {
        say_when_empty(list);
        return export_document(export, list);
    }
    json_decref(list);
    return code;
}

static int end_dpv(struct export *export)
{
    int code = trace(export);
    json_t *list = json_array();
    for (size_t i = 0; i < export->consents->lives.n && code == EX_OK; i++)
        add_dpv(export, &export->consents->lives.list[i], list);
    if (code == EX_OK) {
        say_when_empty(list);
        return export_document(export, record_dpv_document(list));
    }
    json_decref(list);
    return code;
}

/* -------------------------------------------------------------------------------- beginning -- */

/* What the words of the records are made of has to be what the operator has signed. */
static int read_statement(struct export *export)
{
    const struct sluis_trust trust = {.vkey = export->source.vkey};
    struct statement_problem problem;
    enum sluis_verify_result result = statement_read(export->archive->head.statement, &trust,
                                                     &problem, &export->consents->statement);
    if (result == SLUIS_VERIFY_VALID)
        return EX_OK;
    return cli_fail(export->cli, AUDIT_UNCHECKED,
                    "the evidence can't be used for records of consents: %s (`sluis evidence "
                    "export' signs it; the key must be among those in --key)",
                    problem.text);
}

/* EX_CONFIG when the evidence does not have these texts of the controller's, which is said. */
static int begin(struct export *export, const enum controller_text *needed, size_t n)
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
    if (writer.n > 0)
        return cli_fail(export->cli, EX_CONFIG,
                        "a consent receipt says who asked for the consent; the evidence does not "
                        "have: %s. Set `controller` in sluis.yaml, and export the evidence again",
                        missing);
    export->consents = calloc(1, sizeof *export->consents);
    return export->consents ? read_statement(export)
                            : cli_fail(export->cli, EX_SOFTWARE, "out of memory");
}

static int begin_kantara(struct export *export)
{
    static const enum controller_text needed[] = {
        CONTROLLER_NAME,    CONTROLLER_CONTACT,        CONTROLLER_EMAIL,
        CONTROLLER_PHONE,   CONTROLLER_STREET,         CONTROLLER_CITY,
        CONTROLLER_COUNTRY, CONTROLLER_PRIVACY_POLICY, CONTROLLER_JURISDICTION};
    return begin(export, needed, SL_LENGTH(needed));
}

static int begin_dpv(struct export *export)
{
    static const enum controller_text needed[] = {CONTROLLER_NAME,        CONTROLLER_CONTACT,
                                                  CONTROLLER_STREET,      CONTROLLER_CITY,
                                                  CONTROLLER_COUNTRY,     CONTROLLER_PRIVACY_POLICY,
                                                  CONTROLLER_WITHDRAW_AT, CONTROLLER_JURISDICTION};
    return begin(export, needed, SL_LENGTH(needed));
}

const struct export_format export_kantara = {.name = "kantara",
                                             .wants_proofs = true,
                                             .is_of_consents = true,
                                             .begin = begin_kantara,
                                             .take = take,
                                             .end = end_kantara};
const struct export_format export_dpv = {.name = "dpv",
                                         .wants_proofs = true,
                                         .is_of_consents = true,
                                         .begin = begin_dpv,
                                         .take = take,
                                         .end = end_dpv};
