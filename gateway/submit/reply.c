/*
 * reply.c - status by status
 */
#include "submit/reply.h"

#include "base/limits.h"
#include "base/plural.h"
#include "ledger/note_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static SL_PRINTF(3, 4) void say(struct reply *out, enum reply_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->why, sizeof out->why, format, args);
    va_end(args);
    out->kind = kind;
}

/* ------------------------------------------------------------------------------ cosignatures -- */

/* "Verifiers MAY reject cosignatures with timestamps in the future"; here also in the past. */
static bool time_is_near(uint64_t time_s, uint64_t now_s, struct reply *out)
{
    uint64_t off_s = time_s > now_s ? time_s - now_s : now_s - time_s;
    if (off_s <= LIMIT_MAX_witness_clock_s)
        return true;
    say(out, REPLY_FAILED,
        "its cosignature is of %llu s %s now: its clock or this machine's is wrong",
        (unsigned long long)off_s, time_s > now_s ? "after" : "before");
    return false;
}

static bool keep_line(const struct note_line *line, struct reply *out)
{
    struct writer writer = writer_over(out->line, sizeof out->line);
    write_note_line(&writer, line);
    out->line_n = writer.n;
    return !writer.overflow;
}

/* "The client MUST ignore any cosignatures from unknown keys." */
static void read_cosignatures(const struct reply_question *question, struct slice body,
                              struct reply *out)
{
    struct note_lines lines = {.text = question->text, .rest = reader_over(body)};
    struct note_line line;
    bool has_one = false;
    enum note_line_step step;
    while ((step = note_lines_next(&lines, &line)) == NOTE_LINE) {
        uint64_t time_s;
        if (!slice_equals(line.name, question->witness->name) ||
            memcmp(line.key_id, question->witness->id, NOTE_KEY_ID_BYTES) != 0)
            continue;
        if (!cosignature_verify(question->witness, question->text,
                                slice_of(line.signature, line.signature_n), &time_s) ||
            !keep_line(&line, out)) {
            say(out, REPLY_FAILED, "it cosigned something else than it was asked for");
            return;
        }
        if (!time_is_near(time_s, question->now_s, out))
            return;
        has_one = true;
    }
    if (step == NOTE_LINE_MALFORMED)
        say(out, REPLY_FAILED, "its answer is not made of signature lines");
    else if (!has_one)
        say(out, REPLY_FAILED, "its answer has no cosignature of the key in the trust file");
    else
        out->kind = REPLY_COSIGNED;
}

/* ---------------------------------------------------------------------------------- the rest -- */

/* "<size>\n" */
static bool size_parse(struct slice body, uint64_t *size)
{
    return body.n > 0 && body.p[body.n - 1] == '\n' &&
           slice_to_u64(slice_of(body.p, body.n - 1), UINT64_MAX, size);
}

static void read_conflict(const struct reply_question *question, const struct reply_http *http,
                          struct reply *out)
{
    uint64_t size;
    if (!slice_equals_str_nocase(http->content_type, "text/x.tlog.size")) {
        /* In v1.0.0 of the specification: the same size, and another root. */
        if (question->old_size == question->size)
            say(out, REPLY_DISAGREES, "it has cosigned another root at size %llu",
                (unsigned long long)question->size);
        else
            say(out, REPLY_FAILED, "it answered 409 without a size to go on from");
    } else if (!size_parse(http->body, &size)) {
        say(out, REPLY_FAILED, "it answered 409 with something else than a size");
    } else if (size == question->old_size && size == question->size) {
        /* v1.0.0 again: from the right size, to the same size, so it is the root. */
        say(out, REPLY_DISAGREES, "it has cosigned another root at size %llu",
            (unsigned long long)size);
    } else if (size == question->old_size) {
        say(out, REPLY_FAILED, "it answered 409 with the size that it was asked from, %llu",
            (unsigned long long)size);
    } else {
        out->kind = REPLY_SIZE;
        out->size = size;
    }
}

void reply_read(const struct reply_question *question, const struct reply_http *http,
                struct reply *out)
{
    memset(out, 0, sizeof *out);
    switch (http->status) {
    case 200:
        read_cosignatures(question, http->body, out);
        return;
    case 409:
        read_conflict(question, http, out);
        return;
    case 422:
        say(out, REPLY_DISAGREES,
            "it says that this ledger of %llu %s did not grow out of the %llu that it has "
            "cosigned",
            (unsigned long long)question->size, plural(question->size, "receipt", "receipts"),
            (unsigned long long)question->old_size);
        return;
    case 403:
        say(out, REPLY_FAILED,
            "it answered 403: it knows another key of this ledger; give its "
            "operator keys/ledger.vkey");
        return;
    case 404:
        say(out, REPLY_FAILED,
            "it answered 404: it does not watch this ledger, or the url is "
            "another one; give its operator keys/ledger.vkey");
        return;
    default:
        say(out, REPLY_FAILED, "it answered %u%s", http->status,
            http->status >= 300 && http->status < 400 ? ": redirects are not followed" : "");
    }
}
