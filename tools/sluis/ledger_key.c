/*
 * ledger_key.c - sluis ledger rotate-key: prepare, discard, rotate
 */
#include "commands.h"
#include "common/terminal.h"
#include "workspace.h"

#include <stdio.h>

static void print_member(const char *label, const json_t *answer, const char *member)
{
    printf("  %-8s", label);
    print_text(stdout, answer_text(answer, member));
    printf("\n");
}

static void print_prepared(const json_t *answer)
{
    printf("prepared; it signs nothing yet\n");
    print_member("in use", answer, "old");
    print_member("next", answer, "new");
    printf("\nGive the next key to witnesses, auditors and partners, beside the one in use; then\n"
           "`sluis ledger rotate-key` goes over to it.\n");
}

static void print_rotated(const json_t *answer)
{
    printf("receipt %lld goes over to another key: what comes after it is signed with that\n",
           (long long)json_integer_value(json_object_get(answer, "receipt")));
    print_member("old", answer, "old");
    print_member("new", answer, "new");
    struct slice text = answer_text(answer, "text");
    if (text.n > 0) {
        print_styled(stdout, STYLE_BAD, "\nNot finished on disk: ");
        print_text(stdout, text);
        printf("\nThe ledger is right; the next start, or the same command, does the rest.\n");
    } else {
        printf(
            "\nThe old private key is destroyed. Publish state/keys/ledger.vkey, which lists every "
            "key so far.\n");
    }
}

static void print_warning(const json_t *answer)
{
    struct slice warning = answer_text(answer, "warning");
    if (warning.n == 0)
        return;
    fflush(stdout);
    print_styled(stderr, STYLE_BAD, "warning");
    fprintf(stderr, ": ");
    print_text(stderr, warning);
    fprintf(stderr, "\n");
}

static void print_answer(const json_t *answer)
{
    struct slice outcome = answer_text(answer, "outcome");
    if (slice_equals_str(outcome, "prepared"))
        print_prepared(answer);
    else if (slice_equals_str(outcome, "rotated"))
        print_rotated(answer);
    else if (slice_equals_str(outcome, "discarded"))
        printf("the prepared key is destroyed\n");
    else
        printf("no key was prepared\n");
}

int ledger_rotate_key_run(struct cli *cli)
{
    struct workspace workspace = {0};
    if (cli->given[KEY_PREPARE] && cli->given[KEY_DISCARD])
        return cli_misused(cli, "--prepare makes a key, --discard destroys it; not both");
    int code = workspace_open_config(&workspace, cli);
    if (code != EX_OK)
        return code;
    const char *call = cli->given[KEY_PREPARE]   ? "key_prepare"
                       : cli->given[KEY_DISCARD] ? "key_discard"
                                                 : "key_rotate";
    json_t *answer = NULL;
    code = ask_node(cli, workspace.config, json_pack("{s:s}", "call", call), &answer);
    if (code == EX_OK)
        code = answer_code(cli, answer);
    if (code == EX_OK && cli->json)
        code = cli_print_json(cli, json_incref(answer));
    else if (code == EX_OK)
        print_answer(answer);
    if (code == EX_OK)
        print_warning(answer);
    /* Done, and yet not all of it: whoever runs this from a script must see. */
    if (code == EX_OK && answer_text(answer, "text").n > 0)
        code = EX_TEMPFAIL;
    json_decref(answer);
    workspace_close(&workspace);
    return code;
}
