/*
 * ledger_verify.c - receipts with a proof: a progress bar around sluis_verify_folder()
 */
#include "base/plural.h"
#include "commands.h"
#include "common/terminal.h"
#include "ledger.h"
#include "output.h"
#include "remote.h"

static bool pass_on(void *context, uint64_t index, const uint8_t *leaf, size_t leaf_bytes)
{
    const struct ledger_visitor *visitor = context;
    return visitor->leaf(visitor->context, index, slice_of(leaf, leaf_bytes));
}

static bool pass_checkpoint_on(void *context, uint64_t size, const uint8_t *note, size_t note_bytes)
{
    const struct ledger_visitor *visitor = context;
    return visitor->checkpoint(visitor->context, size, slice_of(note, note_bytes));
}

static void show_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    progress_show(context, bytes_done, bytes_total);
}

enum sluis_verify_result ledger_walk(struct ledger_source *source,
                                     const struct ledger_visitor *visitor,
                                     struct sluis_verify_report *report)
{
    if (source->is_remote)
        return remote_walk(source, visitor, report);
    struct progress progress = {.what = "checking"};
    struct ledger_visitor own = *visitor;
    const struct sluis_verify_options options = {
        .vkey = source->vkey,
        .visit = visitor->leaf ? pass_on : NULL,
        .visit_checkpoint = visitor->checkpoint ? pass_checkpoint_on : NULL,
        .visit_context = &own,
        .progress = show_progress,
        .progress_context = &progress,
        .n_threads = source->n_threads,
        .check_heads = source->check_heads,
        .tag_memory_bytes = source->tag_memory_bytes,
    };
    enum sluis_verify_result result = sluis_verify_folder(source->folder, &options, report);
    progress_clear(&progress);
    snprintf(source->origin, sizeof source->origin, "%s", report->origin);
    source->n_receipts = report->n_receipts;
    return result;
}

enum sluis_verify_result ledger_verify(struct ledger_source *source, ledger_visit *visit,
                                       void *context, struct sluis_verify_report *report)
{
    const struct ledger_visitor visitor = {.leaf = visit, .context = context};
    return ledger_walk(source, &visitor, report);
}

int ledger_each(struct ledger_source *source, ledger_visit *visit, void *context)
{
    if (!source->has_key)
        return ledger_read(source, visit, context);
    struct sluis_verify_report report = {0};
    enum sluis_verify_result result = ledger_verify(source, visit, context, &report);
    if (result == SLUIS_VERIFY_VALID)
        return EX_OK;
    report_print_problem(source->cli, result, &report);
    if (source->cli->json) /* on one line, as `list' prints receipts */
        cli_print_json_line(source->cli, output_problem_json(result, report.problem));
    return (int)result;
}

/* A server may know of more than it serves: what witnesses have not seen yet is kept back. */
int ledger_say_not_there(const struct ledger_source *source, uint64_t index)
{
    unsigned long long n = source->n_receipts, wanted = index;
    const char *receipts = plural(source->n_receipts, "receipt", "receipts");
    if (n == 0)
        return cli_fail(source->cli, AUDIT_UNCHECKED,
                        "the ledger has no receipt %llu; it has none yet", wanted);
    if (!source->is_remote)
        return cli_fail(source->cli, AUDIT_UNCHECKED,
                        "the ledger has no receipt %llu; it has %llu %s, 0 to %llu", wanted, n,
                        receipts, n - 1);
    return cli_fail(source->cli, AUDIT_UNCHECKED,
                    "receipt %llu is not served: %s serves the first %llu %s, 0 to %llu%s", wanted,
                    source->folder, n, receipts, n - 1,
                    source->is_cosigned
                        ? ", those that its witnesses have cosigned. A newer one is served when "
                          "they have: try again in a minute, ask the gateway itself if you are its "
                          "partner, or use a copy of the folder"
                        : ". If it is newer than that, try again, or use a newer copy of the "
                          "folder");
}

void ledger_say_unverified(const struct ledger_source *source)
{
    if (source->warning)
        fprintf(stderr, "sluis-audit: %s\n", source->warning);
    if (!source->has_key)
        fprintf(stderr, "sluis-audit: not verified: add --key FILE to check signatures and tree\n");
}

/* The receipts hold; the account of how many each person had does not. */
static void print_heads_problem(const struct sluis_verify_report *report)
{
    fprintf(stderr, "  where     receipt %llu, and ", (unsigned long long)report->receipt);
    print_text(stderr, slice_of_str(report->segment));
    fprintf(
        stderr,
        "\n  meaning   the receipts up to there are those that the gateway signed, but its\n"
        "            account of how many each person had does not hold; so nobody can be sure\n"
        "            that nothing of theirs is missing\n"
        "  to do     compare the lists (heads/) with another copy's; if they are the same there,\n"
        "            it is for the operator to explain\n");
}

/* A duplicate is no damage: the gateway has signed both. */
static void print_repeated_tag(const struct sluis_verify_report *report)
{
    fprintf(
        stderr,
        "  same tag  receipt %llu, which stands before it\n"
        "  meaning   the gateway signed both under one number of one person: whoever follows the\n"
        "            person's numbers finds one of them, and not the other. Everything else holds\n"
        "  to do     keep this copy as it is, and ask the operator how that came about\n",
        (unsigned long long)report->tag_receipt);
}

static bool is_read_over_http(const struct cli *cli)
{
    for (int i = 0; i < cli->n_arguments; i++)
        if (remote_is_url(cli->arguments[i]))
            return true;
    return false;
}

static void print_meaning(const struct cli *cli, const struct sluis_verify_report *report)
{
    if (is_read_over_http(cli)) {
        fprintf(
            stderr,
            "  meaning   what is served is not what the gateway signed: the server, or somebody "
            "on the way\n            to it, has changed it, or the key is another ledger's\n"
            "  to do     keep what you were served; ask again from elsewhere, and compare with "
            "a copy of\n            the folder and with a checkpoint that somebody kept\n");
        return;
    }
    if (report->n_receipts == 0)
        fprintf(stderr, "  meaning   nothing here holds under this key: the ledger was changed "
                        "from the start on,\n            or the key is another ledger's\n");
    else
        fprintf(stderr, "  meaning   what stands there is not what the gateway signed: it was "
                        "changed, cut off\n            or damaged afterwards\n");
    fprintf(stderr, "  to do     keep this copy as it is; compare it with another copy and with "
                    "the last checkpoint\n            that you, a partner or a witness kept; ask "
                    "the operator about the difference\n");
}

void report_print_problem(const struct cli *cli, enum sluis_verify_result result,
                          const struct sluis_verify_report *report)
{
    fflush(stdout);
    if (result == SLUIS_VERIFY_UNCHECKED) {
        struct cli quiet = *cli; /* the caller prints the JSON */
        quiet.json = false;
        cli_fail(&quiet, AUDIT_UNCHECKED, "could not check: %s%s%s", report->problem,
                 report->segment[0] ? ", in " : "", report->segment);
        return;
    }
    output_verdict(cli, "INVALID", report->problem);
    if (report->is_about_heads) {
        print_heads_problem(report);
        return;
    }
    if (report->segment[0]) {
        fprintf(stderr, "  segment   ");
        print_text(stderr, slice_of_str(report->segment));
        fprintf(stderr, ", byte %llu\n  batch     %llu\n",
                (unsigned long long)report->segment_offset, (unsigned long long)report->batch);
    }
    fprintf(stderr, "  receipt   %llu is the first that can't be trusted; the %llu before it %s\n",
            (unsigned long long)report->receipt, (unsigned long long)report->n_receipts,
            plural(report->n_receipts, "holds", "hold"));
    if (report->repeats_tag) {
        print_repeated_tag(report);
        return;
    }
    print_meaning(cli, report);
}

void report_print_beyond(const struct sluis_verify_report *report)
{
    if (!report->has_list_beyond)
        return;
    print_styled(stdout, STYLE_WARN, "  beyond    ");
    printf("  "
           "heads/%020llu.heads tells of receipts ",
           (unsigned long long)report->list_beyond);
    if (report->list_beyond_end > 0)
        printf("up to %llu", (unsigned long long)report->list_beyond_end - 1);
    else
        printf("of a later time");
    printf(", and the ledger ends before:\n              its end was cut off, or the list is from "
           "elsewhere. Compare with a checkpoint\n              that somebody kept (`sluis-audit "
           "consistency')\n");
}
