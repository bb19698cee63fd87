/*
 * log.c - formats a line on the stack and hands it to the kernel in one write
 */
#include "base/log.h"

#include "base/timestamp.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 4096 };

static _Atomic enum log_level level_min = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_min, level);
}

/* U+0080 to U+009F: some terminals take them for the start of a control sequence. */
static bool is_c1_control(struct slice sequence)
{
    return sequence.n == 2 && sequence.p[0] == 0xc2 && sequence.p[1] <= 0x9f;
}

/* U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 reorder what a reader sees. */
static bool is_bidi_control(struct slice sequence)
{
    if (sequence.n == 2)
        return sequence.p[0] == 0xd8 && sequence.p[1] == 0x9c;
    if (sequence.n != 3 || sequence.p[0] != 0xe2)
        return false;
    uint8_t second = sequence.p[1];
    uint8_t third = sequence.p[2];
    return (second == 0x80 &&
            (third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae))) ||
           (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

static bool is_harmless(struct slice sequence)
{
    if (sequence.n == 1)
        return sequence.p[0] >= 0x20 && sequence.p[0] != 0x7f;
    return sequence.n > 1 && !is_c1_control(sequence) && !is_bidi_control(sequence);
}

static void write_escaped(struct writer *writer, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
    write_bytes(writer, slice_of(escape, sizeof escape));
}

void text_make_printable(struct slice text, char *out, size_t cap)
{
    static const struct slice cut = SLICE_LITERAL("...");
    SL_ASSERT(cap > cut.n);
    struct writer writer = writer_over(out, cap - 1 - cut.n);
    for (size_t i = 0; i < text.n && !writer.overflow;) {
        size_t n = utf8_sequence_bytes(slice_of(text.p + i, text.n - i));
        struct slice sequence = slice_of(text.p + i, n);
        if (is_harmless(sequence))
            write_bytes(&writer, sequence);
        else
            write_escaped(&writer, text.p[i]);
        i += is_harmless(sequence) ? n : 1;
    }
    if (writer.overflow) {
        writer = (struct writer){writer.block, cap - 1, writer.n, false};
        write_bytes(&writer, cut);
    }
    out[writer.n] = 0;
}

void log_at(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"debug", "info ", "warn ", "error"};
    if (level < atomic_load_explicit(&level_min, memory_order_relaxed))
        return;

    char text[LOG_LINE_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    char safe[LOG_LINE_BYTES - 64];
    text_make_printable(slice_of_str(text), safe, sizeof safe);

    char line[LOG_LINE_BYTES];
    struct writer writer = writer_over(line, sizeof line);
    write_timestamp_ms(&writer, clock_now_ms());
    write_u8(&writer, ' ');
    write_str(&writer, names[level]);
    write_u8(&writer, ' ');
    write_str(&writer, safe);
    write_u8(&writer, '\n');
    ssize_t n_written = write(STDERR_FILENO, line, writer.n);
    (void)n_written; /* there is nowhere left to say that standard error is gone */
}
