/*
 * note_lines.c - cutting a signed note into what was signed and who signed it
 *
 * The *last* empty line separates, so that a text may hold empty lines and a signature line may
 * not hide one. Lines of keys that nobody here knows must be of the form, too: a note is read
 * whole or not at all.
 */
#include "ledger/note_lines.h"

#include "base/base64.h"
#include "base/utf8.h"

#include <string.h>

#define EM_DASH_SPACE "\xe2\x80\x94 "

/* Valid UTF-8, and no control below 0x20 but LF. */
static bool text_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 && text.p[i] != '\n')
            return false;
    return utf8_is_valid(text);
}

bool note_lines_open(struct slice note, struct note_lines *out)
{
    if (note.n > NOTE_BYTES_MAX || note.n < 2 || note.p[note.n - 1] != '\n' || !text_is_valid(note))
        return false;
    for (size_t i = note.n - 1; i > 0; i--) {
        if (note.p[i] == '\n' && note.p[i - 1] == '\n') {
            struct slice lines = slice_of(note.p + i + 1, note.n - i - 1);
            if (lines.n == 0)
                return false;
            *out = (struct note_lines){.text = slice_of(note.p, i), .rest = reader_over(lines)};
            return true;
        }
    }
    return false;
}

/* One line: its name, and what its base64 holds. */
static bool line_parse(struct slice text, struct note_line *out)
{
    if (!slice_starts_with_str(text, EM_DASH_SPACE))
        return false;
    size_t n_dash = sizeof EM_DASH_SPACE - 1;
    struct reader reader = reader_over(slice_of(text.p + n_dash, text.n - n_dash));
    struct slice name = read_until(&reader, ' ');
    struct slice base64 = read_bytes(&reader, reader_left(&reader));
    uint8_t blob[NOTE_BLOB_BYTES_MAX];
    size_t blob_n = 0;
    if (reader.bad || !note_name_is_valid(name) ||
        !base64_decode_any(base64, blob, sizeof blob, &blob_n) || blob_n <= NOTE_KEY_ID_BYTES)
        return false;
    out->name = name;
    memcpy(out->key_id, blob, NOTE_KEY_ID_BYTES);
    out->signature_n = blob_n - NOTE_KEY_ID_BYTES;
    memcpy(out->signature, blob + NOTE_KEY_ID_BYTES, out->signature_n);
    return true;
}

enum note_line_step note_lines_next(struct note_lines *lines, struct note_line *out)
{
    if (reader_left(&lines->rest) == 0)
        return NOTE_LINES_END;
    struct slice text = read_until(&lines->rest, '\n');
    if (lines->n == NOTE_SIGNATURES_MAX || !line_parse(text, out))
        return NOTE_LINE_MALFORMED;
    lines->n++;
    return NOTE_LINE;
}

void write_note_line(struct writer *writer, const struct note_line *line)
{
    uint8_t blob[NOTE_BLOB_BYTES_MAX];
    struct writer blob_writer = writer_over(blob, sizeof blob);
    write_bytes(&blob_writer, slice_of(line->key_id, NOTE_KEY_ID_BYTES));
    write_bytes(&blob_writer, slice_of(line->signature, line->signature_n));
    write_str(writer, EM_DASH_SPACE);
    write_bytes(writer, line->name);
    write_str(writer, " ");
    write_base64(writer, writer_slice(&blob_writer));
    write_str(writer, "\n");
}
