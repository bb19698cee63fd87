/*
 * checkpoint.c - three lines
 */
#include "ledger/checkpoint.h"

#include "base/base64.h"
#include "base/reader.h"

void write_checkpoint(struct writer *writer, const struct checkpoint *checkpoint)
{
    write_bytes(writer, checkpoint->origin);
    write_str(writer, "\n");
    write_decimal(writer, checkpoint->size);
    write_str(writer, "\n");
    write_base64(writer, slice_of(checkpoint->root, sizeof checkpoint->root));
    write_str(writer, "\n");
}

/* The three lines; what comes after them stays in the reader. */
static enum sl_err three_lines_parse(struct reader *reader, struct checkpoint *out)
{
    struct checkpoint checkpoint = {.origin = read_until(reader, '\n')};
    struct slice size = read_until(reader, '\n');
    struct slice root = read_until(reader, '\n');
    if (reader->bad || checkpoint.origin.n == 0 ||
        !slice_to_u64(size, UINT64_MAX, &checkpoint.size) ||
        !base64_decode(root, checkpoint.root, sizeof checkpoint.root))
        return SL_EMALFORMED;
    *out = checkpoint;
    return SL_OK;
}

enum sl_err checkpoint_parse(struct slice text, struct checkpoint *out)
{
    struct reader reader = reader_over(text);
    struct checkpoint checkpoint;
    SL_TRY(three_lines_parse(&reader, &checkpoint));
    if (reader_left(&reader) > 0)
        return SL_EMALFORMED;
    *out = checkpoint;
    return SL_OK;
}

enum sl_err checkpoint_parse_extended(struct slice text, struct checkpoint *out)
{
    struct reader reader = reader_over(text);
    struct checkpoint checkpoint;
    SL_TRY(three_lines_parse(&reader, &checkpoint));
    while (reader_left(&reader) > 0)
        if (read_until(&reader, '\n').n == 0)
            return SL_EMALFORMED;
    *out = checkpoint;
    return SL_OK;
}
