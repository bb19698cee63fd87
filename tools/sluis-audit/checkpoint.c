/*
 * checkpoint.c - the newest checkpoint of a ledger that holds, as it was signed
 */
#include "commands.h"
#include "common/terminal.h"
#include "ledger.h"
#include "output.h"
#include "remote.h"

#include <string.h>

static bool keep_checkpoint(void *context, uint64_t size, struct slice note)
{
    kept_note_set(context, size, note);
    return true;
}

/* Over HTTP the signature, and that tiles lead to it, are checked; `verify' reads the rest. */
static enum sluis_verify_result ask_for_checkpoint(const struct ledger_source *source,
                                                   struct kept_note *kept,
                                                   struct sluis_verify_report *report)
{
    SL_AUTO(remote) remote = NULL;
    struct ledger_problem problem;
    enum sluis_verify_result result = remote_open(source, &problem, &remote);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(report->problem, sizeof report->problem, "%s", problem.text);
        return result;
    }
    kept_note_set(kept, remote_head(remote)->tree.size, remote_note(remote));
    memcpy(report->root, remote_head(remote)->root, sizeof report->root);
    snprintf(report->origin, sizeof report->origin, "%s", remote_origin(remote));
    return result;
}

int checkpoint_run(struct cli *cli)
{
    static struct kept_note kept;
    if (!cli->given[KEY_KEY])
        return cli_misused(cli, "the checkpoint under which key? add --key FILE");
    struct ledger_source source = {0};
    int code = output_check_is_new(cli, cli->values[KEY_OUTPUT]);
    if (code == EX_OK)
        code = ledger_source_init(&source, cli, cli->arguments[0]);
    if (code != EX_OK)
        return code;
    const struct ledger_visitor visitor = {.checkpoint = keep_checkpoint, .context = &kept};
    struct sluis_verify_report report = {0};
    enum sluis_verify_result result = source.is_remote ? ask_for_checkpoint(&source, &kept, &report)
                                                       : ledger_walk(&source, &visitor, &report);
    if (result != SLUIS_VERIFY_VALID) {
        report_print_problem(cli, result, &report);
        if (cli->json)
            cli_print_json(cli, output_problem_json(result, report.problem));
        return (int)result;
    }
    if (kept.n == 0)
        return output_problem(cli, SLUIS_VERIFY_UNCHECKED, "the ledger has no receipt yet");
    if (cli->given[KEY_OUTPUT] &&
        (code = output_file(cli, cli->values[KEY_OUTPUT], kept_note_slice(&kept))) != EX_OK)
        return code;
    if (cli->json) {
        char root[OUTPUT_HASH_CHARS];
        output_hash(report.root, root);
        return cli_print_json(cli, json_pack("{s:o, s:o, s:s, s:o}", "origin",
                                             json_of_slice(slice_of_str(report.origin)), "size",
                                             json_of_u64(kept.size), "root", root, "checkpoint",
                                             json_of_slice(kept_note_slice(&kept))));
    }
    if (!cli->given[KEY_OUTPUT])
        output_text(kept_note_slice(&kept));
    return EX_OK;
}
