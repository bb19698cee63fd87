/*
 * judge.c - the checks of add-checkpoint, in the order in which the specification has them
 *
 * Spec    C2SP tlog-witness, "add-checkpoint"; where two texts of it differ (a root that differs
 *         at the same size was 409 in v1.0.0) it is the later one: 422, so that each 409 carries a
 *         size to go on from
 */
#include "witness/judge.h"

#include "ledger/proof.h"
#include "ledger/tlog_proof.h"

#include <string.h>

static const struct vkey *key_of_line(const struct known_log *log, const struct note_line *line)
{
    for (size_t i = 0; i < log->n_keys; i++)
        if (slice_equals(log->keys[i].name, line->name) &&
            memcmp(log->keys[i].id, line->key_id, NOTE_KEY_ID_BYTES) == 0)
            return &log->keys[i];
    return NULL;
}

bool judge_line_is_of(const struct known_log *log, const struct note_line *line)
{
    return key_of_line(log, line) != NULL;
}

static void say(struct judged *out, enum verdict verdict, const char *why)
{
    out->verdict = verdict;
    out->why = why;
}

/*
 * "The witness MUST verify the checkpoint signature against the public key(s) it trusts for the
 * checkpoint origin, and it MUST ignore signatures from unknown keys."
 */
static bool check_signatures(struct note_lines *lines, struct judged *out)
{
    struct note_line line;
    enum note_line_step step;
    bool is_signed = false;
    while ((step = note_lines_next(lines, &line)) == NOTE_LINE) {
        const struct vkey *key = key_of_line(out->log, &line);
        if (!key)
            continue;
        if (line.signature_n != NOTE_SIGNATURE_BYTES ||
            !vkey_verify(key, lines->text, line.signature)) {
            say(out, VERDICT_NOT_SIGNED, "a signature of the log's key does not hold");
            return false;
        }
        is_signed = true;
    }
    if (step == NOTE_LINE_MALFORMED)
        say(out, VERDICT_MALFORMED, "a signature line is not of the form");
    else if (!is_signed)
        say(out, VERDICT_NOT_SIGNED, "none of the keys known for this log signed the checkpoint");
    return step == NOTE_LINES_END && is_signed;
}

/* "The checkpoint of size zero" has one root, and any tree grows out of the empty one. */
static bool grew_out_of_nothing(const struct tlog_growth *growth, const struct checkpoint *new_one)
{
    uint8_t empty[SHA256_BYTES];
    sha256_of(slice_of(NULL, 0), empty);
    return growth->proof.n_hashes == 0 &&
           (new_one->size > 0 || memcmp(new_one->root, empty, sizeof empty) == 0);
}

static bool grew(const struct tlog_growth *growth, const struct record *record,
                 const struct checkpoint *new_one)
{
    if (growth->old_size == 0)
        return grew_out_of_nothing(growth, new_one);
    struct proof_head old_head = {record->size, record->root};
    struct proof_head new_head = {new_one->size, new_one->root};
    return proof_consistency_verify(&growth->proof, old_head, new_head) == PROOF_HOLDS;
}

static void check_growth(const struct tlog_growth *growth, struct judged *out)
{
    const struct record *record = &out->log->record;
    if (growth->old_size > out->checkpoint.size)
        say(out, VERDICT_MALFORMED, "the old size is more than the checkpoint's");
    else if (growth->old_size != record->size)
        say(out, VERDICT_OTHER_SIZE, "the old size is not that of the newest cosigned checkpoint");
    else if (!grew(growth, record, &out->checkpoint))
        say(out, VERDICT_INCONSISTENT,
            "the checkpoint is not proven to have grown out of the newest cosigned one");
    else
        say(out, VERDICT_COSIGN, "it grew");
}

void judge(struct known_logs *logs, struct slice body, struct judged *out)
{
    struct tlog_growth growth;
    struct note_lines lines;
    memset(out, 0, sizeof *out);
    say(out, VERDICT_MALFORMED,
        "expected: old SIZE, at most 63 hashes, an empty line, and a signed checkpoint");
    if (tlog_growth_parse(body, &growth) != SL_OK)
        return;
    out->note = growth.checkpoint;
    say(out, VERDICT_MALFORMED,
        "the checkpoint is not a signed note over an origin, a size and a "
        "root");
    if (!note_lines_open(out->note, &lines) ||
        checkpoint_parse_extended(lines.text, &out->checkpoint) != SL_OK)
        return;
    out->text = lines.text;
    out->log = known_logs_find(logs, out->checkpoint.origin);
    if (!out->log)
        say(out, VERDICT_UNKNOWN_LOG, "this witness does not watch a log of this origin");
    else if (check_signatures(&lines, out))
        check_growth(&growth, out);
}
