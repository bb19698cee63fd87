/*
 * ledger_listener.c - paths to bytes that were proven a moment ago
 *
 * A full tile never changes, and neither does a partial one of a given width, so both may be kept
 * for ever by whoever sits in between; a tile is made when it is asked for, at any width that the
 * ledger has reached. What is not there yet is 404 and not kept by anybody.
 *
 * The reader proves each answer against the newest checkpoint. What does not hold is never sent:
 * the asker gets a 500, the operator the reason.
 */
#include "edge/ledger_listener.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "edge/guard_problem.h"
#include "edge/server.h"
#include "edge/socket.h"
#include "ledger/ledger_reader.h"
#include "ledger/tile_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger_listener {
    struct node *node;
    struct ledger_reader *reader;
    struct server *server;
    uint16_t port;
    int64_t say_again_ms; /* when the next failure may be logged */
    union {
        uint8_t note[NOTE_BYTES_MAX];
        uint8_t tile[TILE_ENTRIES_BYTES_MAX];
        char problem[PROBLEM_BYTES_MAX];
    } body; /* of the answer, until it was copied */
};

static const struct problem not_there = {
    404, "not_there", "Not there",
    "The ledger has no such checkpoint, tile, bundle or list of heads: /checkpoint says how far it "
    "goes, and c2sp.org/tlog-tiles how paths are written."};
static const struct problem no_method = {405, "no_method", "Method not offered",
                                         "The ledger is read with GET or HEAD."};
static const struct problem unreadable = {
    500, "unreadable", "Ledger not readable",
    "This part of the ledger can't be read, or is not what was signed. The operator has been told "
    "in the log."};

/* --------------------------------------------------------------------------------- answers -- */

static void answer_problem(struct ledger_listener *listener, const struct problem *problem,
                           struct server_answer *answer)
{
    struct writer writer = writer_over(listener->body.problem, sizeof listener->body.problem);
    problem_write(problem, slice_of(NULL, 0), slice_of(NULL, 0), &writer);
    SL_ASSERT(!writer.overflow);
    answer->status = problem->status;
    answer->content_type = "application/problem+json";
    answer->allow = problem->status == 405 ? "GET, HEAD" : NULL;
    answer->body = writer_slice(&writer);
}

static void answer_checkpoint(struct ledger_listener *listener, struct server_answer *answer)
{
    size_t n = node_note(listener->node, listener->body.note);
    if (n == 0) {
        answer_problem(listener, &not_there, answer);
        return;
    }
    answer->status = 200;
    answer->content_type = "text/plain; charset=utf-8";
    answer->cache_control = "no-cache";
    answer->body = slice_of(listener->body.note, n);
}

/* Strangers can ask as often as they like; the log has one line in a while. */
static void log_failure(struct ledger_listener *listener, const char *why)
{
    enum { QUIET_MS = 10000 };
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms < listener->say_again_ms)
        return;
    listener->say_again_ms = now_ms + QUIET_MS;
    log_error("the ledger can't be served: %s", why);
}

static void answer_tile(struct ledger_listener *listener, const struct tile *tile,
                        struct server_answer *answer)
{
    struct ledger_head head;
    ledger_reader_head(listener->reader, &head);
    if (tile->width > tile_width(tile->level, tile->index, head.tree.size)) {
        answer_problem(listener, &not_there, answer);
        return;
    }
    struct writer writer = writer_over(listener->body.tile, sizeof listener->body.tile);
    if (ledger_reader_tile(listener->reader, &head, tile, &writer) != SL_OK) {
        log_failure(listener, ledger_reader_problem(listener->reader));
        answer_problem(listener, &unreadable, answer);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/octet-stream";
    answer->cache_control = "public, max-age=31536000, immutable";
    answer->body = writer_slice(&writer);
}

/* "/heads/3": decimal digits, in the one way. */
static bool list_path_parse(struct slice target, uint64_t *epoch)
{
    static const struct slice prefix = SLICE_LITERAL("/heads/");
    return target.n > prefix.n && slice_equals(slice_of(target.p, prefix.n), prefix) &&
           slice_to_u64(slice_of(target.p + prefix.n, target.n - prefix.n), UINT64_MAX, epoch);
}

/* As it is: whoever asks compares it with what the ledger commits to. */
static void answer_list(struct ledger_listener *listener, uint64_t epoch,
                        struct server_answer *answer)
{
    struct heads_file file;
    enum heads_check check = recorder_open_list(listener->node->recorder, epoch, &file);
    if (check == HEADS_SOUND) {
        answer->status = 200;
        answer->content_type = "application/octet-stream";
        answer->cache_control = "public, max-age=31536000, immutable";
        answer->is_file = true;
        answer->file_fd = file.fd; /* the server's now */
        answer->file_bytes = heads_file_bytes(file.head.n_entries);
        return;
    }
    bool is_committed = file.problem[0] != '\0'; /* then it should be there */
    if (is_committed)
        log_failure(listener, file.problem);
    answer_problem(listener, is_committed ? &unreadable : &not_there, answer);
    heads_file_close(&file);
}

static void answer(void *context, const struct server_request *request,
                   struct server_answer *answer)
{
    struct ledger_listener *listener = context;
    struct tile tile;
    uint64_t epoch;
    if (!slice_equals_str(request->method, "GET") && !slice_equals_str(request->method, "HEAD"))
        answer_problem(listener, &no_method, answer);
    else if (slice_equals_str(request->target, "/checkpoint"))
        answer_checkpoint(listener, answer);
    else if (tile_path_parse(slice_of(request->target.p + 1, request->target.n - 1), &tile) ==
             SL_OK)
        answer_tile(listener, &tile, answer);
    else if (list_path_parse(request->target, &epoch))
        answer_list(listener, epoch, answer);
    else
        answer_problem(listener, &not_there, answer);
}

/* ---------------------------------------------------------------------------- start and stop -- */

static enum sl_err start_server(struct ledger_listener *listener, const char *certificate,
                                const char *key, struct edge_problem *problem)
{
    const struct config *config = listener->node->config;
    const struct config_listener *at = &config->ledger_listener;
    int fd = socket_listen(&at->address, at->address_bytes, false, &listener->port);
    if (fd < 0) {
        snprintf(problem->text, sizeof problem->text,
                 "cannot listen on %.*s: %s; stop what listens there, or change listen.ledger",
                 SLICE_PRINTF(at->text), strerror(errno));
        return SL_ESTORE;
    }
    const struct server_config server = {
        .listen_fd = fd,
        .certificate = certificate,
        .key = key,
        .thread_name = "ledger",
        .limits = &config->limits,
        .n_connections = (unsigned)config->limits.ledger_connections,
        .n_address_connections = (unsigned)config->limits.ledger_connections_per_address,
        .answer = answer,
        .context = listener,
    };
    enum sl_err err = server_start(&server, &listener->server);
    if (err != SL_OK)
        snprintf(problem->text, sizeof problem->text,
                 "cannot start the ledger's listener: out of memory or descriptors");
    return err;
}

enum sl_err ledger_listener_start(struct node *node, const char *certificate, const char *key,
                                  struct edge_problem *problem, struct ledger_listener **out)
{
    snprintf(problem->text, sizeof problem->text, "out of memory");
    struct ledger_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return SL_EINTERNAL;
    listener->node = node;
    struct recorder_problem reader_problem;
    enum sl_err err = recorder_reader_new(node->recorder, &reader_problem, &listener->reader);
    if (err != SL_OK)
        snprintf(problem->text, sizeof problem->text, "%.500s", reader_problem.text);
    else
        err = start_server(listener, certificate, key, problem);
    if (err != SL_OK) {
        ledger_listener_stop(listener);
        return err;
    }
    *out = listener;
    return SL_OK;
}

void ledger_listener_stop(struct ledger_listener *listener)
{
    if (!listener)
        return;
    server_stop(listener->server);
    ledger_reader_free(listener->reader);
    free(listener);
}

uint16_t ledger_listener_port(const struct ledger_listener *listener)
{
    return listener->port;
}
