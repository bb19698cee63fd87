/*
 * fuzz_evidence.c - any bytes as an evidence file
 *
 * Properties: a line that reads is written, read and written again as the same bytes; and a file
 * that loads can be replayed over receipts that are made from it, whatever its policies are: each
 * receipt is accounted for, and nothing that the archive does not hold is found the same.
 */
#include "evidence/replay.h"

#include "base/reader.h"
#include "ledger/leaf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 8 * 1024 * 1024 };

static uint8_t first[BLOCK_BYTES], second[BLOCK_BYTES];

static struct slice write_line(const struct evidence_line *line, uint8_t *block)
{
    struct writer writer = writer_over(block, BLOCK_BYTES);
    evidence_line_write(line, &writer);
    SL_ASSERT(!writer.overflow && writer.n > 0);
    return writer_slice(&writer);
}

static void try_line(struct slice text)
{
    struct evidence_line line, again;
    struct evidence_problem problem;
    if (evidence_line_read(text, &line, &problem) != SL_OK)
        return;
    struct slice written = write_line(&line, first);
    evidence_line_free(&line);
    if (written.n > EVIDENCE_LINE_BYTES_MAX)
        return; /* it was shorter in other words */
    SL_ASSERT(evidence_line_read(slice_of(written.p, written.n - 1), &again, &problem) == SL_OK);
    SL_ASSERT(slice_equals(write_line(&again, second), written));
    evidence_line_free(&again);
}

static void record(struct replay *replay, const struct archive_subject *subject, uint64_t n,
                   struct leaf_draft *draft)
{
    static const uint8_t zeros[SHA256_BYTES];
    struct hmac_key key;
    hmac_key_init(&key, slice_of(subject->key, EVIDENCE_KEY_BYTES));
    leaf_complete(draft, &key, n, zeros, zeros);
    SL_ASSERT(replay_receipt(replay, n, slice_of(draft->bytes, draft->n)) == SL_OK);
}

/* Receipts that pin nothing of it: a flow, each version's change, and a flow again. */
static void try_replay(const struct archive *archive)
{
    static const struct leaf_class class = {SLICE_LITERAL("location"), {.kept = true, .coarseness = {{5000, 900}}}};
    const struct leaf_flow flow = {.kind = LEAF_PULL,
                                   .time_ms = 1795392000000,
                                   .partner = slice_of_str("spotify"),
                                   .app = slice_of_str("waze"),
                                   .route = slice_of_str("position"),
                                   .purpose = slice_of_str("recommendation"),
                                   .released = true,
                                   .reason = slice_of_str("consented"),
                                   .n_classes = 1,
                                   .classes = &class};
    const struct leaf_policy policy = {.time_ms = 1795392000000};
    struct leaf_draft draft;
    struct replay *replay;
    struct replay_counts counts;
    if (archive->n_subjects == 0)
        return;
    SL_ASSERT(replay_new(archive, NULL, NULL, &replay) == SL_OK);
    const struct archive_subject *subject = &archive->subjects[0];
    uint64_t n = 0;
    SL_ASSERT(leaf_draft_flow(&flow, &draft) == SL_OK);
    record(replay, subject, n++, &draft);
    for (size_t i = 0; i < subject->n_versions; i++) {
        SL_ASSERT(leaf_draft_policy(&policy, &draft) == SL_OK);
        record(replay, subject, n++, &draft);
    }
    SL_ASSERT(leaf_draft_flow(&flow, &draft) == SL_OK);
    record(replay, subject, n++, &draft);
    replay_end(replay, &counts);
    SL_ASSERT(counts.n_receipts == n && counts.n_policies == subject->n_versions);
    SL_ASSERT(counts.n_repeated + counts.n_bad_archive == 2);
    SL_ASSERT(counts.n_differences > subject->n_versions);
    replay_free(replay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader reader = reader_over(slice_of(data, size));
    while (reader_left(&reader) > 0 && !reader.bad) {
        struct slice line = read_until(&reader, '\n');
        if (!reader.bad)
            try_line(line);
    }
    struct archive *archive = NULL;
    struct archive_problem problem;
    if (archive_load(slice_of(data, size), &problem, &archive) == SL_OK)
        try_replay(archive);
    archive_free(archive);
    return 0;
}
