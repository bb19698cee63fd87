/*
 * tile_reader.c - a batch may hold several tiles, and a tile may take many batches
 *
 *     tiles     |      0      |      1      |      2      |
 *     batches   |a|b|  c  | d |e|          f            |g|      tile 1: from d to f, begun at d
 *
 * Files are read, not mapped: an unreadable sector is an error to report and not a signal. The
 * window is filled anew for each tile. It may reach into a batch that is being written this moment,
 * and must not keep what it saw there; the batches of the tile itself were durable before.
 */
#include "ledger/tile_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_BYTES = 2 << 20, READ_AHEAD_BYTES = 1 << 17 };

_Static_assert((int)BATCH_PADDED_BYTES_MAX <= (int)WINDOW_BYTES, "a batch fits the window");

/* -------------------------------------------------------------------- opening and closing -- */

static void close_segment(struct tile_reader *reader)
{
    if (reader->segment_fd >= 0)
        close(reader->segment_fd);
    reader->segment_fd = -1;
    reader->window_n = 0;
}

enum sl_err tile_reader_init(struct tile_reader *reader, const char *folder, struct slice origin)
{
    memset(reader, 0, sizeof *reader);
    reader->segment_fd = -1;
    reader->origin = origin;
    reader->window = malloc(WINDOW_BYTES);
    reader->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!reader->window) {
        snprintf(reader->problem, sizeof reader->problem, "out of memory");
        return SL_EINTERNAL;
    }
    if (reader->folder_fd < 0) {
        snprintf(reader->problem, sizeof reader->problem, "%.300s can't be opened: %s", folder,
                 strerror(errno));
        return SL_ESTORE;
    }
    return SL_OK;
}

void tile_reader_deinit(struct tile_reader *reader)
{
    if (reader->window) /* else it was never initialised, or not far enough to open a segment */
        close_segment(reader);
    if (reader->folder_fd >= 0)
        close(reader->folder_fd);
    free(reader->window);
    reader->window = NULL;
    reader->folder_fd = -1;
}

static SL_PRINTF(3, 4) enum sl_err
    fail(struct tile_reader *reader, uint64_t offset, const char *format, ...)
{
    char name[SEGMENT_NAME_BYTES + 1], what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    segment_name(reader->segment_first, name);
    snprintf(reader->problem, sizeof reader->problem, "segment %s, byte %llu: %s", name,
             (unsigned long long)offset, what);
    return SL_ESTORE;
}

/* `n` bytes at `offset`, through the window. */
static enum sl_err view(struct tile_reader *reader, uint64_t offset, size_t n, struct slice *out)
{
    bool inside = offset >= reader->window_at && offset - reader->window_at <= reader->window_n &&
                  n <= reader->window_n - (offset - reader->window_at);
    if (!inside) {
        size_t n_wanted = n > READ_AHEAD_BYTES ? n : READ_AHEAD_BYTES;
        reader->window_at = offset;
        reader->window_n = 0;
        while (reader->window_n < n) {
            ssize_t got = pread(reader->segment_fd, reader->window + reader->window_n,
                                n_wanted - reader->window_n, (off_t)(offset + reader->window_n));
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return fail(reader, offset, "can't be read: %s", strerror(errno));
            if (got == 0)
                return fail(reader, offset, "the segment is cut off");
            reader->window_n += (size_t)got;
        }
    }
    *out = slice_of(reader->window + (offset - reader->window_at), n);
    return SL_OK;
}

static enum sl_err open_segment(struct tile_reader *reader, uint64_t first)
{
    char name[SEGMENT_NAME_BYTES + 1];
    struct slice bytes = {0};
    struct segment_head head;
    close_segment(reader);
    segment_name(first, name);
    reader->segment_first = first;
    reader->segment_fd = openat(reader->folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (reader->segment_fd < 0)
        return fail(reader, 0, "can't be opened: %s", strerror(errno));
    SL_TRY(view(reader, 0, SEGMENT_ALIGNMENT_MAX, &bytes));
    if (segment_head_parse(bytes, &head) != SL_OK || head.first_index != first ||
        (reader->origin.n > 0 && !slice_equals(head.origin, reader->origin)))
        return fail(reader, 0, "the head is not that of this segment");
    reader->alignment = head.alignment_bytes;
    reader->segment_bytes = head.segment_bytes;
    return SL_OK;
}

/* --------------------------------------------------------------------------------- reading -- */

/* Where the next batch is: its first receipt, and its byte in the open segment. */
struct cursor {
    uint64_t receipt, offset;
};

/* After the last batch of a segment the next one begins with the next receipt. */
static enum sl_err follow(struct tile_reader *reader, struct cursor *cursor)
{
    static const uint8_t nothing[BATCH_HEAD_BYTES];
    struct slice head = slice_of(nothing, sizeof nothing);
    if (reader->segment_bytes - cursor->offset >= BATCH_HEAD_BYTES)
        SL_TRY(view(reader, cursor->offset, BATCH_HEAD_BYTES, &head));
    if (memcmp(head.p, nothing, sizeof nothing) != 0)
        return SL_OK;
    SL_TRY(open_segment(reader, cursor->receipt));
    cursor->offset = reader->alignment;
    return SL_OK;
}

static enum sl_err view_batch(struct tile_reader *reader, const struct cursor *cursor,
                              struct batch *batch)
{
    struct slice bytes = {0};
    uint32_t total = 0;
    if (cursor->offset > reader->segment_bytes ||
        reader->segment_bytes - cursor->offset < BATCH_HEAD_BYTES)
        return fail(reader, cursor->offset, "this is beyond the segment's end");
    SL_TRY(view(reader, cursor->offset, BATCH_HEAD_BYTES, &bytes));
    if (batch_length(bytes, &total) != SL_OK || total > reader->segment_bytes - cursor->offset)
        return fail(reader, cursor->offset, "no batch begins here, but receipt %llu should",
                    (unsigned long long)cursor->receipt);
    SL_TRY(view(reader, cursor->offset, total, &bytes));
    /* The CRC of the whole tells torn from damaged; here each receipt's own is enough. */
    if (batch_parse_unchecked(bytes, batch) != SL_OK || batch->first_index != cursor->receipt)
        return fail(reader, cursor->offset, "this is not the batch that begins with receipt %llu",
                    (unsigned long long)cursor->receipt);
    return SL_OK;
}

static enum sl_err add_batch(struct tile_reader *reader, struct cursor *cursor, uint16_t width,
                             struct receipt_tile *tile)
{
    struct batch batch = {0};
    SL_TRY(view_batch(reader, cursor, &batch));
    uint64_t n_before = tile->index * TILE_WIDTH + tile->width - batch.first_index;
    uint32_t i = n_before < batch.n_receipts ? (uint32_t)n_before : batch.n_receipts;
    struct batch_cursor leaves = batch_cursor_over(&batch);
    if (!batch_skip_leaves(&leaves, i))
        return fail(reader, cursor->offset, "the receipts of this batch do not add up");
    for (; i < batch.n_receipts && tile->width < width; i++) {
        struct slice leaf;
        if (!batch_next_leaf(&leaves, &leaf))
            return fail(reader, cursor->offset, "receipt %llu does not fit its checksum",
                        (unsigned long long)batch.first_index + i);
        receipt_tile_add(tile, leaf);
    }
    cursor->receipt += batch.n_receipts;
    cursor->offset = align_up(cursor->offset + batch.total_bytes, reader->alignment);
    return SL_OK;
}

enum sl_err tile_reader_read(struct tile_reader *reader, uint64_t index, uint16_t width,
                             const struct index_batch *place, struct receipt_tile *tile)
{
    SL_ASSERT(width > 0 && width <= TILE_WIDTH);
    SL_ASSERT(place->first_index <= index * TILE_WIDTH);
    struct cursor cursor = {place->first_index, place->offset};
    tile->index = index;
    tile->width = 0;
    reader->window_n = 0;
    enum sl_err err = SL_OK;
    if (reader->segment_fd < 0 || reader->segment_first != place->segment_first)
        err = open_segment(reader, place->segment_first);
    while (err == SL_OK && tile->width < width) {
        err = add_batch(reader, &cursor, width, tile);
        if (err == SL_OK && tile->width < width)
            err = follow(reader, &cursor);
    }
    if (err == SL_OK)
        return SL_OK;
    /* A segment whose head was not right must not be used again. */
    close_segment(reader);
    tile->width = 0;
    return err;
}
