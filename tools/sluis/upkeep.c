/*
 * upkeep.c - subject erase, retention run: what can't be undone, and waiting until it is done
 *
 * The node answers as soon as it is in force. What is left is to overwrite old pages of the store,
 * which takes seconds for each gigabyte; the node does that by itself, and this asks how far it is.
 * "erased" is said only when all of it is done.
 */
#include "base/plural.h"
#include "base/timestamp.h"
#include "commands.h"
#include "common/terminal.h"
#include "workspace.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOOK_EVERY_MS = 50,
    PATIENCE_MS = 5000, /* with a node that can't go on */
};

/* --- waiting --------------------------------------------------------------------------------- */

struct wiping {
    bool done;
    json_int_t percent;
    json_int_t n_retired; /* since the node was opened */
    char text[1024];      /* why it can't go on; empty when it can */
};

static int ask_how_far(struct asking *asking, struct wiping *out)
{
    json_t *answer = NULL;
    int code = ask_call(asking, json_pack("{s:s}", "call", "status"), &answer);
    if (code != EX_OK)
        return code;
    const json_t *upkeep = json_object_get(answer, "upkeep");
    *out = (struct wiping){
        .done = slice_equals_str(answer_text(upkeep, "state"), "idle") &&
                json_is_true(json_object_get(upkeep, "clean")),
        .percent = json_integer_value(json_object_get(upkeep, "percent")),
        .n_retired = json_integer_value(json_object_get(upkeep, "retired")),
    };
    snprintf(out->text, sizeof out->text, "%.*s", SLICE_PRINTF(answer_text(upkeep, "text")));
    json_decref(answer);
    return EX_OK;
}

/* Gives up, with the reason, on a node that has not been able to go on for a while. */
static int wait_until_wiped(struct asking *asking, struct wiping *wiping)
{
    struct progress progress = {.what = "writing the store anew"};
    int64_t went_on_ms = clock_monotonic_ms();
    int code = ask_how_far(asking, wiping);
    while (code == EX_OK && !wiping->done) {
        int64_t now_ms = clock_monotonic_ms();
        if (wiping->text[0] == '\0')
            went_on_ms = now_ms;
        if (now_ms - went_on_ms >= PATIENCE_MS)
            break;
        progress_show(&progress, (uint64_t)wiping->percent, 100);
        poll(NULL, 0, LOOK_EVERY_MS);
        code = ask_how_far(asking, wiping);
    }
    progress_clear(&progress);
    return code;
}

/* --- subject erase --------------------------------------------------------------------------- */

static int confirm(struct cli *cli)
{
    char answer[16] = "";
    if (cli->given[KEY_YES])
        return EX_OK;
    if (!isatty(STDIN_FILENO) || cli->json)
        return cli_misused(cli, "this can't be undone, and nobody can be asked here: add --yes");
    fprintf(stderr, "For good: policies, accounts, name and key of\n");
    for (int i = 0; i < cli->n_arguments; i++) {
        fprintf(stderr, "  ");
        print_text(stderr, slice_of_str(cli->arguments[i]));
        fprintf(stderr, "\n");
    }
    fprintf(stderr, "The receipts stay, as nobody's. Copies of the state folder and evidence files "
                    "are not\nreached: delete them yourself. Type \"erase\" to go on: ");
    fflush(stderr);
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "erase\n") != 0)
        return cli_fail(cli, EX_DATAERR, "nobody was erased");
    return EX_OK;
}

static json_t *erase_request(const struct cli *cli)
{
    json_t *subjects = json_array();
    for (int i = 0; i < cli->n_arguments; i++)
        if (json_array_append_new(subjects, json_string(cli->arguments[i])) != 0) {
            json_decref(subjects);
            return NULL;
        }
    return json_pack("{s:s, s:o}", "call", "subject_erase", "subjects", subjects);
}

static void print_erased(const json_t *erased, bool wiped)
{
    size_t i;
    json_t *one;
    json_array_foreach(erased, i, one)
    {
        print_text(stdout, answer_text(one, "subject"));
        printf(": %s receipt %lld\n", wiped ? "erased;" : "gone as of",
               (long long)json_integer_value(json_object_get(one, "receipt")));
    }
}

/* Those that were erased, also when one could not be. */
static int say_erased(struct cli *cli, const json_t *answer, const struct wiping *wiping)
{
    json_t *erased = json_object_get(answer, "erased");
    if (cli->json) {
        json_t *all = json_pack("{s:O, s:b}", "erased", erased, "wiped", (int)wiping->done);
        if (!wiping->done)
            json_object_set_new(all, "text", json_string(wiping->text));
        int code = cli_print_json(cli, all);
        return code == EX_OK && !wiping->done ? EX_TEMPFAIL : code;
    }
    print_erased(erased, wiping->done);
    if (wiping->done)
        return EX_OK;
    return cli_fail(cli, EX_TEMPFAIL,
                    "what they left is still on the disk: %s. It is tried again, also at the next "
                    "start of sluisd; `sluis status` says when it is done",
                    wiping->text);
}

static int erase(struct cli *cli, struct asking *asking)
{
    json_t *request = erase_request(cli), *answer = NULL;
    if (!request)
        return cli_fail(cli, EX_DATAERR, "the names must be text in UTF-8");
    int code = ask_call(asking, request, &answer);
    if (code != EX_OK)
        return code;
    struct slice outcome = answer_text(answer, "outcome");
    code = answer_code(cli, answer);
    if (slice_equals_str(outcome, "no_subject"))
        cli_fail(cli, code, "there is no subject \"%.*s\"; nobody was erased",
                 SLICE_PRINTF(answer_text(answer, "subject")));
    else if (slice_equals_str(outcome, "failed") && !cli->json)
        print_erased(json_object_get(answer, "erased"), false);
    struct wiping wiping = {0};
    if (code == EX_OK)
        code = wait_until_wiped(asking, &wiping);
    if (code == EX_OK)
        code = say_erased(cli, answer, &wiping);
    json_decref(answer);
    return code;
}

int subject_erase_run(struct cli *cli)
{
    struct workspace workspace = {0};
    struct asking *asking = NULL;
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK)
        code = confirm(cli);
    if (code == EX_OK)
        code = ask_open(cli, workspace.config, &asking);
    if (code == EX_OK)
        code = erase(cli, asking);
    ask_close(asking);
    workspace_close(&workspace);
    return code;
}

/* --- retention run --------------------------------------------------------------------------- */

static int say_retired(struct cli *cli, uint64_t n, const struct wiping *wiping)
{
    bool dry = cli->given[KEY_DRY_RUN];
    if (cli->json) {
        json_t *all = json_pack("{s:I, s:b}", "versions", (json_int_t)n, "dry_run", (int)dry);
        if (!dry)
            json_object_set_new(all, "wiped", json_boolean(wiping->done));
        int code = cli_print_json(cli, all);
        return code == EX_OK && !dry && !wiping->done ? EX_TEMPFAIL : code;
    }
    printf("%llu superseded %s of policies %s\n", (unsigned long long)n,
           plural(n, "version", "versions"),
           dry ? "would lose their contents" : "lost their contents");
    if (dry || wiping->done)
        return EX_OK;
    return cli_fail(cli, EX_TEMPFAIL, "they are still on the disk: %s", wiping->text);
}

static int dry_run(struct workspace *workspace)
{
    static const atomic_bool never;
    struct cli *cli = (struct cli *)(uintptr_t)workspace->cli;
    const struct config_period *keep = &workspace->config->retention_policies;
    uint64_t n = 0;
    if (keep->n == 0)
        return cli_fail(cli, EX_CONFIG,
                        "the configuration has no `retention`: all versions of policies are kept");
    if (workspace->store &&
        store_retire(workspace->store, config_period_before_ms(keep, clock_now_ms()), true, &never,
                     &n) != SL_OK)
        return workspace_store_failed(workspace);
    return say_retired(cli, n, NULL);
}

/* The one that runs reads its configuration when it starts, and never again. */
static bool began_without(const struct config *config, const json_t *answer)
{
    return slice_equals_str(answer_text(answer, "outcome"), "no_retention") &&
           config->retention_policies.n > 0;
}

static int retire(struct cli *cli, const struct config *config, struct asking *asking)
{
    struct wiping before = {0}, wiping = {0};
    json_t *answer = NULL;
    int code = ask_how_far(asking, &before);
    if (code == EX_OK)
        code = ask_call(asking, json_pack("{s:s}", "call", "retention_run"), &answer);
    if (code == EX_OK && began_without(config, answer))
        code = cli_fail(cli, EX_CONFIG,
                        "the running sluisd was started without `retention`, which the "
                        "configuration has by now: restart it, then run this again; nothing was "
                        "taken away");
    else if (code == EX_OK)
        code = answer_code(cli, answer);
    json_decref(answer);
    if (code == EX_OK)
        code = wait_until_wiped(asking, &wiping);
    if (code != EX_OK)
        return code;
    return say_retired(cli, (uint64_t)(wiping.n_retired - before.n_retired), &wiping);
}

int retention_run_run(struct cli *cli)
{
    struct workspace workspace = {0};
    struct asking *asking = NULL;
    bool dry = cli->given[KEY_DRY_RUN];
    int code = dry ? workspace_open_store(&workspace, cli) : workspace_open_config(&workspace, cli);
    if (code == EX_OK && dry)
        code = dry_run(&workspace);
    if (code == EX_OK && !dry)
        code = ask_open(cli, workspace.config, &asking);
    if (code == EX_OK && !dry)
        code = retire(cli, workspace.config, asking);
    ask_close(asking);
    workspace_close(&workspace);
    return code;
}
