/*
 * folder_reader.c - segments and an index, for ledger_reader.c to prove
 *
 * In the recorder's process the index tells of everything up to the newest batch (index_reader.h).
 * Elsewhere it may be behind: what it has not seen is proven from there to the end of the ledger,
 * once, and what an index would keep of that is kept in memory.
 */
#include "ledger/folder_reader.h"

#include "ledger/first_key.h"
#include "ledger/tile_reader.h"
#include "ledger/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct folder_source {
    char *folder;
    uint8_t origin[NOTE_NAME_BYTES_MAX];
    struct index_reader *index;
    void (*head)(void *context, struct ledger_head *out); /* NULL: `fixed_head` */
    void *context;
    struct ledger_head fixed_head;
    struct index_pending beyond; /* of what the index has not seen; then */
    struct tile_reader segments;
};

static SL_PRINTF(2, 3) enum sl_err fail(struct ledger_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return SL_ESTORE;
}

static enum sl_err fail_index(struct ledger_problem *problem, const char *what)
{
    return fail(problem,
                "the index is not this ledger's: %s; make it anew with `sluis ledger index` while "
                "the gateway is stopped",
                what);
}

static enum sl_err fail_segment(struct ledger_problem *problem, const struct folder_source *source,
                                const char *what)
{
    return fail(problem, "the ledger in %.200s is damaged: %.200s; `sluis-audit verify` says more",
                source->folder, what);
}

/* -------------------------------------------------------------------- what a reader asks for -- */

static void give_head(void *context, struct ledger_head *out)
{
    struct folder_source *source = context;
    if (source->head)
        source->head(source->context, out);
    else
        *out = source->fixed_head;
}

static enum sl_err give_hash(void *context, unsigned level, uint64_t index,
                             uint8_t hash[SHA256_BYTES], struct ledger_problem *problem)
{
    struct folder_source *source = context;
    if (index_pending_hash(&source->beyond, index_hash_position(level, index), hash))
        return SL_OK;
    bool found = false;
    if (index_reader_hash(source->index, level, index, hash, &found) != SL_OK)
        return fail_index(problem, index_reader_problem(source->index));
    return found ? SL_OK : fail_index(problem, "it has no hash where there should be one");
}

static enum sl_err give_receipts(void *context, uint16_t width, struct receipt_tile *tile,
                                 struct ledger_problem *problem)
{
    struct folder_source *source = context;
    struct index_batch place;
    uint64_t first = tile->index * TILE_WIDTH;
    bool found = index_pending_place(&source->beyond, first, &place);
    if (!found && index_reader_place(source->index, first, &place, &found) != SL_OK)
        return fail_index(problem, index_reader_problem(source->index));
    if (!found)
        return fail_index(problem, "it knows no place where there should be one");
    if (tile_reader_read(&source->segments, tile->index, width, &place, tile) != SL_OK)
        return fail_segment(problem, source, source->segments.problem);
    return SL_OK;
}

static void give_blame(void *context, enum ledger_fault fault, uint64_t first, uint64_t last,
                       struct ledger_problem *problem)
{
    char what[120];
    snprintf(what, sizeof what, "receipts %llu to %llu are not those that were signed",
             (unsigned long long)first, (unsigned long long)last);
    if (fault == LEDGER_WRONG_RECEIPTS)
        (void)fail_segment(problem, context, what);
    else
        (void)fail_index(problem, "its hashes do not lead to the checkpoint");
}

static void source_free(void *context)
{
    struct folder_source *source = context;
    if (!source)
        return;
    index_reader_free(source->index);
    index_pending_deinit(&source->beyond);
    tile_reader_deinit(&source->segments);
    free(source->folder);
    free(source);
}

static enum sl_err source_new(const char *folder, struct slice origin,
                              struct ledger_problem *problem, struct folder_source **out)
{
    SL_ASSERT(origin.n <= NOTE_NAME_BYTES_MAX);
    snprintf(problem->text, sizeof problem->text, "out of memory");
    struct folder_source *source = calloc(1, sizeof *source);
    if (!source)
        return SL_EINTERNAL;
    memcpy(source->origin, origin.p, origin.n);
    source->folder = strdup(folder);
    enum sl_err err =
        tile_reader_init(&source->segments, folder, slice_of(source->origin, origin.n));
    if (err != SL_OK)
        (void)fail(problem, "%s", source->segments.problem);
    if (err == SL_OK && !source->folder)
        err = SL_EINTERNAL;
    if (err != SL_OK) {
        source_free(source);
        return err;
    }
    *out = source;
    return SL_OK;
}

/* The source goes into the reader, or away. */
static enum sl_err wrap(struct folder_source *source, struct ledger_problem *problem,
                        struct ledger_reader **out)
{
    const struct ledger_reader_source functions = {give_head,  give_hash,   give_receipts,
                                                   give_blame, source_free, source};
    enum sl_err err = ledger_reader_new(&functions, out);
    if (err != SL_OK) {
        (void)fail(problem, "out of memory");
        source_free(source);
    }
    return err;
}

enum sl_err folder_reader_new(const struct folder_reader_live *live, struct ledger_problem *problem,
                              struct ledger_reader **out)
{
    struct folder_source *source = NULL;
    SL_TRY(source_new(live->folder, live->origin, problem, &source));
    source->head = live->head;
    source->context = live->context;
    enum sl_err err = index_reader_new(live->index, &source->index);
    if (err != SL_OK) {
        (void)fail(problem, "the index has no place for a reader");
        source_free(source);
        return err;
    }
    return wrap(source, problem, out);
}

/* ---------------------------------------------------------------------------- another process --
 */

static void keep_note(struct folder_source *source, const struct batch *batch)
{
    source->fixed_head.note_n = batch->checkpoint.n;
    memcpy(source->fixed_head.note, batch->checkpoint.p, batch->checkpoint.n);
}

/* The last batch that the index has seen must be where it says, and be the same. */
static enum sl_err check_seen(struct folder_source *source, struct walk *walk,
                              const struct index_state *seen, struct ledger_problem *problem)
{
    struct batch batch;
    uint8_t root[SHA256_BYTES];
    if (walk_next(walk, &batch) != WALK_BATCH)
        return fail_index(problem, walk->problem.text[0] ? walk->problem.text
                                                         : "the ledger ends before its last batch");
    tree_root(&walk->tree, root);
    if (walk->tree.size != seen->size || memcmp(root, seen->root, sizeof root) != 0)
        return fail_index(problem, "its last batch is another one in the ledger");
    keep_note(source, &batch);
    return SL_OK;
}

/* Proves what the index has not seen, and keeps of it what an index would. */
static enum sl_err walk_beyond(struct folder_source *source, struct walk *walk,
                               const struct index_state *seen, struct ledger_problem *problem)
{
    if (seen)
        SL_TRY(check_seen(source, walk, seen, problem));
    SL_TRY(index_pending_init(&source->beyond));
    index_pending_start(&source->beyond, &walk->tree);
    struct batch batch;
    enum walk_step step;
    while ((step = walk_next(walk, &batch)) == WALK_BATCH) {
        const struct index_batch place = {batch.first_index, walk->segment_first,
                                          walk->batch_offset};
        index_pending_note(&source->beyond, &place, batch.n_receipts, &walk->tiles);
        keep_note(source, &batch);
    }
    /* A torn end may be a batch that is being written. */
    if (step != WALK_END && step != WALK_TORN)
        return fail(problem, "segment %s, byte %llu: %s", walk->problem.segment,
                    (unsigned long long)walk->problem.offset, walk->problem.text);
    source->fixed_head.tree = walk->tree;
    tree_root(&walk->tree, source->fixed_head.root);
    return source->beyond.is_full ? fail(problem, "out of memory") : SL_OK;
}

/* The first key, or where the index has gone on: the one that it names, if the caller knows it. */
static enum sl_err open_verifier(const struct folder_source *source, const struct vkey_list *keys,
                                 const struct index_state *seen, struct ledger_problem *problem,
                                 struct note_verifier **out)
{
    size_t place = 0;
    uint8_t untold[NOTE_KEY_ID_BYTES];
    if (!seen && keys->n > 1)
        (void)first_key_find(source->folder, keys, &place, untold);
    struct vkey key = keys->keys[place];
    if (seen)
        memcpy(key.key, seen->key, sizeof key.key);
    char text[NOTE_VKEY_BYTES_MAX];
    struct writer writer = writer_over(text, sizeof text);
    write_vkey(&writer, key.name, key.key);
    if (!vkey_list_find(keys, &key, &place))
        return fail(problem,
                    "it says that the ledger goes on under the key %.*s, which is not among those "
                    "given (%zu); if the ledger went over to that key, give its ledger.vkey of "
                    "today, which lists all of them; else it is another ledger's",
                    SLICE_PRINTF(writer_slice(&writer)), keys->n);
    return note_verifier_new(writer_slice(&writer), out) == SL_OK ? SL_OK
                                                                  : fail(problem, "out of memory");
}

static enum sl_err find_head(struct folder_source *source, const struct vkey_list *keys,
                             struct ledger_problem *problem)
{
    struct index_state seen;
    bool has_seen = false;
    struct walk walk;
    if (index_reader_state(source->index, &seen, &has_seen) != SL_OK)
        return fail_index(problem, index_reader_problem(source->index));
    struct walk_start start = {0};
    if (has_seen)
        start = (struct walk_start){.tree = seen.before,
                                    .newest_time_ms = seen.newest_time_before_ms,
                                    .segment_first = seen.segment_first,
                                    .offset = seen.batch_offset};
    SL_AUTO(note_verifier) verifier = NULL;
    SL_TRY(open_verifier(source, keys, has_seen ? &seen : NULL, problem, &verifier));
    enum sl_err err = walk_open(&walk, source->folder, verifier, has_seen ? &start : NULL);
    if (err != SL_OK)
        (void)fail(problem, "%s", walk.problem.text);
    else
        err = walk_beyond(source, &walk, has_seen ? &seen : NULL, problem);
    walk_close(&walk);
    return err;
}

enum sl_err folder_reader_open(const char *folder, const char *index_folder,
                               const struct vkey_list *keys, struct ledger_problem *problem,
                               struct ledger_reader **out)
{
    struct folder_source *source = NULL;
    struct index_problem index_problem;
    SL_TRY(source_new(folder, vkey_list_name(keys), problem, &source));
    enum sl_err err = index_reader_open(index_folder, &index_problem, &source->index);
    if (err != SL_OK)
        (void)fail(problem, "%s", index_problem.text);
    else
        err = find_head(source, keys, problem);
    if (err == SL_OK)
        return wrap(source, problem, out);
    source_free(source);
    return err;
}
