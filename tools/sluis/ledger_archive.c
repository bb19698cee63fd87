/*
 * ledger_archive.c - sluis ledger archive, and sluis ledger restore
 *
 * An archive is made beside a running sluisd: it reads the ledger's files and nothing else. A
 * restore takes the state folder for itself.
 */
#include "base/durable_file.h"
#include "base/plural.h"
#include "commands.h"
#include "common/terminal.h"
#include "flow/restore.h"
#include "ledger/keyring.h"
#include "workspace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static void show_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    progress_show(context, bytes_done, bytes_total);
}

/* ----------------------------------------------------------------------------------- archive -- */

/* The list of keys beside the ledger; `list` is large, and freed by the caller. */
static int read_keys(const struct workspace *workspace, struct keyring_list *list)
{
    char key_file[PATH_BYTES], vkey_file[PATH_BYTES];
    struct note_problem problem = {"out of memory"};
    workspace_path(workspace, "keys/ledger.pem", key_file, sizeof key_file);
    workspace_path(workspace, "keys/ledger.vkey", vkey_file, sizeof vkey_file);
    const struct keyring keyring = {key_file, vkey_file, workspace->config->origin};
    if (list && keyring_list_read(&keyring, &problem, list) == SL_OK)
        return EX_OK;
    return cli_fail(workspace->cli, EX_IOERR, "%s", problem.text);
}

static int print_archived(const struct cli *cli, const char *folder,
                          const struct archive_result *result)
{
    if (cli->json)
        return cli_print_json(
            cli, json_pack("{s:o, s:I, s:I, s:I}", "archive", json_of_slice(slice_of_str(folder)),
                           "receipts", (json_int_t)result->n_receipts, "segments",
                           (json_int_t)result->n_segments, "copied", (json_int_t)result->n_copied));
    printf("archived %llu %s in ", (unsigned long long)result->n_receipts,
           plural(result->n_receipts, "receipt", "receipts"));
    print_text(stdout, slice_of_str(folder));
    printf("\n  complete segments   %llu, of them %llu copied now\n"
           "  segment in use      copied up to its newest batch\n"
           "  proven              every copy, as it was read back\n",
           (unsigned long long)result->n_segments, (unsigned long long)result->n_copied);
    return EX_OK;
}

static int archive_with(const struct workspace *workspace, const char *folder,
                        const struct vkey_list *keys)
{
    char ledger[PATH_BYTES];
    struct progress progress = {.what = "archiving"};
    struct archive_problem problem;
    struct archive_result result;
    workspace_path(workspace, "ledger", ledger, sizeof ledger);
    const struct archive_request request = {ledger, folder, keys, show_progress, &progress};
    enum sl_err err = archive_run(&request, &problem, &result);
    progress_clear(&progress);
    if (err != SL_OK)
        return cli_fail(workspace->cli, exit_code_of(err), "%s", problem.text);
    return print_archived(workspace->cli, folder, &result);
}

int ledger_archive_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code != EX_OK)
        return code;
    struct keyring_list *list = malloc(sizeof *list);
    code = read_keys(&workspace, list);
    if (code == EX_OK)
        code = archive_with(&workspace, cli->arguments[0], &list->list);
    free(list);
    workspace_close(&workspace);
    return code;
}

/* ----------------------------------------------------------------------------------- restore -- */

/* Numbers of subjects can't be counted again without their keys: first the store, then the index.
 */
static bool has_store(const char *state_folder)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/store/data.mdb", state_folder);
    return access(path, F_OK) == 0;
}

static int make_index(const struct cli *cli, const struct config *config)
{
    struct progress progress = {.what = "indexing"};
    const struct node_reading reading = {0, show_progress, &progress};
    struct node_problem problem;
    struct index_rebuilt rebuilt;
    enum node_state state = node_rebuild_index(config, &reading, &problem, &rebuilt);
    progress_clear(&progress);
    if (state == NODE_OPENED)
        return EX_OK;
    return cli_fail(cli, EX_IOERR, "the ledger is back, but its index could not be made: %s",
                    problem.text);
}

static int print_restored(const struct cli *cli, const char *state_folder,
                          const struct archive_result *result, bool is_indexed,
                          const struct config *config)
{
    if (cli->json)
        return cli_print_json(cli,
                              json_pack("{s:o, s:I, s:I, s:I, s:b}", "state",
                                        json_of_slice(slice_of_str(state_folder)), "receipts",
                                        (json_int_t)result->n_receipts, "segments",
                                        (json_int_t)result->n_segments, "copied",
                                        (json_int_t)result->n_copied, "index", (int)is_indexed));
    printf("restored %llu %s in %llu %s to ", (unsigned long long)result->n_receipts,
           plural(result->n_receipts, "receipt", "receipts"),
           (unsigned long long)result->n_segments,
           plural(result->n_segments, "segment", "segments"));
    print_text(stdout, slice_of_str(state_folder));
    printf("/ledger, each proven on the way\n");
    if (is_indexed)
        printf("The index is made anew.\n");
    else
        printf("Now put back store and keys of the same copy, then: sluis ledger index\n");
    if (!config->last_checkpoint)
        printf(
            "Nothing here knows whether receipts came after these: without a last checkpoint on\n"
            "another disk (ledger.last_checkpoint), ask those who keep checkpoints before you "
            "start.\n");
    return EX_OK;
}

/* What a failed run leaves is of use, and in the way: both have to be said. */
static int say_not_restored(const struct cli *cli, const char *state_folder, int code,
                            const char *problem)
{
    char restoring[PATH_BYTES];
    int n = snprintf(restoring, sizeof restoring, "%s/" ARCHIVE_RESTORING, state_folder);
    if (n >= (int)sizeof restoring || access(restoring, F_OK) != 0)
        return cli_fail(cli, code, "%s", problem);
    return cli_fail(cli, code,
                    "%s. What was restored and proven so far stays in %s: run the same again to go "
                    "on from there, or remove that folder to begin anew; no gateway starts while "
                    "it is there",
                    problem, restoring);
}

static int restore_with(const struct cli *cli, const struct config *config)
{
    struct progress progress = {.what = "restoring"};
    const char *state_folder =
        cli->given[KEY_OUTPUT] ? cli->values[KEY_OUTPUT] : config->state_folder;
    const struct restore_request request = {
        .config = config,
        .archive = cli->arguments[0],
        .state_folder = state_folder,
        .key_file = cli->values[KEY_KEY],
        .reading = {0, show_progress, &progress},
    };
    struct node_problem problem;
    struct archive_result result;
    enum node_state state = restore_ledger(&request, &problem, &result);
    progress_clear(&progress);
    if (state != NODE_OPENED)
        return say_not_restored(cli, state_folder,
                                state == NODE_LOCKED_BY_OTHER ? EX_TEMPFAIL : EX_IOERR,
                                problem.text);
    struct stat here, there;
    bool is_configured = stat(state_folder, &here) == 0 &&
                         stat(config->state_folder, &there) == 0 && here.st_dev == there.st_dev &&
                         here.st_ino == there.st_ino;
    bool is_indexed = is_configured && has_store(state_folder);
    int code = is_indexed ? make_index(cli, config) : EX_OK;
    return code == EX_OK ? print_restored(cli, state_folder, &result, is_indexed, config) : code;
}

int ledger_restore_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK)
        code = restore_with(cli, workspace.config);
    workspace_close(&workspace);
    return code;
}
