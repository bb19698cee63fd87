/*
 * export_checkpoint.c - with the signatures of witnesses, if there are any
 *
 * A checkpoint that was given has to be over this ledger, and the export ends with it. One that is
 * found is used when it is over the whole ledger, because then nothing is lost by it; when it is
 * older that is said, since only the reader knows whether witnesses or the newest receipts matter.
 */
#include "export_checkpoint.h"

#include "commands.h"
#include "common/textfile.h"
#include "ledger/note_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse(struct slice note, struct checkpoint *out)
{
    struct note_lines lines;
    return note_lines_open(note, &lines) && checkpoint_parse(lines.text, out) == SL_OK;
}

static bool keep(struct export_checkpoint *out, const uint8_t *bytes, size_t n)
{
    struct checkpoint over;
    if (n > sizeof out->note.bytes || !parse(slice_of(bytes, n), &over))
        return false;
    kept_note_set(&out->note, over.size, slice_of(bytes, n));
    return parse(kept_note_slice(&out->note), &out->over);
}

int export_checkpoint_read(const struct cli *cli, struct export_checkpoint *out)
{
    const char *path = cli->values[KEY_CHECKPOINT];
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (!path)
        return EX_OK;
    if (textfile_read(cli, path, NOTE_BYTES_MAX, &bytes, &n) != EX_OK)
        return AUDIT_UNCHECKED;
    out->is_given = keep(out, bytes, n);
    free(bytes);
    return out->is_given ? EX_OK : cli_fail(cli, AUDIT_UNCHECKED, "%s is not a checkpoint", path);
}

static bool is_over(const struct checkpoint *a, const struct checkpoint *b)
{
    return a->size == b->size && slice_equals(a->origin, b->origin) &&
           memcmp(a->root, b->root, sizeof a->root) == 0;
}

bool export_checkpoint_pass(struct export_checkpoint *checkpoint, uint64_t size, struct slice note)
{
    struct checkpoint passing;
    if (!checkpoint->is_given)
        return true;
    if (size == checkpoint->over.size && parse(note, &passing))
        checkpoint->is_met = is_over(&passing, &checkpoint->over);
    return size < checkpoint->over.size;
}

static int choose_given(const struct export_checkpoint *checkpoint,
                        const struct ledger_source *source, struct kept_note *newest)
{
    if (checkpoint->is_met) {
        *newest = checkpoint->note;
        return EX_OK;
    }
    return output_problem(source->cli, SLUIS_VERIFY_INVALID,
                          newest->size < checkpoint->over.size
                              ? "the ledger ends before the checkpoint that was given: receipts "
                                "are missing"
                              : "the checkpoint that was given is not over this ledger: it has "
                                "another root, or another origin, or a size that no checkpoint of "
                                "the ledger has");
}

/* In the state folder, of which the ledger is a part; or in the copy itself. */
static bool find(struct export_checkpoint *checkpoint, const struct ledger_source *source)
{
    static const char *const places[] = {"/cosigned.checkpoint", "/../cosigned.checkpoint"};
    static uint8_t bytes[NOTE_BYTES_MAX];
    bool is_found = false;
    for (size_t i = 0; i < SL_LENGTH(places) && !is_found && !source->is_remote; i++) {
        char path[LEDGER_PATH_BYTES + 32];
        snprintf(path, sizeof path, "%s%s", source->folder, places[i]);
        FILE *file = fopen(path, "rbe");
        if (!file)
            continue;
        is_found = keep(checkpoint, bytes, fread(bytes, 1, sizeof bytes, file));
        fclose(file);
    }
    return is_found;
}

int export_checkpoint_choose(struct export_checkpoint *checkpoint,
                             const struct ledger_source *source, struct kept_note *newest)
{
    struct checkpoint last;
    if (checkpoint->is_given)
        return choose_given(checkpoint, source, newest);
    if (!find(checkpoint, source) || !parse(kept_note_slice(newest), &last))
        return EX_OK;
    if (is_over(&checkpoint->over, &last))
        *newest = checkpoint->note;
    else if (checkpoint->over.size < last.size)
        fprintf(stderr,
                "sluis-audit: witnesses have cosigned the first %" PRIu64 " of %" PRIu64
                " receipts; the proofs are under the newest checkpoint, without their signatures. "
                "With --checkpoint cosigned.checkpoint the export ends there, and has them\n",
                checkpoint->over.size, last.size);
    return EX_OK;
}
