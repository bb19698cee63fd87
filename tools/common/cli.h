/*
 * cli.h - a program of many commands, from one table
 *
 * Shape   a program is a table of commands ("policy check"), each with its arguments, options,
 *         help and function; argp parses, this finds the command and says what is wrong, what was
 *         expected and what is nearest. --json, --help and --version exist everywhere.
 * Output  results on standard output; errors on standard error as "sluis: TEXT", and with --json
 *         also on standard output as {"error": ..}: with --json that always holds JSON
 * Errors  exit codes are those of exit_code.h
 */
#ifndef SLUIS_TOOLS_CLI_H
#define SLUIS_TOOLS_CLI_H

#include "base/err.h"
#include "base/slice.h"
#include "common/exit_code.h"

#include <argp.h>
#include <jansson.h>

struct cli;

struct cli_command {
    const char *words;     /* "policy check": one or two */
    const char *arguments; /* "FILE", or "" */
    int n_arguments_min, n_arguments_max;
    const char *summary;               /* one line for the list */
    const char *help;                  /* a few lines, with an example */
    const struct argp_option *options; /* ends with {0}; NULL: none; keys 1 to 255 */
    int (*run)(struct cli *cli);       /* gives the exit code */
};

struct cli_program {
    const char *name;
    const char *summary;
    const char *help;                  /* under the list of commands */
    const struct argp_option *options; /* that every command has; ends with {0} */
    int (*check)(struct cli *cli);     /* are their values right? An exit code. NULL: always */
    int repeated; /* the key of an option that may come several times; 0: none */
    int (*repeat)(struct cli *cli, const char *value); /* takes each of them; an exit code */
    int unreadable_code; /* when a file can't be read or is too large; 0: by the reason */
    const struct cli_command *commands;
    size_t n_commands;
};

enum { CLI_KEYS = 256, CLI_ARGUMENTS_MAX = 64 };

struct cli {
    const struct cli_program *program;
    const struct cli_command *command;
    bool json;
    bool given[CLI_KEYS];
    const char *values[CLI_KEYS]; /* of each option by its key; NULL when not given */
    int n_arguments;
    const char *arguments[CLI_ARGUMENTS_MAX];
};

int cli_main(const struct cli_program *program, int argc, char **argv);

/*
 * Says what went wrong and gives `exit_code` back. The text is made safe to show; it should say
 * what was found, what was expected, and what to do.
 */
int cli_fail(const struct cli *cli, int exit_code, const char *format, ...) SL_PRINTF(3, 4);
/* A wrong command line: the text, then usage and an example; EX_USAGE. */
int cli_misused(const struct cli *cli, const char *format, ...) SL_PRINTF(2, 3);
/* The option's value as a number up to `max`; false after having said what is wrong. */
bool cli_value_u64(const struct cli *cli, int key, const char *name, uint64_t max, uint64_t *out);

/* Prints and releases `value`: indented, or on one line. NULL: no memory. Gives EX_OK or not. */
int cli_print_json(const struct cli *cli, json_t *value);
int cli_print_json_line(const struct cli *cli, json_t *value);
/* A JSON string of text from outside; what is not UTF-8 is written as \xNN. */
json_t *json_of_slice(struct slice text);
/* json_null() for the empty slice. */
json_t *json_of_slice_or_null(struct slice text);

#endif
