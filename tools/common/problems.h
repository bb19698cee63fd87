/*
 * problems.h - shows what is wrong with a YAML file: FILE:LINE:COLUMN: error: TEXT
 */
#ifndef SLUIS_TOOLS_PROBLEMS_H
#define SLUIS_TOOLS_PROBLEMS_H

#include "common/cli.h"
#include "yaml/yaml.h"

/* Sorts, then prints to standard error, one line each, and how many more there are. */
void problems_print(struct yaml_problems *problems);
/* [{"file", "line", "column", "level": "error" or "warning", "text"}], sorted. */
json_t *problems_json(struct yaml_problems *problems);
/*
 * The problems, and then what follows from them; with --json also {"error": {"exit", "text"},
 * "problems": [..]} on standard output. Gives `exit_code` back.
 */
int problems_fail(const struct cli *cli, int exit_code, struct yaml_problems *problems,
                  const char *format, ...) SL_PRINTF(4, 5);

#endif
