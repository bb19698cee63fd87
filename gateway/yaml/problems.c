/*
 * problems.c - the list of everything that is wrong with one file
 *
 * A person who edits a policy wants to hear of all mistakes at once, and where they are. Texts
 * quote what stands in the file, so they are made safe to show here, once, for everybody.
 * Without memory for a text the problem is still counted: a bad file never turns into a good one.
 */
#include "base/log.h"
#include "yaml/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEM_TEXT_BYTES = 1024 };

void yaml_problems_init(struct yaml_problems *problems, const char *file)
{
    *problems = (struct yaml_problems){.file = file};
}

void yaml_problems_deinit(struct yaml_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        free(problems->list[i].text);
    free(problems->list);
    *problems = (struct yaml_problems){.file = problems->file};
}

static bool has_room(struct yaml_problems *problems)
{
    if (problems->n < problems->cap)
        return true;
    if (problems->n >= YAML_PROBLEMS_MAX)
        return false;
    size_t cap = problems->cap ? 2 * problems->cap : 8;
    struct yaml_problem *list = realloc(problems->list, cap * sizeof *list);
    if (!list)
        return false;
    problems->list = list;
    problems->cap = cap;
    return true;
}

static SL_PRINTF(5, 0) void add(struct yaml_problems *problems, uint32_t line, uint32_t column,
                                bool warning, const char *format, va_list args)
{
    if (!warning)
        problems->n_errors++;
    if (!has_room(problems))
        return;
    char text[PROBLEM_TEXT_BYTES];
    vsnprintf(text, sizeof text, format, args);
    char safe[PROBLEM_TEXT_BYTES + 256];
    text_make_printable(slice_of_str(text), safe, sizeof safe);
    struct yaml_problem problem = {line, column, warning, strdup(safe)};
    if (problem.text)
        problems->list[problems->n++] = problem;
}

void yaml_error_at(struct yaml_problems *problems, uint32_t line, uint32_t column,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(problems, line, column, false, format, args);
    va_end(args);
}

void yaml_warning_at(struct yaml_problems *problems, uint32_t line, uint32_t column,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(problems, line, column, true, format, args);
    va_end(args);
}

static bool comes_after(const struct yaml_problem *a, const struct yaml_problem *b)
{
    return a->line > b->line || (a->line == b->line && a->column > b->column);
}

/* By insertion: the list is short and nearly sorted, and problems in one place keep their order. */
void yaml_problems_sort(struct yaml_problems *problems)
{
    for (size_t i = 1; i < problems->n; i++) {
        struct yaml_problem moved = problems->list[i];
        size_t at = i;
        for (; at > 0 && comes_after(&problems->list[at - 1], &moved); at--)
            problems->list[at] = problems->list[at - 1];
        problems->list[at] = moved;
    }
}
