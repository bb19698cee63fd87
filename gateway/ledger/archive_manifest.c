/*
 * archive_manifest.c - a page of text beside the copies
 *
 * It is a convenience and not a proof: whatever it says is compared with the copies, under the
 * ledger's keys, before anything rests on it. With it, the next run need not read the whole archive
 * to go on at its end; and a restore knows how far the archive should reach.
 */
#include "ledger/archive_manifest.h"

#include "base/base64.h"
#include "base/reader.h"
#include "ledger/note_lines.h"

#include <string.h>

static const char title[] = "sluis archive 1\n";

static void write_number(struct writer *writer, const char *name, uint64_t value)
{
    write_str(writer, name);
    write_decimal(writer, value);
    write_str(writer, "\n");
}

void archive_manifest_write(const struct archive_manifest *manifest, struct writer *writer)
{
    const struct archive_state *state = &manifest->state;
    write_str(writer, title);
    write_str(writer, "origin ");
    write_bytes(writer, state->key.name);
    write_number(writer, "\nsegments ", manifest->n_segments);
    write_number(writer, "receipts ", state->tree.size);
    write_str(writer, "time ");
    write_signed_decimal(writer, state->newest_time_ms);
    write_str(writer, "\nkey ");
    write_vkey(writer, state->key.name, state->key.key);
    write_str(writer, "\ntree");
    for (size_t level = TREE_LEVELS; level-- > 0;) {
        if (!(state->tree.size >> level & 1))
            continue;
        write_str(writer, " ");
        write_base64(writer, slice_of(state->tree.subtree[level], SHA256_BYTES));
    }
    write_str(writer, "\n\n");
    write_bytes(writer, manifest->note);
}

/* --------------------------------------------------------------------------------- reading -- */

/* The value of the line that has to come next. */
static struct slice line(struct reader *reader, const char *name)
{
    size_t n = strlen(name);
    struct slice text = read_until(reader, '\n');
    if (text.n < n || memcmp(text.p, name, n) != 0) {
        reader->bad = true;
        return slice_of(NULL, 0);
    }
    return slice_of(text.p + n, text.n - n);
}

static uint64_t number(struct reader *reader, const char *name)
{
    uint64_t value = 0;
    if (!slice_to_u64(line(reader, name), INT64_MAX, &value))
        reader->bad = true;
    return value;
}

/* The earliest time of any receipt is that of no receipt at all. */
static int64_t time_ms(struct reader *reader)
{
    struct slice text = line(reader, "time ");
    uint64_t value = 0;
    bool is_negative = text.n > 0 && text.p[0] == '-';
    if (is_negative)
        text = slice_of(text.p + 1, text.n - 1);
    if (!slice_to_u64(text, is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &value))
        reader->bad = true;
    return is_negative && value > 0 ? -1 - (int64_t)(value - 1) : (int64_t)value;
}

static void read_tree(struct reader *reader, struct tree *tree)
{
    struct slice text = line(reader, "tree");
    for (size_t level = TREE_LEVELS; level-- > 0;) {
        if (!(tree->size >> level & 1))
            continue;
        const size_t n = 1 + 44; /* a blank and a hash */
        if (text.n < n || text.p[0] != ' ' ||
            !base64_decode(slice_of(text.p + 1, n - 1), tree->subtree[level], SHA256_BYTES)) {
            reader->bad = true;
            return;
        }
        text = slice_of(text.p + n, text.n - n);
    }
    reader->bad = reader->bad || text.n > 0;
}

static bool read_note(struct archive_manifest *manifest)
{
    struct note_lines lines;
    struct note_line signature;
    return note_lines_open(manifest->note, &lines) &&
           checkpoint_parse(lines.text, &manifest->newest) == SL_OK &&
           note_lines_next(&lines, &signature) == NOTE_LINE &&
           note_lines_next(&lines, &signature) == NOTE_LINES_END;
}

static bool is_sound(const struct archive_manifest *manifest, struct slice origin)
{
    const struct archive_state *state = &manifest->state;
    bool is_empty = state->tree.size == 0;
    return state->key.type == VKEY_ED25519 && slice_equals(state->key.name, origin) &&
           slice_equals(manifest->newest.origin, origin) &&
           is_empty == (manifest->n_segments == 0) &&
           is_empty == (state->newest_time_ms == INT64_MIN) && manifest->newest.size > 0 &&
           manifest->newest.size >= state->tree.size;
}

/* Numbers, keys and base64 have more than one text elsewhere; here they have one. */
static bool is_the_one_text(const struct archive_manifest *manifest, struct slice text)
{
    uint8_t block[ARCHIVE_MANIFEST_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    archive_manifest_write(manifest, &writer);
    return !writer.overflow && slice_equals(writer_slice(&writer), text);
}

enum sl_err archive_manifest_parse(struct slice text, struct archive_manifest *out)
{
    struct reader reader = reader_over(text);
    struct archive_manifest manifest;
    struct archive_state *state = &manifest.state;
    struct slice first = read_bytes(&reader, sizeof title - 1);
    tree_init(&state->tree);
    struct slice origin = line(&reader, "origin ");
    manifest.n_segments = number(&reader, "segments ");
    state->tree.size = number(&reader, "receipts ");
    state->newest_time_ms = time_ms(&reader);
    if (vkey_parse(line(&reader, "key "), &state->key) != SL_OK)
        return SL_EMALFORMED;
    read_tree(&reader, &state->tree);
    if (read_until(&reader, '\n').n > 0 || reader.bad || !slice_equals_str(first, title))
        return SL_EMALFORMED;
    manifest.note = read_bytes(&reader, reader_left(&reader));
    if (!read_note(&manifest) || !is_sound(&manifest, origin) || !is_the_one_text(&manifest, text))
        return SL_EMALFORMED;
    *out = manifest;
    return SL_OK;
}
