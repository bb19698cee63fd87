/*
 * cli.c - finds the command, lets argp parse its options, and explains wrong use
 *
 * The command line is read twice. First argp goes up to the first word that is no option; that
 * word, and the next one, name the command. Then the command's own options join the program's and
 * argp reads all of it, so that `sluis -c FILE policy check X` and `sluis policy check X -c FILE`
 * are the same. Unknown options are looked for before argp, which could not suggest another.
 */
#include "common/cli.h"

#include "base/log.h"
#include "common/terminal.h"
#include "yaml/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = 254, OPTIONS_MAX = 24, NAME_CHARS = 96, TEXT_BYTES = 2048 };

static const struct argp_option common_options[] = {
    {"json", KEY_JSON, NULL, 0, "print the result as JSON", 90},
    {"help", 'h', NULL, 0, "print this help", 91},
    {"version", 'V', NULL, 0, "print the version", 91},
    {0},
};

static bool option_ends(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc;
}

/* The command's, the program's and the common options, as argp wants them. */
static void collect_options(const struct cli *cli, struct argp_option out[OPTIONS_MAX])
{
    const struct argp_option *lists[] = {cli->command ? cli->command->options : NULL,
                                         cli->program->options, common_options};
    size_t n = 0;
    for (size_t i = 0; i < SL_LENGTH(lists); i++) {
        for (const struct argp_option *o = lists[i]; o && !option_ends(o); o++) {
            SL_ASSERT(n + 1 < OPTIONS_MAX);
            out[n++] = *o;
        }
    }
    out[n] = (struct argp_option){0};
}

static void full_name(const struct cli *cli, char out[NAME_CHARS])
{
    snprintf(out, NAME_CHARS, "%s%s%s", cli->program->name, cli->command ? " " : "",
             cli->command ? cli->command->words : "");
}

static SL_PRINTF(2, 0) void say(const struct cli *cli, const char *format, va_list args,
                                char safe[TEXT_BYTES])
{
    char text[TEXT_BYTES / 2];
    vsnprintf(text, sizeof text, format, args);
    text_make_printable(slice_of_str(text), safe, TEXT_BYTES);
    fflush(stdout);
    print_styled(stderr, STYLE_BAD, "%s:", cli->program->name);
    fprintf(stderr, " %s\n", safe);
}

static void say_json(const struct cli *cli, int exit_code, const char *safe)
{
    if (cli->json)
        cli_print_json_line(cli,
                            json_pack("{s:{s:i, s:s}}", "error", "exit", exit_code, "text", safe));
}

int cli_fail(const struct cli *cli, int exit_code, const char *format, ...)
{
    char safe[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    say(cli, format, args, safe);
    va_end(args);
    say_json(cli, exit_code, safe);
    return exit_code;
}

int cli_misused(const struct cli *cli, const char *format, ...)
{
    char safe[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    say(cli, format, args, safe);
    va_end(args);
    char name[NAME_CHARS];
    full_name(cli, name);
    if (cli->command)
        fprintf(stderr, "usage: %s [OPTION...] %s\n", name, cli->command->arguments);
    fprintf(stderr, "Try `%s --help'.\n", name);
    say_json(cli, EX_USAGE, safe);
    return EX_USAGE;
}

bool cli_value_u64(const struct cli *cli, int key, const char *name, uint64_t max, uint64_t *out)
{
    if (slice_to_u64(slice_of_str(cli->values[key]), max, out))
        return true;
    cli_misused(cli, "%s wants a whole number up to %llu, found \"%s\"", name,
                (unsigned long long)max, cli->values[key]);
    return false;
}

/* --- help --- */

/* True when `command` stands under `word`: "policy check" under "policy". */
static bool is_in_group(const struct cli_command *command, const char *word)
{
    size_t n = strlen(word);
    return strncmp(command->words, word, n) == 0 && command->words[n] == ' ';
}

static void print_commands(FILE *stream, const struct cli_program *program, const char *group)
{
    for (size_t i = 0; i < program->n_commands; i++) {
        const struct cli_command *command = &program->commands[i];
        if (group && !is_in_group(command, group))
            continue;
        char usage[NAME_CHARS];
        snprintf(usage, sizeof usage, "%s%s%s", command->words, *command->arguments ? " " : "",
                 command->arguments);
        if (strlen(usage) > 34)
            fprintf(stream, "  %s\n  %-34s  %s\n", usage, "", command->summary);
        else
            fprintf(stream, "  %-34s  %s\n", usage, command->summary);
    }
}

static int print_program_help(const struct cli *cli, const char *group)
{
    const struct cli_program *program = cli->program;
    printf("Usage: %s [OPTION...] %s%sCOMMAND [OPTION...]\n%s\n\n", program->name,
           group ? group : "", group ? " " : "", program->summary);
    print_commands(stdout, program, group);
    if (!group)
        printf("\n%s\n", program->help);
    printf("\n`%s COMMAND --help' says more about each.\n", program->name);
    return EX_OK;
}

static int print_command_help(const struct cli *cli)
{
    struct argp_option options[OPTIONS_MAX];
    collect_options(cli, options);
    char doc[4096];
    snprintf(doc, sizeof doc, "%s.\v%s", cli->command->summary, cli->command->help);
    doc[0] = (char)(doc[0] >= 'a' && doc[0] <= 'z' ? doc[0] - 'a' + 'A' : doc[0]);
    struct argp argp = {.options = options, .args_doc = cli->command->arguments, .doc = doc};
    char name[NAME_CHARS];
    full_name(cli, name);
    /* argp's own way to be told: no note on short options, and room for the examples. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note,rmargin=98", 0);
    argp_help(&argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
    return EX_OK;
}

/* --- finding the command --- */

static const struct cli_command *command_find(const struct cli_program *program, const char *words)
{
    for (size_t i = 0; i < program->n_commands; i++) {
        if (strcmp(program->commands[i].words, words) == 0)
            return &program->commands[i];
    }
    return NULL;
}

static bool is_group(const struct cli_program *program, const char *word)
{
    for (size_t i = 0; i < program->n_commands; i++) {
        if (is_in_group(&program->commands[i], word))
            return true;
    }
    return false;
}

/* "statsu x" -> "status"; "polcy" -> "policy check", the first of its group. */
static const char *nearest_first_word(const char *const *names, size_t n, struct slice word)
{
    const char *nearest = NULL;
    for (size_t i = 0; i < n && !nearest; i++) {
        char first[NAME_CHARS];
        snprintf(first, sizeof first, "%.*s", (int)strcspn(names[i], " "), names[i]);
        const char *candidate = first;
        if (yaml_nearest(word, &candidate, 1))
            nearest = names[i];
    }
    return nearest;
}

/* "polcy check" is near "policy check"; of a group that exists, the nearest second word is. */
static int unknown_command(const struct cli *cli, const char *words, const char *group)
{
    const char *names[64] = {0};
    size_t n = 0;
    for (size_t i = 0; i < cli->program->n_commands && n < SL_LENGTH(names); i++) {
        if (!group || is_in_group(&cli->program->commands[i], group))
            names[n++] = cli->program->commands[i].words;
    }
    const char *nearest = yaml_nearest(slice_of_str(words), names, n);
    if (!nearest && !group) /* what follows may be arguments; or it is a group alone */
        nearest = nearest_first_word(names, n, slice_of(words, strcspn(words, " ")));
    if (nearest)
        return cli_misused(cli, "there is no command \"%s\"; did you mean \"%s\"?", words, nearest);
    int code = cli_misused(cli, "there is no command \"%s\"; there are:", words);
    print_commands(stderr, cli->program, group);
    return code;
}

/* --- options --- */

static bool is_known_option(const struct argp_option *options, const char *word)
{
    const char *name = word + 2;
    size_t n = strcspn(name, "=");
    for (; !option_ends(options); options++) {
        if (word[1] != '-' && options->key == word[1])
            return true;
        if (word[1] == '-' && options->name && strncmp(options->name, name, n) == 0)
            return true;
    }
    return false;
}

static void say_unknown_option(const struct cli *cli, const struct argp_option *options,
                               const char *word)
{
    size_t n = strcspn(word, "=");
    const char *names[OPTIONS_MAX];
    size_t n_names = 0;
    for (const struct argp_option *o = options; !option_ends(o); o++) {
        if (o->name)
            names[n_names++] = o->name;
    }
    bool is_long = n > 2 && word[1] == '-';
    const char *nearest = is_long ? yaml_nearest(slice_of(word + 2, n - 2), names, n_names) : NULL;
    if (nearest)
        cli_misused(cli, "unknown option \"%.*s\"; did you mean \"--%s\"?", (int)n, word, nearest);
    else
        cli_misused(cli, "unknown option \"%.*s\"", (int)n, word);
}

/*
 * argp met an option that it can't take, somewhere in the first `n` words; it would only say
 * "unrecognized", and print it as it is.
 */
static void say_bad_option(const struct cli *cli, const struct argp_option *options, int n,
                           char **argv)
{
    for (int i = 1; i < n && strcmp(argv[i], "--") != 0; i++) {
        if (argv[i][0] != '-' || !argv[i][1] || is_known_option(options, argv[i]))
            continue;
        say_unknown_option(cli, options, argv[i]);
        return;
    }
    cli_misused(cli,
                "the option \"%s\" lacks its value, has one that it doesn't take, or could "
                "mean several",
                n > 1 ? argv[n - 1] : "");
}

enum { PARSE_CONTINUE = -1 };

struct parse {
    struct cli *cli;
    const struct argp_option *options;
    int exit_code;  /* PARSE_CONTINUE: go on */
    int command_at; /* first pass: where the command's first word stands, 0: nowhere */
    bool wants_help, wants_version;
};

static void store_option(struct parse *parse, int key, const char *value)
{
    struct cli *cli = parse->cli;
    if (cli->command && key == cli->program->repeated) {
        int code = cli->program->repeat(cli, value);
        parse->exit_code = code == EX_OK ? PARSE_CONTINUE : code;
    } else if (cli->given[key])
        parse->exit_code = cli_misused(cli, "an option was given twice; the second time: \"%s\"",
                                       value ? value : "(no value)");
    cli->given[key] = true;
    cli->values[key] = value;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct cli *cli = parse->cli;
    switch (key) {
    case KEY_JSON:
        cli->json = true;
        return 0;
    case 'h':
        parse->wants_help = true;
        return 0;
    case 'V':
        parse->wants_version = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!cli->command) {
            parse->command_at = state->next - 1;
            state->next = state->argc;
        } else if (cli->n_arguments < CLI_ARGUMENTS_MAX) {
            cli->arguments[cli->n_arguments++] = value;
        } else {
            parse->exit_code = cli_misused(cli, "too many words on the command line");
        }
        return 0;
    case ARGP_KEY_ERROR:
        if (parse->exit_code == PARSE_CONTINUE) {
            say_bad_option(cli, parse->options, state->next, state->argv);
            parse->exit_code = EX_USAGE;
        }
        return 0;
    default:
        if (key <= 0 || key >= CLI_KEYS)
            return ARGP_ERR_UNKNOWN;
        store_option(parse, key, value);
        return parse->exit_code == PARSE_CONTINUE ? 0 : EINVAL;
    }
}

static bool parse_pass(struct parse *parse, unsigned flags, int argc, char **argv)
{
    struct argp_option options[OPTIONS_MAX];
    collect_options(parse->cli, options);
    parse->options = options;
    struct argp argp = {.options = options, .parser = parse_option};
    error_t error = argp_parse(&argp, argc, argv,
                               flags | ARGP_NO_HELP | ARGP_NO_EXIT | ARGP_NO_ERRS, NULL, parse);
    if (parse->exit_code == PARSE_CONTINUE && error)
        parse->exit_code = EX_USAGE;
    return parse->exit_code == PARSE_CONTINUE;
}

/* The second pass: what follows the command's words, after what stood before them. */
static int run_command(struct cli *cli, int n_before, int n_words, int argc, char **argv)
{
    char name[NAME_CHARS];
    full_name(cli, name);
    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (!rest)
        return cli_fail(cli, EX_SOFTWARE, "out of memory");
    int n = 0;
    rest[n++] = name;
    for (int i = 1; i < argc; i++) {
        if (i < n_before || i >= n_before + n_words)
            rest[n++] = argv[i];
    }
    struct parse parse = {.cli = cli, .exit_code = PARSE_CONTINUE};
    int code;
    if (!parse_pass(&parse, 0, n, rest))
        code = parse.exit_code;
    else if (parse.wants_help)
        code = print_command_help(cli);
    else if (parse.wants_version)
        code = printf("%s %s\n", cli->program->name, SLUIS_VERSION) < 0 ? EX_IOERR : EX_OK;
    else if (cli->n_arguments < cli->command->n_arguments_min)
        code = cli_misused(cli, "%s needs %s; found %s", cli->command->words,
                           cli->command->arguments, cli->n_arguments ? "less" : "nothing");
    else if (cli->n_arguments > cli->command->n_arguments_max)
        code = cli_misused(cli, "%s does not take \"%s\"; it takes %s", cli->command->words,
                           cli->arguments[cli->command->n_arguments_max],
                           *cli->command->arguments ? cli->command->arguments : "no arguments");
    else {
        code = cli->program->check ? cli->program->check(cli) : EX_OK;
        code = code == EX_OK ? cli->command->run(cli) : code;
    }
    free(rest);
    return code;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    struct parse parse = {.cli = cli, .exit_code = PARSE_CONTINUE};
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        static char help_option[] = "--help";
        argv[1] = help_option;
    }
    if (!parse_pass(&parse, ARGP_IN_ORDER, argc, argv))
        return parse.exit_code;
    int at = parse.command_at;
    if (at == 0 && parse.wants_help)
        return print_program_help(cli, NULL);
    if (at == 0 && parse.wants_version)
        return printf("%s %s\n", cli->program->name, SLUIS_VERSION) < 0 ? EX_IOERR : EX_OK;
    if (at == 0) {
        print_program_help(cli, NULL);
        return EX_USAGE;
    }

    memset(cli->given, 0, sizeof cli->given);
    memset(cli->values, 0, sizeof cli->values);
    const char *first = argv[at];
    const char *second = at + 1 < argc ? argv[at + 1] : NULL;
    cli->command = command_find(cli->program, first);
    if (cli->command)
        return run_command(cli, at, 1, argc, argv);
    if (!is_group(cli->program, first)) {
        char words[NAME_CHARS];
        bool pair = second && second[0] != '-';
        snprintf(words, sizeof words, "%s%s%s", first, pair ? " " : "", pair ? second : "");
        return unknown_command(cli, words, NULL);
    }
    if (!second || second[0] == '-') {
        bool asked = parse.wants_help ||
                     (second && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0));
        print_program_help(cli, first);
        return asked ? EX_OK : EX_USAGE;
    }
    char words[NAME_CHARS];
    snprintf(words, sizeof words, "%s %s", first, second);
    cli->command = command_find(cli->program, words);
    if (!cli->command)
        return unknown_command(cli, words, first);
    return run_command(cli, at, 2, argc, argv);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli cli = {.program = program};
    int code = dispatch(&cli, argc, argv);
    /* A result that could not be written is a failure, whatever the command thought. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "%s: cannot write the result to standard output\n", program->name);
        return code == EX_OK ? EX_IOERR : code;
    }
    return code;
}

/* --- JSON --- */

static int print_json(const struct cli *cli, json_t *value, size_t flags)
{
    if (!value)
        return cli_fail(cli, EX_SOFTWARE, "out of memory, or text that is not UTF-8");
    /* In ASCII no byte of a name can act on a terminal. */
    int bad = json_dumpf(value, stdout, flags | JSON_ENSURE_ASCII);
    json_decref(value);
    return bad || fputc('\n', stdout) == EOF ? EX_IOERR : EX_OK;
}

int cli_print_json(const struct cli *cli, json_t *value)
{
    return print_json(cli, value, JSON_INDENT(2));
}

int cli_print_json_line(const struct cli *cli, json_t *value)
{
    return print_json(cli, value, JSON_COMPACT);
}

json_t *json_of_slice(struct slice text)
{
    json_t *value = json_stringn(text.n ? (const char *)text.p : "", text.n);
    if (value)
        return value;
    char *safe = malloc(4 * text.n + 8);
    if (!safe)
        return NULL;
    text_make_printable(text, safe, 4 * text.n + 8);
    value = json_string(safe);
    free(safe);
    return value;
}

json_t *json_of_slice_or_null(struct slice text)
{
    return text.n ? json_of_slice(text) : json_null();
}
