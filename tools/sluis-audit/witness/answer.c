/*
 * answer.c - from a verdict to a status, and from "may be cosigned" to a cosignature
 *
 *     judge ──▶ time ──▶ sign ──▶ write, fsync, rename, fsync the folder ──▶ 200
 *
 * The server's one thread makes this one step: no second request is judged before the record of
 * the first is on the disk. The time never goes back, whatever the clock does: a cosignature says
 * "as of this time, this was the newest", and a later one must not say an earlier time.
 */
#include "witness/answer.h"

#include "base/log.h"
#include "base/timestamp.h"
#include "witness/judge.h"

#include <stdlib.h>
#include <string.h>

static const char plain[] = "text/plain; charset=utf-8";

static void say(struct witness *witness, struct server_answer *answer, unsigned status,
                const char *content_type, const char *text)
{
    struct writer writer = writer_over(witness->text, sizeof witness->text);
    write_str(&writer, text);
    write_str(&writer, "\n");
    SL_ASSERT(!writer.overflow);
    answer->status = status;
    answer->content_type = content_type;
    answer->body = writer_slice(&writer);
}

/* -------------------------------------------------------------------------------- cosigning -- */

/* The text, the lines of the log's keys, and ours: what is kept, and served. */
static enum sl_err write_record(const struct judged *judged, struct slice our_line,
                                struct writer *out)
{
    struct note_lines lines;
    struct note_line line;
    if (!note_lines_open(judged->note, &lines))
        return SL_EMALFORMED;
    write_bytes(out, lines.text);
    write_str(out, "\n");
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE)
        if (judge_line_is_of(judged->log, &line))
            write_note_line(out, &line);
    write_bytes(out, our_line);
    return out->overflow || step != NOTE_LINES_END ? SL_ELIMIT : SL_OK;
}

static enum sl_err store(struct witness *witness, const struct judged *judged, uint64_t time_s,
                         struct slice our_line)
{
    size_t cap = judged->note.n + our_line.n + 1;
    struct record record = {.size = judged->checkpoint.size, .time_s = time_s, .note = malloc(cap)};
    if (!record.note)
        return SL_EINTERNAL;
    memcpy(record.root, judged->checkpoint.root, sizeof record.root);
    struct writer writer = writer_over(record.note, cap);
    enum sl_err err = write_record(judged, our_line, &writer);
    record.note_n = writer.n;
    const struct record *kept = &judged->log->record;
    bool is_kept = err == SL_OK && kept->note &&
                   slice_equals(writer_slice(&writer), slice_of(kept->note, kept->note_n));
    if (err == SL_OK && !is_kept)
        err = memory_store(witness->memory, judged->log, &record);
    if (err != SL_OK || is_kept)
        free(record.note);
    return err;
}

static void cosign(struct witness *witness, const struct judged *judged, uint64_t now_s,
                   struct server_answer *answer)
{
    uint64_t newest_s = memory_newest_time_s(witness->memory);
    uint64_t time_s = now_s > newest_s ? now_s : newest_s;
    struct writer writer = writer_over(witness->text, sizeof witness->text);
    enum sl_err err = cosigner_sign(witness->cosigner, judged->text, time_s, &writer);
    if (err == SL_OK)
        err = store(witness, judged, time_s, writer_slice(&writer));
    if (err == SL_ELIMIT) { /* more extension lines than anybody could check */
        say(witness, answer, 400, plain, "the checkpoint's text is too long");
        return;
    }
    if (err != SL_OK) {
        log_error("%.*s: nothing was cosigned: the state folder can't be written",
                  SLICE_PRINTF(judged->log->origin));
        say(witness, answer, 500, plain, "the witness can't store it now; try again later");
        return;
    }
    log_debug("%.*s: cosigned %llu", SLICE_PRINTF(judged->log->origin),
              (unsigned long long)judged->checkpoint.size);
    answer->status = 200;
    answer->content_type = plain;
    answer->body = writer_slice(&writer);
}

/* --------------------------------------------------------------------------------- refusing -- */

static void say_size(struct witness *witness, const struct judged *judged,
                     struct server_answer *answer)
{
    char size[24];
    struct writer writer = writer_over(size, sizeof size - 1);
    write_decimal(&writer, judged->log->record.size);
    size[writer.n] = 0;
    say(witness, answer, 409, "text/x.tlog.size", size);
}

/* Signed by the log's own key, and yet not the log that was cosigned: somebody should look. */
static void report(struct witness *witness, const struct judged *judged, struct slice body)
{
    const struct record *record = &judged->log->record;
    bool kept = memory_keep_refused(witness->memory, judged->log, body) == SL_OK;
    log_warn("%.*s: a signed checkpoint of size %llu does not fit what was cosigned at size %llu; "
             "%s %s.refused",
             SLICE_PRINTF(judged->log->origin), (unsigned long long)judged->checkpoint.size,
             (unsigned long long)record->size, kept ? "it is kept in" : "it could not be kept in",
             judged->log->hash);
}

void witness_add_checkpoint(struct witness *witness, struct slice body, uint64_t now_s,
                            struct server_answer *answer)
{
    struct judged judged;
    judge(witness->logs, body, &judged);
    switch (judged.verdict) {
    case VERDICT_COSIGN:
        cosign(witness, &judged, now_s, answer);
        return;
    case VERDICT_MALFORMED:
        say(witness, answer, 400, plain, judged.why);
        return;
    case VERDICT_UNKNOWN_LOG:
        say(witness, answer, 404, plain, judged.why);
        return;
    case VERDICT_NOT_SIGNED:
        say(witness, answer, 403, plain, judged.why);
        return;
    case VERDICT_OTHER_SIZE:
        say_size(witness, &judged, answer);
        return;
    case VERDICT_INCONSISTENT:
        report(witness, &judged, body);
        say(witness, answer, 422, plain, judged.why);
        return;
    }
}

/* ---------------------------------------------------------------------------------- requests -- */

static void say_checkpoint(struct witness *witness, struct slice hash, struct server_answer *answer)
{
    const struct known_log *log = known_logs_find_hash(witness->logs, hash);
    if (!log || !log->record.note) {
        say(witness, answer, 404, plain,
            log ? "nothing of this log was cosigned yet"
                : "this witness does not watch such a log");
        return;
    }
    answer->status = 200;
    answer->content_type = plain;
    answer->body = slice_of(log->record.note, log->record.note_n);
}

/* "/<hash>/checkpoint" */
static bool target_is_checkpoint(struct slice target, struct slice *hash)
{
    static const char end[] = "/checkpoint";
    size_t n_end = sizeof end - 1;
    if (target.n != 1 + KNOWN_LOG_HASH_CHARS + n_end ||
        !slice_equals_str(slice_of(target.p + 1 + KNOWN_LOG_HASH_CHARS, n_end), end))
        return false;
    *hash = slice_of(target.p + 1, KNOWN_LOG_HASH_CHARS);
    return true;
}

void witness_answer(void *context, const struct server_request *request,
                    struct server_answer *answer)
{
    struct witness *witness = context;
    struct slice hash;
    bool reads =
        slice_equals_str(request->method, "GET") || slice_equals_str(request->method, "HEAD");
    if (slice_equals_str(request->target, "/add-checkpoint")) {
        if (slice_equals_str(request->method, "POST")) {
            int64_t now_ms = clock_now_ms();
            witness_add_checkpoint(witness, request->body, now_ms > 0 ? (uint64_t)now_ms / 1000 : 0,
                                   answer);
            return;
        }
        answer->allow = "POST";
    } else if (target_is_checkpoint(request->target, &hash)) {
        if (reads) {
            say_checkpoint(witness, hash, answer);
            return;
        }
        answer->allow = "GET, HEAD";
    } else {
        say(witness, answer, 404, plain, "there is nothing here; see c2sp.org/tlog-witness");
        return;
    }
    say(witness, answer, 405, plain, "this is not asked with this method");
}
