/*
 * terminal.h - what a person sees: colours, text from outside, and a progress bar
 *
 * Rule    no escape code leaves when the stream is no terminal, when NO_COLOR is set (and not
 *         empty), or when TERM is "dumb"; text from a file, a ledger or another process is
 *         printed through print_text() only, so that it cannot move a cursor or forge a line
 */
#ifndef SLUIS_TOOLS_TERMINAL_H
#define SLUIS_TOOLS_TERMINAL_H

#include "base/err.h"
#include "base/slice.h"

#include <stdio.h>

enum style { STYLE_STRONG, STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_FAINT, STYLE_PLAIN };

/* The escape code that begins `style` on `stream`, or "". STYLE_PLAIN ends any. */
const char *style_on(FILE *stream, enum style style);
/* printf in a style. The arguments must be safe to show already. */
void print_styled(FILE *stream, enum style style, const char *format, ...) SL_PRINTF(3, 4);
/* Text from outside, on one line: every byte a terminal could act on is written as \xNN. */
void print_text(FILE *stream, struct slice text);
/* As print_text(), filled up with blanks to `width` characters of ASCII. */
void print_column(FILE *stream, struct slice text, int width);
/* The same for text of many lines (a policy): LF and TAB stay. */
void print_lines(FILE *stream, struct slice text);

/* A bar on standard error, drawn at most ten times a second, and only on a terminal. */
struct progress {
    const char *what; /* "checking" */
    int64_t drawn_ms;
    bool drawn;
};
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
void progress_clear(struct progress *progress);

#endif
