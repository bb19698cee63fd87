/*
 * replay.c - was every decision the one that the policies call for?
 *
 * One pass checks the ledger and repeats its decisions. Differences are printed as they are found;
 * then every receipt is accounted for, so that what could not be repeated is in sight. A ledger
 * that does not hold is not judged: what is said then ends before the first receipt that can't be
 * trusted.
 */
#include "evidence/replay.h"

#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "evidence_file.h"
#include "ledger.h"
#include "output.h"
#include "policy/timezone.h"

struct replaying {
    const struct cli *cli;
    struct archive *archive;
    struct replay *replay;
    json_t *differences; /* with --json */
    enum sl_err err;
};

/* --------------------------------------------------------------------------- differences -- */

static void print_difference(const struct replay_difference *difference)
{
    print_styled(stdout, STYLE_BAD, "DIFFERENT");
    if (difference->has_receipt)
        printf(" receipt %llu", (unsigned long long)difference->receipt);
    if (difference->subject.n > 0) {
        printf(" of ");
        print_text(stdout, difference->subject);
    }
    if (difference->version > 0)
        printf(", policy version %llu", (unsigned long long)difference->version);
    printf(" (%s)\n  expected  ", replay_fault_name(difference->fault));
    print_text(stdout, difference->expected);
    printf("\n  found     ");
    print_text(stdout, difference->found);
    printf("\n");
}

static void take_difference(void *context, const struct replay_difference *difference)
{
    struct replaying *replaying = context;
    if (!replaying->differences) {
        print_difference(difference);
        return;
    }
    json_t *one = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o}", "fault", replay_fault_name(difference->fault), "receipt",
        difference->has_receipt ? json_of_u64(difference->receipt) : json_null(), "subject",
        json_of_slice_or_null(difference->subject), "version",
        difference->version > 0 ? json_of_u64(difference->version) : json_null(), "expected",
        json_of_slice(difference->expected), "found", json_of_slice(difference->found));
    json_array_append_new(replaying->differences, one);
}

static bool take_receipt(void *context, uint64_t index, struct slice leaf)
{
    struct replaying *replaying = context;
    replaying->err = replay_receipt(replaying->replay, index, leaf);
    return replaying->err == SL_OK;
}

/* -------------------------------------------------------------------------------- answer -- */

/* What every receipt came to. Rows that are zero say nothing, unless they are the main ones. */
struct row {
    const char *name; /* also the member of the JSON */
    uint64_t n;
    const char *text;
};

enum { ROWS = 24 };

static void list_rows(const struct replay_counts *counts, struct row rows[ROWS])
{
    const struct replay_counts *c = counts;
    const struct row all[ROWS] = {
        {"flows_repeated", c->n_repeated,
         plural(c->n_repeated, "flow decided again", "flows decided again")},
        {"flows_other_cause", c->n_other_cause,
         plural(c->n_other_cause,
                "flow refused for a cause outside the policy, which does not gainsay it",
                "flows refused for a cause outside the policy, which does not gainsay it")},
        {"flows_earlier_version", c->n_earlier_version,
         plural(c->n_earlier_version,
                "of these rests on the version before: decided a moment before it changed",
                "of these rest on the version before: decided a moment before it changed")},
        {"flows_quota_early", c->n_quota_early,
         plural(c->n_quota_early,
                "of these refused for a quota that what is recorded does not use up",
                "of these refused for quotas that what is recorded does not use up")},
        {"flows_not_kept", c->n_not_kept,
         plural(c->n_not_kept, "flow on a version whose texts are not kept",
                "flows on versions whose texts are not kept")},
        {"flows_on_altered_archive", c->n_bad_archive,
         plural(c->n_bad_archive,
                "flow on a version that the archive does not hold as it was: not repeated",
                "flows on versions that the archive does not hold as they were: not repeated")},
        {"flows_newer", c->n_newer,
         plural(c->n_newer, "flow of a policy newer than the evidence",
                "flows of policies newer than the evidence")},
        {"flows_of_nobody", c->n_nobody,
         plural(c->n_nobody,
                "refused flow about nobody that the gateway knew, or about somebody erased since",
                "refused flows about nobody that the gateway knew, or about people erased since")},
        {"flows_of_others", c->n_others,
         plural(c->n_others, "flow of others than the evidence is about",
                "flows of others than the evidence is about")},
        {"releases_of_erased", c->n_erased,
         plural(c->n_erased,
                "release of nobody here: of a person erased since, if the operator says so",
                "releases of nobody here: of people erased since, if the operator says so")},
        {"unplaced", c->n_unplaced,
         plural(c->n_unplaced, "release or policy change of nobody in the evidence, which is newer",
                "releases and policy changes of nobody in the evidence, which is newer")},
        {"policies", c->n_policies, plural(c->n_policies, "policy change", "policy changes")},
        {"policies_not_kept", c->n_policies_not_kept, "of them not kept"},
        {"policies_newer", c->n_policies_newer, "of them newer than the evidence"},
        {"policies_of_others", c->n_policies_others, "of them of others"},
        {"policies_of_erased", c->n_policies_erased,
         "of them of nobody here: of people erased since, if the operator says so"},
        {"policies_not_compiled", c->n_uncompiled,
         "of them not compiled again: the vocabulary is not at hand"},
        {"policies_outdated", c->n_outdated,
         "of them compiled in another layout; decided on as this program compiles them"},
        {"policies_zone_other", c->n_zone_other,
         "of them in a time zone whose rules are others on this machine; decided with both"},
        {"policies_zone_unknown", c->n_zone_unknown,
         "of them in a time zone that this machine does not know"},
        {"outcomes", c->n_outcomes,
         plural(c->n_outcomes, "delivery of a push, of one that was released",
                "deliveries of pushes, each of one that was released")},
        {"pushes_open", c->n_open_pushes,
         plural(c->n_open_pushes, "push whose delivery has not ended yet",
                "pushes whose deliveries have not ended yet")},
        {"erasures", c->n_erasures, plural(c->n_erasures, "person erased", "people erased")},
        {"node", c->n_node,
         plural(c->n_node, "receipt of the node's own", "receipts of the node's own")},
    };
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = all[i];
}

static void print_verdict(const struct replay_counts *counts)
{
    enum replay_verdict verdict = replay_verdict(counts);
    if (verdict == REPLAY_SAME)
        print_styled(stdout, STYLE_GOOD, "the same");
    else if (verdict == REPLAY_PARTLY)
        print_styled(stdout, STYLE_WARN, "not all repeated");
    else
        print_styled(stdout, STYLE_BAD, "%llu %s", (unsigned long long)counts->n_differences,
                     plural(counts->n_differences, "difference", "differences"));
}

/* Why that is not "the same", and what to do about it. */
static void explain_partly(const struct replaying *replaying, const struct replay_counts *counts)
{
    unsigned long long n_erased = counts->n_erased + counts->n_policies_erased;
    const struct cli *cli = replaying->cli;
    if (replay_verdict(counts) != REPLAY_PARTLY)
        return;
    fflush(stdout);
    if (counts->n_unplaced > 0)
        fprintf(
            stderr,
            "sluis-audit: the ledger has %llu receipts, and the evidence was written when there "
            "were %llu\n"
            "  meaning   who is not in the evidence may have been erased in between; this ledger "
            "can't\n            show that\n"
            "  to do     take a copy of the ledger that is as new as the evidence, or newer\n",
            (unsigned long long)counts->n_receipts,
            (unsigned long long)replaying->archive->head.n_receipts);
    if (n_erased > 0 && !cli->given[KEY_ACCEPT_ERASED])
        fprintf(
            stderr,
            "sluis-audit: %llu of the releases and policy changes are nobody's in the evidence\n"
            "  meaning   they come before an erasure, so they may be of the %llu erased. Keys "
            "that are\n            gone can't show that; evidence that leaves people out looks "
            "the same\n"
            "  to do     ask the operator who was erased and when, compare with evidence of an "
            "earlier\n            time, and give --accept-erased if that satisfies you\n",
            n_erased, (unsigned long long)counts->n_erasures);
}

static int exit_code(const struct cli *cli, const struct replay_counts *counts)
{
    enum replay_verdict verdict = replay_verdict(counts);
    if (verdict == REPLAY_PARTLY && cli->given[KEY_ACCEPT_ERASED] && counts->n_unplaced == 0)
        return AUDIT_VALID;
    return verdict == REPLAY_SAME        ? AUDIT_VALID
           : verdict == REPLAY_DIFFERENT ? AUDIT_INVALID
                                         : AUDIT_UNCHECKED;
}

/* `is_cut`: the ledger does not hold, and this is about what came before that. */
static void print_answer(const struct replaying *replaying, const struct replay_counts *counts,
                         const char *origin, bool is_cut)
{
    const struct archive *archive = replaying->archive;
    char time[TIMESTAMP_BYTES], release[TIMEZONE_RELEASE_BYTES + 1] = "unknown";
    struct writer writer = writer_over(time, sizeof time);
    struct row rows[ROWS];
    list_rows(counts, rows);
    write_timestamp_s(&writer, archive->head.time_ms);
    printf("%s", is_cut ? "up to there, " : "");
    print_verdict(counts);
    printf("\n  ledger     ");
    print_text(stdout, slice_of_str(origin));
    printf(
        ", %llu %s\n  evidence   of %.*s, %llu %s, %llu policy %s\n",
        (unsigned long long)counts->n_receipts, plural(counts->n_receipts, "receipt", "receipts"),
        SLICE_PRINTF(writer_slice(&writer)), (unsigned long long)counts->n_subjects,
        plural(counts->n_subjects, "subject", "subjects"), (unsigned long long)counts->n_versions,
        plural(counts->n_versions, "version", "versions"));
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].n > 0 || i == 0)
            printf("  %9llu  %s\n", (unsigned long long)rows[i].n, rows[i].text);
    }
    (void)timezone_release(release);
    if (counts->n_zone_other + counts->n_zone_unknown == 0)
        return;
    printf("  tzdata     %s here, ", release);
    print_text(stdout, archive->head.tzdata.n > 0 ? archive->head.tzdata : slice_of_str("unknown"));
    printf(" at the gateway when the evidence was written\n");
}

static json_t *answer_json(struct replaying *replaying, const struct replay_counts *counts,
                           const char *origin)
{
    static const char *const words[] = {
        [REPLAY_SAME] = "same", [REPLAY_DIFFERENT] = "different", [REPLAY_PARTLY] = "partly"};
    struct row rows[ROWS];
    list_rows(counts, rows);
    json_t *numbers = json_object();
    for (size_t i = 0; i < ROWS; i++)
        json_object_set_new(numbers, rows[i].name, json_of_u64(rows[i].n));
    char release[TIMEZONE_RELEASE_BYTES + 1] = "";
    (void)timezone_release(release);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "result",
                     words[replay_verdict(counts)], "origin", json_of_slice(slice_of_str(origin)),
                     "receipts", json_of_u64(counts->n_receipts), "subjects",
                     json_of_u64(counts->n_subjects), "versions", json_of_u64(counts->n_versions),
                     "tzdata", json_of_slice_or_null(slice_of_str(release)), "evidence_tzdata",
                     json_of_slice_or_null(replaying->archive->head.tzdata), "counts", numbers,
                     "differences", replaying->differences);
}

static int run(struct replaying *replaying, struct ledger_source *source)
{
    const struct cli *cli = replaying->cli;
    struct sluis_verify_report report = {0};
    enum sluis_verify_result result = ledger_verify(source, take_receipt, replaying, &report);
    if (replaying->err != SL_OK)
        return cli_fail(cli, AUDIT_UNCHECKED, "out of memory");
    if (result == SLUIS_VERIFY_UNCHECKED) {
        report_print_problem(cli, result, &report);
        if (cli->json)
            cli_print_json(cli, output_problem_json(result, report.problem));
        return AUDIT_UNCHECKED;
    }
    struct replay_counts counts;
    replay_end(replaying->replay, &counts);
    if (result != SLUIS_VERIFY_VALID)
        report_print_problem(cli, result, &report);
    if (cli->json && result != SLUIS_VERIFY_VALID)
        cli_print_json(cli, output_problem_json(result, report.problem));
    else if (cli->json)
        cli_print_json(cli, answer_json(replaying, &counts, source->origin));
    else
        print_answer(replaying, &counts, source->origin, result != SLUIS_VERIFY_VALID);
    if (result != SLUIS_VERIFY_VALID)
        return AUDIT_INVALID;
    explain_partly(replaying, &counts);
    return exit_code(cli, &counts);
}

int replay_run(struct cli *cli)
{
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "verify with which key? add --key FILE, the ledger.vkey that the "
                                "operator published");
    if (!cli->given[KEY_EVIDENCE])
        return cli_misused(cli, "from which policies? add --evidence FILE, which the operator "
                                "writes with `sluis evidence export'");
    struct replaying replaying = {.cli = cli, .differences = cli->json ? json_array() : NULL};
    struct ledger_source source = {0};
    int code = ledger_source_init(&source, cli, cli->arguments[0]);
    if (code == EX_OK)
        code = evidence_file_load(cli, source.vkey, &replaying.archive);
    if (code == EX_OK &&
        replay_new(replaying.archive, take_difference, &replaying, &replaying.replay) != SL_OK)
        code = cli_fail(cli, AUDIT_UNCHECKED, "out of memory");
    if (code == EX_OK)
        code = run(&replaying, &source);
    replay_free(replaying.replay);
    archive_free(replaying.archive);
    json_decref(replaying.differences);
    return code;
}
