/*
 * fixture.h - sluis.yaml in a folder of its own, and what its problems say
 */
#ifndef SLUIS_TESTS_CONFIG_FIXTURE_H
#define SLUIS_TESTS_CONFIG_FIXTURE_H

#include "config/build.h"

struct fixture {
    char folder[64];
    char file[96];
    struct yaml_problems problems;
    struct config *config;
};

/* A folder with an empty state folder in it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A configuration that is right. */
char *fixture_right(void);
/* The same with `from` replaced by `to`; pairs, ended by NULL. */
char *fixture_text(const char *first_from, ...) __attribute__((sentinel));
/* Writes text to <folder>/name. */
void fixture_write(const struct fixture *fixture, const char *name, const char *text,
                   unsigned mode);
/* Loads `text` (which it frees) from a file; names resolve by the fixture's own resolver. */
enum sl_err fixture_load(struct fixture *fixture, char *text);
/* All problems as "LINE:COLUMN text\n". */
const char *fixture_problems(struct fixture *fixture);
/* `text` must be refused with exactly one problem, at this place, that holds `part`. */
void assert_one_problem(struct fixture *fixture, char *text, unsigned line, unsigned column,
                        const char *part);
/* `text` must be accepted. */
void assert_accepted(struct fixture *fixture, char *text);

#endif
