/*
 * remote.c - tiles over HTTP, for ledger_reader.c to prove
 *
 *     /checkpoint          signed; gives size and root
 *     the right edge       the subtrees that a tree of that size consists of, from the last tile
 *                          of each level; folded together they must give the root
 *     everything else      leads up to one of those
 *
 * The last tile of each level that was fetched is kept: who reads receipts in order fetches each
 * tile once. A partial tile that is not there any more is taken from the full one (C2SP
 * tlog-tiles: a log may remove it then).
 */
#include "remote.h"

#include "base/reader.h"
#include "commands.h"
#include "http.h"
#include "ledger/note_lines.h"
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = TREE_LEVELS / TREE_TILE_LEVEL, URL_BYTES = LEDGER_PATH_BYTES + 128 };

struct hash_tile {
    uint64_t index;
    uint16_t width; /* 0: none was fetched */
    uint8_t hashes[TILE_BYTES_MAX];
};

struct remote {
    struct http *http;
    struct ledger_reader *reader;
    char prefix[LEDGER_PATH_BYTES]; /* the URL without a slash at its end */
    char origin[256];
    struct kept_note note;
    struct ledger_head head;
    size_t key;    /* that signed it: its place among those given */
    bool is_wrong; /* what was served is not what was signed */
    struct hash_tile tiles[LEVELS];
};

bool remote_is_url(const char *text)
{
    struct slice url = slice_of_str(text);
    return slice_starts_with_str(url, "http://") || slice_starts_with_str(url, "https://");
}

struct ledger_reader *remote_reader(struct remote *remote)
{
    return remote->reader;
}

const struct ledger_head *remote_head(const struct remote *remote)
{
    return &remote->head;
}

struct slice remote_note(const struct remote *remote)
{
    return kept_note_slice(&remote->note);
}

size_t remote_key(const struct remote *remote)
{
    return remote->key;
}

const char *remote_origin(const struct remote *remote)
{
    return remote->origin;
}

/* By name: others than the ledger have signed it. Whether these are the right ones, is not asked.
 */
static bool is_cosigned(const struct remote *remote)
{
    struct note_lines lines;
    struct note_line line;
    bool found = false;
    if (!note_lines_open(remote_note(remote), &lines))
        return false;
    while (!found && note_lines_next(&lines, &line) == NOTE_LINE)
        found = !slice_equals_str(line.name, remote->origin);
    return found;
}

void remote_describe(const struct remote *remote, struct ledger_source *source)
{
    snprintf(source->origin, sizeof source->origin, "%s", remote->origin);
    source->n_receipts = remote->head.tree.size;
    source->is_cosigned = is_cosigned(remote);
}

enum sluis_verify_result remote_result(const struct remote *remote)
{
    return remote->is_wrong ? SLUIS_VERIFY_INVALID : SLUIS_VERIFY_UNCHECKED;
}

static SL_PRINTF(3, 4) enum sl_err
    wrong(struct remote *remote, struct ledger_problem *problem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    remote->is_wrong = true;
    return SL_ESTORE;
}

/* --------------------------------------------------------------------------------- fetching -- */

/* "<prefix>/tile/..." */
static void tile_url(const struct remote *remote, const struct tile *tile, char url[URL_BYTES])
{
    struct writer writer = writer_over(url, URL_BYTES - 1);
    write_str(&writer, remote->prefix);
    write_str(&writer, "/");
    write_tile_path(&writer, tile);
    SL_ASSERT(!writer.overflow);
    url[writer.n] = 0;
}

/* *whole tells that more came than was asked for: the full tile in place of a partial one. */
static enum sl_err fetch_tile(struct remote *remote, const struct tile *tile, struct slice *body,
                              bool *whole, struct ledger_problem *problem)
{
    char url[URL_BYTES];
    struct tile wanted = *tile;
    size_t bytes_max = tile->is_entries ? TILE_ENTRIES_BYTES_MAX : TILE_BYTES_MAX;
    tile_url(remote, &wanted, url);
    enum http_end end = http_get(remote->http, url, bytes_max, body);
    *whole = end == HTTP_NOT_THERE && tile->width < TILE_WIDTH;
    if (*whole) {
        wanted.width = TILE_WIDTH;
        tile_url(remote, &wanted, url);
        end = http_get(remote->http, url, bytes_max, body);
    }
    if (end == HTTP_GOT)
        return SL_OK;
    snprintf(problem->text, sizeof problem->text, "%.500s", http_problem(remote->http));
    return SL_ESTORE;
}

static enum sl_err load_hashes(struct remote *remote, struct tile tile,
                               struct ledger_problem *problem)
{
    struct hash_tile *kept = &remote->tiles[tile.level];
    if (kept->index == tile.index && kept->width >= tile.width)
        return SL_OK;
    struct slice body;
    bool whole;
    kept->width = 0;
    SL_TRY(fetch_tile(remote, &tile, &body, &whole, problem));
    size_t n_wanted = (whole ? TILE_WIDTH : tile.width) * (size_t)SHA256_BYTES;
    if (body.n != n_wanted)
        return wrong(remote, problem,
                     "hash tile %u/%llu has %zu bytes, not %zu: this is no tlog-tiles log",
                     tile.level, (unsigned long long)tile.index, body.n, n_wanted);
    memcpy(kept->hashes, body.p, tile.width * (size_t)SHA256_BYTES);
    kept->index = tile.index;
    kept->width = tile.width;
    return SL_OK;
}

/* Of any complete subtree of the head's tree; a tile has the hashes of each eighth level. */
static enum sl_err subtree_hash(struct remote *remote, unsigned level, uint64_t index,
                                uint8_t hash[SHA256_BYTES], struct ledger_problem *problem)
{
    unsigned within = level % TREE_TILE_LEVEL;
    uint64_t first = index << within;
    struct tile tile = {.level = (uint8_t)(level / TREE_TILE_LEVEL), .index = first / TILE_WIDTH};
    tile.width = tile_width(tile.level, tile.index, remote->head.tree.size);
    SL_TRY(load_hashes(remote, tile, problem));
    size_t at = (size_t)(first % TILE_WIDTH) * SHA256_BYTES;
    tile_fold(remote->tiles[tile.level].hashes + at, 1u << within, hash);
    return SL_OK;
}

/* -------------------------------------------------------------------- what a reader asks for -- */

static void give_head(void *context, struct ledger_head *out)
{
    const struct remote *remote = context;
    *out = remote->head;
}

static enum sl_err give_hash(void *context, unsigned level, uint64_t index,
                             uint8_t hash[SHA256_BYTES], struct ledger_problem *problem)
{
    return subtree_hash(context, level, index, hash, problem);
}

static enum sl_err give_receipts(void *context, uint16_t width, struct receipt_tile *tile,
                                 struct ledger_problem *problem)
{
    struct remote *remote = context;
    const struct tile bundle = {.is_entries = true, .index = tile->index, .width = width};
    struct slice body;
    bool whole;
    SL_TRY(fetch_tile(remote, &bundle, &body, &whole, problem));
    struct reader reader = reader_over(body);
    while (tile->width < width) {
        struct slice leaf = read_bytes(&reader, read_u16be(&reader));
        if (reader.bad || leaf.n == 0 || leaf.n > LEAF_BYTES_MAX)
            return wrong(remote, problem, "entry bundle %llu is malformed at receipt %llu",
                         (unsigned long long)tile->index,
                         (unsigned long long)tile->index * TILE_WIDTH + tile->width);
        receipt_tile_add(tile, leaf);
    }
    if (reader_left(&reader) > 0 && !whole)
        return wrong(remote, problem, "entry bundle %llu goes on after its last receipt",
                     (unsigned long long)tile->index);
    return SL_OK;
}

static void give_blame(void *context, enum ledger_fault fault, uint64_t first, uint64_t last,
                       struct ledger_problem *problem)
{
    struct remote *remote = context;
    if (fault == LEDGER_WRONG_RECEIPTS)
        (void)wrong(remote, problem,
                    "receipts %llu to %llu, as they are served, are not those that the checkpoint "
                    "was signed over",
                    (unsigned long long)first, (unsigned long long)last);
    else
        (void)wrong(remote, problem,
                    "the tiles that are served do not lead to the checkpoint that was signed");
}

static void leave(void *context)
{
    (void)context; /* the remote frees its reader, and not the other way round */
}

/* ---------------------------------------------------------------------------- lists of heads -- */

enum sluis_verify_result remote_fetch_heads(struct remote *remote, uint64_t epoch, uint64_t n_bytes,
                                            struct slice *body, bool *is_there,
                                            struct ledger_problem *problem)
{
    char url[URL_BYTES];
    snprintf(url, sizeof url, "%s/heads/%llu", remote->prefix, (unsigned long long)epoch);
    enum http_end end = http_get(remote->http, url, (size_t)n_bytes, body);
    *is_there = end != HTTP_NOT_THERE;
    if (end == HTTP_GOT)
        return SLUIS_VERIFY_VALID;
    snprintf(problem->text, sizeof problem->text, "%.400s%s", http_problem(remote->http),
             end == HTTP_NOT_THERE ? ": the lists of heads are not served here; use a copy of the "
                                     "folder"
                                   : "");
    return SLUIS_VERIFY_UNCHECKED;
}

/* ---------------------------------------------------------------------------------- opening -- */

int remote_check_url(const struct cli *cli, const char *url)
{
    struct slice text = slice_of_str(url);
    if (text.n >= LEDGER_PATH_BYTES)
        return cli_misused(cli, "a ledger's address of %zu bytes is too long", text.n);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f || memchr("?#@", text.p[i], 3))
            return cli_misused(cli,
                               "a ledger's address looks like https://ledger.example or "
                               "http://127.0.0.1:8462, with a path at most; found \"%s\"",
                               url);
    return EX_OK;
}

/* The URL, without slashes at its end. */
static void take_prefix(struct remote *remote, const char *url)
{
    struct slice text = slice_of_str(url);
    while (text.n > 0 && text.p[text.n - 1] == '/')
        text.n--;
    memcpy(remote->prefix, text.p, text.n);
}

static enum sluis_verify_result fetch_checkpoint(struct remote *remote,
                                                 const struct ledger_source *source,
                                                 struct ledger_problem *problem)
{
    char url[URL_BYTES];
    struct slice note;
    snprintf(url, sizeof url, "%s/checkpoint", remote->prefix);
    enum http_end end = http_get(remote->http, url, NOTE_BYTES_MAX, &note);
    if (end != HTTP_GOT) {
        snprintf(problem->text, sizeof problem->text, "%.480s%s", http_problem(remote->http),
                 end == HTTP_NOT_THERE ? " (perhaps the ledger is empty)" : "");
        return SLUIS_VERIFY_UNCHECKED;
    }
    const struct sluis_trust trust = {.vkey = source->vkey};
    struct sluis_proof_report report;
    enum sluis_verify_result result = sluis_verify_checkpoint(note.p, note.n, &trust, &report);
    if (result != SLUIS_VERIFY_VALID) {
        snprintf(problem->text, sizeof problem->text, "%.180s: %.255s%s", url, report.problem,
                 report.is_other_key ? ". Give a key file with all of them" : "");
        return report.is_other_key ? SLUIS_VERIFY_UNCHECKED : result;
    }
    remote->key = report.key;
    kept_note_set(&remote->note, report.size, note);
    remote->head.tree.size = report.size;
    memcpy(remote->head.root, report.root, sizeof report.root);
    snprintf(remote->origin, sizeof remote->origin, "%s", report.origin);
    return SLUIS_VERIFY_VALID;
}

/* The subtrees of the head's tree, which must give its root. */
static enum sluis_verify_result fetch_edge(struct remote *remote, struct ledger_problem *problem)
{
    struct tree *tree = &remote->head.tree;
    uint8_t root[SHA256_BYTES];
    for (unsigned level = 0; level < TREE_LEVELS; level++)
        if ((tree->size >> level & 1) && subtree_hash(remote, level, (tree->size >> level) - 1,
                                                      tree->subtree[level], problem) != SL_OK)
            return remote_result(remote);
    tree_root(tree, root);
    if (memcmp(root, remote->head.root, sizeof root) == 0)
        return SLUIS_VERIFY_VALID;
    give_blame(remote, LEDGER_WRONG_HASHES, 0, 0, problem);
    return SLUIS_VERIFY_INVALID;
}

enum sluis_verify_result remote_open(const struct ledger_source *source,
                                     struct ledger_problem *problem, struct remote **out)
{
    snprintf(problem->text, sizeof problem->text, "out of memory");
    SL_AUTO(remote) remote = calloc(1, sizeof *remote);
    const struct ledger_reader_source functions = {give_head,  give_hash, give_receipts,
                                                   give_blame, leave,     remote};
    if (!remote || http_open(source->cli, &remote->http) != SL_OK ||
        ledger_reader_new(&functions, &remote->reader) != SL_OK)
        return SLUIS_VERIFY_UNCHECKED;
    take_prefix(remote, source->folder);
    enum sluis_verify_result result = fetch_checkpoint(remote, source, problem);
    if (result == SLUIS_VERIFY_VALID)
        result = fetch_edge(remote, problem);
    if (result == SLUIS_VERIFY_VALID) {
        *out = remote;
        remote = NULL;
    }
    return result;
}

void remote_free(struct remote *remote)
{
    if (!remote)
        return;
    ledger_reader_free(remote->reader);
    http_free(remote->http);
    free(remote);
}
