/*
 * ledger.c - what the operator does with a ledger that nobody writes this moment
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "flow/node.h"
#include "workspace.h"

#include <stdio.h>
#include <unistd.h>

static void show_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    progress_show(context, bytes_done, bytes_total);
}

/* A thread for each core, this one among them. */
static unsigned count_helpers(void)
{
    enum { HELPERS_MAX = 15 };
    long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    return n_cores < 2 ? 0 : n_cores > HELPERS_MAX ? HELPERS_MAX : (unsigned)n_cores - 1;
}

static int print_rebuilt(const struct cli *cli, const struct index_rebuilt *rebuilt,
                         int64_t took_ms)
{
    if (cli->json)
        return cli_print_json(
            cli, json_pack("{s:I, s:I, s:b, s:o}", "receipts", (json_int_t)rebuilt->n_receipts,
                           "milliseconds", (json_int_t)took_ms, "compared",
                           rebuilt->had_old && rebuilt->old_was_read, "seen_before",
                           rebuilt->had_old && rebuilt->old_was_read
                               ? json_integer((json_int_t)rebuilt->n_old_seen)
                               : json_null()));
    printf("index made anew: %llu %s in %.1f s\n", (unsigned long long)rebuilt->n_receipts,
           plural(rebuilt->n_receipts, "receipt", "receipts"), (double)took_ms / 1000);
    if (rebuilt->had_old && rebuilt->old_was_read)
        printf("  the ledger has all %llu %s that the old index had seen\n",
               (unsigned long long)rebuilt->n_old_seen,
               plural(rebuilt->n_old_seen, "receipt", "receipts"));
    else
        printf("  %s, so nothing here tells whether this is the newest\n"
               "  copy of the ledger: compare it with the last checkpoint that you kept\n"
               "  (`sluis-audit consistency')\n",
               rebuilt->had_old ? "the old index could not be read" : "there was no old index");
    return EX_OK;
}

int ledger_index_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code != EX_OK) {
        workspace_close(&workspace);
        return code;
    }
    struct progress progress = {.what = "indexing"};
    const struct node_reading reading = {count_helpers(), show_progress, &progress};
    struct node_problem problem;
    struct index_rebuilt rebuilt;
    int64_t begin_ms = clock_monotonic_ms();
    enum node_state state = node_rebuild_index(workspace.config, &reading, &problem, &rebuilt);
    progress_clear(&progress);
    int64_t took_ms = clock_monotonic_ms() - begin_ms;
    if (state == NODE_OPENED)
        code = print_rebuilt(cli, &rebuilt, took_ms);
    else
        code = cli_fail(cli, state == NODE_LOCKED_BY_OTHER ? EX_TEMPFAIL : EX_IOERR, "%s",
                        problem.text);
    workspace_close(&workspace);
    return code;
}
