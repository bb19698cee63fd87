/*
 * login.c - a link, and the same as a QR code, by which a person signs in at their page
 */
#include "commands.h"
#include "workspace.h"

#include <qrencode.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_dark(const QRcode *code, int x, int y)
{
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1);
}

/* Two rows of modules in one of text, light on dark as terminals are; a quiet zone around it. */
static void print_code(const QRcode *code)
{
    enum { QUIET = 2 };
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs("  ", stdout);
        for (int x = -QUIET; x < code->width + QUIET; x++) {
            const bool above = is_dark(code, x, y), below = is_dark(code, x, y + 1);
            fputs(above ? (below ? " " : "▄") : (below ? "▀" : "█"), stdout);
        }
        putchar('\n');
    }
}

static int print_link(const struct cli *cli, const json_t *answer)
{
    const char *link = json_string_value(json_object_get(answer, "link"));
    const int seconds = (int)json_integer_value(json_object_get(answer, "seconds"));
    if (cli->json)
        return cli_print_json(cli, json_pack("{s:s, s:s, s:i}", "subject", cli->arguments[0],
                                             "link", link, "seconds", seconds));
    printf("%s\n", link);
    if (!isatty(STDOUT_FILENO))
        return EX_OK;
    QRcode *code = QRcode_encodeString(link, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
    if (code) {
        putchar('\n');
        print_code(code);
        QRcode_free(code);
    }
    printf("\nIt works once, for %d minutes. Whoever opens it is %s: hand it to nobody else.\n",
           seconds / 60, cli->arguments[0]);
    return EX_OK;
}

static int print_outcome(const struct cli *cli, const json_t *answer)
{
    const char *outcome = json_string_value(json_object_get(answer, "outcome"));
    if (outcome && strcmp(outcome, "link") == 0)
        return print_link(cli, answer);
    if (outcome && strcmp(outcome, "no_subject") == 0)
        return cli_fail(cli, EX_NOUSER, "no subject \"%s\"; see `sluis subject list`",
                        cli->arguments[0]);
    if (outcome && strcmp(outcome, "no_page") == 0)
        return cli_fail(cli, EX_UNAVAILABLE,
                        "the gateway has no page; put `page: 127.0.0.1:8461` under `listen` in the "
                        "configuration, and start sluisd again");
    return answer_code(cli, answer);
}

int login_run(struct cli *cli)
{
    struct workspace workspace = {0};
    int code = workspace_open_config(&workspace, cli);
    if (code == EX_OK) {
        json_t *request = json_pack("{s:s, s:s}", "call", "login", "subject", cli->arguments[0]);
        json_t *answer = NULL;
        code = ask_daemon(workspace.config, request, &answer)
                   ? print_outcome(cli, answer)
                   : cli_fail(cli, EX_UNAVAILABLE,
                              "sluisd is not running here, and it serves the page");
        json_decref(answer);
    }
    workspace_close(&workspace);
    return code;
}
