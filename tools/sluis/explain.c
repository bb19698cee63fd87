/*
 * explain.c - what a partner would get on a route at a time, and why
 *
 * The decision is decide()'s, on the compiled policy in force: the same function and the same
 * bytes as in the gateway. The words beside it are made from the policy's text. What only a flow
 * can tell (an app that does not answer, a full disk) is not part of it.
 */
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "explain_words.h"
#include "flow/allowances.h"
#include "identify/purpose.h"
#include "policy/timezone.h"
#include "workspace.h"

#include <stdlib.h>

struct explained {
    const struct config_partner *partner;
    const struct config_route *route;
    const struct vocabulary_term *purpose; /* NULL: not in the contract */
    const char *purpose_asked;             /* or NULL */
    struct facts facts;
    struct slice blob;
    uint64_t version;               /* 0: no policy */
    struct policy_document *policy; /* NULL: none, or not understood any more */
    struct policy_clock clock;
    struct decision decision;
    struct store_allowance uses[LIMIT_MAX_policy_consents]; /* at_most 0: it has none */
    struct store_allowance budget;                          /* of the partner; the same */
};

/* --- output ---------------------------------------------------------------------------------- */

enum { CLAUSE_BYTES = 1024 };

static void print_clause(const struct writer *clause)
{
    print_text(stdout, writer_slice(clause));
    printf("\n");
}

static const struct policy_consent *consent_by_id(const struct policy_document *policy,
                                                  struct slice id)
{
    for (size_t i = 0; policy && i < policy->n_consents; i++) {
        if (slice_equals(policy->consents[i].id, id))
            return &policy->consents[i];
    }
    return NULL;
}

/* The clause about consent `index` of the blob. */
static void write_consent(struct writer *clause, const struct explained *explained, size_t index,
                          enum verdict *verdict)
{
    struct slice id = policy_blob_consent_id(explained->blob, index);
    const struct policy_consent *consent = consent_by_id(explained->policy, id);
    *verdict = decide_consent(explained->blob, &explained->facts, index);
    if (consent)
        write_verdict(clause, &explained->clock, consent, &explained->facts, *verdict);
    else
        write_str(clause, verdict_name(*verdict));
    if (*verdict != VERDICT_OTHER_FLOW && explained->uses[index].at_most > 0) {
        write_str(clause, "; ");
        write_uses(clause, &explained->uses[index]);
    }
}

static void write_class(struct writer *clause, const struct explained *explained, size_t i)
{
    const struct plan_entry *entry = &explained->decision.entries[i];
    if (explained->decision.effect != EFFECT_RELEASE)
        write_str(clause, "nothing leaves");
    else
        write_plan_entry(clause, entry);
    if (decide_is_refused(explained->blob, &explained->facts, explained->facts.classes[i]))
        write_str(clause, ": the policy refuses it");
    else if (explained->decision.effect == EFFECT_RELEASE && entry->action == ACTION_DROP)
        write_str(clause, ": no consent that applies grants it");
}

static void print_head(const struct explained *explained)
{
    const struct decision *decision = &explained->decision;
    bool released = decision->effect == EFFECT_RELEASE;
    char text[256];
    struct writer clause = writer_over(text, sizeof text);
    print_styled(stdout, released ? STYLE_GOOD : STYLE_BAD, "%s", released ? "release" : "refuse");
    printf(": %s\n", reason_name(decision->reason));
    printf("  why      %s\n", reason_words(decision->reason));
    write_timestamp_ms(&clause, explained->facts.time_ms);
    if (explained->clock.name.n > 0) {
        write_str(&clause, "; ");
        write_local_time(&clause, &explained->clock, explained->facts.time_ms);
        write_str(&clause, " in ");
        write_bytes(&clause, explained->clock.name);
    }
    printf("  at       ");
    print_clause(&clause);
    if (explained->version > 0)
        printf("  policy   version %llu\n", (unsigned long long)explained->version);
    else
        printf("  policy   none\n");
    if (decision->benefit.n > 0 && released) {
        printf("  benefit  ");
        print_text(stdout, decision->benefit);
        printf("\n");
    }
}

static void print_explained(const struct explained *explained)
{
    char text[CLAUSE_BYTES];
    print_head(explained);
    if (explained->budget.at_most > 0) {
        struct writer clause = writer_over(text, sizeof text);
        write_uses(&clause, &explained->budget);
        printf("  budget   of the partner: ");
        print_clause(&clause);
    }
    if (!explained->purpose)
        return;
    print_styled(stdout, STYLE_STRONG, "data\n");
    for (size_t i = 0; i < explained->route->n_classes; i++) {
        struct writer clause = writer_over(text, sizeof text);
        write_class(&clause, explained, i);
        printf("  %-20.*s ", SLICE_PRINTF(explained->route->classes[i]->term.name));
        print_clause(&clause);
    }
    size_t n_consents = policy_blob_n_consents(explained->blob);
    print_styled(stdout, STYLE_STRONG, "consents%s\n", n_consents ? "" : ": none");
    for (size_t i = 0; i < n_consents; i++) {
        enum verdict verdict;
        struct writer clause = writer_over(text, sizeof text);
        write_consent(&clause, explained, i, &verdict);
        printf("  %-20.*s ", SLICE_PRINTF(policy_blob_consent_id(explained->blob, i)));
        print_clause(&clause);
    }
}

static json_t *text_json(const struct writer *clause)
{
    return json_of_slice(writer_slice(clause));
}

static void set_coarseness_json(json_t *item, struct coarseness coarseness)
{
    static const char *const names[N_COARSE] = {
        [COARSE_PRECISION] = "precision_m", [COARSE_TIME] = "time_s", [COARSE_CUT] = "cut_m",
        [COARSE_BUCKET] = "bucket",         [COARSE_TOP] = "top",     [COARSE_REDACT] = "redacted",
    };
    for (unsigned i = 0; i < N_COARSE; i++) {
        json_t *number = i == COARSE_BUCKET   ? json_real(coarseness.by[i] / 1000.0)
                         : i == COARSE_REDACT ? json_true()
                                              : json_integer(coarseness.by[i]);
        if (coarseness.by[i] > 0)
            json_object_set(item, names[i], number);
        json_decref(number);
    }
}

static json_t *classes_json(const struct explained *explained)
{
    static const char *const names[] = {
        [ACTION_DROP] = "drop", [ACTION_KEEP] = "keep", [ACTION_COARSEN] = "coarsen"};
    json_t *list = json_array();
    bool released = explained->decision.effect == EFFECT_RELEASE;
    for (size_t i = 0; explained->purpose && i < explained->route->n_classes; i++) {
        const struct plan_entry *entry = &explained->decision.entries[i];
        char text[CLAUSE_BYTES];
        struct writer clause = writer_over(text, sizeof text);
        write_class(&clause, explained, i);
        json_t *item = json_pack(
            "{s:o, s:s, s:b, s:o}", "class", json_of_slice(explained->route->classes[i]->term.name),
            "action", names[released ? entry->action : ACTION_DROP], "refused",
            decide_is_refused(explained->blob, &explained->facts, explained->facts.classes[i]),
            "text", text_json(&clause));
        if (released)
            set_coarseness_json(item, entry->coarseness);
        json_array_append_new(list, item);
    }
    return list;
}

static void set_date_json(json_t *item, const char *name, const struct policy_clock *clock,
                          struct civil_date date)
{
    char text[TIMESTAMP_BYTES];
    struct writer writer = writer_over(text, sizeof text);
    write_timestamp_s(&writer, date_start_ms(clock, date));
    json_object_set_new(item, name, text_json(&writer));
}

static json_t *uses_json(const struct store_allowance *uses)
{
    if (uses->at_most == 0)
        return json_null();
    char text[TIMESTAMP_BYTES];
    struct writer writer = writer_over(text, sizeof text);
    write_timestamp_s(&writer, 1000 * uses->end_s);
    return json_pack("{s:I, s:s, s:I, s:I, s:o}", "at_most", (json_int_t)uses->at_most, "per",
                     quota_period_name((enum quota_period)uses->period), "used",
                     (json_int_t)uses->n_used, "left", (json_int_t)allowance_left(uses), "until",
                     text_json(&writer));
}

static json_t *consents_json(const struct explained *explained)
{
    json_t *list = json_array();
    size_t n_consents = explained->purpose ? policy_blob_n_consents(explained->blob) : 0;
    for (size_t i = 0; i < n_consents; i++) {
        struct slice id = policy_blob_consent_id(explained->blob, i);
        enum verdict verdict;
        char text[CLAUSE_BYTES];
        struct writer clause = writer_over(text, sizeof text);
        write_consent(&clause, explained, i, &verdict);
        json_t *item = json_pack("{s:o, s:s, s:o}", "id", json_of_slice(id), "verdict",
                                 verdict_name(verdict), "text", text_json(&clause));
        const struct policy_consent *consent = consent_by_id(explained->policy, id);
        if (consent && consent->has_from)
            set_date_json(item, "from", &explained->clock, consent->from);
        if (consent && consent->has_until)
            set_date_json(item, "until", &explained->clock, consent->until);
        json_object_set_new(item, "uses", uses_json(&explained->uses[i]));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *explained_json(const struct explained *explained, const char *subject)
{
    char at[TIMESTAMP_BYTES];
    char local[64];
    struct writer at_writer = writer_over(at, sizeof at);
    struct writer local_writer = writer_over(local, sizeof local);
    write_timestamp_ms(&at_writer, explained->facts.time_ms);
    if (explained->clock.name.n > 0)
        write_local_time(&local_writer, &explained->clock, explained->facts.time_ms);
    const struct decision *decision = &explained->decision;
    struct slice purpose =
        explained->purpose ? explained->purpose->name : slice_of_str(explained->purpose_asked);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "effect",
        decision->effect == EFFECT_RELEASE ? "release" : "refuse", "reason",
        reason_name(decision->reason), "why", reason_words(decision->reason), "subject",
        json_of_slice(slice_of_str(subject)), "partner", json_of_slice(explained->partner->id),
        "route", json_of_slice(explained->route->id), "purpose", json_of_slice_or_null(purpose),
        "at", text_json(&at_writer), "local", json_of_slice_or_null(writer_slice(&local_writer)),
        "timezone", json_of_slice_or_null(explained->clock.name), "version",
        (json_int_t)explained->version, "benefit",
        decision->effect == EFFECT_RELEASE ? json_of_slice_or_null(decision->benefit) : json_null(),
        "budget", uses_json(&explained->budget), "data", classes_json(explained), "consents",
        consents_json(explained));
}

/* --- what is asked --------------------------------------------------------------------------- */

static int find_parties(struct workspace *workspace, struct explained *out)
{
    const struct cli *cli = workspace->cli;
    if (!cli->given[KEY_PARTNER] || !cli->given[KEY_ROUTE])
        return cli_misused(cli, "who asks for what? add --partner PARTNER and --route ROUTE");
    const struct config *config = workspace->config;
    out->partner = config_partner_find(config, slice_of_str(cli->values[KEY_PARTNER]));
    out->route = config_route_find(config, slice_of_str(cli->values[KEY_ROUTE]));
    if (!out->partner)
        return cli_fail(cli, EX_NOINPUT, "the configuration has no partner \"%s\"",
                        cli->values[KEY_PARTNER]);
    if (!out->route)
        return cli_fail(cli, EX_NOINPUT, "the configuration has no route \"%s\"",
                        cli->values[KEY_ROUTE]);
    out->purpose_asked = cli->values[KEY_PURPOSE];
    out->purpose = purpose_find(out->partner, slice_of_str(out->purpose_asked));
    if (!out->purpose && !out->purpose_asked)
        return cli_misused(cli,
                           "the contract of \"%s\" holds several purposes; add --purpose "
                           "PURPOSE",
                           cli->values[KEY_PARTNER]);

    out->facts = (struct facts){
        .time_ms = clock_now_ms(),
        .partner = out->partner->id,
        .app = out->route->app->id,
        .purpose = out->purpose ? out->purpose->code : 0,
        .n_classes = out->route->n_classes,
        .classes = out->route->class_codes,
    };
    if (cli->given[KEY_AT] &&
        !timestamp_parse(slice_of_str(cli->values[KEY_AT]), &out->facts.time_ms))
        return cli_misused(cli, "--at wants a time such as 2026-11-23T09:00:00Z, found \"%s\"",
                           cli->values[KEY_AT]);
    return EX_OK;
}

/* The policy's words and its zone; what can't be read any more is left out of the explanation. */
static void read_words(const struct workspace *workspace, struct slice yaml,
                       uint8_t zone[ZONE_BYTES_MAX], struct explained *out)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    if (policy_load(yaml, workspace->config->vocabulary, &problems, &out->policy) != SL_OK)
        out->policy = NULL;
    yaml_problems_deinit(&problems);
    if (!out->policy)
        return;
    struct writer writer = writer_over(zone, ZONE_BYTES_MAX);
    if (timezone_read(out->policy->timezone, &writer) != SL_OK) {
        policy_free(out->policy);
        out->policy = NULL;
        return;
    }
    out->clock = (struct policy_clock){out->policy->timezone, writer_slice(&writer)};
}

/* Decides with what is used up by now, or as far as the window of that time was used. */
static enum sl_err decide_counted(struct store_reader *reader,
                                  const uint8_t id[STORE_SUBJECT_ID_BYTES], struct explained *out)
{
    struct store_allowance allowances[ALLOWANCES_MAX];
    size_t n;
    uint32_t waits_s;
    const int64_t time_ms = out->facts.time_ms;
    for (size_t i = 0; i < policy_blob_n_consents(out->blob); i++) {
        if (allowance_of_consent(id, out->blob, i, time_ms, &out->uses[i]))
            SL_TRY(store_uses_read(reader, &out->uses[i], 1));
    }
    if (allowance_of_partner(out->partner, time_ms, &out->budget))
        SL_TRY(store_uses_read(reader, &out->budget, 1));
    if (out->purpose)
        return allowances_decide(reader, id, out->blob, &out->facts, &out->decision, allowances, &n,
                                 &waits_s);
    out->decision = (struct decision){.effect = EFFECT_REFUSE, .reason = REASON_PURPOSE};
    return SL_OK;
}

/* Decides on the policy in force, or on the empty one. Between store_read() and its end. */
static int decide_now(struct workspace *workspace, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                      struct explained *out)
{
    SL_ASSERT(out->partner && out->route);
    const struct cli *cli = workspace->cli;
    struct store_subject subject;
    if (store_read(workspace->reader, id, &subject) != SL_OK)
        return workspace_store_failed(workspace);
    out->version = subject.version;
    out->blob = subject.version > 0 ? subject.blob : policy_blob_empty();
    uint8_t zone[ZONE_BYTES_MAX];
    if (subject.version > 0) {
        struct store_version version;
        bool found = false;
        if (!policy_blob_is_current(out->blob))
            return cli_fail(cli, EX_IOERR,
                            "the policy was compiled by another version of Sluis and "
                            "is not used; put it again: `sluis policy get`, then "
                            "`sluis policy put`");
        if (!policy_blob_is_valid(out->blob))
            return cli_fail(cli, EX_IOERR, "the compiled policy in the store is damaged");
        if (store_version_get(workspace->reader, id, subject.version, &version, &found) != SL_OK)
            return workspace_store_failed(workspace);
        if (found)
            read_words(workspace, version.yaml, zone, out);
    }
    if (decide_counted(workspace->reader, id, out) != SL_OK)
        return workspace_store_failed(workspace);
    if (cli->json)
        return cli_print_json(cli, explained_json(out, cli->arguments[0]));
    print_explained(out);
    return EX_OK;
}

int policy_explain_run(struct cli *cli)
{
    struct workspace workspace = {0};
    struct explained explained = {0};
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = find_parties(&workspace, &explained);
    if (code == EX_OK)
        code = workspace_find(&workspace, cli->arguments[0], id);
    if (code == EX_OK) {
        code = decide_now(&workspace, id, &explained);
        store_read_end(workspace.reader);
    }
    policy_free(explained.policy);
    workspace_close(&workspace);
    return code;
}
