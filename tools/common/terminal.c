/*
 * terminal.c - escape codes in one place, and a gate for text from outside
 *
 * Only six styles exist, and their codes are nowhere else: what a tool prints without them is the
 * whole message, so that nothing is said by colour alone.
 */
#include "common/terminal.h"

#include "base/log.h"
#include "base/timestamp.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool stream_has_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (no_color && *no_color)
        return false;
    if (!terminal || strcmp(terminal, "dumb") == 0)
        return false;
    return isatty(fileno(stream)) == 1;
}

const char *style_on(FILE *stream, enum style style)
{
    static const char *const codes[] = {
        [STYLE_STRONG] = "\033[1m", [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m",
        [STYLE_WARN] = "\033[33m",  [STYLE_FAINT] = "\033[2m", [STYLE_PLAIN] = "\033[0m",
    };
    SL_ASSERT((unsigned)style < SL_LENGTH(codes));
    return stream_has_colour(stream) ? codes[style] : "";
}

void print_styled(FILE *stream, enum style style, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs(style_on(stream, style), stream);
    vfprintf(stream, format, args);
    fputs(style_on(stream, STYLE_PLAIN), stream);
    va_end(args);
}

/* A piece at a time, each small enough that it is never cut off when every byte becomes \xNN. */
void print_text(FILE *stream, struct slice text)
{
    enum { PIECE_BYTES = 256 };
    while (text.n > 0) {
        size_t n = text.n < PIECE_BYTES ? text.n : PIECE_BYTES;
        /* Do not cut a UTF-8 sequence: continuation bytes stay with what they continue. */
        for (unsigned back = 0; n < text.n && back < 3 && (text.p[n] & 0xc0) == 0x80; back++)
            n--;
        char safe[4 * PIECE_BYTES + 8];
        text_make_printable(slice_of(text.p, n), safe, sizeof safe);
        fputs(safe, stream);
        text = slice_of(text.p + n, text.n - n);
    }
}

void print_column(FILE *stream, struct slice text, int width)
{
    print_text(stream, text);
    for (int n = text.n < (size_t)width ? (int)text.n : width; n < width; n++)
        fputc(' ', stream);
}

void print_lines(FILE *stream, struct slice text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\n' && text.p[i] != '\t')
            continue;
        print_text(stream, slice_of(text.p + from, i - from));
        fputc(text.p[i], stream);
        from = i + 1;
    }
    print_text(stream, slice_of(text.p + from, text.n - from));
}

enum { BAR_CHARS = 30, REDRAW_MS = 100 };

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
    const char *terminal = getenv("TERM");
    if (total == 0 || isatty(STDERR_FILENO) != 1 || !terminal || strcmp(terminal, "dumb") == 0)
        return;
    int64_t now_ms = clock_monotonic_ms();
    if (progress->drawn && done < total && now_ms - progress->drawn_ms < REDRAW_MS)
        return;
    progress->drawn = true;
    progress->drawn_ms = now_ms;

    double part = done < total ? (double)done / (double)total : 1.0;
    char bar[BAR_CHARS + 1];
    for (int i = 0; i < BAR_CHARS; i++)
        bar[i] = i < (int)(part * BAR_CHARS) ? '#' : '.';
    bar[BAR_CHARS] = 0;
    fprintf(stderr, "\r%s [%s] %3d%%", progress->what, bar, (int)(part * 100));
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    progress->drawn = false;
}
