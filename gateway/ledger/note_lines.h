/*
 * note_lines.h - the form of a signed note: its text, and its signature lines one by one
 *
 * Shape   see note.h; nothing is verified here
 * Owns    nothing: slices point into the note
 * Spec    C2SP signed-note v1
 */
#ifndef SLUIS_LEDGER_NOTE_LINES_H
#define SLUIS_LEDGER_NOTE_LINES_H

#include "base/reader.h"
#include "ledger/note.h"

/* Key id and signature of any type; the specification warns of "nearly 5 kB". */
enum { NOTE_BLOB_BYTES_MAX = 8192 };

struct note_lines {
    struct slice text; /* with its last LF: what is signed */
    struct reader rest;
    size_t n; /* lines read so far */
};

struct note_line {
    struct slice name;
    uint8_t key_id[NOTE_KEY_ID_BYTES];
    size_t signature_n; /* at least 1 */
    uint8_t signature[NOTE_BLOB_BYTES_MAX - NOTE_KEY_ID_BYTES];
};

enum note_line_step { NOTE_LINE, NOTE_LINES_END, NOTE_LINE_MALFORMED };

/* Splits at the last empty line. False when `note` is not of the form. */
bool note_lines_open(struct slice note, struct note_lines *out);
/* NOTE_LINE_MALFORMED also when there are more than NOTE_SIGNATURES_MAX. */
SL_NODISCARD enum note_line_step note_lines_next(struct note_lines *lines, struct note_line *out);

/* The line as it was read: its form is canonical, so these are the same bytes. */
void write_note_line(struct writer *writer, const struct note_line *line);

#endif
