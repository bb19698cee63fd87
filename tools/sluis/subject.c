/*
 * subject.c - subjects: add, list, pseudonym, account
 */
#include "base/private_file.h"
#include "commands.h"
#include "common/terminal.h"
#include "identify/pseudonym.h"
#include "workspace.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* --- add, account ---------------------------------------------------------------------------- */

/* Of `add SUBJECT`, `account SUBJECT APP USER` or `account SUBJECT APP --remove`. */
static int say_taken(struct cli *cli, int code)
{
    const char **arguments = cli->arguments;
    if (cli->n_arguments == 1)
        return cli_fail(cli, code,
                        "\"%s\" is the user name of another subject at an app; nothing changed",
                        arguments[0]);
    if (cli->n_arguments == 3)
        return cli_fail(cli, code,
                        "another subject has the user name \"%s\" at %s; nothing changed",
                        arguments[2], arguments[1]);
    return cli_fail(cli, code,
                    "another subject has the user name \"%s\" at %s by now, so \"%s\" can't do "
                    "without an account there; nothing changed",
                    arguments[0], arguments[1], arguments[0]);
}

/* Asks, and prints `text` (from outside) and `done` on success; `denied` names what was wrong. */
static int ask_and_say(struct cli *cli, const struct config *config, json_t *request,
                       const char *done)
{
    if (!request)
        return cli_fail(cli, EX_DATAERR, "the names must be text in UTF-8");
    json_t *answer = NULL;
    int code = ask_node(cli, config, request, &answer);
    if (code != EX_OK)
        return code;
    const char *subject = cli->arguments[0];
    struct slice outcome = answer_text(answer, "outcome");
    code = answer_code(cli, answer);
    if (slice_equals_str(outcome, "exists"))
        cli_fail(cli, code, "there is a subject \"%s\" already; nothing changed", subject);
    else if (slice_equals_str(outcome, "no_subject"))
        cli_fail(cli, code, "there is no subject \"%s\"; add one with: sluis subject add %s",
                 subject, subject);
    else if (slice_equals_str(outcome, "taken"))
        say_taken(cli, code);
    else if (code == EX_OK && cli->json)
        code = cli_print_json(cli, json_incref(answer));
    else if (code == EX_OK) {
        print_text(stdout, slice_of_str(subject));
        printf(": %s\n", done);
    }
    json_decref(answer);
    return code;
}

int subject_add_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK)
        code = ask_and_say(
            cli, workspace.config,
            json_pack("{s:s, s:s}", "call", "subject_add", "subject", cli->arguments[0]), "added");
    workspace_close(&workspace);
    return code;
}

int subject_account_run(struct cli *cli)
{
    bool removes = cli->given[KEY_REMOVE];
    if (removes == (cli->n_arguments == 3))
        return cli_misused(cli, "give either a user name, or --remove");
    if (!removes && !cli->arguments[2][0])
        return cli_misused(cli, "the user name is empty; --remove forgets an account");
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK)
        code = ask_and_say(cli, workspace.config,
                           json_pack("{s:s, s:s, s:s, s:s}", "call", "subject_account", "subject",
                                     cli->arguments[0], "app", cli->arguments[1], "user",
                                     removes ? "" : cli->arguments[2]),
                           removes ? "account removed" : "account set");
    workspace_close(&workspace);
    return code;
}

/* --- list ------------------------------------------------------------------------------------ */

static int print_rows(struct workspace *workspace, const struct workspace_subject *rows, size_t n,
                      json_t *list)
{
    bool json = workspace->cli->json;
    for (size_t i = 0; i < n; i++) {
        struct store_subject subject;
        if (store_read(workspace->reader, rows[i].id, &subject) != SL_OK)
            return workspace_store_failed(workspace);
        uint64_t version = subject.version;
        store_read_end(workspace->reader);
        struct slice name = slice_of_str(rows[i].name);
        if (json) {
            json_array_append_new(list, json_pack("{s:o, s:I}", "subject", json_of_slice(name),
                                                  "version", (json_int_t)version));
            continue;
        }
        print_text(stdout, name);
        if (version > 0)
            printf("  version %llu\n", (unsigned long long)version);
        else
            printf("  no policy\n");
    }
    return EX_OK;
}

int subject_list_run(struct cli *cli)
{
    struct workspace workspace = {0};
    struct workspace_subject *rows = NULL;
    size_t n = 0;
    json_t *list = json_array();
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK)
        code = workspace_subjects(&workspace, &rows, &n);
    if (code == EX_OK)
        code = print_rows(&workspace, rows, n, list);
    if (code == EX_OK && cli->json)
        code = cli_print_json(cli, json_incref(list));
    json_decref(list);
    free(rows);
    workspace_close(&workspace);
    return code;
}

/* --- pseudonym ------------------------------------------------------------------------------- */

static int print_pseudonym(struct workspace *workspace, const struct config_partner *partner)
{
    const struct cli *cli = workspace->cli;
    uint8_t id[STORE_SUBJECT_ID_BYTES];
    int code = workspace_find(workspace, cli->arguments[0], id);
    if (code != EX_OK)
        return code;
    char path[4096];
    uint8_t key[PSEUDONYM_KEY_BYTES];
    struct private_file_problem problem;
    workspace_path(workspace, "keys/pseudonym.key", path, sizeof path);
    enum sl_err err = private_file_read_exactly(path, key, sizeof key, &problem);
    if (err != SL_OK)
        return cli_fail(cli, EX_NOPERM, "%s", problem.text);

    SL_AUTO(pseudonym_cipher) cipher = NULL;
    char text[PSEUDONYM_CHARS + 1];
    err = pseudonym_cipher_new(key, partner->id, partner->generation, &cipher);
    OPENSSL_cleanse(key, sizeof key);
    if (err == SL_OK)
        err = pseudonym_write(cipher, id, text);
    if (err != SL_OK)
        return cli_fail(cli, EX_SOFTWARE, "the pseudonym can't be computed");
    if (cli->json)
        return cli_print_json(cli, json_pack("{s:s, s:o, s:s, s:i}", "subject", cli->arguments[0],
                                             "partner", json_of_slice(partner->id), "pseudonym",
                                             text, "generation", (int)partner->generation));
    printf("%s\n", text);
    return EX_OK;
}

int subject_pseudonym_run(struct cli *cli)
{
    if (!cli->given[KEY_PARTNER])
        return cli_misused(cli, "whose pseudonym? add --partner PARTNER");
    struct workspace workspace = {0};
    int code = workspace_open_store(&workspace, cli);
    if (code == EX_OK) {
        const struct config_partner *partner =
            config_partner_find(workspace.config, slice_of_str(cli->values[KEY_PARTNER]));
        code = partner ? print_pseudonym(&workspace, partner)
                       : cli_fail(cli, EX_NOINPUT, "the configuration has no partner \"%s\"",
                                  cli->values[KEY_PARTNER]);
    }
    workspace_close(&workspace);
    return code;
}
