/*
 * mine_report.c - what a subject is told: its receipts, up to where nothing is missing, and what
 *                 nobody can show
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "base/writer.h"
#include "commands.h"
#include "common/terminal.h"
#include "leaf_line.h"
#include "mine.h"
#include "output.h"

static const char remains[] =
    "a flow that gateway and partner left out together, without any receipt";

enum { FAULT_BYTES_MAX = 256 };

static struct slice time_text(int64_t time_ms, uint8_t text[TIMESTAMP_BYTES])
{
    struct writer writer = writer_over(text, TIMESTAMP_BYTES);
    write_timestamp_ms(&writer, time_ms);
    return writer_slice(&writer);
}

static struct slice fault_text(const struct mine_fault *fault, uint8_t text[FAULT_BYTES_MAX])
{
    struct writer writer = writer_over(text, FAULT_BYTES_MAX);
    mine_fault_write(fault, &writer);
    return writer_slice(&writer);
}

/* --- in words -------------------------------------------------------------------------------- */

static void print_rows(const struct mine_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        const struct mine_row *row = &rows->list[i];
        struct leaf leaf;
        SL_ASSERT(leaf_parse(slice_of(row->bytes, row->n_bytes), &leaf) == SL_OK);
        printf("%6llu ", (unsigned long long)row->number);
        leaf_line_print(row->index, &leaf);
    }
    if (rows->n > 0)
        printf("\n");
}

static void print_verdict(const struct mine_result *found)
{
    if (found->n_epochs == 0) {
        print_styled(stdout, STYLE_WARN, "not proven yet");
        printf(": the gateway has not said so far how many receipts anybody had\n");
        return;
    }
    print_styled(stdout, STYLE_GOOD, "nothing of yours is missing");
    if (found->end == 1)
        printf(" up to the first receipt of the ledger\n");
    else
        printf(" among the first %llu receipts of the ledger\n", (unsigned long long)found->end);
}

static void print_numbers(const struct mine_result *found)
{
    if (found->n_found == 0)
        printf("  receipts   none here is yours\n");
    else if (found->n_found == 1)
        printf("  receipts   one is yours, number 0\n");
    else
        printf("  receipts   %llu are yours, numbered 0 to %llu without a gap\n",
               (unsigned long long)found->n_found, (unsigned long long)found->n_found - 1);
    if (found->erased)
        printf("  erased     the last one says that the gateway has forgotten you\n");
}

static void print_epochs(const struct mine_result *found)
{
    uint8_t text[TIMESTAMP_BYTES];
    if (found->n_epochs == 0)
        return;
    struct slice time = time_text(found->end_time_ms, text);
    printf("  epochs     %llu, the last one accounted for at %.*s;\n"
           "             in %llu of them the gateway owns up to receipts of yours, as many as "
           "there are\n",
           (unsigned long long)found->n_epochs, SLICE_PRINTF(time),
           (unsigned long long)found->n_epochs_active);
    if (!found->has_absence)
        return;
    unsigned long long epoch = found->absent_epoch, after = found->absent_after,
                       n = found->absent_entries;
    printf("  absence    in epoch %llu you had none: your label would stand ", epoch);
    if (after == 0)
        printf("before entry 0");
    else if (after == n)
        printf("after entry %llu", after - 1);
    else
        printf("between entries %llu and %llu", after - 1, after);
    printf(" of its list\n");
}

static void print_rest(const struct mine_result *found, const struct sluis_verify_report *report)
{
    if (found->n_newer > 0)
        printf("  newer      %llu of them came later: %s, but that %s all of that time is\n"
               "             shown by the next heads, within an epoch's length\n",
               (unsigned long long)found->n_newer, plural(found->n_newer, "it holds", "they hold"),
               plural(found->n_newer, "it is", "they are"));
    report_print_beyond(report);
    printf("  not shown  %s\n", remains);
}

static void print_faults(const struct cli *cli, const struct mine_result *found)
{
    char count[64];
    snprintf(count, sizeof count, "%zu %s not add up", found->n_faults,
             plural(found->n_faults, "thing does", "things do"));
    output_verdict(cli, "INCOMPLETE", count);
    for (size_t i = 0; i < found->n_faults; i++) {
        uint8_t text[FAULT_BYTES_MAX];
        fprintf(stderr, "  ");
        print_text(stderr, fault_text(&found->faults[i], text));
        fprintf(stderr, "\n");
    }
    fprintf(stderr,
            "  meaning   what stands here was signed by the gateway, and is not all that it owes "
            "you\n"
            "  to do     keep this copy and your key; ask the operator, and show both to whom "
            "you trust\n");
}

static void print_found(const struct mine_result *found, const struct sluis_verify_report *report)
{
    print_verdict(found);
    print_numbers(found);
    print_epochs(found);
    print_rest(found, report);
}

/* --- as JSON --------------------------------------------------------------------------------- */

static json_t *rows_json(const struct mine_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->n; i++) {
        const struct mine_row *row = &rows->list[i];
        json_t *line = json_pack("{s:I}", "number", (json_int_t)row->number);
        json_t *leaf = leaf_line_json(row->index, slice_of(row->bytes, row->n_bytes));
        json_object_update(line, leaf);
        json_decref(leaf);
        json_array_append_new(list, line);
    }
    return list;
}

static json_t *problems_json(const struct mine_result *found,
                             const struct sluis_verify_report *report)
{
    json_t *list = json_array();
    if (report->problem[0])
        json_array_append_new(list, json_of_slice(slice_of_str(report->problem)));
    for (size_t i = 0; i < found->n_faults; i++) {
        uint8_t text[FAULT_BYTES_MAX];
        json_array_append_new(list, json_of_slice(fault_text(&found->faults[i], text)));
    }
    return list;
}

static int print_json(const struct cli *cli, const struct mine_rows *rows,
                      const struct mine_result *found, enum sluis_verify_result result,
                      const struct sluis_verify_report *report)
{
    uint8_t text[TIMESTAMP_BYTES];
    json_t *time =
        found->n_epochs > 0 ? json_of_slice(time_text(found->end_time_ms, text)) : json_null();
    return cli_print_json(
        cli, json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:I, s:o, s:s}", "result",
                       output_result_name(result), "origin",
                       json_of_slice_or_null(slice_of_str(report->origin)), "receipts",
                       rows_json(rows), "epochs", (json_int_t)found->n_epochs, "epochs_active",
                       (json_int_t)found->n_epochs_active, "covered", (json_int_t)found->end,
                       "covered_time", time, "newer", (json_int_t)found->n_newer, "problems",
                       problems_json(found, report), "not_shown", remains));
}

int mine_report(const struct cli *cli, const struct mine_rows *rows,
                const struct mine_result *found, enum sluis_verify_result result,
                const struct sluis_verify_report *report)
{
    if (!cli->json)
        print_rows(rows);
    if (result != SLUIS_VERIFY_VALID)
        report_print_problem(cli, result, report);
    if (found->n_faults > 0)
        print_faults(cli, found);
    if (result == SLUIS_VERIFY_VALID && found->n_faults > 0)
        result = SLUIS_VERIFY_INVALID;
    if (!cli->json && result == SLUIS_VERIFY_VALID)
        print_found(found, report);
    int code = cli->json ? print_json(cli, rows, found, result, report) : EX_OK;
    return code == EX_OK ? (int)result : code;
}
