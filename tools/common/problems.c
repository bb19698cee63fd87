/*
 * problems.c - the texts were made safe when the problems were found; the file's name was not
 */
#include "common/problems.h"

#include "common/terminal.h"

#include <stdarg.h>

void problems_print(struct yaml_problems *problems)
{
    yaml_problems_sort(problems);
    size_t n_errors_listed = 0;
    for (size_t i = 0; i < problems->n; i++) {
        const struct yaml_problem *problem = &problems->list[i];
        n_errors_listed += !problem->warning;
        print_text(stderr, slice_of_str(problems->file));
        fprintf(stderr, ":%u:%u: ", problem->line, problem->column);
        print_styled(stderr, problem->warning ? STYLE_WARN : STYLE_BAD, "%s",
                     problem->warning ? "warning" : "error");
        fprintf(stderr, ": %s\n", problem->text);
    }
    if (problems->n_errors > n_errors_listed)
        fprintf(stderr, "... and %zu more errors\n", problems->n_errors - n_errors_listed);
}

json_t *problems_json(struct yaml_problems *problems)
{
    yaml_problems_sort(problems);
    json_t *list = json_array();
    for (size_t i = 0; i < problems->n; i++) {
        const struct yaml_problem *problem = &problems->list[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:s, s:o}", "file",
                                              json_of_slice(slice_of_str(problems->file)), "line",
                                              (json_int_t)problem->line, "column",
                                              (json_int_t)problem->column, "level",
                                              problem->warning ? "warning" : "error", "text",
                                              json_of_slice(slice_of_str(problem->text))));
    }
    return list;
}

int problems_fail(const struct cli *cli, int exit_code, struct yaml_problems *problems,
                  const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problems_print(problems);
    if (!cli->json)
        return cli_fail(cli, exit_code, "%s", text);

    struct cli quiet = *cli; /* one JSON document, not two */
    quiet.json = false;
    cli_fail(&quiet, exit_code, "%s", text);
    json_t *error =
        json_pack("{s:i, s:o}", "exit", exit_code, "text", json_of_slice(slice_of_str(text)));
    cli_print_json(cli,
                   json_pack("{s:o, s:o}", "error", error, "problems", problems_json(problems)));
    return exit_code;
}
